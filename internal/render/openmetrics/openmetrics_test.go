package openmetrics_test

import (
	"math"
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/render"
	"gitlab.com/nines-sre/nines/internal/render/openmetrics"
)

func TestRollout(t *testing.T) {
	r := render.Rollout{
		Verb: "canary", Service: `pay"`, Version: "8", Decision: decision.Decision{Verdict: decision.Fail},
		Budgets: []render.Budget{{SLO: "pay/availability", Left: new(.625)}, {SLO: "pay/unknown"}},
		Result: judge.Result{Score: new(50.), Findings: []judge.Finding{{
			Metric: "availability", Baseline: judge.Tally{Total: 900, Bad: 9, Rate: new(.01)}, Canary: judge.Tally{Total: 100}, LogE: math.Inf(1),
		}}},
	}
	const want = `# TYPE nines_canary_verdict gauge
# HELP nines_canary_verdict The verdict: 1 for the one that it is.
nines_canary_verdict{service="pay\"",verdict="pass"} 0
nines_canary_verdict{service="pay\"",verdict="warn"} 0
nines_canary_verdict{service="pay\"",verdict="inconclusive"} 0
nines_canary_verdict{service="pay\"",verdict="fail"} 1
# TYPE nines_canary_requests gauge
# HELP nines_canary_requests Requests that were compared.
nines_canary_requests{service="pay\"",metric="availability",arm="baseline"} 900
nines_canary_requests{service="pay\"",metric="availability",arm="canary"} 100
# TYPE nines_canary_error_ratio gauge
# HELP nines_canary_error_ratio Share of bad requests, or the mean of a value.
nines_canary_error_ratio{service="pay\"",metric="availability",arm="baseline"} 0.01
# TYPE nines_canary_log_e gauge
# HELP nines_canary_log_e Evidence that the new version is worse: natural logarithm of the e-value.
nines_canary_log_e{service="pay\"",metric="availability"} +Inf
# TYPE nines_canary_score gauge
# HELP nines_canary_score Score of the comparison, 0 to 100.
nines_canary_score{service="pay\""} 50
# TYPE nines_budget_remaining_ratio gauge
# HELP nines_budget_remaining_ratio Share of the error budget that is left.
nines_budget_remaining_ratio{service="pay\"",slo="pay/availability"} 0.625
# EOF
`
	if got := string(openmetrics.Print(openmetrics.Rollout(&r))); got != want {
		t.Errorf("%s", got)
	}
	if got := string(openmetrics.Print(nil)); got != "# EOF\n" {
		t.Errorf("%q", got)
	}
}
