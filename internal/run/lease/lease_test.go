package lease_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/lease"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
)

const target = "lambda:pay:live"

// fickle is a ledger that can be away, or lose its answer, at each Append: faults
// are of the next ones, and ' ' is none.
type fickle struct {
	ledger.Ledger

	faults string
}

const (
	refused = 'r' // nothing is written
	lost    = 'l' // it is written, and the answer does not arrive
)

// Append implements ledger.Ledger.
func (f *fickle) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	what := byte(' ')
	if f.faults != "" {
		what, f.faults = f.faults[0], f.faults[1:]
	}
	away := fault.New(fault.Unavailable, "append", "connection reset", "")
	if what == refused {
		return ledger.Entry{}, away
	}
	e, err := f.Ledger.Append(ctx, d)
	if what == lost {
		return ledger.Entry{}, away
	}
	return e, err //nolint:wrapcheck // the ledger's own
}

func open() (*fickle, *runtest.Ledger) {
	_, l := runtest.Env()
	return &fickle{Ledger: l}, l
}

func chain(l ledger.Ledger, holder string) *lease.Chain {
	return &lease.Chain{Ledger: l, Service: "pay", Actor: "ada", Holder: holder}
}

func body(phase lease.Phase, name string, beat time.Time) *lease.Body {
	return &lease.Body{Rollout: name, Target: target, Environment: "production", Phase: phase, Stage: lease.Stage, Beat: beat}
}

func newest(t interface{ Fatal(args ...any) }, l ledger.Ledger) lease.Head {
	h, err := lease.Newest(context.Background(), l, "pay", target)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestALeaseLastsTwoBeats(t *testing.T) {
	now := runtest.Now()
	for phase, want := range map[lease.Phase]time.Duration{
		lease.Start: 2 * lease.Beat, lease.Takeover: 2 * lease.Beat, lease.Intent: 2 * lease.Beat, lease.Done: 2 * lease.Beat, lease.Still: 2 * lease.Beat,
		lease.Pause: 0, lease.Stuck: 0, lease.End: 0, // whoever comes may have it
	} {
		l, _ := open()
		c := chain(l, "job-1")
		c.Begin(target, lease.Head{})
		b := body(phase, "r1", now)
		if _, err := c.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if got := b.Ends().Sub(now); got != want || !c.Ends().Equal(b.Ends()) {
			t.Errorf("%s: %s and %s, want %s", phase, got, c.Ends().Sub(now), want)
		}
		if c.Held(now.Add(want)) || want > 0 && !c.Held(now.Add(want-time.Nanosecond)) {
			t.Errorf("%s: held too long, or not long enough", phase)
		}
		if h := newest(t, l); h.Open() != (phase != lease.End) {
			t.Errorf("%s: open is %v", phase, h.Open())
		}
	}
}

// Of two that want the same place behind a head, one gets it.
func TestOneOfTwoGetsTheTarget(t *testing.T) {
	l, all := open()
	for _, behind := range []bool{false, true} {
		a, b := chain(l, "job-1"), chain(l, "job-2")
		head := newest(t, l)
		if behind {
			a.Follow(target, head)
			b.Follow(target, head)
		} else {
			a.Begin(target, head)
			b.Begin(target, head)
		}
		if _, err := a.Append(t.Context(), body(lease.Start, "r1", runtest.Now())); err != nil {
			t.Fatal(err)
		}
		_, err := b.Append(t.Context(), body(lease.Start, "r2", runtest.Now()))
		if !lease.IsLost(err) || fault.KindOf(err) != fault.Conflict || b.Held(runtest.Now()) {
			t.Errorf("behind an entry %v: the second one got %v", behind, err)
		}
	}
	if n := len(all.All()); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
	if lease.IsLost(fault.New(fault.Conflict, "append", "another entry has this key", "")) || lease.IsLost(nil) {
		t.Error("a ledger's own conflict is taken for a lost lease")
	}
}

// One that was taken over can write nothing more, however often it tries.
func TestWhoWasTakenOverIsFencedOff(t *testing.T) {
	l, all := open()
	now := runtest.Now()
	old, next := chain(l, "job-1"), chain(l, "job-2")
	old.Begin(target, lease.Head{})
	if _, err := old.Append(t.Context(), body(lease.Start, "r1", now)); err != nil {
		t.Fatal(err)
	}
	next.Follow(target, newest(t, l))
	if _, err := next.Append(t.Context(), body(lease.Takeover, "r1", now.Add(3*time.Minute))); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := old.Append(t.Context(), body(lease.Still, "r1", now.Add(time.Duration(4+i)*time.Minute))); !lease.IsLost(err) {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	if h := newest(t, l); h.Body.Holder != "job-2" || len(all.All()) != 2 || old.Held(now.Add(4*time.Minute)) {
		t.Errorf("%s has it, with %d entries", h.Body.Holder, len(all.All()))
	}
	// Nor under the other's rollout, should it have its name.
	same := chain(l, "job-2")
	same.Begin(target, lease.Head{})
	if _, err := same.Append(t.Context(), body(lease.Start, "r9", now)); !lease.IsLost(err) {
		t.Errorf("another rollout of another process: %v", err)
	}
}

// An entry whose answer was lost is found again, and what is said next stands
// behind it: nothing is lost, nothing is there twice.
func TestALostAnswerIsFoundAgain(t *testing.T) {
	for _, moved := range []bool{false, true} {
		l, all := open()
		now := runtest.Now()
		c := chain(l, "job-1")
		c.Begin(target, lease.Head{})
		l.faults = "l"
		if _, err := c.Append(t.Context(), body(lease.Start, "r1", now)); fault.KindOf(err) != fault.Unavailable || lease.IsLost(err) || c.Held(now) {
			t.Fatalf("%v", err)
		}
		want, again := 1, body(lease.Start, "r1", now)
		if moved {
			want, again = 2, body(lease.Still, "r1", now.Add(time.Second))
		}
		e, err := c.Append(t.Context(), again)
		if err != nil || len(all.All()) != want || newest(t, l).ID != e.ID || !c.Held(now.Add(lease.Beat)) {
			t.Errorf("%v: %d entries, want %d", err, len(all.All()), want)
		}
	}
}

// A rollout whose end was recorded is over, although its process does not know yet
// that it was: what it says again does not stand in front of who came after it.
func TestAnEndIsRecordedOnce(t *testing.T) {
	l, all := open()
	now := runtest.Now()
	old, next := chain(l, "job-1"), chain(l, "job-2")
	old.Begin(target, lease.Head{})
	l.faults = "l"
	if _, err := old.Append(t.Context(), body(lease.End, "r1", now)); err == nil {
		t.Fatal("the answer was not lost")
	}
	next.Begin(target, newest(t, l))
	if _, err := next.Append(t.Context(), body(lease.Start, "r2", now)); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Append(t.Context(), body(lease.End, "r1", now.Add(time.Second))); err != nil {
		t.Errorf("it was recorded: %v", err)
	}
	if h := newest(t, l); h.Body.Rollout != "r2" || len(all.All()) != 2 {
		t.Errorf("%s is the newest of %d entries", h.Body.Rollout, len(all.All()))
	}
}

// A lease is as long as the record says: an entry that was found again renews
// nothing until the next one is written.
func TestALeaseIsNotLongerThanItsRecord(t *testing.T) {
	l, _ := open()
	now := runtest.Now()
	c := chain(l, "job-1")
	c.Begin(target, lease.Head{})
	l.faults = "l r" // the second Append finds what the first wrote
	if _, err := c.Append(t.Context(), body(lease.Start, "r1", now)); err == nil {
		t.Fatal("the answer was not lost")
	}
	later := now.Add(90 * time.Second)
	if _, err := c.Append(t.Context(), body(lease.Still, "r1", later)); err == nil {
		t.Fatal("the ledger was not away")
	}
	h := newest(t, l)
	if is := h.Body.Ends(); c.Ends().After(is) || c.Held(is) || !c.Held(later) {
		t.Errorf("held until %s, and recorded until %s", c.Ends(), is)
	}
}

func TestWhatIsFound(t *testing.T) {
	l, _ := open()
	put := func(subject, target, env string, phase lease.Phase, outcome rollout.Outcome, version string) string {
		b := body(phase, "r", runtest.Now())
		b.Target, b.Environment = target, env
		b.State = rollout.State{Version: version, Outcome: outcome, Base: &act.State{Split: act.Split{Stable: "0"}}}
		return add(t, l, subject, b)
	}
	first := put("pay", target, "production", lease.End, rollout.Promoted, "1")
	staging := put("pay", "ecs:pay", "staging", lease.End, rollout.Failed, "2")
	put("cart", target, "production", lease.Start, "", "3")
	failed := put("pay", target, "production", lease.End, rollout.Failed, "2")
	add(t, l, "pay", map[string]any{"stage": "watch", "target": target, "environment": "production"}) // of a watch
	for _, c := range []struct {
		what string
		find func() (lease.Head, error)
		want string
	}{
		{"newest", func() (lease.Head, error) { return lease.Newest(t.Context(), l, "pay", target) }, failed},
		{"newest of none", func() (lease.Head, error) { return lease.Newest(t.Context(), l, "pay", "ecs:cart") }, ""},
		{"latest", func() (lease.Head, error) { return lease.Latest(t.Context(), l, "pay", "") }, failed},
		{"latest in staging", func() (lease.Head, error) { return lease.Latest(t.Context(), l, "pay", "staging") }, staging},
		{"promoted", func() (lease.Head, error) { return lease.Promoted(t.Context(), l, "pay", target, "1") }, first},
		{"promoted, but it failed", func() (lease.Head, error) { return lease.Promoted(t.Context(), l, "pay", target, "2") }, ""},
	} {
		if h, err := c.find(); err != nil || h.ID != c.want {
			t.Errorf("%s: %q, %v, want %q", c.what, h.ID, err, c.want)
		}
	}
	// What cannot be read may be the one that says how to restore: it is not passed over.
	add(t, l, "pay", map[string]any{"stage": lease.Stage, "target": target, "beat": "yesterday"})
	if _, err := lease.Newest(t.Context(), l, "pay", target); fault.KindOf(err) != fault.Corrupt {
		t.Errorf("an entry that cannot be read: %v", err)
	}
	if _, err := lease.Newest(t.Context(), nil, "pay", target); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no ledger: %v", err)
	}
	if _, err := lease.Newest(t.Context(), silent{l}, "pay", target); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a ledger that is away: %v", err)
	}
}

// add writes an entry of a rollout by any body.
func add(t *testing.T, l ledger.Ledger, subject string, of any) string {
	t.Helper()
	text, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Append(t.Context(), ledger.Draft{At: runtest.Now(), Kind: ledger.KindRollout, Subject: subject, Actor: "ada", Body: text})
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// silent is a ledger that cannot be read.
type silent struct{ ledger.Ledger }

// Scan implements ledger.Ledger.
func (silent) Scan(context.Context, ledger.Query) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		yield(ledger.Entry{}, fault.New(fault.Unavailable, "scan", "connection refused", ""))
	}
}

// process is one of several that want the same target.
type process struct {
	chain  *lease.Chain
	name   string // of its rollout
	active bool
	phase  lease.Phase // that it says
	last   lease.Phase // and that it stays with
}

// TestAtMostOneHoldsTheTarget lets processes come, take over what is over, write,
// sleep and lose answers in any order: never do two of them hold the target at an
// instant, and the entries are one line, in which each holder writes behind the
// entry that it knows.
func TestAtMostOneHoldsTheTarget(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, all := open()
		now := runtest.Now()
		var procs []*process
		for i := range rapid.IntRange(2, 4).Draw(rt, "processes") {
			procs = append(procs, &process{chain: chain(l, fmt.Sprint("job-", i))})
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			p := rapid.SampledFrom(procs).Draw(rt, "process")
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(rt, "seconds")) * time.Second)
			l.faults = rapid.StringMatching("[ rl]{0,3}").Draw(rt, "faults")
			before, had := len(all.All()), newest(rt, l)
			if !p.active && !p.claim(had, now) {
				continue
			}
			if p.last == "" { // once it is to end, that is all that it says
				phase := rapid.SampledFrom([]lease.Phase{lease.Still, lease.Intent, lease.Done, lease.Pause, lease.End}).Draw(rt, "phase")
				if p.phase = phase; phase == lease.Pause || phase == lease.End {
					p.last = phase
				}
			}
			_, err := p.chain.Append(context.Background(), body(p.phase, p.name, now))
			is := newest(rt, l)
			switch {
			case err == nil && is.Body.Holder != p.chain.Holder && p.last == "":
				rt.Fatalf("%s wrote, and %s has it", p.chain.Holder, is.Body.Holder)
			case lease.IsLost(err) && len(all.All()) != before:
				rt.Fatalf("%s has lost it, and wrote", p.chain.Holder)
			case lease.IsLost(err) && is.Body.Holder == p.chain.Holder && is.Body.Rollout == p.name:
				rt.Fatalf("%s has lost it to itself", p.chain.Holder)
			}
			if lease.IsLost(err) || err == nil && p.last != "" {
				p.active, p.last = false, ""
			}
			holders := 0
			for _, q := range procs {
				if q.chain.Held(now) && q.active && q.last == "" { // one that ends touches nothing
					holders++
				}
			}
			// One that lost it and has not noticed cannot be among them: what it holds
			// was over before another could take it.
			if holders > 1 {
				rt.Fatalf("%d processes hold it", holders)
			}
		}
		seen := map[string]bool{}
		for _, e := range all.All() {
			if seen[e.Key] {
				rt.Fatalf("two entries have the place %s", e.Key)
			}
			seen[e.Key] = true
		}
	})
}

// claim takes the target where that is allowed: nobody has it, or his lease is over.
func (p *process) claim(h lease.Head, now time.Time) bool {
	if h.Open() && h.Body.Ends().After(now) && h.Body.Holder != p.chain.Holder {
		return false
	}
	p.active, p.name = true, h.Body.Rollout
	if h.Open() {
		p.chain.Follow(target, h)
		return true
	}
	p.name = p.chain.Holder + "/" + h.ID
	p.chain.Begin(target, h)
	return true
}
