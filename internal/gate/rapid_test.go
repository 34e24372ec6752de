package gate_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var (
	allFlags   = []slo.Flag{slo.FastBurn, slo.SlowBurn, slo.InsufficientData, slo.Stale, slo.Silent, slo.NoTraffic, slo.New, slo.Relineaged}
	blindFlags = []slo.Flag{slo.InsufficientData, slo.Stale, slo.Silent, slo.NoTraffic, slo.New}
	allLevels  = []slo.Level{slo.Unknown, slo.Healthy, slo.Caution, slo.Critical, slo.Exhausted}
)

// weight orders verdicts by how much they hold: the test's own ladder.
func weight(v decision.Verdict) int {
	return slices.Index([]decision.Verdict{decision.Pass, decision.Warn, decision.Inconclusive, decision.Fail}, v)
}

func drawState(t *rapid.T) gate.BudgetState {
	s := healthy(
		level(rapid.SampledFrom(allLevels).Draw(t, "level")),
		flag(rapid.SliceOfNDistinct(rapid.SampledFrom(allFlags), 0, 3, rapid.ID).Draw(t, "flags")...),
		named(rapid.SampledFrom([]string{"availability", "latency", "freshness"}).Draw(t, "slo")),
	)
	if rapid.IntRange(0, 3).Draw(t, "dependency") == 0 {
		s.Service, s.Dependency = "ledger", true
	}
	return s
}

func drawRequest(t *rapid.T) gate.Request {
	r := request(rapid.SliceOfN(rapid.Custom(drawState), 0, 4).Draw(t, "states")...)
	r.Change.Class = rapid.SampledFrom(append(classes[:3:3], "")).Draw(t, "class")
	if rapid.Bool().Draw(t, "frozen") {
		r.Freezes = []gate.Freeze{freeze(rapid.SampledFrom([][]gate.Class{nil, {gate.ClassFix}, {gate.ClassChange}}).Draw(t, "exempt")...)}
	}
	if rapid.IntRange(0, 4).Draw(t, "failed") == 0 {
		r.Error = "store is locked"
	}
	return r
}

func drawPolicy(t *rapid.T) gate.Policy {
	rows := slices.DeleteFunc(gate.Rows(), func(r gate.Row) bool { return r == gate.RowRollback })
	verdict := rapid.SampledFrom([]decision.Verdict{decision.Pass, decision.Warn, decision.Inconclusive, decision.Fail})
	p := gate.Policy{
		OnError:           rapid.SampledFrom([]gate.OnError{"", gate.OnErrorBlock, gate.OnErrorWarn}).Draw(t, "onError"),
		Mode:              rapid.SampledFrom([]gate.Mode{"", gate.ModeEnforce, gate.ModeAdvise}).Draw(t, "mode"),
		DependencyVerdict: verdict.Draw(t, "dependency verdict"),
		Verdicts:          map[string]decision.Verdict{},
	}
	for range rapid.IntRange(0, 3).Draw(t, "mapped") {
		key := string(rapid.SampledFrom(rows).Draw(t, "row"))
		if rapid.Bool().Draw(t, "by class") {
			key = string(rapid.SampledFrom(classes[:3]).Draw(t, "of class")) + ":" + key
		}
		p.Verdicts[key] = verdict.Draw(t, "to")
	}
	return p
}

// naive reads the default table line by line, as a person would.
func naive(r gate.Request) decision.Verdict {
	var own, deps []gate.BudgetState
	for _, s := range r.States {
		if s.Dependency {
			deps = append(deps, s)
		} else {
			own = append(own, s)
		}
	}
	repair := r.Change.Class == gate.ClassFix || r.Change.Class == gate.ClassSecurity
	class := r.Change.Class
	if class == "" {
		class = gate.ClassChange
	}
	bad := func(s gate.BudgetState) bool {
		return s.Level == slo.Exhausted || s.Level == slo.Critical || slices.Contains(s.Flags, slo.FastBurn)
	}
	blind := func(s gate.BudgetState) bool {
		return s.Level == slo.Unknown || slices.ContainsFunc(blindFlags, func(f slo.Flag) bool { return slices.Contains(s.Flags, f) })
	}
	low := func(s gate.BudgetState) bool { return s.Level == slo.Caution || slices.Contains(s.Flags, slo.SlowBurn) }
	table := func(states []gate.BudgetState) decision.Verdict {
		switch {
		case slices.ContainsFunc(states, bad) && repair:
			return decision.Warn
		case slices.ContainsFunc(states, bad):
			return decision.Fail
		case len(states) == 0 || slices.ContainsFunc(states, blind):
			return decision.Inconclusive
		case slices.ContainsFunc(states, low):
			return decision.Warn
		}
		return decision.Pass
	}
	if slices.ContainsFunc(r.Freezes, func(f gate.Freeze) bool { return !slices.Contains(f.Exempt, class) }) {
		return decision.Fail
	}
	v := table(own)
	if r.Error != "" && v != decision.Fail {
		v = decision.Inconclusive
	}
	if len(deps) > 0 && v == decision.Pass && table(deps) != decision.Pass {
		v = decision.Warn
	}
	return v
}

func TestDefaultTableAgreesWithANaiveReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		if got, want := gate.Decide(r).Verdict, naive(r); got != want {
			t.Fatalf("%v, a naive reading says %v", got, want)
		}
	})
}

func TestWorseEvidenceNeverImprovesTheVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		if len(r.States) == 0 {
			r.States = []gate.BudgetState{healthy()}
		}
		before := gate.Decide(r)
		worse := r
		worse.States = slices.Clone(r.States)
		i := rapid.IntRange(0, len(worse.States)-1).Draw(t, "which")
		s := &worse.States[i]
		switch rapid.IntRange(0, 4).Draw(t, "how") {
		case 0: // less budget; not knowing stands between caution and critical
			ladder := []slo.Level{slo.Healthy, slo.Caution, slo.Unknown, slo.Critical, slo.Exhausted}
			at := slices.Index(ladder, s.Level)
			s.Level = ladder[rapid.IntRange(at, len(ladder)-1).Draw(t, "to")]
		case 1:
			s.Flags = append(slices.Clone(s.Flags), rapid.SampledFrom(allFlags).Draw(t, "flag"))
		case 2:
			worse.States = append(worse.States, healthy(named("another"), level(rapid.SampledFrom(allLevels).Draw(t, "another"))))
		case 3:
			worse.Freezes = append(slices.Clone(r.Freezes), freeze())
		case 4:
			worse.Error = "source is unreachable"
		}
		after := gate.Decide(worse)
		repair := r.Change.Class == gate.ClassFix || r.Change.Class == gate.ClassSecurity
		if repair {
			// Known bad lets a repair go with a warning where not knowing holds it;
			// but nothing worse ever turns into a pass.
			if before.Verdict != decision.Pass && after.Verdict == decision.Pass {
				t.Fatalf("%v became %v", before.Verdict, after.Verdict)
			}
			return
		}
		// No states at all are the worst evidence there is; they are not drawn here.
		own := slices.ContainsFunc(r.States, func(s gate.BudgetState) bool { return !s.Dependency })
		if own && weight(after.Verdict) < weight(before.Verdict) {
			t.Fatalf("%v became %v", before.Verdict, after.Verdict)
		}
	})
}

func TestAnAddedFlagNeverImprovesTheVerdictUnderAnyPolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.Policy, r.Change.Class, r.Error = drawPolicy(t), gate.ClassChange, ""
		r.States = append(r.States, healthy(level(rapid.SampledFrom(allLevels[1:]).Draw(t, "known level"))))
		before := gate.Decide(r).Verdict
		last := &r.States[len(r.States)-1]
		last.Flags = []slo.Flag{rapid.SampledFrom(allFlags).Draw(t, "flag")}
		if after := gate.Decide(r).Verdict; weight(after) < weight(before) {
			t.Fatalf("%v became %v with %v under %v", before, after, last.Flags, r.Policy.Verdicts)
		}
	})
}

func TestARepairIsNeverHeldWhereAChangeGoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.Freezes = nil
		r.Change.Class = gate.ClassChange
		change := gate.Decide(r).Verdict
		r.Change.Class = rapid.SampledFrom(classes[1:3]).Draw(t, "repair")
		if fix := gate.Decide(r).Verdict; weight(fix) > weight(change) {
			t.Fatalf("a change is %v, a repair is %v", change, fix)
		}
	})
}

func TestMissingDataNeverPassesByDefault(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		switch rapid.IntRange(0, 3).Draw(t, "what is missing") {
		case 0:
			r.States = append(r.States, healthy(flag(rapid.SampledFrom(blindFlags).Draw(t, "blind"))))
		case 1:
			r.States = append(r.States, healthy(level(slo.Unknown)))
		case 2:
			r.States = slices.DeleteFunc(r.States, func(s gate.BudgetState) bool { return !s.Dependency })
		case 3:
			r.Error = "unreachable"
		}
		d := gate.Decide(r)
		if d.Verdict == decision.Pass {
			t.Fatalf("passed: %v", d.Reasons)
		}
		if gate.ExitCode(r, d) == 0 {
			t.Fatal("exit code 0")
		}
		repair := r.Change.Class == gate.ClassFix || r.Change.Class == gate.ClassSecurity
		if d.Verdict == decision.Warn && !repair {
			t.Fatalf("a change goes on missing data: %v", d.Reasons)
		}
	})
}

func TestRollbackAlwaysPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.Policy = drawPolicy(t)
		r.Change.Class = gate.ClassRollback
		if d := gate.Decide(r); d.Verdict != decision.Pass || gate.ExitCode(r, d) != 0 || d.Reasons[0].Code != "rollback" {
			t.Fatalf("%v %v", d.Verdict, d.Reasons)
		}
	})
}

func TestDeciding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.Policy = drawPolicy(t)
		if rapid.Bool().Draw(t, "overridden") {
			r.Override = &gate.Override{ID: "1", Actor: "ada", Reason: "x", Expires: at.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "h")) * time.Hour)}
		}
		kept, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		d := gate.Decide(r)
		first, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}

		if after, err := json.Marshal(r); err != nil || string(after) != string(kept) {
			t.Fatal("deciding changed the request")
		}
		if second, err := json.Marshal(gate.Decide(r)); err != nil || string(second) != string(first) {
			t.Fatalf("decided twice, differently:\n%s\n%s", first, second)
		}
		var read gate.Request
		if err := json.Unmarshal(kept, &read); err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(gate.Decide(read)); err != nil || string(again) != string(first) {
			t.Fatalf("decided from the record, differently:\n%s\n%s", first, again)
		}
		if sum, err := decision.Digest(r); err != nil || sum != d.InputDigest {
			t.Fatal("the digest is not the request's")
		}

		r.States = rapid.Permutation(r.States).Draw(t, "order")
		other := gate.Decide(r)
		if d.Verdict != other.Verdict {
			t.Fatalf("the order of states matters: %v, %v", d.Verdict, other.Verdict)
		}
		if diff := cmp.Diff(d.Reasons, other.Reasons); diff != "" {
			t.Fatalf("the order of states matters: %s", diff)
		}
	})
}

func TestZeroDecisionIsInconclusive(t *testing.T) {
	var d decision.Decision
	if d.Verdict != decision.Inconclusive || d.Verdict.ExitCode() != 4 {
		t.Errorf("the zero decision is %v", d.Verdict)
	}
	if v := gate.Decide(gate.Request{}).Verdict; v != decision.Inconclusive {
		t.Errorf("the zero request is %v", v)
	}
}
