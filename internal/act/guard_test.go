package act_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/memory"
	"gitlab.com/nines-sre/nines/internal/fault"
)

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

// change is one of a target that lies at version 1.
func change(verb act.Verb, key string, from act.State, to act.Split) act.Change {
	return act.Change{Action: act.Action{Verb: verb, Key: key, From: from, To: to}, Calls: []string{"a call"}}
}

func share(weight float64) act.Split { return act.Split{Stable: "1", Canary: "2", Weight: weight} }

// The suite holds behind guards that let everything through.
func TestSuiteBehindGuards(t *testing.T) {
	acttest.Run(t, func(*testing.T) acttest.World {
		m := memory.New("1", "2", "3")
		open := act.Guards{Most: 1, Rate: act.Rate{Most: 1000, Within: time.Hour}, Now: noon, Freeze: func(context.Context, act.Change) (string, error) { return "", nil }, Approve: func(context.Context, act.Change) error { return nil }}
		releases := 0
		return acttest.World{
			Actor: open.Around(m), Versions: []string{"1", "2", "3"}, Again: func(testing.TB) act.Actor { return m },
			Look: func(testing.TB) act.Split { return m.Split() }, Writes: func() int { return len(m.Writes()) },
			Foreign: func(_ testing.TB, to act.Split) { m.Set(to) }, Busy: func(testing.TB) { m.SetBusy("x") },
			Release: func(testing.TB) act.Release { releases++; return act.Release{Artifact: fmt.Sprint(releases)} },
		}
	})
}

// What is refused is refused by one guard, with its kind, before anything is done;
// what puts back passes.
func TestGuards(t *testing.T) {
	no := errors.New("nobody has approved")
	for name, c := range map[string]struct {
		guards act.Guards
		kind   fault.Kind
		want   string
	}{
		"freeze":         {act.Guards{Freeze: func(context.Context, act.Change) (string, error) { return "year's end", nil }}, fault.Denied, "year's end"},
		"unknown freeze": {act.Guards{Freeze: func(context.Context, act.Change) (string, error) { return "", no }}, fault.Internal, "nobody"},
		"cap":            {act.Guards{Most: 0.25}, fault.Invalid, "50 %"},
		"approval":       {act.Guards{Approve: func(context.Context, act.Change) error { return no }}, fault.Internal, "nobody"},
		"rate":           {act.Guards{Rate: act.Rate{Most: 1, Within: time.Hour}, Now: noon}, fault.Throttled, "1 changes within 1h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			m := memory.New("1", "2", "3")
			a := c.guards.Around(m)
			if name == "rate" { // the first one is free
				apply(t, a, act.Shift, "first", share(0.1))
			}
			from, writes := read(t, a), len(m.Writes())
			_, err := a.Apply(t.Context(), change(act.Shift, "k", from, share(0.5+from.Weight)))
			if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || len(m.Writes()) != writes {
				t.Errorf("%v (%v), %d writes", err, fault.KindOf(err), len(m.Writes())-writes)
			}
			m.Set(share(0.9))
			for _, verb := range []act.Verb{act.Restore, act.Rollback} {
				m.Set(share(0.9))
				apply(t, a, verb, string(verb), act.Split{Stable: "1"})
			}
		})
	}
}

func read(t testing.TB, a act.Actor) act.State {
	t.Helper()
	s, err := a.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func apply(t testing.TB, a act.Actor, verb act.Verb, key string, to act.Split) {
	t.Helper()
	if out, err := a.Apply(t.Context(), change(verb, key, read(t, a), to)); err != nil || !out.State.Same(to) {
		t.Fatalf("%s: %+v, %v", verb, out, err)
	}
}

// A key is good for one change.
func TestKeys(t *testing.T) {
	m := memory.New("1", "2", "3")
	a := act.Guards{}.Around(m)
	first := change(act.Shift, "k", read(t, a), share(0.1))
	for i := range 3 {
		if out, err := a.Apply(t.Context(), first); err != nil || (len(out.Calls) > 0) != (i == 0) {
			t.Errorf("time %d: %+v, %v", i, out, err)
		}
	}
	if _, err := a.Apply(t.Context(), change(act.Shift, "k", read(t, a), share(0.5))); fault.KindOf(err) != fault.Invalid {
		t.Errorf("the same key for another change: %v", err)
	}
	apply(t, a, act.Shift, "l", share(0.5))
	// Its own From makes it possible again; its key does not.
	first.From = read(t, a)
	if _, err := a.Apply(t.Context(), first); fault.KindOf(err) != fault.Conflict || m.Split() != share(0.5) {
		t.Errorf("an old change again: %v, at %v", err, m.Split())
	}
	apply(t, a, act.Restore, "r", act.Split{Stable: "1"})
	apply(t, a, act.Shift, "m", share(0.5))
	apply(t, a, act.Restore, "r", act.Split{Stable: "1"})
	if n := len(m.Writes()); n != 5 {
		t.Errorf("%d writes", n)
	}
}

// What may work later is tried again; a write whose answer was lost is seen to be
// done and not made twice.
func TestRetry(t *testing.T) {
	for name, c := range map[string]struct {
		troubles []memory.Trouble // of the writes, in their order
		kind     fault.Kind       // Internal: it works
		writes   int
		waits    []time.Duration
	}{
		"fine":         {nil, fault.Internal, 1, nil},
		"throttled":    {[]memory.Trouble{memory.Throttled, memory.Away}, fault.Internal, 1, []time.Duration{time.Second, 2 * time.Second}},
		"lost":         {[]memory.Trouble{memory.LostAnswer}, fault.Internal, 1, []time.Duration{time.Second}},
		"denied":       {[]memory.Trouble{memory.Denied}, fault.Denied, 0, nil},
		"away":         {slices.Repeat([]memory.Trouble{memory.Away}, 9), fault.Unavailable, 0, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
		"foreign":      {[]memory.Trouble{memory.Foreign}, fault.Conflict, 0, nil},
		"then foreign": {[]memory.Trouble{memory.Throttled, memory.Foreign}, fault.Conflict, 0, []time.Duration{time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			m := memory.New("1", "2", "3")
			m.Other = act.Split{Stable: "3"}
			var waits []time.Duration
			a := act.Guards{
				Retry: act.Retry{Attempts: 4, First: time.Second, Longest: 3 * time.Second},
				Wait:  func(ctx context.Context, d time.Duration) error { waits = append(waits, d); return ctx.Err() },
			}.Around(m)
			from := read(t, a)
			left := slices.Clone(c.troubles)
			m.Pick = func(call string) memory.Trouble {
				if call == "read" || len(left) == 0 {
					return memory.Fine
				}
				next := left[0]
				left = left[1:]
				return next
			}
			out, err := a.Apply(t.Context(), change(act.Shift, "k", from, share(0.5)))
			if (err == nil) != (c.kind == fault.Internal) || err != nil && fault.KindOf(err) != c.kind || !slices.Equal(waits, c.waits) || len(m.Writes()) != c.writes {
				t.Errorf("%v, %d writes, waited %v", err, len(m.Writes()), waits)
			}
			if err == nil && (!out.State.Same(share(0.5)) || len(out.Calls) == 0) {
				t.Errorf("%+v", out)
			}
		})
	}
}

// A context that ends while it waits ends the attempts.
func TestRetryEnds(t *testing.T) {
	m := memory.New("1", "2")
	m.Pick = func(string) memory.Trouble { return memory.Throttled }
	ctx, cancel := context.WithCancel(t.Context())
	a := act.Guards{Retry: act.Retry{Attempts: 100}, Wait: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }}.Around(m)
	if _, err := a.Apply(ctx, change(act.Shift, "k", act.State{Split: act.Split{Stable: "1"}}, share(0.5))); fault.KindOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
	p, ok := a.(act.Publisher)
	if !ok {
		t.Fatal("it is no publisher any more")
	}
	if _, err := p.Publish(ctx, act.Release{Artifact: "x"}); fault.KindOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
}

// Moved is half of how much the parts differ, and never more than everything.
func TestMoved(t *testing.T) {
	split := rapid.Custom(func(t *rapid.T) act.Split {
		w := rapid.Float64Range(0, 1).Draw(t, "weight")
		v := rapid.Permutation([]string{"1", "2", "3"}).Draw(t, "versions")
		return act.Split{Stable: v[0], Canary: v[1], Weight: w}
	})
	parts := func(s act.Split, version string) (sum float64) {
		if s.Stable == version {
			sum += 1 - s.Weight
		}
		if s.Canary == version {
			sum += s.Weight
		}
		return sum
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := split.Draw(t, "from"), split.Draw(t, "to")
		want := 0.0
		for _, v := range []string{"1", "2", "3"} {
			want += math.Abs(parts(a, v)-parts(b, v)) / 2
		}
		got := act.Moved(a, b)
		if math.Abs(got-want) > 1e-9 || math.Abs(got-act.Moved(b, a)) > 1e-9 || got > 1+1e-9 {
			t.Fatalf("from %v to %v moves %v, want %v", a, b, got, want)
		}
		if err := act.Capped(change(act.Shift, "k", act.State{Split: a}, b), 0.25); (err != nil) != (got > 0.25+1e-9) {
			t.Fatalf("a cap of 25 %% and %v: %v", got, err)
		}
	})
}

// A rate never lets more through than it says, in any window, and lets through
// what it can.
func TestRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := act.Rate{Most: rapid.IntRange(1, 4).Draw(t, "most"), Within: time.Duration(rapid.IntRange(1, 10).Draw(t, "within")) * time.Second}
		now, shift := noon(), change(act.Shift, "k", act.State{}, share(0.5))
		var past []time.Time
		for range 40 {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "step")) * time.Millisecond)
			inside := 0
			for _, at := range past {
				if now.Sub(at) < r.Within {
					inside++
				}
			}
			err := r.Limited(shift, past, now)
			if (err == nil) != (inside < r.Most) {
				t.Fatalf("%d in the last %v: %v", inside, r.Within, err)
			}
			if err == nil {
				past = append(past, now)
				continue
			}
			next := r.Next(past, now)
			if r.Limited(shift, past, next) != nil || r.Limited(shift, past, next.Add(-time.Nanosecond)) == nil {
				t.Fatalf("it is not possible at %v, or earlier already", next)
			}
		}
	})
}
