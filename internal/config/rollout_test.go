package config_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// TestRollouts: every field of the document arrives.
func TestRollouts(t *testing.T) {
	cat, problems, err := config.Load(t.Context(), []string{"testdata/valid/rollouts.yaml"}, config.Options{Types: types(), Strict: true})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	eighty := 80.0
	query := func(metric, stat string) slo.Query {
		return slo.Query{Source: "CloudWatch", Type: "CloudWatch", Spec: slo.Spec{
			"namespace": "PaymentAPI", "metric": metric, "dimensions": slo.Spec{"version": "${version}"}, "stat": stat,
		}}
	}
	want := []config.Rollout{
		{
			Name: "production", Service: "payment-api", Environment: "production",
			Target: act.Place{Kind: "lambda", Params: map[string]string{"function": "payment-api", "alias": "live", "region": "eu-west-1"}},
			Plan: rollout.Plan{
				Steps: []rollout.Step{{Weight: 0.05, Bake: 10}, {Weight: 0.25, Bake: 60, Pause: true}, {Weight: 0.5, Bake: 10}},
				Then:  rollout.ThenHold, Unsure: rollout.UnsureExtend, Extend: 30, Early: true, Wait: 20,
			},
			Judge: judge.Policy{
				Method: judge.MannWhitney, Alpha: 0.01, Beta: 0.1, Margin: judge.Margin{Ratio: 2}, Slack: judge.Margin{Add: 0.005}, Prior: 0.002,
				Limit: &judge.Limit{Good: 0.99}, Least: 500, Weights: map[string]float64{"errors": 70}, Pass: 90, Marginal: 50,
				Kayenta: &judge.Kayenta{
					Compatible: true, Confidence: 0.95, Tolerance: 0.1, Effect: "cles", AllowedIncrease: 0.6, AllowedDecrease: 0.4,
					CriticalIncrease: 0.8, CriticalDecrease: 0.2, NaN: "replace", Outliers: "remove", OutlierFactor: 2, MustHaveData: true,
				},
			},
			Metrics: []config.RolloutMetric{
				{Name: "errors", Objective: "availability", Metric: judge.Metric{
					Name: "errors", Critical: true, Group: "errors", Method: judge.EProcess, Margin: &judge.Margin{Add: 0.001},
				}},
				{Name: "declined", Weight: 10, Source: "CloudWatch", Queries: map[string]slo.Query{"bad": query("Declined", "Sum"), "total": query("Requests", "Sum")}, Metric: judge.Metric{
					Name: "declined", Margin: &judge.Margin{Ratio: 3}, Limit: &judge.Limit{Good: 0.995},
				}},
				{Name: "hits", Source: "CloudWatch", Queries: map[string]slo.Query{"value": query("CacheHits", "Average")}, Metric: judge.Metric{
					Name: "hits", Unit: "%", Worse: judge.Decrease, Muted: true, Limit: &judge.Limit{Value: &eighty, Below: true},
				}},
			},
			Split: config.Split{Dimension: "ExecutedVersion", Drop: []string{"route"}, Add: map[string]string{"Resource": "payment-api:live"}},
			Drive: config.Drive{Rate: 12.5, Requests: filepath.Join("testdata", "valid", "requests.jsonl")},
			Watch: watch.Policy{
				Duration: 45, Breaches: 3, Alpha: 0.005, Margin: 0.003, Weeks: 2, Alarms: []string{"payments-5xx"}, Burn: true, Undo: watch.UndoAuto,
				Limits: []watch.Limit{{Kind: "latency", Value: 200, Text: "200ms"}, {Kind: "errors", Value: 50, Text: "50errors"}, {Kind: "rate", Value: 0.005, Text: "0.5%"}},
			},
		},
		{
			Name: "everywhere-else", Service: "payment-api",
			Target: act.Place{Kind: "command", Params: map[string]string{"shift": "./shift.sh live", "read": "./how.sh"}},
		},
	}
	if diff := cmp.Diff(want, cat.Rollouts, cmpopts.IgnoreTypes(fault.Place{}), cmpopts.EquateApprox(1e-12, 0)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestRolloutOf: the document of the environment wins over the one for all of
// them, in whatever order they stand.
func TestRolloutOf(t *testing.T) {
	own, every := config.Rollout{Name: "own", Service: "pay", Environment: "production"}, config.Rollout{Name: "every", Service: "pay"}
	for _, all := range [][]config.Rollout{{own, every}, {every, own}} {
		c := &config.Catalog{Rollouts: append(all, config.Rollout{Name: "other", Service: "search"})}
		for environment, want := range map[string]string{"production": "own", "staging": "every", "": "every"} {
			if r, ok := c.RolloutOf("pay", environment); !ok || r.Name != want {
				t.Errorf("to %q by %q, want %q", environment, r.Name, want)
			}
		}
		if r, ok := c.RolloutOf("ledger", ""); ok {
			t.Errorf("a service without one has %+v", r)
		}
	}
}
