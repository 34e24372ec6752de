package act

import (
	"context"
	"fmt"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Step is a write, with what is waited for after it. C is what it calls by.
type Step[C any] struct {
	Call string // in words
	// Do makes it, and says whether it wrote: it may find that it is done already.
	Do func(ctx context.Context, api C) (wrote bool, err error)
}

// Way is how a target is moved that takes several steps: Plan says them, and Apply
// goes them.
type Way[C any] struct {
	Op     string // names the target in errors
	Client func(ctx context.Context) (C, error)
	// Steps finds what an action takes from how the target lies now, which it
	// returns too; none where it lies as wanted.
	Steps func(ctx context.Context, want Action) ([]Step[C], State, error)
	// Read is the target's own.
	Read func(ctx context.Context) (State, error)
}

// Plan is what Actor asks for.
func (w Way[C]) Plan(ctx context.Context, want Action) (Change, error) {
	c := Change{Action: want}
	steps, _, err := w.Steps(ctx, want)
	for _, s := range steps {
		c.Calls = append(c.Calls, s.Call)
	}
	c.None = err == nil && len(steps) == 0
	return c, err
}

// Apply is what Actor asks for. A target that does not lie as wanted after the
// last step is a Conflict: somebody else came in between.
func (w Way[C]) Apply(ctx context.Context, c Change) (out Outcome, err error) {
	steps, now, err := w.Steps(ctx, c.Action)
	out.State = now
	if err != nil || len(steps) == 0 {
		return out, err
	}
	api, err := w.Client(ctx)
	if err != nil {
		return out, err
	}
	for _, s := range steps {
		wrote, err := s.Do(ctx, api)
		if err != nil {
			return out, err
		}
		if wrote {
			out.Calls = append(out.Calls, s.Call)
		}
	}
	if out.State, err = w.Read(ctx); err != nil {
		return out, err
	}
	if !out.State.Same(c.To) || !out.State.Ready {
		return out, fault.New(fault.Conflict, w.Op, fmt.Sprintf("it lies at %v, not at %v", out.State.Split, c.To),
			"somebody else came in between: look at what they did")
	}
	return out, nil
}
