package canary_test

import (
	"encoding/json"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/canary"
)

// held is a world whose version 8 is held at half of the traffic.
func held(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	w.plan.Then = rollout.ThenHold
	if out, _, err := w.run(t.Context(), w.options("job-1", "8")); err != nil || out.State.Outcome != rollout.Held {
		t.Fatalf("%v: %s", err, out.State.Outcome)
	}
	w.now = w.now.Add(time.Hour)
	return w
}

func (w *world) promote(t *testing.T) (canary.Outcome, error) {
	t.Helper()
	return canary.Promote(t.Context(), w.env, w.options("job-2", ""), w.head(t))
}

func (w *world) rollback(t *testing.T, to string) (canary.Outcome, error) {
	t.Helper()
	return canary.Rollback(t.Context(), w.env, w.options("job-3", ""), w.head(t), to)
}

func TestPromoteWhatIsHeld(t *testing.T) {
	w := held(t)
	out, err := w.promote(t)
	if err != nil || out.State.Outcome != rollout.Promoted || out.ExitCode != 0 || out.Deployed == "" {
		t.Fatalf("%v: %s, exit %d %v", err, out.State.Outcome, out.ExitCode, out.Notes)
	}
	if is := w.target.Split(); !is.Same(act.Split{Stable: "8"}) {
		t.Errorf("the target lies at %s", is)
	}
	if _, err := w.promote(t); fault.KindOf(err) != fault.Invalid {
		t.Errorf("promoted twice: %v", err)
	}
	// What was promoted can be put back, once it is known what was before.
	out, err = w.rollback(t, "")
	if err != nil || out.State.Outcome != rollout.Restored || out.ExitCode != 0 || !w.target.Split().Same(act.Split{Stable: "7"}) {
		t.Errorf("%v: %s, %s", err, out.State.Outcome, w.target.Split())
	}
	if _, err = w.rollback(t, ""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nobody said where to: %v", err)
	}
	if _, err = w.rollback(t, "9"); err != nil || !w.target.Split().Same(act.Split{Stable: "9"}) {
		t.Errorf("%v: %s", err, w.target.Split())
	}
	if v := w.target.Writes()[len(w.target.Writes())-1].Verb; v != act.Rollback {
		t.Errorf("the last write was a %s", v)
	}
}

func TestRollbackWhatIsHeld(t *testing.T) {
	w := held(t)
	out, err := w.rollback(t, "")
	if err != nil || out.State.Outcome != rollout.Restored || out.ExitCode != 0 || !w.target.Split().Same(act.Split{Stable: "7"}) {
		t.Errorf("%v: %s, %s", err, out.State.Outcome, w.target.Split())
	}
}

func TestRollbackTakesARolloutFromWhoHasIt(t *testing.T) {
	w := newWorld()
	done := false
	w.at = func(_ int, call string) {
		if !done && call == "sleep" && w.target.Split().Weight > 0.4 {
			done = true
			opt := w.options("job-3", "")
			opt.Reason = "INC-7"
			out, err := canary.Rollback(t.Context(), w.env, opt, w.head(t), "")
			if err != nil || out.State.Outcome != rollout.Restored || out.ExitCode != 0 || out.State.Reasons[0].Text != "INC-7" {
				t.Errorf("%v: %s, %v", err, out.State.Outcome, out.State.Reasons)
			}
		}
	}
	_, _, err := w.run(t.Context(), w.options("job-1", "8"))
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("the rollout went on: %v", err)
	}
	if is := w.target.Split(); !is.Same(act.Split{Stable: "7"}) {
		t.Errorf("the target lies at %s", is)
	}
}

// A rollout that has not moved anything yet, or whose process is gone, ends by a
// rollback too: nothing is shifted behind the word of somebody who wanted all back.
func TestRollbackEndsARolloutThatHasMovedNothing(t *testing.T) {
	for _, gone := range []bool{false, true} {
		w := newWorld()
		w.at = func(_ int, call string) {
			if call != "publish" || w.head(t).Body.Holder == "job-3" {
				return
			}
			if gone {
				panic(killed{})
			}
			out, err := w.rollback(t, "")
			if err != nil || out.State.Outcome != rollout.Restored || out.ExitCode != 0 {
				t.Errorf("%v: %s, exit %d, %v %v", err, out.State.Outcome, out.ExitCode, out.Reasons, out.Notes)
			}
		}
		opt := w.options("job-1", "")
		opt.Release = act.Release{Artifact: "8.zip"}
		_, died, err := w.run(t.Context(), opt)
		w.quiet()
		if gone {
			if _, err = w.rollback(t, ""); !died || err != nil {
				t.Errorf("a rollout that was left: %v, %v", died, err)
			}
		} else if fault.KindOf(err) != fault.Conflict {
			t.Errorf("the rollout went on: %v", err)
		}
		if h := w.head(t); h.Open() || w.writes > 0 || !w.target.Split().Same(act.Split{Stable: "7"}) {
			t.Errorf("%s, %d writes, %s", h.Body.Phase, w.writes, w.target.Split())
		}
	}
}

// A rollback has done what was asked of it whatever the rollout that it took over
// was ending as: its process was killed while it put a bad version back.
func TestRollbackFinishesAFailedRollout(t *testing.T) {
	w := newWorld()
	w.bad["8"] = 0.5
	w.at = func(_ int, call string) {
		if call == "apply" && w.target.Split().Weight > 0 {
			panic(killed{})
		}
	}
	if _, died, err := w.run(t.Context(), w.options("job-1", "8")); !died {
		t.Fatalf("it lives: %v", err)
	}
	w.quiet()
	out, err := w.rollback(t, "")
	if err != nil || out.State.Outcome != rollout.Restored || out.ExitCode != 0 || !w.target.Split().Same(act.Split{Stable: "7"}) {
		t.Errorf("%v: %s, exit %d, %s", err, out.State.Outcome, out.ExitCode, w.target.Split())
	}
	if h := w.head(t); h.Body.State.Outcome != rollout.Failed {
		t.Errorf("recorded as %s: how it came about is kept", h.Body.State.Outcome)
	}
}

func TestSomebodyElsesChangeIsNotPromoted(t *testing.T) {
	w := held(t)
	w.target.Set(act.Split{Stable: "9"})
	out, err := w.promote(t)
	if err != nil || out.State.Outcome != rollout.Foreign || out.ExitCode != 1 || !w.target.Split().Same(act.Split{Stable: "9"}) {
		t.Errorf("%v: %s, exit %d, %s", err, out.State.Outcome, out.ExitCode, w.target.Split())
	}
}

func TestPromoteWithoutARollout(t *testing.T) {
	if _, err := newWorld().promote(t); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}

// A version that cannot be put back has not passed anything.
func TestARollbackThatIsDenied(t *testing.T) {
	w := newWorld()
	w.target.Set(act.Split{Stable: "8"})
	w.refuse = func(_ int, call string) error {
		if call == "apply" {
			return fault.New(fault.Denied, "move", "not allowed", "")
		}
		return nil
	}
	out, err := w.rollback(t, "7")
	if out.Verdict == decision.Pass || err == nil && out.ExitCode != 1 {
		t.Errorf("%v: %s, exit %d, %v", err, out.Verdict, out.ExitCode, out.Reasons)
	}
}

// What is known of the commit goes into the record of the deployment.
func TestAPromotionRecordsWhenItWasCommitted(t *testing.T) {
	w := newWorld()
	opt := w.options("job-1", "8")
	opt.Committed = w.now.Add(-3 * time.Hour)
	out, _, err := w.run(t.Context(), opt)
	if err != nil || out.Deployed == "" {
		t.Fatal(err, out.Reasons)
	}
	e, err := w.ledger.Get(t.Context(), out.Deployed)
	if err != nil {
		t.Fatal(err)
	}
	var d struct{ Committed time.Time }
	if err := json.Unmarshal(e.Body, &d); err != nil || !d.Committed.Equal(opt.Committed) {
		t.Errorf("%s: %v", e.Body, err)
	}
}
