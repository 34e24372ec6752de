package acttest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// wantKind fails the test if an error is not of a kind.
func wantKind(t testing.TB, err error, kind fault.Kind, what string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("%s: want an error of kind %q, got %v (kind %q)", what, kind, err, fault.KindOf(err))
	}
}

// testRefused asks for what cannot be.
func testRefused(t *testing.T, w World) {
	v, caps := w.Versions, w.Actor.Caps()
	split := fault.Invalid
	if !caps.Splits {
		split = fault.Unsupported
	}
	for name, c := range map[string]struct {
		verb act.Verb
		to   act.Split
		kind fault.Kind
	}{
		"a negative weight":       {act.Shift, w.share(v[1], -0.1), fault.Invalid},
		"more than everything":    {act.Shift, w.share(v[1], 1.5), fault.Invalid},
		"no number":               {act.Shift, w.share(v[1], math.NaN()), fault.Invalid},
		"too small a share":       {act.Shift, w.share(v[1], caps.Smallest/2+1e-9), split},
		"a weight for no version": {act.Shift, act.Split{Stable: v[0], Weight: 0.5}, fault.Invalid},
		"its own canary":          {act.Shift, w.share(v[0], 0.5), fault.Invalid},
		"half a promotion":        {act.Promote, w.share(v[1], 0.5), fault.Invalid},
		"no such verb":            {"destroy", w.first(), fault.Invalid},
	} {
		a := w.to(t, c.verb, "refused", c.to)
		before := w.Writes()
		_, err := w.Actor.Plan(t.Context(), a)
		wantKind(t, err, c.kind, "Plan of "+name)
		_, err = w.Actor.Apply(t.Context(), act.Change{Action: a, Calls: []string{"made up"}})
		wantKind(t, err, c.kind, "Apply of "+name)
		if n := w.Writes() - before; n != 0 {
			t.Errorf("%s: it wrote %d times", name, n)
		}
	}
	if !caps.Restores {
		_, err := w.Actor.Plan(t.Context(), w.to(t, act.Rollback, "refused", act.Split{Stable: v[1]}))
		wantKind(t, err, fault.Unsupported, "a rollback")
	}
	w.lies(t, w.first())
}

// testStale applies from states that are over.
func testStale(t *testing.T, w World) {
	if w.Foreign == nil {
		t.Skip("it cannot see what others do")
	}
	verb, to := w.next()
	c, err := w.Actor.Plan(t.Context(), w.to(t, verb, "stale", to))
	if err != nil {
		t.Fatal(err)
	}
	theirs := act.Split{Stable: w.Versions[2]}
	w.Foreign(t, theirs)
	before := w.Writes()
	for _, v := range []act.Verb{verb, act.Restore, act.Rollback} {
		if v.Back() && !w.Actor.Caps().Restores {
			continue
		}
		change := c
		change.Verb = v
		if v.Back() { // back to a version that it never came from
			change.To = act.Split{Stable: w.Versions[1]}
		}
		_, err = w.Actor.Apply(t.Context(), change)
		wantKind(t, err, fault.Conflict, "Apply of a "+string(v)+" after somebody else's change")
		if err != nil && !strings.Contains(err.Error(), w.Versions[2]) {
			t.Errorf("the error does not say what is there: %v", err)
		}
		_, err = w.Actor.Plan(t.Context(), change.Action)
		wantKind(t, err, fault.Conflict, "Plan of a "+string(v)+" after somebody else's change")
	}
	if n := w.Writes() - before; n != 0 {
		t.Errorf("it wrote %d times", n)
	}
	w.lies(t, theirs)
}

// testStaleButWanted applies from a state that is over to one that somebody made
// already.
func testStaleButWanted(t *testing.T, w World) {
	if w.Foreign == nil {
		t.Skip("it cannot see what others do")
	}
	verb, to := w.next()
	c, err := w.Actor.Plan(t.Context(), w.to(t, verb, "wanted", to))
	if err != nil {
		t.Fatal(err)
	}
	w.Foreign(t, to)
	before := w.Writes()
	out, err := w.Actor.Apply(t.Context(), c)
	if err != nil || !out.State.Same(to) || len(out.Calls) != 0 {
		t.Errorf("it lies as wanted already: %+v, %v", out, err)
	}
	if n := w.Writes() - before; n != 0 {
		t.Errorf("it wrote %d times", n)
	}
}

// testOtherCanary begins a canary while another one has traffic.
func testOtherCanary(t *testing.T, w World) {
	if w.Foreign == nil || !w.Actor.Caps().Splits {
		t.Skip("it cannot be")
	}
	theirs := w.share(w.Versions[2], 0.25)
	w.Foreign(t, theirs)
	_, err := w.Actor.Plan(t.Context(), w.to(t, act.Shift, "other", w.share(w.Versions[1], 0.25)))
	wantKind(t, err, fault.Conflict, "a second canary")
	w.lies(t, theirs)
}

// testBackWhatever puts back although the revision is another one.
func testBackWhatever(t *testing.T, w World) {
	if !w.Actor.Caps().Restores {
		t.Skip("it puts nothing back")
	}
	verb, to := w.next()
	w.do(t, w.to(t, verb, "there", to))
	a := w.to(t, act.Restore, "back", w.first())
	a.From.Revision = "an older one"
	w.do(t, a)
}

func testBusy(t *testing.T, w World) {
	if w.Busy == nil {
		t.Skip("nothing can be under way on it")
	}
	verb, to := w.next()
	a := w.to(t, verb, "busy", to)
	c, err := w.Actor.Plan(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	w.Busy(t)
	if s := read(t, w.Actor); s.Busy == "" {
		t.Errorf("it does not say that somebody else is busy: %+v", s)
	}
	before := w.Writes()
	_, err = w.Actor.Plan(t.Context(), a)
	wantKind(t, err, fault.Conflict, "Plan on a busy target")
	_, err = w.Actor.Apply(t.Context(), c)
	wantKind(t, err, fault.Conflict, "Apply on a busy target")
	if n := w.Writes() - before; n != 0 {
		t.Errorf("it wrote %d times", n)
	}
}

// testTrouble fails writes for good, heals the target, and goes on.
func testTrouble(t *testing.T, w World) {
	if w.Fail == nil {
		t.Skip("it has no troubles")
	}
	for _, c := range []struct {
		trouble Trouble
		kind    fault.Kind
	}{{Throttled, fault.Throttled}, {Away, fault.Unavailable}, {Denied, fault.Denied}} {
		if slices.Contains(w.Not, c.trouble) {
			continue
		}
		verb, to := w.next()
		change, err := w.Actor.Plan(t.Context(), w.to(t, verb, "trouble", to))
		if err != nil {
			t.Fatal(err)
		}
		w.Fail(c.trouble, Always)
		_, err = w.Actor.Apply(t.Context(), change)
		wantKind(t, err, c.kind, "Apply")
		w.Fail(Fine, 0)
		w.lies(t, w.first())
	}
	verb, to := w.next()
	w.do(t, w.to(t, verb, "healed", to))
}

// testLost loses the answer of a write that was done.
func testLost(t *testing.T, w World) {
	if w.Fail == nil || slices.Contains(w.Not, Lost) {
		t.Skip("its answers are not lost")
	}
	verb, to := w.next()
	change, err := w.Actor.Plan(t.Context(), w.to(t, verb, "lost", to))
	if err != nil {
		t.Fatal(err)
	}
	before := w.Writes()
	w.Fail(Lost, 1)
	out, err := w.Actor.Apply(t.Context(), change)
	w.Fail(Fine, 0)
	if err == nil && !out.State.Same(to) {
		t.Errorf("it says that it is done, and shows %+v", out.State)
	}
	if err != nil && !fault.KindOf(err).Retry() {
		t.Errorf("an answer that is lost can be asked for again: %v (%v)", err, fault.KindOf(err))
	}
	if out, err = w.Actor.Apply(t.Context(), change); err != nil || !out.State.Same(to) {
		t.Errorf("again: %+v, %v", out, err)
	}
	if n := w.Writes() - before; n != 1 && !w.Actor.Caps().Blind {
		t.Errorf("it was written %d times", n)
	}
	w.lies(t, to)
}
