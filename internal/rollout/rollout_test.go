package rollout_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func noon() time.Time { return time.Date(2025, 1, 31, 12, 0, 20, 0, time.UTC) }

func plan() rollout.Plan {
	return rollout.Plan{Steps: []rollout.Step{{Weight: 0.05, Bake: 3}, {Weight: 0.5, Bake: 2}}}
}

func caps() act.Caps { return act.Caps{Splits: true, Smallest: 0.01, Most: 0.99, Restores: true} }

func whole(v string) act.State { return act.State{Split: act.Split{Stable: v}, Ready: true} }

// TestAWholeRollout walks through one, event by event.
func TestAWholeRollout(t *testing.T) {
	s := rollout.New("r", plan(), act.Release{Artifact: "a.zip"})
	now := noon()
	step := func(e rollout.Event, want rollout.Do) {
		t.Helper()
		var cmd rollout.Command
		s, cmd, _ = rollout.Next(s, e, now)
		now = now.Add(cmd.After)
		if cmd.Do != want {
			t.Fatalf("behind %T: %q, want %q (%+v)", e, cmd.Do, want, s)
		}
	}
	step(rollout.Woken{}, rollout.Read)
	step(rollout.Observed{State: whole("7"), Caps: caps()}, rollout.Make)
	step(rollout.Made{Version: "8"}, rollout.Apply)
	if a := s.Action; a.Verb != act.Shift || !a.To.Same(act.Split{Stable: "7", Canary: "8", Weight: 0.05}) || !s.Base.Same(act.Split{Stable: "7"}) {
		t.Fatalf("%+v, base %+v", a, s.Base)
	}
	step(rollout.Applied{State: act.State{Split: s.Action.To, Ready: true}}, rollout.Look)
	// 12:00:20 and a quarter of a minute: the first whole minute is 12:01.
	if s.Begun != slo.MinuteOf(noon())+1 || !now.Equal(noon().Truncate(time.Minute).Add(time.Minute)) {
		t.Fatalf("begun %s, looks at %s", s.Begun.Time(), now)
	}
	is := s.Now
	look := func(n slo.Minute, v decision.Verdict) rollout.Looked {
		return rollout.Looked{Target: &is, Minutes: n, Requests: 100, Verdict: v, Why: "because"}
	}
	step(look(0, decision.Inconclusive), rollout.Look)
	step(look(2, decision.Inconclusive), rollout.Look)
	step(look(3, decision.Inconclusive), rollout.Apply) // climbs
	is = act.State{Split: s.Action.To, Ready: true}
	step(rollout.Applied{State: is}, rollout.Look)
	step(look(2, decision.Pass), rollout.Apply)
	if a := s.Action; a.Verb != act.Promote || !a.To.Same(act.Split{Stable: "8"}) {
		t.Fatalf("%+v", a)
	}
	step(rollout.Applied{State: whole("8")}, rollout.Stop)
	if s.Outcome != rollout.Promoted || s.Verdict != decision.Pass || len(s.Segments) != 2 || s.Segments[0].To == 0 {
		t.Errorf("%+v", s)
	}
	step(rollout.Interrupted{}, rollout.Stop) // what is over is over
}

// events are all that can happen, sensible or not.
func events() *rapid.Generator[rollout.Event] {
	splits := rapid.SampledFrom([]act.Split{
		{Stable: "7"}, {Stable: "8"}, {Stable: "9"}, {Stable: "7", Canary: "8", Weight: 0.05}, {Stable: "7", Canary: "8", Weight: 0.5}, {Stable: "7", Canary: "9", Weight: 0.1}, {},
	})
	return rapid.Custom(func(t *rapid.T) rollout.Event {
		is := act.State{Split: splits.Draw(t, "split"), Ready: rapid.IntRange(0, 5).Draw(t, "ready") > 0}
		if rapid.IntRange(0, 9).Draw(t, "busy") == 0 {
			is.Busy = "somebody"
		}
		switch rapid.IntRange(0, 8).Draw(t, "event") {
		case 0:
			return rollout.Woken{}
		case 1:
			c := caps()
			c.Blind = rapid.IntRange(0, 5).Draw(t, "blind") == 0
			return rollout.Observed{State: is, Caps: c}
		case 2:
			return rollout.Made{Version: rapid.SampledFrom([]string{"7", "8"}).Draw(t, "version")}
		case 3, 4:
			return rollout.Applied{State: is}
		case 5:
			do := rapid.SampledFrom([]rollout.Do{rollout.Read, rollout.Make, rollout.Apply, rollout.Look}).Draw(t, "do")
			return rollout.Trouble{Do: do, Kind: fault.Kind(rapid.IntRange(0, 10).Draw(t, "kind")), Text: "trouble"}
		case 6:
			return rollout.Interrupted{}
		case 7:
			return rollout.Told{Order: rapid.SampledFrom([]rollout.Order{rollout.Go, rollout.Forward, rollout.Back}).Draw(t, "order")}
		}
		return rollout.Looked{
			Target: &is, Minutes: slo.Minute(rapid.IntRange(0, 4).Draw(t, "minutes")), Requests: int64(rapid.IntRange(0, 2).Draw(t, "requests")),
			Verdict: decision.Verdict(rapid.IntRange(0, 3).Draw(t, "verdict")), Red: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 2).Draw(t, "red"),
		}
	})
}

// TestNeverAStateWithoutTheWayBack feeds the machine anything in any order: it
// never panics, never announces an action whose undoing is not in the state, never
// leaves its end, and its state survives being written down.
func TestNeverAStateWithoutTheWayBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plan()
		p.Then = rapid.SampledFrom([]rollout.Then{"", rollout.ThenHold, rollout.ThenRestore}).Draw(t, "then")
		p.Unsure = rapid.SampledFrom([]rollout.Unsure{"", rollout.UnsureRestore, rollout.UnsureExtend, rollout.UnsurePause, rollout.UnsureGo}).Draw(t, "unsure")
		p.Extend, p.Early = 3, rapid.Bool().Draw(t, "early")
		p.Steps[0].Pause = rapid.Bool().Draw(t, "pause")
		p.Still = rapid.IntRange(0, 5).Draw(t, "still") == 0
		s := rollout.New("r", p, act.Release{Version: rapid.SampledFrom([]string{"", "8"}).Draw(t, "version")})
		now := noon()
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			was := s
			e := events().Draw(t, "e")
			var cmd rollout.Command
			s, cmd, _ = rollout.Next(s, e, now)
			now = now.Add(cmd.After + time.Second)
			if err := s.Check(); err != nil {
				t.Fatalf("behind %+v: %v\n%+v", e, err, s)
			}
			if cmd.Do == rollout.Apply && (s.Action == nil || s.Base == nil || p.Still) {
				t.Fatalf("behind %+v it acts without knowing the way back: %+v", e, s)
			}
			if was.Phase == rollout.End && !cmp.Equal(was, s) {
				t.Fatalf("it went on behind its end: %+v", s)
			}
			if s.Outcome == rollout.Promoted && !s.Now.Same(act.Split{Stable: s.Version}) && !s.Blind {
				t.Fatalf("promoted, and the target lies at %s", s.Now.Split)
			}
			raw, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var back rollout.State
			if err := json.Unmarshal(raw, &back); err != nil {
				t.Fatal(err)
			}
			again, cmdAgain, _ := rollout.Next(back, rollout.Woken{}, now)
			once, cmdOnce, _ := rollout.Next(s, rollout.Woken{}, now)
			if cmdAgain != cmdOnce || again.Phase != once.Phase {
				t.Fatalf("written down it does something else: %v and %v", cmdAgain, cmdOnce)
			}
		}
	})
}

func TestPlans(t *testing.T) {
	for _, c := range []struct {
		name string
		plan rollout.Plan
		caps act.Caps
		ok   bool
	}{
		{"good", plan(), caps(), true},
		{"no steps", rollout.Plan{}, caps(), false},
		{"no time", rollout.Plan{Steps: []rollout.Step{{Weight: 0.1}}}, caps(), false},
		{"all of it", rollout.Plan{Steps: []rollout.Step{{Weight: 1, Bake: 1}}}, caps(), false},
		{"too little for the target", rollout.Plan{Steps: []rollout.Step{{Weight: 0.001, Bake: 1}}}, caps(), false},
		{"all or nothing", plan(), act.Caps{}, false},
		{"nothing is moved", rollout.Plan{Still: true, Steps: []rollout.Step{{Bake: 5}}}, act.Caps{}, true},
	} {
		if err := c.plan.Check(c.caps); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestACorruptRecordIsNotActedUpon(t *testing.T) {
	s := rollout.New("r", plan(), act.Release{Version: "8"})
	s.Phase = rollout.Bake
	got, cmd, why := rollout.Next(s, rollout.Woken{}, noon())
	if cmd.Do != rollout.Stop || got.Phase != rollout.Bake || len(why) == 0 {
		t.Errorf("%v, %+v", cmd, why)
	}
}
