package xrayd

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Options say what the endpoint expects, and where it hands on.
type Options struct {
	Credentials
	Region string
	// Next is where accepted requests go, a Collector's traces; empty: nowhere.
	Next string
	// Now is the service's clock; nil is the machine's.
	Now func() time.Time
	// Refuse, when set, is asked for each request that would be accepted, from 0:
	// a status other than 0 is answered instead. That is how throttling is played.
	Refuse func(n int) (status int, retryAfter time.Duration)
}

// Request is what came, and what was made of it.
type Request struct {
	Header http.Header
	Body   []byte // as it was sent, perhaps compressed
	Spans  int
	Status int    // that was answered
	Reason string // why not 200
}

// Server is the endpoint.
type Server struct {
	// URL is that of the service: what stands for https://xray.REGION.amazonaws.com.
	URL string

	o        Options
	mu       sync.Mutex
	requests []Request
	accepted int
}

// Start starts an endpoint on a loopback address, which ends with the test.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o}
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Endpoint is where traces are posted.
func (s *Server) Endpoint() string { return s.URL + "/v1/traces" }

// Requests are all requests so far, in the order of their answers.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// refusal is why a request is not accepted, with the status that says so.
type refusal struct {
	status     int
	reason     error
	retryAfter time.Duration
}

// ServeHTTP takes one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// One byte more than may come, so that too much is seen.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	done := Request{Header: r.Header.Clone(), Body: body, Status: http.StatusOK}
	answer := []byte("{}")
	refused := s.take(r, body, &done)
	if err != nil {
		refused = &refusal{status: http.StatusBadRequest, reason: fmt.Errorf("the body ends early: %w", err)}
	}
	if refused != nil {
		done.Status, done.Reason = refused.status, refused.reason.Error()
		answer = fmt.Appendf(nil, `{"message":%q}`, done.Reason)
		if refused.retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(refused.retryAfter.Seconds())))
		}
	}
	s.mu.Lock()
	s.requests = append(s.requests, done)
	s.mu.Unlock()
	// The answer has the form of the request; an empty message is an empty body in
	// protobuf, and so is a refusal's.
	if r.Header.Get("Content-Type") == binaryType {
		w.Header().Set("Content-Type", binaryType)
		answer = nil
	} else {
		w.Header().Set("Content-Type", jsonType)
	}
	w.WriteHeader(done.Status)
	_, _ = w.Write(answer) //nolint:gosec // JSON for a program, not a page
}

const (
	jsonType   = "application/json"
	binaryType = "application/x-protobuf"
)

// take judges a request and hands it on. A nil refusal is an acceptance.
func (s *Server) take(r *http.Request, body []byte, done *Request) *refusal {
	now := s.o.Now()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.URL.Path != "/v1/traces":
		return &refusal{status: http.StatusNotFound, reason: fmt.Errorf("no such path %s", r.URL.Path)}
	case r.Method != http.MethodPost:
		return &refusal{status: http.StatusMethodNotAllowed, reason: fmt.Errorf("method %s", r.Method)}
	case len(body) > maxRequest:
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: fmt.Errorf("more than %d bytes", maxRequest)}
	case err != nil || kind != jsonType && kind != binaryType:
		return &refusal{status: http.StatusUnsupportedMediaType, reason: fmt.Errorf("content type %q", r.Header.Get("Content-Type"))}
	}
	if err := Verify(r, body, Signing{Credentials: s.o.Credentials, Region: s.o.Region, Service: "xray", Now: now}); err != nil {
		return &refusal{status: http.StatusForbidden, reason: err}
	}
	plain, refused := decompress(r.Header.Get("Content-Encoding"), body)
	if refused != nil {
		return refused
	}
	read := readJSON
	if kind == binaryType {
		read = readBinary
	}
	b, err := read(plain)
	if err == nil {
		done.Spans = len(b.spans)
		err = b.check(now)
	}
	if err != nil {
		return &refusal{status: http.StatusBadRequest, reason: err}
	}
	if refused := s.overloaded(); refused != nil {
		return refused
	}
	return s.handOn(r, body)
}

// decompress undoes the one encoding that the endpoint takes.
func decompress(encoding string, body []byte) ([]byte, *refusal) {
	switch encoding {
	case "":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, &refusal{status: http.StatusBadRequest, reason: fmt.Errorf("no gzip: %w", err)}
		}
		plain, err := io.ReadAll(io.LimitReader(z, maxRequest+1))
		switch {
		case err != nil:
			return nil, &refusal{status: http.StatusBadRequest, reason: fmt.Errorf("no gzip: %w", err)}
		case len(plain) > maxRequest:
			return nil, &refusal{status: http.StatusRequestEntityTooLarge, reason: fmt.Errorf("more than %d bytes", maxRequest)}
		}
		return plain, nil
	}
	return nil, &refusal{status: http.StatusUnsupportedMediaType, reason: fmt.Errorf("content encoding %q", encoding)}
}

// overloaded asks the test whether to refuse what would be accepted.
func (s *Server) overloaded() *refusal {
	s.mu.Lock()
	n := s.accepted
	s.accepted++
	s.mu.Unlock()
	if s.o.Refuse == nil {
		return nil
	}
	if status, after := s.o.Refuse(n); status != 0 {
		return &refusal{status: status, retryAfter: after, reason: errors.New(http.StatusText(status))}
	}
	return nil
}

// handOn sends the body as it came to the next, whose word on it counts.
func (s *Server) handOn(r *http.Request, body []byte) *refusal {
	if s.o.Next == "" {
		return nil
	}
	next, err := http.NewRequestWithContext(r.Context(), http.MethodPost, s.o.Next, bytes.NewReader(body))
	if err != nil {
		return &refusal{status: http.StatusBadGateway, reason: err}
	}
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		if v := r.Header.Get(name); v != "" {
			next.Header.Set(name, v)
		}
	}
	resp, err := http.DefaultClient.Do(next)
	if err != nil {
		return &refusal{status: http.StatusBadGateway, reason: err}
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		return &refusal{status: resp.StatusCode, reason: fmt.Errorf("the next says %s: %s", resp.Status, said)}
	}
	return nil
}
