package act

import (
	"context"
	"slices"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Around returns an Actor that does what another one does, behind guards. It is a
// [Publisher] where that one is.
func (g Guards) Around(a Actor) Actor {
	w := &guarded{Actor: a, guards: g, done: map[string]Split{}}
	if p, ok := a.(Publisher); ok {
		return &guardedPublisher{guarded: w, publisher: p}
	}
	return w
}

// guarded is an Actor behind guards.
type guarded struct {
	Actor

	guards Guards
	mu     sync.Mutex
	past   []time.Time      // of the changes, for Rate
	done   map[string]Split // by key, what was brought about
}

// guardedPublisher is a Publisher behind guards.
type guardedPublisher struct {
	*guarded

	publisher Publisher
}

// Apply implements Actor: it asks the guards, then applies, and tries again what
// may work later.
func (w *guarded) Apply(ctx context.Context, c Change) (Outcome, error) {
	if out, over, err := w.before(ctx, c); over || err != nil {
		return out, err
	}
	if err := w.ask(ctx, c); err != nil {
		return Outcome{}, err
	}
	out, err := w.apply(ctx, c)
	if err == nil && c.Key != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done[c.Key] = c.To
	}
	return out, err
}

// before looks for a key that was applied already: the same change again is not
// made twice, nor is it made anew when somebody has gone on from there.
func (w *guarded) before(ctx context.Context, c Change) (out Outcome, over bool, err error) {
	w.mu.Lock()
	to, known := w.done[c.Key]
	w.mu.Unlock()
	switch {
	case c.Key == "" || !known:
		return Outcome{}, false, nil
	case to != c.To:
		return Outcome{}, true, fault.New(fault.Invalid, what(c), "its key "+c.Key+" belongs to a change to "+text(to), "give each change a key of its own")
	}
	now, err := w.Read(ctx)
	if err != nil {
		return Outcome{}, true, err //nolint:wrapcheck // the Actor's own
	}
	if now.Same(to) {
		return Outcome{State: now}, true, nil
	}
	if c.Verb.Back() {
		return Outcome{}, false, nil
	}
	return Outcome{State: now}, true, fault.New(fault.Conflict, what(c), "it was made already, and it lies at "+text(now.Split)+" since", "begin anew from there")
}

// ask asks the guards about a change.
func (w *guarded) ask(ctx context.Context, c Change) error {
	if c.Verb.Back() || c.None {
		return nil
	}
	if w.guards.Freeze != nil {
		why, err := w.guards.Freeze(ctx, c)
		if err != nil {
			return err
		}
		if err := Frozen(c, why); err != nil {
			return err
		}
	}
	if err := Capped(c, w.guards.Most); err != nil {
		return err
	}
	if err := w.room(c); err != nil {
		return err
	}
	if w.guards.Approve != nil {
		if err := w.guards.Approve(ctx, c); err != nil {
			return err
		}
	}
	return w.take(c)
}

// room says whether the rate has room for a change, and take takes it.
func (w *guarded) room(c Change) error {
	if w.guards.Rate.Most <= 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.guards.Rate.Limited(c, w.past, w.guards.Now())
}

func (w *guarded) take(c Change) error {
	if w.guards.Rate.Most <= 0 {
		return nil
	}
	now := w.guards.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.guards.Rate.Limited(c, w.past, now); err != nil {
		return err // somebody else took it while it was approved
	}
	w.past = slices.DeleteFunc(append(w.past, now), func(at time.Time) bool { return !at.After(now.Add(-w.guards.Rate.Within)) })
	return nil
}

// apply applies until it works, is refused for good, or was tried often enough.
// After a failure whose outcome is not known it looks before it tries again.
func (w *guarded) apply(ctx context.Context, c Change) (out Outcome, err error) {
	look := false
	for n := 1; ; n++ {
		out, err = w.once(ctx, c, look)
		if err == nil || ctx.Err() != nil || !w.guards.Retry.Again(err, n) {
			return out, err
		}
		if werr := w.guards.Wait(ctx, w.guards.Retry.Pause(n)); werr != nil {
			return out, fault.Wrap(fault.Canceled, what(c), werr, "")
		}
		look = true
	}
}

// once is one attempt. With look, the target may lie as wanted already.
func (w *guarded) once(ctx context.Context, c Change, look bool) (Outcome, error) {
	if look && !w.Caps().Blind {
		now, err := w.Read(ctx)
		if err != nil {
			return Outcome{}, err //nolint:wrapcheck // the Actor's own
		}
		if now.Same(c.To) && now.Ready {
			return Outcome{State: now, Calls: c.Calls}, nil
		}
	}
	return w.Actor.Apply(ctx, c) //nolint:wrapcheck // the Actor's own
}

// Publish implements Publisher, with another attempt where one may work: the same
// release again is the same version.
func (w *guardedPublisher) Publish(ctx context.Context, r Release) (version string, err error) {
	for n := 1; ; n++ {
		version, err = w.publisher.Publish(ctx, r)
		if err == nil || ctx.Err() != nil || !w.guards.Retry.Again(err, n) {
			return version, err //nolint:wrapcheck // the Actor's own
		}
		if werr := w.guards.Wait(ctx, w.guards.Retry.Pause(n)); werr != nil {
			return "", fault.Wrap(fault.Canceled, "publish "+r.Artifact, werr, "")
		}
	}
}

// nthNewest returns the n-th newest of at least n instants.
func nthNewest(all []time.Time, n int) time.Time {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b time.Time) int { return b.Compare(a) })
	return sorted[n-1]
}
