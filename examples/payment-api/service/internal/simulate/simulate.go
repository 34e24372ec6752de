// Package simulate lets the payment API live through hours in seconds: the same
// handler, service and metric lines, with a clock that is moved from one request
// to the next and a card network without a wire between. Nothing waits, so that
// a past can be written before a live run, or a year of canaries tried.
package simulate

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/cardnet"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/load"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/web"
)

// Options say what is lived through.
type Options struct {
	From, To time.Time
	// Rate is payments a second at the shape's peak.
	Rate  float64
	Shape load.Shape
	// Seed makes a run repeatable.
	Seed    uint64
	Version string
	// Faults are in force from FaultFrom on; zero: from the beginning.
	Faults    fault.Plan
	FaultFrom time.Time
	// Patience is how long the card network's answer is waited for.
	Patience time.Duration
	// Record is told of each answer, with the clock that it happened by.
	Record func(c *Clock) web.Recorder
}

// Run lives through it and returns how many payments there were.
func Run(ctx context.Context, o Options) (payments int, err error) {
	switch {
	case !o.From.Before(o.To):
		return 0, fmt.Errorf("it would end at %s, before it begins at %s", o.To.Format(time.RFC3339), o.From.Format(time.RFC3339))
	case !(o.Rate > 0 && o.Rate <= 100_000):
		return 0, fmt.Errorf("a rate of %v: want payments a second, above 0 and up to 100000", o.Rate)
	}
	dice := rand.New(rand.NewPCG(o.Seed, 9)) //nolint:gosec // a simulation is to be repeatable
	clock, faults := &Clock{now: o.From}, &fault.Switch{}
	s := &payment.Service{
		Network: &impatient{&cardnet.Network{Clock: clock, Draw: dice.Float64, Faults: faults}, clock, o.Patience},
		Faults:  faults, Clock: clock, Draw: dice.Float64, Version: o.Version, Memory: payment.NewMemory(10_000, time.Hour),
	}
	handler := web.Handler(s, o.Record(clock))
	arrivals := load.NewArrivals(o.From, o.Rate, o.Shape, dice.Float64)
	bodies := load.NewPayments(fmt.Sprintf("sim-%d", o.Seed), dice.Float64)
	for at := arrivals.Next(); at.Before(o.To); at = arrivals.Next() {
		if ctx.Err() != nil {
			return payments, ctx.Err()
		}
		if len(faults.Plan()) == 0 && len(o.Faults) > 0 && !at.Before(o.FaultFrom) {
			faults.Set(o.Faults)
		}
		clock.now = at
		if err := one(ctx, handler, bodies.Next()); err != nil {
			return payments, err
		}
		payments++
	}
	return payments, nil
}

// one hands a request to the handler, as a server would.
func one(ctx context.Context, h http.Handler, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://simulated/process", bytes.NewReader(body))
	if err != nil {
		return err
	}
	h.ServeHTTP(nowhere{http.Header{}}, r)
	return nil
}

// nowhere takes answers that nobody reads.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header       { return w.header }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// Clock is moved by whoever sleeps by it. Requests of a simulation follow one
// another, each with its own time: it is used by one goroutine.
type Clock struct{ now time.Time }

// Now implements payment.Clock.
func (c *Clock) Now() time.Time { return c.now }

// Sleep implements payment.Clock.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

// impatient gives up on a network as the client over HTTP does.
type impatient struct {
	payment.Network
	clock    *Clock
	patience time.Duration
}

// Authorize implements payment.Network.
func (n *impatient) Authorize(ctx context.Context, r payment.Request) (payment.Approval, error) {
	until := n.clock.now.Add(n.patience)
	a, err := n.Network.Authorize(ctx, r)
	if n.clock.now.After(until) {
		n.clock.now = until
		return payment.Approval{}, context.DeadlineExceeded
	}
	return a, err
}
