package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/examples/payment-api/internal/fault"
)

// Network decides about a card. An error means that it did not answer.
type Network interface {
	Authorize(ctx context.Context, r Request) (Approval, error)
}

// Approval is what the card network says.
type Approval struct {
	Approved bool   `json:"approved"`
	Code     string `json:"code"` // its own word for it, as "insufficient_funds"
}

// Clock is the time as a service sees it: the machine's, or a simulation's.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with the error of a context that ended before.
	Sleep(ctx context.Context, d time.Duration) error
}

// Service takes payments. Its fields are set before the first call and not
// changed after it.
type Service struct {
	Network Network
	Faults  *fault.Switch
	Clock   Clock
	// Draw returns numbers in [0, 1): chance, or a simulation's seed.
	Draw func() float64
	// Version is which version answers.
	Version string
	// Memory remembers what was answered.
	Memory *Memory
}

// Answer is what a client gets.
type Answer struct {
	Status int    // an HTTP status
	Body   Result // as JSON
	// Cause is why it failed; nil where the service did what it is for. A declined
	// card is no failure.
	Cause error
}

// Result is an answer's body.
type Result struct {
	Payment  string   `json:"payment,omitempty"`
	Status   string   `json:"status"` // approved, declined, invalid, conflict, failed
	Code     string   `json:"code,omitempty"`
	Problems []string `json:"problems,omitempty"`
	Version  string   `json:"version"`
}

// ErrInjected is the failure of the fault "errors".
var ErrInjected = errors.New("the ledger refused the entry (injected)")

// Process takes a payment, as a body says it. It never panics on one.
func (s *Service) Process(ctx context.Context, body []byte, key string) Answer {
	r, err := Parse(body, key)
	if bad, ok := errors.AsType[*InvalidError](err); ok {
		return s.answer(http.StatusBadRequest, Result{Status: "invalid", Problems: bad.Problems}, nil)
	}
	digest := r.digest()
	switch before, state := s.Memory.Begin(r.Key, digest, s.Clock.Now()); state {
	case Answered:
		if before.Status == http.StatusCreated {
			before.Status = http.StatusOK // it was created by the first
		}
		return before
	case Differs:
		return s.answer(http.StatusConflict, Result{Status: "conflict", Problems: []string{"the idempotency key was used for another payment"}}, nil)
	case UnderWay:
		return s.answer(http.StatusConflict, Result{Status: "conflict", Problems: []string{"the same payment is under way; ask again"}}, nil)
	case Fresh:
	}
	a := s.take(ctx, r, digest)
	s.Memory.End(r.Key, a, s.Clock.Now())
	return a
}

// take asks the card network and books what it approves.
func (s *Service) take(ctx context.Context, r Request, digest string) Answer {
	if err := s.Faults.Delay(ctx, s.Clock.Sleep, s.Draw, fault.LatencyBody, fault.LatencyTail); err != nil {
		return s.failed(http.StatusServiceUnavailable, err)
	}
	approval, err := s.Network.Authorize(ctx, r)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return s.failed(http.StatusGatewayTimeout, fmt.Errorf("the card network took too long: %w", err))
	case err != nil:
		return s.failed(http.StatusServiceUnavailable, fmt.Errorf("the card network could not be asked: %w", err))
	case s.Faults.Hits(fault.Errors, s.Draw):
		return s.failed(http.StatusInternalServerError, ErrInjected)
	}
	id := "pay_" + digest[:20]
	if !approval.Approved {
		return s.answer(http.StatusPaymentRequired, Result{Payment: id, Status: "declined", Code: approval.Code}, nil)
	}
	return s.answer(http.StatusCreated, Result{Payment: id, Status: "approved", Code: approval.Code}, nil)
}

func (s *Service) failed(status int, cause error) Answer {
	return s.answer(status, Result{Status: "failed", Code: http.StatusText(status)}, cause)
}

func (s *Service) answer(status int, body Result, cause error) Answer {
	body.Version = s.Version
	return Answer{status, body, cause}
}

// digest stands for all that is asked, key included.
func (r Request) digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%s", r.Amount, r.Currency, r.Card, r.Key))
	return hex.EncodeToString(sum[:])
}
