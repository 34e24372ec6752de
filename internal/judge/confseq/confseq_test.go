package confseq_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gitlab.com/nines-sre/nines/internal/judge/confseq"
)

func near(t *testing.T, what string, got, want confseq.Interval, within float64) {
	t.Helper()
	if !(math.Abs(got.Low-want.Low) <= within && math.Abs(got.High-want.High) <= within) {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// The published intervals.
func TestRateGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		k, n, best float64
		want       confseq.Interval
	}{
		{700, 1000, 100, confseq.Interval{Low: .651629, High: .745949}},
		{15, 50, 50, confseq.Interval{Low: .129556, High: .511896}},
		{5, 50, 50, confseq.Interval{Low: .013021, High: .269264}},
		{1, 50, 50, confseq.Interval{Low: 0, High: .13489}},
		{1, 2, 50, confseq.Interval{Low: 0, High: 1}},
		{100, 200, 1, confseq.Interval{Low: .328923, High: .671076}},
		{0, 1, 50, confseq.Interval{Low: 0, High: 1}},
		{1, 1, 50, confseq.Interval{Low: 0, High: 1}},
	} {
		near(t, "rate", confseq.Rate(c.k, c.n, .05, c.best), c.want, 2e-6)
	}
	near(t, "no request", confseq.Rate(0, 0, .05, 100), confseq.Interval{Low: 0, High: 1}, 0)
}

func TestWilsonAndNewcombe(t *testing.T) {
	t.Parallel()
	z := confseq.Quantile(.975)
	if math.Abs(z-1.959964) > 1e-6 || math.Abs(confseq.Quantile(.01)+2.326348) > 1e-6 {
		t.Errorf("quantiles: %v, %v", z, confseq.Quantile(.01))
	}
	for _, c := range []struct {
		k, n float64
		want confseq.Interval
	}{
		{81, 263, confseq.Interval{Low: .2553, High: .3662}},
		{15, 148, confseq.Interval{Low: .0624, High: .1605}},
		{0, 20, confseq.Interval{Low: 0, High: .1611}},
		{1, 29, confseq.Interval{Low: .0061, High: .1718}},
	} {
		near(t, "wilson", confseq.Wilson(c.k, c.n, z), c.want, 5e-5)
	}
	near(t, "newcombe", confseq.Newcombe(confseq.Count{K: 56, N: 70}, confseq.Count{K: 48, N: 80}, z), confseq.Interval{Low: .0524, High: .3339}, 5e-5)
	near(t, "newcombe", confseq.Newcombe(confseq.Count{K: 9, N: 10}, confseq.Count{K: 3, N: 10}, z), confseq.Interval{Low: .1705, High: .8090}, 5e-5)
}

// The difference is held at every look at once.
func TestDifferenceCovers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	missed := 0
	for range 60 {
		var c, b confseq.Count
		for range 40 {
			for range 50 {
				c.N++
				b.N += 4
				if r.Float64() < .03 {
					c.K++
				}
				for range 4 {
					if r.Float64() < .01 {
						b.K++
					}
				}
			}
			if iv := confseq.Difference(c, b, .1, 1000); iv.Low > .02 || iv.High < .02 {
				missed++
				break
			}
		}
	}
	if missed > 12 { // alpha; much fewer are expected
		t.Errorf("%d of 60 sequences missed the difference", missed)
	}
}
