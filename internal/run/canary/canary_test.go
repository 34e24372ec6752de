package canary_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

func body(t testing.TB, e ledger.Entry) lease.Body {
	t.Helper()
	var b lease.Body
	if err := json.Unmarshal(e.Body, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAGoodVersionIsPromoted(t *testing.T) {
	w := newWorld()
	out, _, err := w.run(t.Context(), w.options("job-1", "8"))
	if err != nil {
		t.Fatal(err)
	}
	if out.State.Outcome != rollout.Promoted || out.Verdict != decision.Pass || out.ExitCode != 0 {
		t.Errorf("outcome %s, %s, exit %d: %v", out.State.Outcome, out.Verdict, out.ExitCode, out.Reasons)
	}
	if got := w.target.Split(); !got.Same(act.Split{Stable: "8"}) {
		t.Errorf("the target lies at %s", got)
	}
	want := "start intent done intent done intent end"
	if got := strings.Join(w.phases(t), " "); got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	if out.Deployed == "" || out.Decision.ID == "" {
		t.Errorf("deployment %q, decision %q", out.Deployed, out.Decision.ID)
	}
	// Three minutes at 5 %, two at half, the lag before each.
	if took := w.now.Sub(newWorld().now); took < 8*time.Minute || took > 13*time.Minute {
		t.Errorf("it took %s", took)
	}
}

func TestABadVersionIsPutBackAtOnce(t *testing.T) {
	w := newWorld()
	w.bad["8"] = 0.5
	out, _, err := w.run(t.Context(), w.options("job-1", "8"))
	if err != nil || out.State.Outcome != rollout.Failed || out.ExitCode != 3 {
		t.Fatalf("%v, outcome %s, exit %d", err, out.State.Outcome, out.ExitCode)
	}
	if got := w.target.Split(); !got.Same(act.Split{Stable: "7"}) {
		t.Errorf("the target lies at %s", got)
	}
	if took := w.now.Sub(newWorld().now); took > 6*time.Minute {
		t.Errorf("it took %s: the first bad minute is enough", took)
	}
	if !contains(out.Reasons, "worse") || !contains(out.Reasons, "restored") {
		t.Errorf("reasons %v", out.Reasons)
	}
}

func TestWhatFollowsWhenNothingIsKnown(t *testing.T) {
	for _, c := range []struct {
		name    string
		plan    rollout.Plan
		rate    int64
		outcome rollout.Outcome
		phase   rollout.Phase
		exit    int
	}{
		{"climb, then restore", rollout.Plan{}, 10, rollout.Restored, rollout.End, 4},
		{"restore at once", rollout.Plan{Unsure: rollout.UnsureRestore}, 10, rollout.Restored, rollout.End, 4},
		{"go", rollout.Plan{Unsure: rollout.UnsureGo}, 20, rollout.Promoted, rollout.End, 5},
		{"go, but nobody used it", rollout.Plan{Unsure: rollout.UnsureGo}, 0, rollout.Restored, rollout.End, 4},
		{"extend", rollout.Plan{Unsure: rollout.UnsureExtend, Extend: 60}, 60, rollout.Promoted, rollout.End, 0},
		{"extend, not far enough", rollout.Plan{Unsure: rollout.UnsureExtend, Extend: 4}, 20, rollout.Restored, rollout.End, 4},
		{"pause", rollout.Plan{Unsure: rollout.UnsurePause}, 20, "", rollout.Pause, 4},
		{"hold", rollout.Plan{Then: rollout.ThenHold}, 1000, rollout.Held, rollout.End, 0},
		{"a trial", rollout.Plan{Then: rollout.ThenRestore}, 1000, rollout.Restored, rollout.End, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			steps := w.plan.Steps
			w.plan, w.rate = c.plan, c.rate
			w.plan.Steps = steps
			out, _, err := w.run(t.Context(), w.options("job-1", "8"))
			if err != nil || out.State.Outcome != c.outcome || out.State.Phase != c.phase || out.ExitCode != c.exit {
				t.Errorf("%v: outcome %q in phase %q, exit %d\n%v", err, out.State.Outcome, out.State.Phase, out.ExitCode, out.Reasons)
			}
		})
	}
}

func TestASourceThatStandsStillEndsIt(t *testing.T) {
	w := newWorld()
	w.lag = 1000
	out, _, err := w.run(t.Context(), w.options("job-1", "8"))
	if err != nil || out.State.Outcome != rollout.Restored || out.ExitCode != 4 || !contains(out.Reasons, "stalled") {
		t.Errorf("%v: %s, exit %d, %v", err, out.State.Outcome, out.ExitCode, out.Reasons)
	}
	if got := w.target.Split(); !got.Same(act.Split{Stable: "7"}) {
		t.Errorf("the target lies at %s", got)
	}
}

func TestEarlyPassEndsAStepBeforeItsTime(t *testing.T) {
	w := newWorld()
	w.plan = rollout.Plan{Early: true, Steps: []rollout.Step{{Weight: 0.5, Bake: 60}}}
	if out, _, err := w.run(t.Context(), w.options("job-1", "8")); err != nil || out.State.Outcome != rollout.Promoted {
		t.Fatalf("%v: %s %v", err, out.State.Outcome, out.Reasons)
	}
	if took := w.now.Sub(newWorld().now); took > 8*time.Minute {
		t.Errorf("it took %s", took)
	}
}

func TestAPauseWaitsForAWord(t *testing.T) {
	w := newWorld()
	w.plan.Steps[0].Pause = true
	out, _, err := w.run(t.Context(), w.options("job-1", "8"))
	if err != nil || out.State.Phase != rollout.Pause || out.ExitCode != 0 {
		t.Fatalf("%v: %q, exit %d", err, out.State.Phase, out.ExitCode)
	}
	if _, _, err := w.run(t.Context(), w.options("job-2", "8")); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second rollout beside it: %v", err)
	}
	w.now = w.now.Add(24 * time.Hour)
	opt := w.options("job-3", "")
	opt.Resume = true
	if out, _, err = w.run(t.Context(), opt); err != nil || out.State.Outcome != rollout.Promoted {
		t.Errorf("%v: %s %v", err, out.State.Outcome, out.Reasons)
	}
}

func TestARedAlarmFromBeforeDoesNotCount(t *testing.T) {
	w := newWorld()
	w.red = []string{"old"}
	out, _, err := w.run(t.Context(), w.options("job-1", "8"))
	if err != nil || out.State.Outcome != rollout.Promoted || !contains(out.Reasons, "red_before") {
		t.Errorf("%v: %s %v", err, out.State.Outcome, out.Reasons)
	}
	w = newWorld()
	w.at = func(int, string) {
		if w.target.Split().Weight > 0.4 {
			w.red = []string{"new"}
		}
	}
	out, _, err = w.run(t.Context(), w.options("job-1", "8"))
	if err != nil || out.State.Outcome != rollout.Failed || out.ExitCode != 3 {
		t.Errorf("%v: %s %v", err, out.State.Outcome, out.Reasons)
	}
}

func TestOnlyOneRolloutATarget(t *testing.T) {
	w := newWorld()
	w.at = func(n int, _ string) {
		if n == 20 {
			at := w.at
			w.at = nil
			_, _, err := w.run(t.Context(), w.options("job-2", "9"))
			if fault.KindOf(err) != fault.Conflict {
				t.Errorf("a second rollout began: %v", err)
			}
			w.at = at
		}
	}
	if out, _, err := w.run(t.Context(), w.options("job-1", "8")); err != nil || out.State.Outcome != rollout.Promoted {
		t.Errorf("%v: %s", err, out.State.Outcome)
	}
}

func TestNothingToDoAndNotPossible(t *testing.T) {
	w := newWorld()
	if out, _, err := w.run(t.Context(), w.options("job-1", "7")); err != nil || out.State.Outcome != rollout.Nothing || out.ExitCode != 0 {
		t.Errorf("%v: %s", err, out.State.Outcome)
	}
	w.target.Set(act.Split{Stable: "7", Canary: "9", Weight: 0.1})
	if out, _, err := w.run(t.Context(), w.options("job-1", "8")); err != nil || out.State.Outcome != rollout.Abandoned || out.ExitCode != 1 || w.writes != 0 {
		t.Errorf("%v: %s", err, out.State.Outcome)
	}
	w.target.Set(act.Split{Stable: "7"})
	w.target.SetBusy("somebody deploys")
	if out, _, err := w.run(t.Context(), w.options("job-1", "8")); err != nil || out.State.Outcome != rollout.Abandoned || !contains(out.Reasons, "busy") {
		t.Errorf("%v: %s", err, out.State.Outcome)
	}
}

func TestSigtermRestoresBeforeItEnds(t *testing.T) {
	w := newWorld()
	ctx, stop := context.WithCancel(t.Context())
	w.at = func(int, string) {
		if w.target.Split().Weight > 0.4 {
			stop()
		}
	}
	out, _, err := w.run(ctx, w.options("job-1", "8"))
	if err != nil || out.State.Outcome != rollout.Abandoned || out.ExitCode != 1 {
		t.Fatalf("%v: %s, exit %d", err, out.State.Outcome, out.ExitCode)
	}
	if got := w.target.Split(); !got.Same(act.Split{Stable: "7"}) {
		t.Errorf("the target lies at %s", got)
	}
	if !slices.Equal(w.phases(t)[len(w.phases(t))-2:], []string{"intent", "end"}) {
		t.Errorf("recorded %v", w.phases(t))
	}
}

func TestAnotherVersionPutsBackWhatWasLeft(t *testing.T) {
	w := newWorld()
	w.at = func(int, string) {
		if w.target.Split().Weight > 0.4 {
			panic(killed{})
		}
	}
	if _, died, _ := w.run(t.Context(), w.options("job-1", "8")); !died {
		t.Fatal("it was not killed")
	}
	w.quiet()
	w.now = w.now.Add(5 * time.Minute)
	out, _, err := w.run(t.Context(), w.options("job-2", "9"))
	if err != nil || out.State.Outcome != rollout.Promoted || !w.target.Split().Same(act.Split{Stable: "9"}) {
		t.Fatalf("%v: %s, %s %v", err, out.State.Outcome, w.target.Split(), out.Reasons)
	}
	if got := strings.Join(w.phases(t), " "); !strings.Contains(got, "takeover intent end start intent") {
		t.Errorf("recorded %s", got)
	}
}

func bodyOf(e ledger.Entry) lease.Body {
	var b lease.Body
	_ = json.Unmarshal(e.Body, &b)
	return b
}
