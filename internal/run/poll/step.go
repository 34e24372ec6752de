package poll

import (
	"context"
	"maps"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/loop"
	"gitlab.com/nines-sre/nines/internal/run"
)

// Stepper is [Run] for a host that is called from outside, again and again: a
// scheduled function. What it remembers between calls only saves work. One that
// begins anew reads everything once.
type Stepper struct {
	p    *poller
	next map[string]time.Time // from when on an objective is due
}

// slack is how much earlier than its time a call may come and still find due
// what belongs to it: schedules are not exact.
const slack = 30 * time.Second

// NewStepper prepares. Of the options, Now, Jitter and Tell are not used.
func NewStepper(env *run.Env, opt Options) (*Stepper, error) {
	p, err := newPoller(env, opt)
	if err != nil {
		return nil, err
	}
	return &Stepper{p: p, next: map[string]time.Time{}}, nil
}

// Due lists the objectives that are due at an instant, in the order of their
// keys.
func (s *Stepper) Due(at time.Time) []string {
	var due []string
	for _, key := range slices.Sorted(maps.Keys(s.p.objectives)) {
		if next, ok := s.next[key]; !ok || !at.Add(slack).Before(next) {
			due = append(due, key)
		}
	}
	return due
}

// All lists every objective.
func (s *Stepper) All() []string { return slices.Sorted(maps.Keys(s.p.objectives)) }

// Step measures what is due at an instant. What failed is due again at the next
// call.
func (s *Stepper) Step(ctx context.Context, at time.Time, due []string) Tick {
	tick, out := s.p.tick(ctx, loop.Tick{At: at, Due: due})
	for _, key := range due {
		every := out.Plan[key]
		s.next[key] = at.Truncate(every).Add(every)
	}
	for _, key := range out.Failed {
		delete(s.next, key)
	}
	return tick
}
