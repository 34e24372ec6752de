// Package cardnet is the card network that the payment API depends on: the
// network itself, as a server or inside a simulation, and the client that asks
// it over HTTP.
package cardnet

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
	"gitlab.com/nines-sre/nines/examples/payment-api/internal/payment"
)

// Network decides about cards. It implements payment.Network without a wire
// between, as a simulation uses it.
type Network struct {
	Clock  payment.Clock
	Draw   func() float64
	Faults *fault.Switch
}

// How the network behaves on an ordinary day: a log-normal answer around 40 ms
// of which 99.8 % come within a quarter of a second, and one failure in 20,000.
const (
	median  = 40 * time.Millisecond
	spread  = 0.6
	slowest = 2 * time.Second
	outages = 1.0 / 20_000
)

// ErrOutage is the network's own failure.
var ErrOutage = errors.New("card network: no route to the issuer")

// Authorize implements payment.Network. Tokens that begin with tok_declined and
// tok_lost are declined, and so is one card in 50 by chance.
func (n *Network) Authorize(ctx context.Context, r payment.Request) (payment.Approval, error) {
	if err := n.Faults.Delay(ctx, n.Clock.Sleep, n.Draw, fault.SlowDependency); err != nil {
		return payment.Approval{}, err
	}
	if err := n.Clock.Sleep(ctx, n.takes()); err != nil {
		return payment.Approval{}, err
	}
	switch {
	case n.Draw() < outages:
		return payment.Approval{}, ErrOutage
	case strings.HasPrefix(r.Card, "tok_lost"):
		return payment.Approval{Code: "lost_card"}, nil
	case strings.HasPrefix(r.Card, "tok_declined"), n.Draw() < 0.02:
		return payment.Approval{Code: "insufficient_funds"}, nil
	}
	return payment.Approval{Approved: true, Code: "00"}, nil
}

// takes draws how long an answer takes (Box and Muller's normal deviate).
func (n *Network) takes() time.Duration {
	u, v := 1-n.Draw(), n.Draw()
	z := math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
	return min(slowest, time.Duration(float64(median)*math.Exp(spread*z)))
}
