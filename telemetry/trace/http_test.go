package trace_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// answers is a transport that answers from a list, the last one again and again.
type answers struct {
	list     []any // a status, an error, or a *http.Response
	requests []*http.Request
	bodies   [][]byte
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a.requests, a.bodies = append(a.requests, r), append(a.bodies, body)
	next := a.list[min(len(a.requests), len(a.list))-1]
	switch next := next.(type) {
	case error:
		return nil, next
	case *http.Response:
		return next, nil
	case int:
		w := httptest.NewRecorder()
		w.WriteHeader(next)
		return w.Result(), nil
	default:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
}

func (a *answers) client() trace.SendOption { return trace.WithHTTPClient(&http.Client{Transport: a}) }

func response(status int, body []byte, header ...string) any {
	w := httptest.NewRecorder()
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return w.Result()
}

func otlpTracer(t testing.TB, a *answers, opts ...trace.SendOption) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(trace.OTLP("http://127.0.0.1:4318/v1/traces", append([]trace.SendOption{a.client()}, opts...)...),
		trace.WithRate(1), trace.WithInterval(0), trace.WithEnvironment(noEnv), trace.WithQueue(20000))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func spans(t testing.TB, tr *trace.Tracer, n int) {
	t.Helper()
	for range n {
		_, s := tr.Start(t.Context(), "x")
		s.End()
	}
}

// fields walks a protobuf message.
func fields(t testing.TB, m []byte, each func(field uint64, data []byte)) {
	t.Helper()
	for len(m) > 0 {
		tag, n := binary.Uvarint(m)
		m = m[n:]
		switch tag & 7 {
		case 0:
			_, n = binary.Uvarint(m)
			m = m[n:]
		case 1:
			m = m[8:]
		case 5:
			m = m[4:]
		case 2:
			size, n := binary.Uvarint(m)
			each(tag>>3, m[n:n+int(size)])
			m = m[n+int(size):]
		default:
			t.Fatalf("wire type %d", tag&7)
		}
	}
}

// unpack returns the resource and the spans of a request.
func unpack(t testing.TB, r *http.Request, body []byte) (resource []byte, list [][]byte) {
	t.Helper()
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	if len(body) > 5_000_000 {
		t.Errorf("a request of %d bytes", len(body))
	}
	fields(t, body, func(_ uint64, resourceSpans []byte) {
		fields(t, resourceSpans, func(f uint64, m []byte) {
			if f == 1 {
				resource = m
				return
			}
			fields(t, m, func(f uint64, m []byte) {
				if f == 2 {
					list = append(list, m)
				}
			})
		})
	})
	return resource, list
}

func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		list []any
		// what is asked, what is lost, and how long it may take
		requests int
		lost     string
		within   time.Duration
	}{
		"taken":                        {[]any{200}, 1, "", 0},
		"down, then up":                {[]any{errors.New("refused"), 503, 502, 504, 429, 200}, 6, "", 5 * time.Second},
		"says when":                    {[]any{response(503, nil, "Retry-After", "3"), 200}, 2, "", 3 * time.Second},
		"says a time that is too late": {[]any{response(503, nil, "Retry-After", "3600")}, 1, "export_failed", 0},
		"4xx is not retried":           {[]any{400}, 1, "refused", 0},
		"403 is not retried":           {[]any{403}, 1, "refused", 0},
		"413 is not retried":           {[]any{413}, 1, "refused", 0},
		"a redirect is not followed":   {[]any{response(307, nil, "Location", "http://example.com/")}, 1, "refused", 0},
		"never answers":                {[]any{nil}, 1, "export_failed", 10 * time.Second},
		"always down":                  {[]any{errors.New("refused")}, 0, "export_failed", 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: c.list}
				tr := otlpTracer(t, a, trace.WithHTTPClient(&http.Client{Transport: a, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}))
				spans(t, tr, 3)
				began := time.Now()
				err := tr.Flush(t.Context())
				if took := time.Since(began); took > c.within {
					t.Errorf("took %v, want at most %v", took, c.within)
				}
				if c.requests > 0 && len(a.requests) != c.requests {
					t.Errorf("%d requests, want %d", len(a.requests), c.requests)
				}
				if l := lost(tr); (err == nil) != (c.lost == "") || c.lost != "" && (l[c.lost] != 3 || len(l) != 1) {
					t.Errorf("%v, lost %v; want %q", err, l, c.lost)
				}
			})
		})
	}
}

// An export that its caller has no more time for is tried once more.
func TestFlushCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{list: []any{nil, 200}}
		tr := otlpTracer(t, a)
		spans(t, tr, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tr.Flush(ctx); err == nil || tr.Waiting() != 3 || len(lost(tr)) != 0 {
			t.Fatalf("%v, %d wait, lost %v", err, tr.Waiting(), lost(tr))
		}
		flush(t, tr)
		if tr.Waiting() != 0 || len(lost(tr)) != 0 {
			t.Errorf("%d wait, lost %v", tr.Waiting(), lost(tr))
		}
		a.list = []any{nil}
		spans(t, tr, 2)
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if tr.Flush(ctx) == nil {
				t.Error("no error")
			}
			cancel()
		}
		if l := lost(tr); l["export_failed"] != 2 || tr.Waiting() != 0 {
			t.Errorf("lost %v, %d wait", l, tr.Waiting())
		}
	})
}

func TestPartialSuccess(t *testing.T) {
	partial := []byte{0x0a, 12, 0x08, 2, 0x12, 8, 't', 'o', 'o', ' ', 'o', 'l', 'd', 0xff}
	tr := otlpTracer(t, &answers{list: []any{response(200, partial)}})
	spans(t, tr, 3)
	err := tr.Flush(t.Context())
	if err == nil || !strings.Contains(err.Error(), "too old") || lost(tr)["refused"] != 2 {
		t.Errorf("%v, lost %v", err, lost(tr))
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{0x0a, 3, 0x08, 2, 0x12})
	f.Add([]byte(`{"partialSuccess":{}}`))
	f.Fuzz(func(t *testing.T, reply []byte) {
		tr := otlpTracer(t, &answers{list: []any{response(200, reply)}})
		spans(t, tr, 3)
		err := tr.Flush(t.Context())
		if n := lost(tr)["refused"]; n > 3 || (n > 0) != (err != nil) {
			t.Errorf("%v, lost %v", err, lost(tr))
		}
	})
}

func TestLimitsOfARequest(t *testing.T) {
	a := &answers{list: []any{200}}
	e, err := trace.NewOTLP("http://127.0.0.1/v1/traces", a.client())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var list []*trace.Record
	add := func(n int, r trace.Record) {
		for range n {
			r.Trace, r.ID, r.Kind = trace.NewTraceID(now), trace.NewSpanID(), trace.Internal
			if r.Start.IsZero() {
				r.Start, r.End = now, now
			}
			list = append(list, &r)
		}
	}
	add(10001, trace.Record{})
	add(60, trace.Record{Attributes: []slog.Attr{slog.String("a", strings.Repeat("x", 100<<10))}})
	add(1, trace.Record{Metadata: []slog.Attr{slog.String("a", `"`+strings.Repeat("x", 201<<10)+`"`)}})
	add(1, trace.Record{Attributes: []slog.Attr{slog.String("a", strings.Repeat("x", 201<<10))}})
	add(1, trace.Record{Start: now.Add(-15 * 24 * time.Hour), End: now.Add(-14*24*time.Hour - time.Minute)})
	add(1, trace.Record{Start: now.Add(121 * time.Minute), End: now.Add(3 * time.Hour)})
	resource := []slog.Attr{slog.String("service.name", "x"), slog.String("a", strings.Repeat("x", 10<<10)), slog.String("b", strings.Repeat("x", 10<<10))}
	err = e.Export(t.Context(), &trace.Batch{Resource: resource, Records: list})
	var loss *trace.LossError
	if !errors.As(err, &loss) {
		t.Fatal(err)
	}
	want := map[trace.Reason]uint64{trace.TooLarge: 1, trace.TooOld: 1, trace.InFuture: 1, trace.Shortened: 2, trace.ResourceCut: 1}
	for _, l := range loss.Lost {
		if want[l.Reason] != l.Count {
			t.Errorf("%s: %d, want %d", l.Reason, l.Count, want[l.Reason])
		}
		delete(want, l.Reason)
	}
	if len(want) != 0 {
		t.Errorf("not lost: %v", want)
	}
	total := 0
	for i, r := range a.requests {
		res, got := unpack(t, r, a.bodies[i])
		if len(got) > 10000 || len(res) > 16<<10 || len(got) == 0 {
			t.Errorf("%d spans with %d bytes of resource", len(got), len(res))
		}
		total += len(got)
		for _, s := range got {
			if len(s) > 200<<10 {
				t.Errorf("a span of %d bytes", len(s))
			}
		}
	}
	if total != 10062 || len(a.requests) < 3 {
		t.Errorf("%d spans in %d requests, want 10062 in 3 or more", total, len(a.requests))
	}
}

func TestHeadersAndCompression(t *testing.T) {
	env := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, x-team=pay", "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
	}
	a := &answers{list: []any{200}}
	tr, err := trace.New(trace.OTLP("http://collector:4318/v1/traces", a.client(), trace.WithHeaders(map[string]string{"x-team": "other"})),
		trace.WithEnvironment(func(n string) string { return env[n] }), trace.WithRate(1), trace.WithInterval(0))
	if err != nil {
		t.Fatal(err)
	}
	spans(t, tr, 100)
	flush(t, tr)
	r := a.requests[0]
	if r.Header.Get("Api-Key") != "a b" || r.Header.Get("X-Team") != "other" || r.Header.Get("Content-Encoding") != "" ||
		r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("Authorization") != "" {
		t.Errorf("%v", r.Header)
	}
	for _, bad := range []string{"novalue", "=x", "a=%zz", "a=b%0d%0ac"} {
		env["OTEL_EXPORTER_OTLP_HEADERS"] = bad
		tr, err := trace.New(trace.WithEnvironment(func(n string) string { return env[n] }))
		if err == nil || tr == nil || tr.Enabled() || strings.Contains(err.Error(), "%") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestConfigurationThatIsWrong(t *testing.T) {
	for name, opts := range map[string][]trace.Option{
		"endpoint without scheme": {trace.OTLP("localhost:4318")},
		"endpoint that is empty":  {trace.OTLP("")},
		"endpoint of a file":      {trace.OTLP("file:///tmp/x")},
		"region":                  {trace.XRay("eu west")},
		"region with a host":      {trace.XRay("eu.example.com/")},
		"daemon":                  {trace.Daemon("nowhere")},
		"rate":                    {trace.ToExporter(&kept{}), trace.WithRate(1.5)},
		"rate that is none":       {trace.ToExporter(&kept{}), trace.WithRate(nan())},
		"two exporters":           {trace.ToExporter(&kept{}), trace.Daemon("")},
	} {
		tr, err := trace.New(append(opts, trace.WithEnvironment(noEnv))...)
		if err == nil || tr == nil || tr.Enabled() {
			t.Errorf("%s: %v", name, err)
		}
		_, s := tr.Start(t.Context(), "x")
		s.End()
	}
}

func TestFromTheEnvironment(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"nothing":     {},
		"daemon":      {"AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000"},
		"otlp":        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318", "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000"},
		"xray":        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.eu-west-1.amazonaws.com/v1/traces"},
		"xray, China": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.cn-north-1.amazonaws.com.cn/v1/traces"},
	} {
		tr, err := trace.New(trace.WithEnvironment(func(n string) string { return env[n] }))
		if err != nil || tr.Enabled() != (want != "nothing") {
			t.Errorf("%s: enabled %t, %v", want, tr.Enabled(), err)
		}
	}
}

// The whole way: signed, compressed, checked by another's eyes, decoded by a program
// that is not ours.
// Without a region the instance is asked, when the first spans are sent.
