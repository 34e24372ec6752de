package gate_test

import (
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/evidence"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestProven holds that a burn that may be chance warns, where the policy asks
// for evidence, and that nothing else is excused by it.
func TestProven(t *testing.T) {
	with := func(log float64) func(*gate.BudgetState) {
		return func(s *gate.BudgetState) { s.Evidence = &log }
	}
	limit := evidence.Limit(5 * slo.Week)
	dep := healthy(flag(slo.FastBurn), with(0))
	dep.Service, dep.Dependency = "ledger", true
	for _, c := range []struct {
		name   string
		states []gate.BudgetState
		asks   slo.Minute
		want   decision.Verdict
		text   string
	}{
		{"not asked for", []gate.BudgetState{healthy(flag(slo.FastBurn), with(0))}, 0, decision.Fail, ""},
		{"too little", []gate.BudgetState{healthy(flag(slo.FastBurn), with(limit-0.1))}, 5 * slo.Week, decision.Warn, "once in 32 days, and 35d is asked for (the policy says warn)"},
		{"at the limit", []gate.BudgetState{healthy(flag(slo.FastBurn), with(limit))}, 5 * slo.Week, decision.Fail, "once in 35 days (asked for: 35d)"},
		{"not known", []gate.BudgetState{healthy(flag(slo.FastBurn))}, 5 * slo.Week, decision.Fail, "none is known"},
		{"an exhausted budget is no burn", []gate.BudgetState{healthy(level(slo.Exhausted), flag(slo.FastBurn), with(0))}, 5 * slo.Week, decision.Fail, "once in a minute"},
		{"what is stale stays inconclusive", []gate.BudgetState{healthy(flag(slo.FastBurn, slo.Stale), with(0))}, 5 * slo.Week, decision.Inconclusive, "too old"},
		{"a slow burn warns as before", []gate.BudgetState{healthy(flag(slo.SlowBurn), with(0))}, 5 * slo.Week, decision.Warn, "is asked for"},
		{"of a dependency", []gate.BudgetState{healthy(), dep}, 5 * slo.Week, decision.Warn, "dependency"},
	} {
		r := request(c.states...)
		r.Policy.Evidence = c.asks
		d := gate.Decide(r)
		var text strings.Builder
		for _, x := range d.Reasons {
			text.WriteString(x.Text + "\n")
		}
		if d.Verdict != c.want || !strings.Contains(text.String(), c.text) {
			t.Errorf("%s: %v, want %v with %q:\n%s", c.name, d.Verdict, c.want, c.text, text.String())
		}
	}
	r := request(healthy())
	r.Policy.Evidence = -1
	if err := gate.Validate(r); err == nil {
		t.Error("a negative length is taken")
	}
}
