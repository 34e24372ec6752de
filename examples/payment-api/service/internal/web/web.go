// Package web is the payment API over HTTP: POST /process and GET /health, and
// apart from them the admin endpoint that switches faults. The Lambda function
// goes through the same handler.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

// The routes, as metrics and records name them.
const (
	RouteProcess = "POST /process"
	RouteHealth  = "GET /health"
)

// Done is a request that was answered.
type Done struct {
	Route  string
	Status int
	Took   time.Duration
	Answer payment.Answer
}

// Recorder is told of each payment that was asked for.
type Recorder interface {
	Done(ctx context.Context, d Done)
}

// Handler answers clients.
func Handler(s *payment.Service, to Recorder) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(RouteProcess, func(w http.ResponseWriter, r *http.Request) {
		began := s.Clock.Now()
		a := process(s, w, r)
		write(w, a.Status, a.Body)
		to.Done(r.Context(), Done{RouteProcess, a.Status, s.Clock.Now().Sub(began), a})
	})
	mux.HandleFunc(RouteHealth, func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]string{"status": "ok", "version": s.Version})
	})
	return mux
}

func process(s *payment.Service, w http.ResponseWriter, r *http.Request) payment.Answer {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, payment.MaxBody))
	if err != nil {
		status, text := http.StatusBadRequest, "the body could not be read"
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status, text = http.StatusRequestEntityTooLarge, "the body is too long"
		}
		return payment.Answer{Status: status, Body: payment.Result{Status: "invalid", Problems: []string{text}, Version: s.Version}}
	}
	return s.Process(r.Context(), body, r.Header.Get("Idempotency-Key"))
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
