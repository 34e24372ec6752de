package trace

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxURL is how much of a URL X-Ray takes.
const maxURL = 250

// Transport makes a span of each request that rt makes (nil:
// http.DefaultTransport), a child of its context's, and sends the trace's header
// along. The span is named by the host, has the URL without its query, and ends
// when the answer's body is closed or read to its end. Use one client for all requests:
//
//	client := &http.Client{Transport: tracer.Transport(nil)}
func (t *Tracer) Transport(rt http.RoundTripper) http.RoundTripper {
	if rt == nil {
		rt = http.DefaultTransport
	}
	if t == nil {
		return rt
	}
	return &transport{t, rt}
}

type transport struct {
	tracer *Tracer
	next   http.RoundTripper
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := tr.tracer.Start(r.Context(), r.URL.Host, WithKind(Client))
	if span == nil {
		return tr.next.RoundTrip(r) //nolint:wrapcheck // a transport passes on what it gets
	}
	own := span != SpanFrom(r.Context())
	r = r.Clone(ctx) // a transport must not change a request
	span.Header().Inject(r.Header)
	if own {
		span.SetRequest(r)
	}
	resp, err := tr.next.RoundTrip(r)
	if !own {
		return resp, err //nolint:wrapcheck // a transport passes on what it gets
	}
	if err != nil {
		span.RecordRemote(err)
		span.End()
		return resp, err //nolint:wrapcheck // a transport passes on what it gets
	}
	span.SetResponse(resp.StatusCode, resp.ContentLength)
	if resp.Body == nil || resp.Body == http.NoBody {
		span.End()
		return resp, nil
	}
	b := &body{ReadCloser: resp.Body, span: span}
	if w, ok := resp.Body.(io.Writer); ok {
		resp.Body = &duplex{b, w} // a connection that was upgraded
	} else {
		resp.Body = b
	}
	return resp, nil
}

// body ends the span with the answer.
type body struct {
	io.ReadCloser
	span *Span
	done atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if err != io.EOF {
			b.span.RecordRemote(err)
		}
		b.end()
	}
	return n, err //nolint:wrapcheck // a body passes on what it gets
}

func (b *body) Close() error {
	defer b.end()
	return b.ReadCloser.Close() //nolint:wrapcheck // a body passes on what it gets
}

func (b *body) end() {
	if !b.done.Swap(true) {
		b.span.End()
	}
}

type duplex struct {
	*body
	io.Writer
}

// SetRequest says which request the span is: method, URL without user and query,
// host; of a request that was received also who sent it.
func (s *Span) SetRequest(r *http.Request) {
	if !s.Recording() {
		return
	}
	u := url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path, RawPath: r.URL.RawPath}
	received := r.RequestURI != "" || u.Host == ""
	if u.Host == "" {
		u.Host = r.Host
	}
	if u.Scheme == "" {
		if u.Scheme = "http"; r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
			u.Scheme = "https"
		}
	}
	full, _ := shorten(u.String(), maxURL)
	attrs := []slog.Attr{
		slog.String("http.request.method", method(r.Method)), slog.String("url.full", full), slog.String("server.address", u.Hostname()),
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		attrs = append(attrs, slog.Int("server.port", port))
	}
	if received {
		attrs = append(attrs, slog.String("url.path", r.URL.Path), slog.String("url.scheme", u.Scheme))
		if agent := r.UserAgent(); agent != "" {
			attrs = append(attrs, slog.String("user_agent.original", agent))
		}
		if ip := clientIP(r); ip != "" {
			attrs = append(attrs, slog.String("client.address", ip))
		}
	}
	s.SetAttributes(attrs...)
}

func method(m string) string {
	if m == "" {
		return http.MethodGet
	}
	return m
}

// clientIP is the first that a proxy names, or the other end of the connection.
func clientIP(r *http.Request) string {
	if f, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ","); f != "" {
		return strings.TrimSpace(f)
	}
	host, _, ok := cutLast(r.RemoteAddr)
	if !ok {
		return ""
	}
	return strings.Trim(host, "[]")
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// SetResponse says how it was answered, with a status of HTTP and the length of the
// answer (below 0: not known): 429 is a throttle, another 4xx an error, 5xx a fault.
func (s *Span) SetResponse(status int, length int64) {
	if !s.Recording() {
		return
	}
	attrs := []slog.Attr{slog.Int("http.response.status_code", status)}
	if length >= 0 {
		attrs = append(attrs, slog.Int64("http.response.body.size", length))
	}
	s.SetAttributes(attrs...)
	switch {
	case status == http.StatusTooManyRequests:
		s.SetStatus(Throttle, "")
	case status >= 500:
		s.SetStatus(Fault, "")
	case status >= 400:
		s.SetStatus(Error, "")
	}
}
