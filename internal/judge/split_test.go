package judge_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
)

// The published numbers, with ten requests' worth of belief in the asked share.
func TestSplitEvidence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		canary, baseline int64
		asked, want      float64
	}{
		{1, 0, .1, 0},
		{5, 9, .1, 1.344284},
		{10, 10, .1, 6.519499},
		{3, 30, .1, -0.746128},
		{12, 30, .1, 3.534882},
		{20, 20, .5, -0.824678},
		{30, 10, .5, 3.377912},
	} {
		s := judge.Share{Asked: c.asked, Canary: c.canary, Baseline: c.baseline}
		if got := judge.SplitEvidence(s, 10); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%+v: %.7f, not %.6f", s, got, c.want)
		}
		// Request by request it is a product of what each was expected to be.
		naive, a, b := 0.0, 10*c.asked, 10*(1-c.asked)
		for range c.canary {
			naive += math.Log(a / (a + b) / c.asked)
			a++
		}
		for range c.baseline {
			naive += math.Log(b / (a + b) / (1 - c.asked))
			b++
		}
		if got := judge.SplitEvidence(s, 10); math.Abs(got-naive) > 1e-9 {
			t.Errorf("%+v: %.9f, one by one %.9f", s, got, naive)
		}
	}
}

func TestSplitCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		segments []judge.Share
		want     decision.Verdict
	}{
		"nothing":            {nil, decision.Inconclusive},
		"no request":         {[]judge.Share{{Asked: .05}}, decision.Inconclusive},
		"as asked":           {[]judge.Share{{Asked: .05, Baseline: 9480, Canary: 520}}, decision.Pass},
		"two steps":          {[]judge.Share{{Asked: .05, Baseline: 950, Canary: 50}, {Asked: .5, Baseline: 480, Canary: 520}}, decision.Pass},
		"nothing arrives":    {[]judge.Share{{Asked: .05, Baseline: 1000}}, decision.Fail},
		"half, not a tenth":  {[]judge.Share{{Asked: .1, Baseline: 50, Canary: 50}}, decision.Fail},
		"second step is off": {[]judge.Share{{Asked: .05, Baseline: 950, Canary: 50}, {Asked: .5, Baseline: 950, Canary: 50}}, decision.Fail},
		"no share":           {[]judge.Share{{Asked: 0, Baseline: 10, Canary: 1}}, decision.Inconclusive},
		"negative":           {[]judge.Share{{Asked: .1, Baseline: -10, Canary: 1}}, decision.Inconclusive},
	} {
		if got := judge.SplitCheck(c.segments, .001); got.Verdict != c.want || got.Text == "" {
			t.Errorf("%s: %s, not %s: %+v", name, got.Verdict, c.want, got)
		}
	}
}

// A split that is as asked is refused more rarely than alpha, looked at after
// every minute.
func TestSplitCheckRarelyWrong(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	wrong := 0
	for range 400 {
		s := judge.Share{Asked: .1}
		for range 30 {
			c := binomial(r, 50, .1)
			s.Canary, s.Baseline = s.Canary+c, s.Baseline+50-c
			if judge.SplitCheck([]judge.Share{s}, .05).Verdict == decision.Fail {
				wrong++
				break
			}
		}
	}
	if wrong > 30 { // 20 are expected at most, 4.4 is the deviation
		t.Errorf("%d of 400 splits as asked were refused", wrong)
	}
}
