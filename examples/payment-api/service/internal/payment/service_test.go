package payment_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

// network answers by the card's token, and counts what it is asked.
type network struct {
	mu    sync.Mutex
	asked int
	held  chan struct{} // authorizations wait for it; nil: they do not
}

func (n *network) Authorize(ctx context.Context, r payment.Request) (payment.Approval, error) {
	n.mu.Lock()
	n.asked++
	n.mu.Unlock()
	if n.held != nil {
		<-n.held
	}
	switch r.Card {
	case "tok_declined":
		return payment.Approval{Code: "insufficient_funds"}, nil
	case "tok_out":
		return payment.Approval{}, errors.New("no route")
	case "tok_late":
		return payment.Approval{}, fmt.Errorf("waiting: %w", context.DeadlineExceeded)
	}
	return payment.Approval{Approved: true, Code: "00"}, ctx.Err()
}

// stopwatch is a clock that is moved by whoever sleeps.
type stopwatch struct{ now time.Time }

func (c *stopwatch) Now() time.Time { return c.now }
func (c *stopwatch) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func service(n payment.Network, faults string) (*payment.Service, *stopwatch) {
	plan, err := fault.Parse(faults)
	if err != nil {
		panic(err)
	}
	s, clock := &fault.Switch{}, &stopwatch{noon}
	s.Set(plan)
	return &payment.Service{Network: n, Faults: s, Clock: clock, Draw: func() float64 { return 0.5 }, Version: "1.2.3", Memory: payment.NewMemory(3, time.Hour)}, clock
}

func body(card, key string) []byte {
	return fmt.Appendf(nil, `{"amount":1999,"currency":"EUR","card":%q,"idempotency_key":%q}`, card, key)
}

func TestProcess(t *testing.T) {
	for _, tc := range []struct {
		name, faults, card string
		status             int
		said               string
		failed             bool
		took               time.Duration
	}{
		{name: "approved", card: "tok_1", status: http.StatusCreated, said: "approved"},
		{name: "declined", card: "tok_declined", status: http.StatusPaymentRequired, said: "declined"},
		{name: "no token", card: "4111", status: http.StatusBadRequest, said: "invalid"},
		{name: "the network is away", card: "tok_out", status: http.StatusServiceUnavailable, said: "failed", failed: true},
		{name: "the network is late", card: "tok_late", status: http.StatusGatewayTimeout, said: "failed", failed: true},
		{name: "errors", faults: "errors:0.6", card: "tok_1", status: http.StatusInternalServerError, said: "failed", failed: true},
		{name: "errors of others", faults: "errors:0.5", card: "tok_1", status: http.StatusCreated, said: "approved"},
		{name: "a slow body", faults: "latency-body:1:2s", card: "tok_1", status: http.StatusCreated, said: "approved", took: 2 * time.Second},
		{name: "a slow tail", faults: "latency-tail:0.6:3s", card: "tok_1", status: http.StatusCreated, said: "approved", took: 3 * time.Second},
		{name: "a slow tail of others", faults: "latency-tail:0.4:3s", card: "tok_1", status: http.StatusCreated, said: "approved"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, clock := service(&network{}, tc.faults)
			a := s.Process(t.Context(), body(tc.card, "k"), "")
			if a.Status != tc.status || a.Body.Status != tc.said || (a.Cause != nil) != tc.failed || a.Body.Version != "1.2.3" {
				t.Errorf("%+v", a)
			}
			if took := clock.now.Sub(noon); took != tc.took {
				t.Errorf("took %v, want %v", took, tc.took)
			}
		})
	}
}

// A repeated question gets the first answer and costs the card nothing; a failed
// one may be tried again; a key is good for one payment.
func TestProcessAgain(t *testing.T) {
	n := &network{}
	s, clock := service(n, "")
	first := s.Process(t.Context(), body("tok_1", "k"), "")
	again := s.Process(t.Context(), body("tok_1", "k"), "")
	if first.Status != http.StatusCreated || again.Status != http.StatusOK || again.Body.Payment != first.Body.Payment || n.asked != 1 {
		t.Errorf("%+v, then %+v, asked %d times", first, again, n.asked)
	}
	if a := s.Process(t.Context(), body("tok_2", "k"), ""); a.Status != http.StatusConflict {
		t.Errorf("the key for another payment: %+v", a)
	}
	if a := s.Process(t.Context(), body("tok_declined", "d"), ""); a.Status != http.StatusPaymentRequired {
		t.Errorf("%+v", a)
	}
	if a := s.Process(t.Context(), body("tok_declined", "d"), ""); a.Status != http.StatusPaymentRequired || n.asked != 2 {
		t.Errorf("declined again: %+v, asked %d times", a, n.asked)
	}
	for range 2 {
		s.Process(t.Context(), body("tok_out", "o"), "")
	}
	if n.asked != 4 {
		t.Errorf("a failed payment was asked for %d times, want 2", n.asked-2)
	}
	clock.now = noon.Add(time.Hour)
	if a := s.Process(t.Context(), body("tok_1", "k"), ""); a.Status != http.StatusCreated {
		t.Errorf("a forgotten key: %+v", a)
	}
}

// Of the same payment many times at once, the card network sees one.
func TestProcessAtOnce(t *testing.T) {
	n := &network{held: make(chan struct{})}
	s, _ := service(n, "")
	answers := make(chan payment.Answer, 20)
	var all sync.WaitGroup
	for range cap(answers) {
		all.Go(func() { answers <- s.Process(t.Context(), body("tok_1", "k"), "") })
	}
	for range cap(answers) - 1 { // all but the one that is held
		if a := <-answers; a.Status != http.StatusConflict || !strings.Contains(strings.Join(a.Body.Problems, ""), "under way") {
			t.Errorf("%+v", a)
		}
	}
	close(n.held)
	all.Wait()
	if a := <-answers; a.Status != http.StatusCreated || n.asked != 1 {
		t.Errorf("%+v, asked %d times", a, n.asked)
	}
}

// The memory keeps to its bound, and an answer whose key was pushed out is no
// harm.
func TestMemoryIsBounded(t *testing.T) {
	n := &network{}
	s, _ := service(n, "")
	for i := range 10 {
		s.Process(t.Context(), body("tok_1", fmt.Sprint("k", i)), "")
	}
	if a := s.Process(t.Context(), body("tok_1", "k9"), ""); a.Status != http.StatusOK {
		t.Errorf("the newest: %+v", a)
	}
	if a := s.Process(t.Context(), body("tok_1", "k0"), ""); a.Status != http.StatusCreated || n.asked != 11 {
		t.Errorf("the oldest: %+v, asked %d times", a, n.asked)
	}
}
