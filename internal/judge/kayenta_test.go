package judge_test

import (
	"slices"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// values are minutes in which the canary and the baseline have these values.
func ranked(canary, baseline []float64) (out []judge.Sample) {
	for i := range max(len(canary), len(baseline)) {
		s := judge.Sample{At: slo.Minute(1000 + i)}
		if i < len(canary) {
			s.Canary.Value = &canary[i]
		}
		if i < len(baseline) {
			s.Baseline.Value = &baseline[i]
		}
		out = append(out, s)
	}
	return out
}

func kayenta(compatible bool, metrics ...judge.Metric) judge.Result {
	return judge.Judge(judge.Request{
		Policy:  judge.Policy{Method: judge.MannWhitney, Kayenta: &judge.Kayenta{Compatible: compatible}},
		Metrics: metrics, From: 1000, To: 2000,
	})
}

func many(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

// noisy are values about a middle that no two of are alike.
func noisy(n int, middle float64) (out []float64) {
	for i := range n {
		out = append(out, middle+float64((i*37)%n)/float64(n))
	}
	return out
}

// What Kayenta gets wrong, through the whole judge: compatible as it is, and as it
// should be.
func TestKayentaFaults(t *testing.T) {
	type metrics = []judge.Metric
	one := func(canary, baseline []float64) metrics {
		return metrics{{Name: "a", Samples: ranked(canary, baseline)}}
	}
	long := func(part int) []float64 { return append(many(100, 6*part), noisy(60-6*part, 1)...) }
	for _, c := range []struct {
		name       string
		metrics    metrics
		compatible decision.Verdict
		own        decision.Verdict
	}{
		{"every metric errs", one([]float64{5}, []float64{3}), decision.Pass, decision.Inconclusive},
		{"two against two", one([]float64{3, 4}, []float64{1, 2}), decision.Fail, decision.Inconclusive},
		{"alike, an hour", one(noisy(60, 100), noisy(60, 100)), decision.Pass, decision.Pass},
		{"half of the hour a hundred times as slow", one(long(5), noisy(60, 1)), decision.Pass, decision.Fail},
		{"twice as slow, an hour", one(noisy(60, 200), noisy(60, 100)), decision.Fail, decision.Fail},
		{"faster", one(noisy(60, 50), noisy(60, 100)), decision.Pass, decision.Pass},
		{"no data, group of another", metrics{
			{Name: "a", Samples: ranked(noisy(60, 100), noisy(60, 100))},
			{Name: "b", Samples: ranked(noisy(60, 100), noisy(60, 100))},
			{Name: "c"},
		}, decision.Pass, decision.Inconclusive},
		{"muted", metrics{
			{Name: "a", Samples: ranked(noisy(60, 100), noisy(60, 100))},
			{Name: "b", Samples: ranked(noisy(60, 200), noisy(60, 100)), Muted: true},
		}, decision.Pass, decision.Pass},
		{"critical", metrics{
			{Name: "a", Samples: ranked(noisy(60, 100), noisy(60, 100)), Group: "a"},
			{Name: "b", Samples: ranked(noisy(60, 200), noisy(60, 100)), Critical: true, Group: "a"},
		}, decision.Fail, decision.Fail},
	} {
		if got := kayenta(true, c.metrics...); got.Verdict != c.compatible {
			t.Errorf("%s, compatible: %v, want %v: %+v", c.name, got.Verdict, c.compatible, got)
		}
		if got := kayenta(false, c.metrics...); got.Verdict != c.own {
			t.Errorf("%s: %v, want %v: %+v", c.name, got.Verdict, c.own, got)
		}
	}
	if got := kayenta(true, one([]float64{5}, []float64{3})...); got.Score == nil || *got.Score != 100 || got.Findings[0].Class != judge.ClassError {
		t.Errorf("every metric errs, compatible: %+v", got)
	}
}

// Counts are rates for Kayenta, and a minute without a bad request is a zero.
func TestKayentaCounts(t *testing.T) {
	samples := make([]judge.Sample, 60)
	for i := range samples {
		samples[i] = judge.Sample{At: slo.Minute(1000 + i), Baseline: judge.Arm{Total: 180, Bad: 2}, Canary: judge.Arm{Total: 20}}
		if i%2 == 0 {
			samples[i].Canary.Bad = 1
		}
	}
	m := judge.Metric{Name: "errors", Samples: samples}
	compatible, own := kayenta(true, m), kayenta(false, m)
	if compatible.Verdict != decision.Pass || own.Verdict != decision.Fail {
		t.Errorf("2.5 %% bad beside 1.1 %%: compatible %v, own %v", compatible.Verdict, own.Verdict)
	}
	f := own.Findings[0]
	if f.Effect == nil || f.EffectUnit != "rate" || f.Detectable == nil || f.Canary.Bad != 30 || f.Decided == 0 || !strings.Contains(f.Text, "2.5 %") {
		t.Errorf("finding: %+v", f)
	}
}

func TestKayentaUrgent(t *testing.T) {
	m := judge.Metric{Name: "latency", Critical: true, Samples: ranked(noisy(60, 200), noisy(60, 100))}
	r := judge.Request{
		Policy:  judge.Policy{Method: judge.MannWhitney, Kayenta: &judge.Kayenta{CriticalIncrease: 3}},
		Metrics: []judge.Metric{m}, From: 1000, To: 2000,
	}
	for _, compatible := range []bool{false, true} {
		r.Policy.Kayenta.Compatible = compatible
		if f := judge.Judge(r).Findings[0]; f.Critical || f.Class != judge.ClassHigh {
			t.Errorf("compatible %t: twice as slow where three times is critical: %+v", compatible, f)
		}
	}
}

func TestKayentaSettings(t *testing.T) {
	for name, k := range map[string]judge.Kayenta{
		"confidence": {Confidence: 1}, "tolerance": {Tolerance: -1}, "effect": {Effect: "cohen"}, "nan": {NaN: "zero"},
		"outliers": {Outliers: "drop"}, "negative": {CriticalIncrease: -1},
	} {
		p := judge.Policy{Method: judge.MannWhitney, Kayenta: &k}
		if err := p.Check(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A difference of rates that a policy allows is nothing to values.
func TestRanksOfValuesSlack(t *testing.T) {
	r := judge.Request{
		Policy:  judge.Policy{Method: judge.MannWhitney, Slack: judge.Margin{Add: 0.001}, Margin: judge.Margin{Add: 0.001}},
		Metrics: []judge.Metric{{Name: "latency", Samples: ranked(noisy(60, 100), noisy(60, 100))}}, From: 1000, To: 2000,
	}
	if got := judge.Judge(r); got.Verdict != decision.Pass {
		t.Errorf("alike: %+v", got)
	}
	r.Metrics[0].Margin = &judge.Margin{Add: 200}
	r.Metrics[0].Samples = ranked(noisy(60, 200), noisy(60, 100))
	if got := judge.Judge(r); got.Verdict == decision.Fail {
		t.Errorf("twice as slow, which is allowed: %+v", got)
	}
}
