package canary_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// trouble makes a certain call, counted from the start of the process, go wrong.
type trouble struct {
	name string
	make func(w *world, n int, stop func())
}

func troubles() []trouble {
	refuse := func(calls int, err error, on string) func(w *world, at int) {
		return func(w *world, at int) {
			w.refuse = func(i int, call string) error {
				lost := strings.HasPrefix(call, "lost ")
				if i >= at && i < at+calls && strings.Contains(on, strings.TrimPrefix(call, "lost ")) && lost == (on == "lost append apply") {
					return err
				}
				return nil
			}
		}
	}
	target, all := "read plan apply publish", "read plan apply publish append scan meter"
	denied := fault.New(fault.Denied, "call", "not allowed", "")
	throttled := fault.New(fault.Throttled, "call", "slow down", "")
	return []trouble{
		{"kill", func(w *world, n int, _ func()) {
			w.at = func(i int, _ string) {
				if i == n {
					panic(killed{})
				}
			}
		}},
		{"kill behind what was done", func(w *world, n int, _ func()) {
			w.after = func(i int, _ string) {
				if i >= n {
					panic(killed{})
				}
			}
		}},
		{"throttled", func(w *world, n int, _ func()) { refuse(3, throttled, target)(w, n) }},
		{"throttled for long", func(w *world, n int, _ func()) { refuse(60, throttled, target)(w, n) }},
		{"a lost answer", func(w *world, n int, _ func()) { refuse(3, away(), "lost append apply")(w, n) }},
		{"network loss", func(w *world, n int, _ func()) { loss(w, n, 3*time.Minute, all) }},
		{"long network loss", func(w *world, n int, _ func()) { loss(w, n, 45*time.Minute, all) }},
		{"the ledger is away", func(w *world, n int, _ func()) { loss(w, n, 5*time.Minute, "append scan") }},
		{"the source is away", func(w *world, n int, _ func()) { loss(w, n, 30*time.Minute, "meter") }},
		{"denied", func(w *world, n int, _ func()) { refuse(1, denied, "apply plan")(w, n) }},
		{"denied for good", func(w *world, n int, _ func()) { refuse(1<<20, denied, "apply")(w, n) }},
		{"sigterm", func(w *world, n int, stop func()) {
			w.at = func(i int, _ string) {
				if i == n {
					stop()
				}
			}
		}},
	}
}

// loss is a network that is away from a call on, for some time.
func loss(w *world, n int, d time.Duration, calls string) {
	var until time.Time
	w.refuse = func(i int, call string) error {
		if i == n {
			until = w.now.Add(d)
		}
		if i >= n && w.now.Before(until) && strings.Contains(calls, call) {
			return away()
		}
		return nil
	}
}

// sound is what holds at every instant, whatever went wrong: one of the two
// versions serves, and a target that is not as before is in the record, with how
// it was before.
func sound(t fataler, w *world) {
	is := w.target.Split()
	if is.Same(act.Split{Stable: "7"}) {
		return
	}
	if is.Stable != "7" && is.Stable != "8" || !is.Whole() && is.Canary != "8" {
		t.Fatalf("the target lies at %s", is)
	}
	for _, e := range w.ledger.All() {
		if e.Kind != ledger.KindRollout {
			continue
		}
		b := bodyOf(e)
		if err := b.State.Check(); err != nil {
			t.Fatalf("entry %s: %v", e.ID, err)
		}
		if a := b.Action; a != nil && a.To.Same(is) && b.State.Base != nil && b.State.Base.Same(act.Split{Stable: "7"}) {
			return
		}
	}
	t.Fatalf("the target lies at %s, and nothing in the record says how to put it back", is)
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// recovered starts processes until the rollout is over, without trouble.
func recovered(t fataler, w *world) {
	w.quiet()
	for i := range 4 {
		h, err := lease.Newest(context.Background(), w.ledger, "payment-api", "lambda:pay:live")
		if err != nil {
			t.Fatalf("%v", err)
		}
		if !h.Open() {
			break
		}
		w.now = w.now.Add(3 * time.Minute)
		opt := w.options(fmt.Sprintf("after-%d", i), "8")
		opt.Resume = true
		if _, died, err := w.run(context.Background(), opt); died || err != nil {
			t.Fatalf("a process behind it: %v", err)
		}
		sound(t, w)
	}
	h, _ := lease.Newest(context.Background(), w.ledger, "payment-api", "lambda:pay:live")
	is := w.target.Split()
	switch {
	case h.Open():
		t.Fatalf("the rollout is never over: %s, %v", h.Body.Phase, h.Body.State.Reasons)
	case h.ID == "" || h.Body.State.Outcome != rollout.Promoted:
		if !is.Same(act.Split{Stable: "7"}) {
			t.Fatalf("it ended as %q, and the target lies at %s", h.Body.State.Outcome, is)
		}
	case !is.Same(act.Split{Stable: "8"}):
		t.Fatalf("it ended as promoted, and the target lies at %s", is)
	}
	if h.Body.State.Outcome == rollout.Promoted && w.bad["8"] > 0 {
		t.Fatalf("a bad version was promoted")
	}
	if h.Body.State.Outcome == rollout.Foreign {
		t.Fatalf("nobody else was there, and it says so: %v", h.Body.State.Reasons)
	}
}

// TestTroubleAtEveryCall makes every trouble at every call that a rollout makes,
// to a good version and to a bad one, and lets other processes pick up what is
// left.
func TestTroubleAtEveryCall(t *testing.T) {
	for _, bad := range []float64{0, 0.5} {
		for _, tr := range troubles() {
			t.Run(fmt.Sprintf("%s, %.0f%% bad", tr.name, 100*bad), func(t *testing.T) {
				for n := 1; ; n += stride {
					w := newWorld()
					w.bad["8"] = bad
					w.red = []string{"red before"}
					ctx, stop := context.WithCancel(t.Context())
					tr.make(w, n, stop)
					_, _, err := w.run(ctx, w.options("job-1", "8"))
					stop()
					calls := w.calls
					at := at{t, fmt.Sprintf("at call %d (%v)", n, err)}
					sound(at, w)
					recovered(at, w)
					if calls < n {
						if n < 30 {
							t.Fatalf("it was over after %d calls", calls)
						}
						return
					}
				}
			})
		}
	}
}

// at says where something was found.
type at struct {
	t     *testing.T
	where string
}

func (a at) Fatalf(format string, args ...any) {
	a.t.Helper()
	a.t.Fatalf(a.where+": "+format, args...)
}

// TestAForeignChangeAtEveryCall changes the target behind the rollout's back at
// every call. From then on nothing is touched.
func TestAForeignChangeAtEveryCall(t *testing.T) {
	for n := 1; ; n += stride {
		w := newWorld()
		seen, writes := false, 0
		w.at = func(i int, _ string) {
			if i == n {
				h := w.head(t)
				seen = h.Body.State.Base != nil
				writes = w.writes
				w.target.Set(act.Split{Stable: "9"})
			}
		}
		out, _, err := w.run(t.Context(), w.options("job-1", "8"))
		if err != nil {
			t.Fatalf("at call %d: %v", n, err)
		}
		if w.calls < n {
			return
		}
		is := w.target.Split()
		if seen && out.State.Outcome != rollout.Promoted && (!is.Same(act.Split{Stable: "9"}) || w.writes != writes) {
			t.Fatalf("at call %d: the target was touched: %s, %s", n, is, out.State.Outcome)
		}
		if seen && w.writes == writes && out.State.Outcome != rollout.Foreign && out.State.Outcome != rollout.Promoted {
			t.Fatalf("at call %d: it ended as %s, %v", n, out.State.Outcome, out.Reasons)
		}
		if !is.Whole() {
			t.Fatalf("at call %d: %s", n, is)
		}
	}
}

// TestAProcessThatSleptWritesNothing lets a process sleep through its lease at
// every call, while another one takes over and comes to an end. The first then
// goes on, and must not touch the target.
func TestAProcessThatSleptWritesNothing(t *testing.T) {
	for n := 1; ; n += stride {
		w := newWorld()
		writes, over := -1, false
		w.at = func(i int, call string) {
			if i < n || over || call == "apply" {
				return // a call under way to the target is the target's own lock to keep
			}
			over = true
			was := w.at
			w.quiet()
			w.now = w.now.Add(10 * time.Minute)
			if _, _, err := w.run(t.Context(), w.options("job-2", "9")); err != nil {
				t.Fatalf("at call %d: %v", n, err)
			}
			writes = w.writes
			w.at = was
		}
		_, _, err := w.run(t.Context(), w.options("job-1", "8"))
		if !over {
			return
		}
		h := w.head(t)
		if h.Body.Holder != "job-2" && w.writes != writes && n > 3 {
			t.Fatalf("at call %d: the first process wrote: %s, %v", n, w.target.Split(), err)
		}
		if is := w.target.Split(); !is.Whole() {
			t.Fatalf("at call %d: %s", n, is)
		}
	}
}

// TestTroubleUponTrouble draws troubles at random, several in a row, process after
// process.
func TestTroubleUponTrouble(t *testing.T) {
	all := troubles()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		w.bad["8"] = rapid.SampledFrom([]float64{0, 0.5}).Draw(rt, "bad")
		w.rate = rapid.SampledFrom([]int64{0, 100, 1000}).Draw(rt, "rate")
		w.plan.Unsure = rapid.SampledFrom([]rollout.Unsure{"", rollout.UnsureRestore, rollout.UnsureGo, rollout.UnsureExtend}).Draw(rt, "unsure")
		w.plan.Extend = 5
		for i := range rapid.IntRange(1, 4).Draw(rt, "processes") {
			w.quiet()
			ctx, stop := context.WithCancel(t.Context())
			tr := rapid.SampledFrom(all).Draw(rt, "trouble")
			tr.make(w, w.calls+rapid.IntRange(1, 80).Draw(rt, "at"), stop)
			opt := w.options(fmt.Sprint("job-", i), "8")
			opt.Resume = rapid.Bool().Draw(rt, "resume")
			_, _, _ = w.run(ctx, opt)
			stop()
			sound(rt, w)
			if w.target.Split().Same(act.Split{Stable: "8"}) {
				break // promoted: what follows has nothing to do
			}
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "seconds")) * time.Second)
		}
		recovered(rt, w)
	})
}

// TestTwoHundredRollouts is an hour each, in no time.
func TestTwoHundredRollouts(t *testing.T) {
	for i := range 200 / stride {
		w := newWorld()
		w.plan.Steps = []rollout.Step{{Weight: 0.05, Bake: 20}, {Weight: 0.25, Bake: 20}, {Weight: 0.5, Bake: 20}}
		want := rollout.Promoted
		if i%2 == 1 {
			w.bad["8"], want = 0.2, rollout.Failed
		}
		if out, _, err := w.run(t.Context(), w.options("job", "8")); err != nil || out.State.Outcome != want {
			t.Fatalf("rollout %d: %v, %s", i, err, out.State.Outcome)
		}
	}
}
