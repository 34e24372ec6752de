package telemetry_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

func server(t *testing.T, r *rig) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{id}", func(w http.ResponseWriter, req *http.Request) {
		telemetry.Add(req.Context(), slog.String("order", req.PathValue("id")))
		r.Log.InfoContext(req.Context(), "taken")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "done")
	})
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("no") })
	mux.HandleFunc("GET /abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, _ *http.Request) {
		f, ok := w.(http.Flusher)
		if !ok {
			t.Error("no Flusher")
			return
		}
		_, _ = io.Copy(w, strings.NewReader("part "))
		f.Flush()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
		_, _ = io.WriteString(w, "whole")
	})
	mux.HandleFunc("GET /hijack", func(w http.ResponseWriter, _ *http.Request) {
		h, ok := w.(http.Hijacker)
		if !ok {
			t.Error("no Hijacker")
			return
		}
		c, _, err := h.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 299 Own\r\nContent-Length: 3\r\n\r\nown")
		_ = c.Close()
	})
	s := httptest.NewUnstartedServer(r.Middleware(mux))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, method, url string, header ...string) (status int, answered http.Header, body string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b), err
}

func TestARequestEndsWithAWideRecord(t *testing.T) {
	r := newRig()
	s := server(t, r)
	status, answered, body, err := get(t, "POST", s.URL+"/orders/o-1?token=secret", "X-Amzn-Trace-Id", "Root="+root, "X-Request-Id", "q-1", "X-Correlation-Id", "c-77")
	if err != nil || body != "done" || status != http.StatusCreated || answered.Get("X-Amzn-Trace-Id") != "Root="+root {
		t.Fatalf("%d %q %v", status, body, err)
	}
	r.settled(t, "request")
	got := r.wide(t, "request")
	for k, v := range map[string]any{
		"level": "INFO", "outcome": "ok", "route": "POST /orders/{id}", "method": "POST", "status": 201., "response_bytes": 4.,
		"order": "o-1", "request_id": "q-1", "xray_trace_id": root, "correlation_id": "c-77",
	} {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if _, said := got["cold_start"]; said {
		t.Error("a server has no cold start")
	}
	for _, rec := range r.records(t) {
		if strings.Contains(fmt.Sprint(rec), "secret") {
			t.Errorf("the query is in a record: %v", rec)
		}
	}
	if err := r.Trace.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sp := r.spans.all(); len(sp) != 1 || sp[0].name != "POST /orders/{id}" || sp[0].trace != root {
		t.Errorf("%+v", sp)
	}
}

// settled waits until a record is there: the answer may be read before it is
// written.
func (r *rig) settled(t *testing.T, message string) {
	t.Helper()
	for {
		for _, rec := range r.records(t) {
			if rec["message"] == message {
				return
			}
		}
		select {
		case <-t.Context().Done():
			t.Fatal("no record")
		default:
		}
	}
}

func TestAPanickingRequest(t *testing.T) {
	r := newRig()
	s := server(t, r)
	if _, _, _, err := get(t, "GET", s.URL+"/panic"); err == nil {
		t.Error("the panic did not cut the connection")
	}
	r.settled(t, "request")
	got := r.wide(t, "request")
	if got["outcome"] != "panic" || got["status"] != 500. || got["level"] != "ERROR" {
		t.Errorf("%v", got)
	}
	quiet := newRig()
	if _, _, _, err := get(t, "GET", server(t, quiet).URL+"/abort"); err == nil {
		t.Error("the connection was not cut")
	}
	quiet.settled(t, "request")
	if got := quiet.wide(t, "request"); got["outcome"] == "panic" {
		t.Errorf("giving up a request is no panic: %v", got)
	}
}

func TestWhatAResponseWriterCanDoIsKept(t *testing.T) {
	r := newRig()
	s := server(t, r)
	if _, _, body, err := get(t, "GET", s.URL+"/stream"); err != nil || body != "part whole" {
		t.Errorf("%q %v", body, err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 299 {
		t.Errorf("status %d", res.StatusCode)
	}
}

// A daemon's metrics go out by themselves, in one document for all, and what is
// left goes out at the end.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := slog.Default()
		defer slog.SetDefault(before)
		out, sent := &safe{}, &spans{}
		tel, stop := telemetry.Start(t.Context(), telemetry.WithEnvironment(environment("AWS_LAMBDA_FUNCTION_NAME=")), telemetry.WithWriter(out), telemetry.WithTrace(trace.ToExporter(sent), trace.WithRate(1)))
		m := tel.Metrics.MustMetric("Jobs", metrics.Count)
		slog.Info("by the default logger")
		for range 10 {
			ctx, s := tel.Trace.Start(context.Background(), "job")
			m.Add(ctx, 1)
			s.End()
		}
		time.Sleep(11 * time.Second)
		r := &rig{out: out}
		recs := r.records(t)
		if len(recs) != 2 || recs[0]["message"] != "by the default logger" {
			t.Fatalf("%v", recs)
		}
		if jobs, _ := recs[1]["Jobs"].([]any); len(jobs) != 10 {
			t.Errorf("%v", recs)
		}
		if got := len(sent.all()); got != 10 {
			t.Errorf("%d spans sent by themselves", got)
		}
		m.Add(t.Context(), 5)
		if err := stop(t.Context()); err != nil {
			t.Error(err)
		}
		if recs := r.records(t); len(recs) != 3 || recs[2]["Jobs"] != 5. {
			t.Errorf("%v", recs)
		}
	})
}
