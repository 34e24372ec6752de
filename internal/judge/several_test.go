package judge_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
)

// kinds of metrics: one that is fine, one that is worse, one that is not known and
// one without data, told apart by a letter.
func metricsOf(letters string) (out []judge.Metric) {
	for i, l := range letters {
		m := judge.Metric{Name: fmt.Sprintf("%c%d", l, i)}
		switch l {
		case 'p', 'P':
			m.Samples = steady(60, 900, 9, 100, 1)
		case 'f', 'F', 'm':
			m.Samples = steady(60, 900, 9, 100, 6)
		case 'o', 'O':
			m.Samples = steady(2, 90, 1, 10, 0)
		case 'e':
			m.Samples = steady(2, 90, 1, 10, 11)
		}
		m.Critical, m.Muted = l >= 'A' && l <= 'Z', l == 'm'
		out = append(out, m)
	}
	return out
}

// Lower case is not critical, n is without data, e an error, m worse and muted.
func TestSeveralMetrics(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		metrics string
		want    decision.Verdict
		score   float64 // -1: none
	}{
		{"p", decision.Pass, 100},
		{"f", decision.Fail, 0},
		{"o", decision.Inconclusive, -1},
		{"n", decision.Inconclusive, -1},
		{"e", decision.Inconclusive, -1},
		{"eeee", decision.Inconclusive, -1}, // Kayenta: 100
		{"m", decision.Inconclusive, -1},
		{"pm", decision.Pass, 100},
		{"ppp", decision.Pass, 100},
		{"ppf", decision.Fail, 66.67},
		{"pppf", decision.Warn, 75},
		{"pppe", decision.Warn, 100}, // at least marginal, whatever the error hides
		{"ppe", decision.Inconclusive, 100},
		{"ppn", decision.Inconclusive, 100},
		{"ppppo", decision.Warn, 100},
		{"off", decision.Fail, 0}, // the open one cannot save it
		{"ppppppppppF", decision.Fail, 90.91},
		{"ppppppppppO", decision.Inconclusive, 100},
		{"Pf", decision.Fail, 50},
		{"Pppppppppppppppppppf", decision.Pass, 95},
		{"PP", decision.Pass, 100},
		{"PN", decision.Inconclusive, 100},
	} {
		got := judge.Judge(judge.Request{Metrics: metricsOf(c.metrics)})
		score := -1.0
		if got.Score != nil {
			score = *got.Score
		}
		if got.Verdict != c.want || score != c.score {
			t.Errorf("%s: %s %v, not %s %v: %+v", c.metrics, got.Verdict, score, c.want, c.score, got.Reasons)
		}
	}
}

// Groups have weights; what is not there gives its weight to the others.
func TestWeights(t *testing.T) {
	t.Parallel()
	group := func(letters string, groups ...string) judge.Request {
		r := judge.Request{Metrics: metricsOf(letters)}
		for i := range r.Metrics {
			r.Metrics[i].Group = groups[i]
		}
		return r
	}
	for _, c := range []struct {
		req     judge.Request
		weights map[string]float64
		score   float64
	}{
		{group("ppf", "a", "a", "b"), nil, 50},
		{group("ppf", "a", "a", "b"), map[string]float64{"a": 75, "b": 25}, 75},
		{group("pff", "a", "a", "b"), map[string]float64{"a": 50, "b": 50}, 25},
		{group("fpf", "a", "a", "b"), map[string]float64{"a": 50, "b": 50, "gone": 0}, 25},
		{group("pnf", "a", "a", "b"), map[string]float64{"a": 50, "b": 50}, 50},
		{group("ffpf", "a", "a", "a", "b"), map[string]float64{"a": 15, "b": 85}, 5},
		{group("pf", "a", "b"), map[string]float64{"a": 30, "gone": 40}, 50}, // Kayenta: 30, and never above 60
		{group("pf", "a", "b"), map[string]float64{"a": 0, "b": 0}, 50},
	} {
		c.req.Policy.Weights = c.weights
		if got := judge.Judge(c.req); got.Score == nil || *got.Score != c.score {
			t.Errorf("%v: %+v, not %v", c.weights, got, c.score)
		}
	}
}

// More metrics take more evidence: alpha is for all of them.
func TestAlphaIsForAll(t *testing.T) {
	t.Parallel()
	samples := steady(2, 900, 9, 100, 4)
	alone := one(judge.Policy{}, judge.Metric{Samples: samples})
	if f := alone.Findings[0]; f.Verdict != decision.Fail || f.LogE > 6 {
		t.Fatalf("alone: %+v", f)
	}
	for _, critical := range []bool{true, false} {
		r := judge.Request{Metrics: []judge.Metric{{Name: "a", Critical: critical, Samples: samples}}}
		for i := range 30 {
			r.Metrics = append(r.Metrics, judge.Metric{Name: fmt.Sprint(i), Critical: critical, Samples: steady(2, 900, 9, 100, 1)})
		}
		if got := judge.Judge(r); got.Findings[0].Verdict == decision.Fail {
			t.Errorf("among 31, critical %v: %+v", critical, got.Findings[0])
		}
		for i := range r.Metrics {
			r.Metrics[i].Samples = samples
		}
		// Where all are bad, all of those that are not critical are found together.
		if got := judge.Judge(r); !critical && got.Findings[30].Verdict != decision.Fail {
			t.Errorf("all of 31: %+v", got.Findings[30])
		}
	}
}

// Of many canaries that are as good, at most alpha fail, with metrics of both
// kinds; a few hundred runs are a rough check, the bench has more.
func TestGoodCanariesRarelyFail(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(21, 22))
	failed := 0
	const runs = 120
	for range runs {
		var req judge.Request
		for i := range 4 {
			req.Metrics = append(req.Metrics, judge.Metric{Name: fmt.Sprint(i), Critical: i < 2, Samples: traffic(r, 20, .02, .02)})
		}
		if judge.Judge(req).Verdict == decision.Fail {
			failed++
		}
	}
	if failed > 13 { // 6 at most, and three deviations
		t.Errorf("%d of %d failed", failed, runs)
	}
}
