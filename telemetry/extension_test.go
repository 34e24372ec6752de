package telemetry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry"
)

// extensions is an Extensions API that registers everybody; next answers the
// requests for events.
func extensions(t *testing.T, next http.HandlerFunc) telemetry.Option {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lambda-Extension-Identifier", "e-1")
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", next)
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.CloseClientConnections() // who waits for an event would be waited for
		s.Close()
	})
	return telemetry.WithEnvironment(environment("AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(s.URL, "http://")))
}

// An extension that hears of no more invocations sends nothing after them: spans
// must go out before the answer again.
func TestAnExtensionThatEnds(t *testing.T) {
	asked := make(chan struct{}, 1)
	r := newRig(extensions(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		asked <- struct{}{}
	}), telemetry.WithTraceInterval(0))
	h := lambda.NewHandler(r.Wrap(func() error { return nil }))
	<-asked
	for limit := time.Now().Add(30 * time.Second); len(r.spans.all()) == 0; { // until the answer has been read
		if _, err := h.Invoke(invocation(t.Context(), "r"), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(limit) {
			t.Fatal("no span was sent")
		}
	}
}

// Two wrappers around each other are one too many, and no reason to fail.
func TestWrappedTwice(t *testing.T) {
	r := newRig(extensions(t, func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }))
	h := lambda.NewHandler(r.Wrap(r.Wrap(func(context.Context) (string, error) { return "done", nil })))
	got, err := h.Invoke(invocation(t.Context(), "r"), []byte(`{}`))
	if err != nil || string(got) != `"done"` {
		t.Errorf("%s, %v", got, err)
	}
}
