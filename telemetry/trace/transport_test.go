package trace_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

func attrs(r trace.Record) map[string]any {
	m := map[string]any{}
	for _, a := range r.Attributes {
		m[a.Key] = a.Value.Any()
	}
	return m
}

func TestTransport(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	var seen http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		switch r.URL.Path {
		case "/throttled":
			w.WriteHeader(http.StatusTooManyRequests)
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		default:
			_, _ = io.WriteString(w, "hello")
		}
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	client := &http.Client{Transport: tr.Transport(nil)}
	ctx, parent := tr.Start(t.Context(), "## handler")
	for path, want := range map[string]trace.Status{"/ok?card=4111": trace.Unset, "/throttled": trace.Throttle, "/missing": trace.Error, "/broken": trace.Fault} {
		k.records = nil
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://user:secret@"+host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if path == "/ok?card=4111" && tr.Waiting() != 0 {
			t.Error("the span has ended before the body was read")
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		flush(t, tr)
		r := k.named(t, host)
		a := attrs(r)
		clean, _, _ := strings.Cut(path, "?")
		if r.Status != want || r.Kind != trace.Client || r.Parent != parent.ID() || a["url.full"] != server.URL+clean || a["http.request.method"] != "GET" {
			t.Errorf("%s: %+v", path, r)
		}
		if len(k.records) != 1 || len(req.Header) != 0 {
			t.Errorf("%d spans; the caller's request has %v", len(k.records), req.Header)
		}
		got, ok := trace.Extract(seen)
		if !ok || got.Trace != r.Trace || got.Parent != r.ID || got.Sampled != trace.Kept || seen.Get("Traceparent") == "" {
			t.Errorf("sent %v", seen)
		}
	}
	parent.End()
}

func TestTransportThatFails(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	client := &http.Client{Transport: tr.Transport(&answers{list: []any{errors.New("connection refused")}})}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/x", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(req); err == nil { //nolint:bodyclose // there is none
		t.Fatal("no error")
	}
	flush(t, tr)
	r := k.named(t, "api.example.com")
	if r.Status != trace.Fault || len(r.Failures) != 1 || !r.Failures[0].Remote {
		t.Errorf("%+v", r)
	}
}

func TestTransportOfATraceThatIsNotRecorded(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	a := &answers{list: []any{200}}
	client := &http.Client{Transport: tr.Transport(a)}
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", "Root="+root+";Parent="+parent+";Sampled=0;Lineage=a:1") //nolint:staticcheck // aws-lambda-go's key is a string
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.example.com/x", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := a.requests[0].Header.Get("X-Amzn-Trace-Id"); got != "Root="+root+";Parent="+parent+";Sampled=0;Lineage=a:1" {
		t.Errorf("sent %s", got)
	}
	if tr.Waiting() != 0 {
		t.Error("a span of a trace that is not recorded")
	}
	var none *trace.Tracer
	if none.Transport(a) != http.RoundTripper(a) {
		t.Error("no tracer, no transport")
	}
}
