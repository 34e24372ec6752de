// Package memory is a target in memory, for tests of what moves traffic: it has
// every trouble that a real one has, when it is told to.
package memory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Trouble is what happens to a call.
type Trouble uint8

// The troubles.
const (
	Fine       Trouble = iota
	Throttled          // refused: too often; nothing was done
	Away               // it never arrived; nothing was done
	LostAnswer         // it was done, and its answer never arrived
	Denied             // not allowed; nothing was done
	Foreign            // somebody else changes the target just before the write
)

// op is what errors begin with.
const op = "memory target"

// Actor is the target and the way to it. It implements act.Publisher.
type Actor struct {
	// Limits are its caps. The zero value stands for every split from 0.1 % to all.
	Limits act.Caps
	// Pick decides about each call ("read", "publish", and for a write its verb);
	// nil: all is fine.
	Pick func(call string) Trouble
	// Other is what somebody else sets for Trouble Foreign.
	Other act.Split

	mu        sync.Mutex
	split     act.Split
	revision  int
	busy      string
	writes    []act.Change
	published map[string]string // artifact -> version
	versions  []string
}

var _ act.Publisher = (*Actor)(nil)

// New returns a target on which the first version has all the traffic.
func New(versions ...string) *Actor {
	a := &Actor{published: map[string]string{}, versions: versions}
	if len(versions) > 0 {
		a.split.Stable = versions[0]
	}
	return a
}

// Set changes the target as somebody else does.
func (a *Actor) Set(to act.Split) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.set(to)
}

func (a *Actor) set(to act.Split) { a.split, a.revision = to, a.revision+1 }

// Touch changes something about the target that is not its traffic: its revision.
func (a *Actor) Touch() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revision++
}

// SetBusy says what somebody else has under way; "": nothing.
func (a *Actor) SetBusy(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy = what
}

// Split returns how it lies.
func (a *Actor) Split() act.Split {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.split
}

// Writes returns the changes that were made, oldest first.
func (a *Actor) Writes() []act.Change {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.writes)
}

// Caps implements act.Actor.
func (a *Actor) Caps() act.Caps {
	if a.Limits == (act.Caps{}) {
		return act.Caps{Splits: true, Smallest: 0.001, Most: 1, Restores: true}
	}
	return a.Limits
}

// meet asks for trouble with a call and makes what is made before it.
func (a *Actor) meet(ctx context.Context, call string) (Trouble, error) {
	if err := ctx.Err(); err != nil {
		return Fine, fault.Wrap(fault.Canceled, op, err, "")
	}
	if a.Pick == nil {
		return Fine, nil
	}
	t := a.Pick(call)
	switch t {
	case Throttled:
		return t, fault.New(fault.Throttled, op, "too many requests", "ask less often")
	case Away:
		return t, fault.New(fault.Unavailable, op, "connection refused", "check the network")
	case Denied:
		return t, fault.New(fault.Denied, op, "not allowed", "allow it")
	case Fine, LostAnswer, Foreign:
	}
	return t, nil
}

// lost is the error of an answer that never arrived.
func lost(t Trouble) error {
	if t != LostAnswer {
		return nil
	}
	return fault.New(fault.Unavailable, op, "connection reset by peer", "check the network")
}

func (a *Actor) state() act.State {
	return act.State{Split: a.split, Revision: "r" + strconv.Itoa(a.revision), Busy: a.busy, Ready: true}
}

// Read implements act.Actor.
func (a *Actor) Read(ctx context.Context) (act.State, error) {
	t, err := a.meet(ctx, "read")
	if err != nil {
		return act.State{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state(), lost(t)
}

// Plan implements act.Actor.
func (a *Actor) Plan(ctx context.Context, want act.Action) (act.Change, error) {
	c := act.Change{Action: want}
	if err := a.check(want); err != nil {
		return c, err
	}
	t, err := a.meet(ctx, "read")
	if err != nil {
		return c, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.None, err = want.Meets(op, a.state()); err == nil && !c.None {
		c.Calls = []string{"memory:Set " + want.To.String()}
	}
	if err == nil {
		err = lost(t)
	}
	return c, err
}

// check is what is wrong with an action whatever the state.
func (a *Actor) check(want act.Action) error {
	if err := want.Valid(op, a.Caps()); err != nil {
		return err //nolint:wrapcheck // says all there is to say
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range []string{want.To.Stable, want.To.Canary} {
		if v != "" && !slices.Contains(a.versions, v) {
			return fault.New(fault.NotFound, op, "there is no version "+v, "publish it first")
		}
	}
	return nil
}

// Apply implements act.Actor.
func (a *Actor) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	if err := a.check(c.Action); err != nil {
		return act.Outcome{}, err
	}
	t, err := a.meet(ctx, string(c.Verb))
	if err != nil {
		return act.Outcome{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if t == Foreign {
		a.set(a.Other)
	}
	done, err := c.Meets(op, a.state())
	if err != nil {
		return act.Outcome{State: a.state()}, err //nolint:wrapcheck // says all there is to say
	}
	out := act.Outcome{}
	if !done {
		to := c.To
		if to.Whole() {
			to = act.Split{Stable: to.Stable}
		}
		a.set(to)
		a.writes = append(a.writes, c)
		out.Calls = []string{"memory:Set " + c.To.String()}
	}
	out.State = a.state()
	return out, lost(t)
}

// Publish implements act.Publisher. An artifact is its own name; each new one is
// the next version.
func (a *Actor) Publish(ctx context.Context, r act.Release) (string, error) {
	t, err := a.meet(ctx, "publish")
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.Version != "" {
		if !slices.Contains(a.versions, r.Version) {
			return "", fault.New(fault.NotFound, op, "there is no version "+r.Version, "publish it first")
		}
		return r.Version, lost(t)
	}
	v, ok := a.published[r.Artifact]
	if !ok {
		v = fmt.Sprint(len(a.versions) + 1)
		a.published[r.Artifact], a.versions = v, append(a.versions, v)
	}
	return v, lost(t)
}
