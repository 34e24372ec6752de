package why_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/canary"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/why"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// judged records a judge's decision about a canary that fails.
func judged(t *testing.T) (*run.Env, *runtest.Ledger, string) {
	t.Helper()
	env, l := runtest.Env()
	from := slo.MinuteOf(runtest.Now())
	m := judge.Metric{Name: "errors"}
	for i := range slo.Minute(5) {
		m.Samples = append(m.Samples, judge.Sample{At: from + i, Baseline: judge.Arm{Total: 900, Bad: 9}, Canary: judge.Arm{Total: 100, Bad: 20}})
	}
	rec := canary.Record{
		Judge:   judge.Request{Subject: "payment-api", Metrics: []judge.Metric{m}, From: from, To: from + 5},
		Rollout: &canary.About{ID: "r1", Target: "lambda:pay:live", Baseline: "7", Version: "8", Step: 1, Steps: 2, Weight: 0.1, Next: "restore"},
	}
	rec.Decision, rec.Result = judge.Decide(rec.Judge, runtest.Now().Add(5*time.Minute))
	body, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Append(t.Context(), ledger.Draft{At: runtest.Now(), Kind: ledger.KindDecision, Subject: "payment-api", Actor: "ada", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return env, l, e.ID
}

func TestAJudgesDecisionIsExplained(t *testing.T) {
	env, _, id := judged(t)
	x, err := why.Explain(t.Context(), env, id)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(x.Lines, "\n")
	for _, want := range []string{
		"FAIL  payment-api 8, judged", "for ada", "100 of 500 requests bad, beside 45 of 4500 requests bad, in 5 min", "evidence", "effect",
		"step 1 of 2 of rollout r1, 10 % of lambda:pay:live, beside 7; then: restore", "`nines replay " + id,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestAJudgesDecisionIsReplayed(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*canary.Record)
	}{
		{"as it was", nil},
		{"a minute of the canary", func(r *canary.Record) { r.Judge.Metrics[0].Samples[2].Canary.Bad = 0 }},
		{"the finding", func(r *canary.Record) { r.Result.Findings[0].Canary.Bad = 1 }},
		{"the verdict", func(r *canary.Record) { r.Decision.Verdict = 1 }},
		{"the policy", func(r *canary.Record) { r.Judge.Policy.Alpha = 0.5 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			env, l, id := judged(t)
			if c.change != nil {
				l.Tamper(id, func(e *ledger.Entry) {
					var rec canary.Record
					if err := json.Unmarshal(e.Body, &rec); err != nil {
						t.Fatal(err)
					}
					c.change(&rec)
					e.Body, _ = json.Marshal(rec)
					reseal(t, e) // by somebody who knows the ledger's format too
				})
			}
			r, err := why.Recompute(t.Context(), env, id)
			if err != nil || r.Agrees != (c.change == nil) {
				t.Errorf("%v, agrees %v: %s", err, r.Agrees, r.Why)
			}
		})
	}
}
