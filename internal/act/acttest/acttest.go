// Package acttest is the suite that every target of rollouts passes.
package acttest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Trouble is what the target does to the writes that reach it.
type Trouble uint8

// The troubles. All but Lost leave the target as it is.
const (
	Fine      Trouble = iota
	Throttled         // it refuses for now
	Away              // it cannot be reached, or has trouble of its own
	Lost              // it writes, and its answer never arrives
	Denied            // it does not allow it
)

// Always is a number of calls that no Actor tries.
const Always = 1 << 20

// World is a target with what stands behind it.
type World struct {
	Actor act.Actor
	// Again opens another Actor on the same target.
	Again func(t testing.TB) act.Actor
	// Versions are there already; the first has all the traffic. At least three.
	Versions []string
	// Look says how the target lies, by another way than the Actor's.
	Look func(t testing.TB) act.Split
	// Writes counts the writes that the target has done so far.
	Writes func() int
	// Foreign changes the target behind the Actor's back. nil for an Actor whose
	// Caps say that it is blind.
	Foreign func(t testing.TB, to act.Split)
	// Fail makes the next n writes meet a trouble; Fine ends it. nil: none can be
	// made.
	Fail func(trouble Trouble, n int)
	// Not are the troubles of Fail that this target cannot have.
	Not []Trouble
	// Busy begins something of somebody else's on the target, whose traffic stays
	// as it is. nil: it knows no such thing.
	Busy func(t testing.TB)
	// Racy says that the target has no lock: of two writes from one state both may
	// be done, and the last one counts.
	Racy bool
	// Release is something new to publish at each call. nil: the Actor is no
	// Publisher.
	Release func(t testing.TB) act.Release
}

// Run runs the suite; open makes a fresh world for one test.
func Run(t *testing.T, open func(t *testing.T) World) {
	for _, c := range []struct {
		name string
		test func(*testing.T, World)
	}{
		{"caps", testCaps},
		{"plan writes nothing", testPlan},
		{"a whole way", testWay},
		{"apply again", testAgain},
		{"none", testNone},
		{"refused", testRefused},
		{"stale", testStale},
		{"stale but as wanted", testStaleButWanted},
		{"another canary", testOtherCanary},
		{"put back whatever the revision", testBackWhatever},
		{"busy", testBusy},
		{"trouble", testTrouble},
		{"lost answer", testLost},
		{"cancelled", testCancelled},
		{"two at once", testTwo},
		{"like the model", testModel},
		{"publish", testPublish},
		{"publish in trouble", testPublishTrouble},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// read reads, and fails the test if that fails.
func read(t testing.TB, a act.Actor) act.State {
	t.Helper()
	s, err := a.Read(t.Context())
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return s
}

// to is an action from the state that is read now.
func (w World) to(t testing.TB, verb act.Verb, key string, split act.Split) act.Action {
	t.Helper()
	return act.Action{Verb: verb, Key: key, From: read(t, w.Actor), To: split, Reason: "the suite"}
}

// do plans and applies, and fails the test if either fails or the end is not as
// wanted.
func (w World) do(t testing.TB, a act.Action) act.Outcome {
	t.Helper()
	c, err := w.Actor.Plan(t.Context(), a)
	if err != nil {
		t.Fatalf("Plan(%s to %v): %v", a.Verb, a.To, err)
	}
	out, err := w.Actor.Apply(t.Context(), c)
	if err != nil {
		t.Fatalf("Apply(%s to %v): %v", a.Verb, a.To, err)
	}
	if !out.State.Same(a.To) || !out.State.Ready {
		t.Fatalf("after %s to %v it says %+v", a.Verb, a.To, out.State)
	}
	w.lies(t, a.To)
	if got := read(t, w.Actor); !got.Same(a.To) {
		t.Fatalf("after %s to %v it reads %v", a.Verb, a.To, got.Split)
	}
	return out
}

// lies fails the test if the target does not lie as wanted.
func (w World) lies(t testing.TB, want act.Split) {
	t.Helper()
	if got := w.Look(t); !got.Same(want) {
		t.Fatalf("the target lies at %v, want %v", got, want)
	}
}

// first is how the target lies at the beginning.
func (w World) first() act.Split { return act.Split{Stable: w.Versions[0]} }

// next is a first step away from the beginning: a share where that can be, else
// everything.
func (w World) next() (act.Verb, act.Split) {
	if !w.Actor.Caps().Splits {
		return act.Promote, act.Split{Stable: w.Versions[1]}
	}
	return act.Shift, w.share(w.Versions[1], 0.1)
}

func (w World) share(canary string, weight float64) act.Split {
	return act.Split{Stable: w.Versions[0], Canary: canary, Weight: weight}
}

func testCaps(t *testing.T, w World) {
	c := w.Actor.Caps()
	if c.Splits && (c.Smallest <= 0 || c.Most > 1 || c.Smallest > c.Most) {
		t.Errorf("it splits between %v and %v", c.Smallest, c.Most)
	}
	if c.Blind != (w.Foreign == nil) {
		t.Errorf("blind is %v, but the world can change behind it: %v", c.Blind, w.Foreign != nil)
	}
	if len(w.Versions) < 3 {
		t.Fatalf("a world has three versions, this one %d", len(w.Versions))
	}
	w.lies(t, w.first())
	if c.Blind {
		return
	}
	s := read(t, w.Actor)
	if !s.Same(w.first()) || !s.Ready || s.Busy != "" {
		t.Errorf("it begins at %+v", s)
	}
}

func testPlan(t *testing.T, w World) {
	before := w.Writes()
	verb, to := w.next()
	a := w.to(t, verb, "k", to)
	c, err := w.Actor.Plan(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Calls) == 0 || c.None {
		t.Errorf("a change of something says which calls it makes: %+v", c)
	}
	if diff := cmp.Diff(a, c.Action); diff != "" {
		t.Errorf("a change carries its action:\n%s", diff)
	}
	if n := w.Writes() - before; n != 0 {
		t.Errorf("planning wrote %d times", n)
	}
	w.lies(t, w.first())
}

// testWay goes all the way there and back.
func testWay(t *testing.T, w World) {
	if w.Actor.Caps().Splits {
		w.do(t, w.to(t, act.Shift, "way/1", w.share(w.Versions[1], 0.05)))
		w.do(t, w.to(t, act.Shift, "way/2", w.share(w.Versions[1], 0.5)))
		w.do(t, w.to(t, act.Restore, "way/3", w.first()))
		w.do(t, w.to(t, act.Shift, "way/4", w.share(w.Versions[2], 0.25)))
		w.do(t, w.to(t, act.Shift, "way/5", w.share(w.Versions[2], 0.12)))
		w.do(t, w.to(t, act.Promote, "way/6", act.Split{Stable: w.Versions[2]}))
	} else {
		w.do(t, w.to(t, act.Promote, "way/6", act.Split{Stable: w.Versions[2]}))
	}
	if w.Actor.Caps().Restores {
		w.do(t, w.to(t, act.Rollback, "way/7", w.first()))
	}
}

func testAgain(t *testing.T, w World) {
	verb, to := w.next()
	c, err := w.Actor.Plan(t.Context(), w.to(t, verb, "again", to))
	if err != nil {
		t.Fatal(err)
	}
	first, err := w.Actor.Apply(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Calls) == 0 {
		t.Errorf("the first time it says what it did: %+v", first)
	}
	wrote := w.Writes()
	others := []act.Actor{w.Actor}
	if w.Again != nil && !w.Actor.Caps().Blind {
		others = append(others, w.Again(t))
	}
	for i, other := range others {
		again, err := other.Apply(t.Context(), c)
		if err != nil || !again.State.Same(to) || len(again.Calls) != 0 {
			t.Errorf("actor %d, the same change again: %+v, %v", i, again, err)
		}
	}
	if n := w.Writes() - wrote; n != 0 {
		t.Errorf("the same change again wrote %d times", n)
	}
	w.lies(t, to)
}

func testNone(t *testing.T, w World) {
	if w.Actor.Caps().Blind {
		t.Skip("it cannot know")
	}
	before := w.Writes()
	c, err := w.Actor.Plan(t.Context(), w.to(t, act.Promote, "none", w.first()))
	if err != nil || !c.None || len(c.Calls) != 0 {
		t.Fatalf("nothing to do: %+v, %v", c, err)
	}
	if out, err := w.Actor.Apply(t.Context(), c); err != nil || !out.State.Same(w.first()) || len(out.Calls) != 0 {
		t.Errorf("nothing was to be done: %+v, %v", out, err)
	}
	if n := w.Writes() - before; n != 0 {
		t.Errorf("it wrote %d times", n)
	}
}

// cancelled returns a context that is over.
func cancelled(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func testCancelled(t *testing.T, w World) {
	verb, to := w.next()
	a := w.to(t, verb, "cancelled", to)
	c, err := w.Actor.Plan(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	before, over := w.Writes(), cancelled(t)
	if _, err := w.Actor.Apply(over, c); fault.KindOf(err) != fault.Canceled {
		t.Errorf("Apply: %v is %v", err, fault.KindOf(err))
	}
	if !w.Actor.Caps().Blind { // one that is asks nobody
		if _, err := w.Actor.Read(over); fault.KindOf(err) != fault.Canceled {
			t.Errorf("Read: %v is %v", err, fault.KindOf(err))
		}
		if _, err := w.Actor.Plan(over, a); fault.KindOf(err) != fault.Canceled {
			t.Errorf("Plan: %v is %v", err, fault.KindOf(err))
		}
	}
	if n := w.Writes() - before; n != 0 {
		t.Errorf("it wrote %d times", n)
	}
	w.lies(t, w.first())
}
