package act

import (
	"context"
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Guards stand before what an [Actor] does. The zero value guards nothing.
// Whatever puts something back ([Verb.Back]) passes all of them but Retry, which
// only helps.
type Guards struct {
	// Freeze says why nothing may be changed now; "": it may. nil: always.
	Freeze func(ctx context.Context, c Change) (why string, err error)
	// Approve returns an error where somebody has to say yes and has not. It is
	// asked last. nil: nobody has to.
	Approve func(ctx context.Context, c Change) error
	// Most is the most of the traffic that one shift may move, 0 to 1. 0: any.
	Most float64
	// Rate is how often something may be changed; Now tells its time, and must be
	// there with it.
	Rate Rate
	Now  func() time.Time
	// Retry tries again what may work later; Wait waits in between, ends early with
	// the context's error, and must be there with it.
	Retry Retry
	Wait  func(ctx context.Context, d time.Duration) error
}

// Frozen is the refusal of a change during a freeze, of kind Denied; nil where
// there is no reason, or where the change puts something back.
func Frozen(c Change, why string) error {
	if why == "" || c.Verb.Back() {
		return nil
	}
	return fault.New(fault.Denied, what(c), "nothing is changed now: "+why, "wait until the freeze is over; putting an earlier version back is always possible")
}

// Capped refuses a shift that moves more than most of the traffic at once (0 to
// 1; 0: any), with kind Invalid: the plan has to go in smaller steps.
func Capped(c Change, most float64) error {
	moved := Moved(c.From.Split, c.To)
	// A step of what two decimal numbers differ by is not more than itself.
	const rounding = 1e-9
	if most <= 0 || c.Verb != Shift || moved <= most+rounding {
		return nil
	}
	return fault.New(fault.Invalid, what(c), fmt.Sprintf("it moves %s %% of the traffic at once; at most %s %% may be", percent(moved), percent(most)), "go in smaller steps, or lift the limit")
}

// Moved is the share of the traffic that goes to another version than before,
// 0 to 1.
func Moved(from, to Split) float64 {
	before, after := from.shares(), to.shares()
	sum := 0.0
	for version, share := range after {
		sum += max(0, share-before[version])
	}
	return sum
}

// shares are the parts of the traffic by version.
func (s Split) shares() map[string]float64 {
	if s.Whole() {
		return map[string]float64{s.Stable: 1}
	}
	return map[string]float64{s.Stable: 1 - s.Weight, s.Canary: s.Weight}
}

// Rate is at most so many changes within so much time; the zero value limits
// nothing.
type Rate struct {
	Most   int
	Within time.Duration
}

// Next is when the next change may be made, given when earlier ones were, in any
// order; now or earlier means now.
func (r Rate) Next(past []time.Time, now time.Time) time.Time {
	if r.Most <= 0 || r.Within <= 0 {
		return now
	}
	// The change that is the Most-th newest inside the window has to leave it.
	var inside []time.Time
	for _, at := range past {
		if at.After(now.Add(-r.Within)) {
			inside = append(inside, at)
		}
	}
	if len(inside) < r.Most {
		return now
	}
	return nthNewest(inside, r.Most).Add(r.Within)
}

// Limited refuses a change that comes too early, with kind Throttled.
func (r Rate) Limited(c Change, past []time.Time, now time.Time) error {
	next := r.Next(past, now)
	if c.Verb.Back() || !next.After(now) {
		return nil
	}
	return fault.New(fault.Throttled, what(c), fmt.Sprintf("%d changes within %v are enough", r.Most, r.Within), "the next one may be made at "+next.UTC().Format(time.RFC3339))
}

// Retry is how often something is tried, and how long is waited in between: First,
// then twice as long each time, at most Longest. The zero value tries once.
type Retry struct {
	Attempts       int
	First, Longest time.Duration
}

// Pause is the wait behind the n-th attempt, counted from 1.
func (r Retry) Pause(n int) time.Duration {
	d := r.First
	for range n - 1 {
		if r.Longest > 0 && d >= r.Longest {
			break
		}
		d *= 2
	}
	if r.Longest > 0 {
		d = min(d, r.Longest)
	}
	return d
}

// Again says whether an error is worth another attempt behind the n-th. A
// Conflict is not: the state it was decided on does not come back.
func (r Retry) Again(err error, n int) bool {
	kind := fault.KindOf(err)
	return err != nil && n < r.Attempts && kind.Retry() && kind != fault.Conflict
}

// what names a change in errors.
func what(c Change) string { return string(c.Verb) + " to " + text(c.To) }
