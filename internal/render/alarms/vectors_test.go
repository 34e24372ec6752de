package alarms_test

import (
	"strconv"
	"testing"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/expr"
	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/testkit/burn"
)

// ratio is an indicator over two metrics.
func ratio() slo.Ratio {
	q := func(metric string) *slo.Query {
		return &slo.Query{Type: alarms.CloudWatch, Spec: slo.Spec{"namespace": "App", "metric": metric, "stat": "Sum"}}
	}
	return slo.Ratio{Bad: q("bad"), Total: q("total")}
}

// TestVectors evaluates the alarms minute by minute, with the metric math of our
// local CloudWatch over sliding windows, and compares the minutes at which both
// windows of a condition are in ALARM with those at which our engine says it
// holds. The conditions of more than a day are left out: they differ, and a note
// says so.
func TestVectors(t *testing.T) {
	t.Parallel()
	t.Run("own", func(t *testing.T) {
		t.Parallel()
		for _, v := range burn.Own() {
			t.Run(v.ID, func(t *testing.T) { compare(t, v) })
		}
	})
	t.Run("published", func(t *testing.T) {
		t.Parallel()
		for _, v := range burn.Published(t) {
			t.Run(v.ID, func(t *testing.T) { compare(t, v) })
		}
	})
}

func compare(t *testing.T, v burn.Vector) {
	t.Parallel()
	stacks, notes := alarms.Plan([]alarms.Objective{{Objective: v.Objective(), Type: alarms.CloudWatch, Measured: ratio()}})
	if len(stacks) != 1 {
		t.Fatalf("%d stacks; %v", len(stacks), notes)
	}
	states := map[string][]bool{}
	for i := range stacks[0].Alarms {
		if a := &stacks[0].Alarms[i]; a.Periods == 1 {
			states[a.Name] = statesOf(t, a, v)
		}
	}
	compared, fired := 0, 0
	for k, holds := range v.Holds() {
		c := &v.Conditions[k]
		name := "nines/v/s/o/" + c.Name
		long, short := states[name+"/long"], states[name+"/short"]
		if long == nil || short == nil {
			if c.Long <= slo.Day {
				t.Errorf("%s has no alarms: %v", c.Name, notes)
			}
			continue
		}
		compared++
		for i := v.From; i < len(holds); i++ {
			if got := long[i] && short[i]; got != holds[i] {
				t.Fatalf("%s at minute %d: the alarms say %v, the engine %v", c.Name, i, got, holds[i])
			}
			if holds[i] {
				fired++
			}
		}
	}
	t.Logf("%d conditions agree at %d minutes each; %d minutes in alarm", compared, len(v.Counts)-v.From, fired)
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// statesOf is an alarm's state at the end of each minute: it keeps the one it has
// while the window gives no value.
func statesOf(t *testing.T, a *alarms.Alarm, v burn.Vector) []bool {
	t.Helper()
	exprs := map[string]*expr.Expr{}
	for _, q := range a.Queries {
		if q.Metric == nil {
			e, err := expr.Parse(q.Expression)
			if err != nil {
				t.Fatalf("%s: %v", q.Expression, err)
			}
			exprs[q.ID] = e
		}
	}
	limit, err := strconv.ParseFloat(a.Threshold, 64)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string][]int64{"bad": {0}, "total": {0}}
	for i, c := range v.Counts {
		sums["bad"] = append(sums["bad"], sums["bad"][i]+int64(c.Bad()/slo.Unit))
		sums["total"] = append(sums["total"], sums["total"][i]+int64(c.Total/slo.Unit))
	}
	out := make([]bool, len(v.Counts))
	state := false
	for i := max(0, v.From-1); i < len(v.Counts); i++ {
		from := max(0, i+1-int(a.Period))
		if value, ok := valueAt(t, a, exprs, func(metric string) float64 {
			return float64(sums[metric][i+1] - sums[metric][from])
		}); ok {
			state = value > limit
		}
		out[i] = state
	}
	return out
}

// valueAt computes an alarm's expression over one window; false: there is no value.
func valueAt(t *testing.T, a *alarms.Alarm, exprs map[string]*expr.Expr, sum func(metric string) float64) (float64, bool) {
	t.Helper()
	seconds := int64(a.Period) * 60
	env := expr.Env{Start: 0, End: seconds, Period: seconds, Results: map[string]expr.Value{}}
	for _, q := range a.Queries {
		if q.Metric != nil {
			s := expr.Series{ID: q.ID, Period: seconds, Times: []int64{0}, Values: []float64{sum(q.Metric.Name)}}
			env.Metrics = append(env.Metrics, s)
			env.Results[q.ID] = expr.Value{Kind: expr.Single, Series: []expr.Series{s}}
			continue
		}
		got, err := exprs[q.ID].Eval(env)
		if err != nil {
			t.Fatalf("%s: %v", q.Expression, err)
		}
		env.Results[q.ID] = got
		if q.Return {
			if len(got.Series) != 1 || len(got.Series[0].Values) == 0 {
				return 0, false
			}
			return got.Series[0].Values[0], true
		}
	}
	t.Fatal("the alarm returns nothing")
	return 0, false
}
