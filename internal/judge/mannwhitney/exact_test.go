package mannwhitney_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	mw "gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
)

func repeat(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

// What Kayenta gets wrong, as it answers (Compatible) and as it should be.
func TestKnownWrong(t *testing.T) {
	mixed := func(high int) []float64 { return append(repeat(100, high), repeat(1, 10-high)...) }
	for _, c := range []struct {
		name         string
		x, y         []float64
		o            mw.Options
		kayenta, own mw.Class
	}{
		{"5 of 10 at 100", mixed(5), repeat(1, 10), mw.Options{}, mw.Pass, mw.Open},
		{"6 of 10 at 100", mixed(6), repeat(1, 10), mw.Options{}, mw.Pass, mw.Open},
		{"6 of 10 at 100, upwards", mixed(6), repeat(1, 10), mw.Options{Direction: mw.Increase}, mw.Pass, mw.High},
		{"7 of 10 at 100", mixed(7), repeat(1, 10), mw.Options{}, mw.Pass, mw.High},
		{"8 of 10 at 100", mixed(8), repeat(1, 10), mw.Options{}, mw.High, mw.High},
		{"sparse errors", []float64{0, 1, 2, 1, 0, 0}, repeat(0, 6), mw.Options{}, mw.Pass, mw.Open},
		{"zeros replaced on one side", nil, repeat(1, 10), mw.Options{Replace: true}, mw.Pass, mw.Nodata},
		{"must have data, replaced", nil, repeat(1, 10), mw.Options{Replace: true, MustHaveData: true}, mw.Pass, mw.NodataFail},
		{"no data at all", nil, nil, mw.Options{Replace: true}, mw.Pass, mw.Nodata},
		{"two against two", []float64{3, 4}, []float64{1, 2}, mw.Options{}, mw.High, mw.Open},
		{"four against four", []float64{5, 6, 7, 8}, []float64{1, 2, 3, 4}, mw.Options{}, mw.Pass, mw.Open},
		{"five against five", []float64{6, 7, 8, 9, 10}, []float64{1, 2, 3, 4, 5}, mw.Options{Direction: mw.Increase}, mw.Pass, mw.High},
		{"wider, same middle", spread(60, 3), spread(60, 1), mw.Options{}, mw.Pass, mw.High},
	} {
		got := mw.Classify(c.x, c.y, c.o)
		c.o.Compatible = true
		compatible := mw.Classify(c.x, c.y, c.o)
		if compatible.Class != c.kayenta || got.Class != c.own {
			t.Errorf("%s: compatible %s, want %s; own %s, want %s (%+v; %+v)",
				c.name, compatible.Class, c.kayenta, got.Class, c.own, compatible, got)
		}
	}
}

// spread returns n points evenly around 100, width to each side.
func spread(n int, width float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 100 + width*(2*(float64(i)+0.5)/float64(n)-1)
	}
	return out
}

// How often equal versions differ, beside the 2 % that the confidence promises:
// Kayenta has no least sample.
func TestSmallSamples(t *testing.T) {
	const runs = 5_000
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		n    int
		rate float64
	}{{2, 0.24}, {3, 0.058}, {4, 0.011}} {
		wrong := 0
		x, y := make([]float64, c.n), make([]float64, c.n)
		for range runs {
			for i := range x {
				x[i], y[i] = 100+rng.NormFloat64(), 100+rng.NormFloat64()
			}
			if mw.Classify(x, y, mw.Options{Compatible: true}).Class != mw.Pass {
				wrong++
			}
			if got := mw.Classify(x, y, mw.Options{}); got.Class != mw.Open {
				t.Fatalf("%d points: %+v", c.n, got)
			}
		}
		near(t, "rate of false alarms", float64(wrong)/runs, c.rate, 0.02)
	}
}

// A metric of small numbers: the compatible root stops a whole tolerance early.
func TestScale(t *testing.T) {
	x, y := make([]float64, 30), make([]float64, 30)
	for i := range x {
		x[i], y[i] = 9e-5+float64(i)*1e-7, 2.8e-5+float64(i)*1e-7
	}
	own := mw.Classify(x, y, mw.Options{})
	near(t, "shift", own.Shift, 6.2e-5, 1e-9)
	compatible := mw.Classify(x, y, mw.Options{Compatible: true})
	if math.Abs(compatible.Shift-6.2e-5) < 1e-6 {
		t.Errorf("compatible shift is right: %v", compatible.Shift)
	}
	for i := range x {
		x[i], y[i] = x[i]*1e12, y[i]*1e12
	}
	near(t, "scaled shift", mw.Classify(x, y, mw.Options{}).Shift, 6.2e7, 1e-9*6.2e7)
}

// Against counting by hand.
func TestExactAgainstNaive(t *testing.T) {
	point := rapid.Float64Range(-1e6, 1e6)
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(point, 5, 25).Draw(t, "x")
		y := rapid.SliceOfN(point, 5, 25).Draw(t, "y")
		var d []float64
		for _, a := range x {
			for _, b := range y {
				d = append(d, a-b)
			}
		}
		slices.Sort(d)
		got := mw.Classify(x, y, mw.Options{Confidence: 0.95})
		low, high := d[(len(d)-1)/2], d[len(d)/2]
		if got.Shift < low || got.Shift > high {
			t.Fatalf("shift %v, not in %v..%v", got.Shift, low, high)
		}
		// Both ends are as many differences away from theirs.
		for k := range d {
			if d[k] == got.Low && d[len(d)-1-k] == got.High {
				return
			}
		}
		t.Fatalf("interval %v..%v of %v", got.Low, got.High, d)
	})
}

// The longer tail's chance is that of drawing the highest points from one side.
func TestTail(t *testing.T) {
	for high, want := range map[int]float64{5: 252.0 / 15504, 6: 210.0 / 38760, 7: 120.0 / 77520} {
		r := mw.Classify(append(repeat(100, high), repeat(1, 10-high)...), repeat(1, 10), mw.Options{Direction: mw.Increase})
		near(t, "p", r.P, 2*want, 1e-12)
		p, pass := mw.Test(append(repeat(100, high), repeat(1, 10-high)...), repeat(1, 10), mw.Options{Direction: mw.Increase})
		near(t, "p alone", p, r.P, 0)
		near(t, "pass alone", pass, r.PassP, 0)
	}
}

// Known tails of U: R's pwilcox.
func TestNullOfU(t *testing.T) {
	for _, c := range []struct {
		m, n int
		x, y []float64
		want float64 // 2 tests of one side, the shift's is the smaller
	}{
		{5, 5, []float64{6, 7, 8, 9, 10}, []float64{1, 2, 3, 4, 5}, 2.0 / 252},
		{6, 6, []float64{7, 8, 9, 10, 11, 12}, []float64{1, 2, 3, 4, 5, 6}, 2.0 / 924},
	} {
		near(t, "p", mw.Classify(c.x, c.y, mw.Options{Direction: mw.Increase}).P, c.want, 1e-12)
	}
}

// A canary that is worse is never judged better, nothing depends on the order or,
// but for rounding, on the unit.
func TestExactMonotone(t *testing.T) {
	rank := map[mw.Class]int{mw.Pass: 0, mw.Open: 1, mw.High: 2}
	point := rapid.Custom(func(t *rapid.T) float64 {
		return float64(rapid.IntRange(0, 12).Draw(t, "tied")) + float64(rapid.IntRange(0, 1).Draw(t, "half"))/2
	})
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(point, 5, 30).Draw(t, "x")
		y := rapid.SliceOfN(point, 5, 30).Draw(t, "y")
		o := mw.Options{Direction: mw.Increase, Confidence: rapid.SampledFrom([]float64{0.9, 0.98}).Draw(t, "confidence")}
		if rapid.Bool().Draw(t, "margin") {
			o.Margin = mw.Margin{Ratio: 1.2, Add: 0.5}
		}
		before := mw.Classify(x, y, o)
		worse := slices.Clone(x)
		slices.Reverse(worse)
		if again := mw.Classify(worse, y, o); again.Class != before.Class || again.P != before.P {
			t.Fatalf("another order: %+v, before %+v", again, before)
		}
		for i := range worse {
			if rapid.Bool().Draw(t, "worse") {
				worse[i] += rapid.Float64Range(0, 20).Draw(t, "by")
			}
		}
		after := mw.Classify(worse, y, o)
		if rank[after.Class] < rank[before.Class] {
			t.Fatalf("worse is better: %+v, before %+v", after, before)
		}
	})
}

func TestCounts(t *testing.T) {
	minutes := func(n int, m mw.Minute) []mw.Minute { return slices.Repeat([]mw.Minute{m}, n) }
	// kayenta#426: per-minute errors 0,1,2,1,0,0 against none, 100 requests each.
	sparse := minutes(6, mw.Minute{Canary: 100, Baseline: 100})
	for i, bad := range []int64{0, 1, 2, 1, 0, 0} {
		sparse[i].CanaryBad = bad
	}
	for _, c := range []struct {
		name    string
		minutes []mw.Minute
		o       mw.Options
		want    mw.Class
	}{
		{"sparse errors against none", sparse, mw.Options{}, mw.Open},
		{"twice of that", slices.Concat(sparse, sparse), mw.Options{}, mw.High},
		{"nothing", nil, mw.Options{}, mw.Nodata},
		{"nothing, and must", nil, mw.Options{MustHaveData: true}, mw.NodataFail},
		{"no canary", minutes(60, mw.Minute{Baseline: 100}), mw.Options{}, mw.Nodata},
		{"ten clean requests", minutes(2, mw.Minute{Canary: 5, Baseline: 95}), mw.Options{}, mw.Open},
		{"as many that rule nothing out", minutes(6, mw.Minute{Canary: 20, Baseline: 180}), mw.Options{}, mw.Open},
		{"many clean requests", minutes(60, mw.Minute{Canary: 100, Baseline: 900}), mw.Options{}, mw.Pass},
		{"alike", minutes(60, mw.Minute{Canary: 100, CanaryBad: 1, Baseline: 900, BaselineBad: 9}), mw.Options{}, mw.Pass},
		{"twice", minutes(60, mw.Minute{Canary: 100, CanaryBad: 2, Baseline: 900, BaselineBad: 9}), mw.Options{}, mw.High},
		{"twice is allowed", minutes(60, mw.Minute{Canary: 100, CanaryBad: 2, Baseline: 900, BaselineBad: 9}), mw.Options{Margin: mw.Margin{Ratio: 2}}, mw.Open},
		{"a point is allowed", minutes(60, mw.Minute{Canary: 100, CanaryBad: 2, Baseline: 900, BaselineBad: 9}), mw.Options{Margin: mw.Margin{Add: 0.01}}, mw.Open},
		{"thrice is allowed", minutes(60, mw.Minute{Canary: 100, CanaryBad: 2, Baseline: 900, BaselineBad: 9}), mw.Options{Margin: mw.Margin{Ratio: 3}}, mw.Pass},
		{"a point more", minutes(60, mw.Minute{Canary: 100, CanaryBad: 4, Baseline: 900, BaselineBad: 9}), mw.Options{Margin: mw.Margin{Add: 0.01}}, mw.High},
		{"all bad", minutes(60, mw.Minute{Canary: 100, CanaryBad: 100, Baseline: 900, BaselineBad: 9}), mw.Options{}, mw.High},
		{"both all bad", minutes(60, mw.Minute{Canary: 100, CanaryBad: 100, Baseline: 900, BaselineBad: 900}), mw.Options{}, mw.Open},
	} {
		if got := mw.Counts(c.minutes, c.o); got.Class != c.want {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
	// Newcombe's own examples.
	r := mw.Counts([]mw.Minute{{Canary: 70, CanaryBad: 56, Baseline: 80, BaselineBad: 48}}, mw.Options{Confidence: 0.95})
	near(t, "low", r.Low, 0.0524, 5e-5)
	near(t, "high", r.High, 0.3339, 5e-5)
}

// More bad requests of the canary are never better, and the ways to compute the
// chance agree where they meet.
func TestCountsMonotone(t *testing.T) {
	rank := map[mw.Class]int{mw.Pass: 0, mw.Open: 1, mw.High: 2}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "minutes")
		minutes := make([]mw.Minute, n)
		for i := range minutes {
			m := &minutes[i]
			m.Canary, m.Baseline = rapid.Int64Range(0, 200).Draw(t, "canary"), rapid.Int64Range(0, 200).Draw(t, "baseline")
			m.CanaryBad, m.BaselineBad = rapid.Int64Range(0, m.Canary).Draw(t, "bad"), rapid.Int64Range(0, m.Baseline).Draw(t, "bad")
		}
		before := mw.Counts(minutes, mw.Options{})
		i := rapid.IntRange(0, n-1).Draw(t, "where")
		minutes[i].CanaryBad = rapid.Int64Range(minutes[i].CanaryBad, minutes[i].Canary).Draw(t, "worse")
		after := mw.Counts(minutes, mw.Options{})
		if rank[after.Class] < rank[before.Class] || after.P > before.P*(1+1e-6)+1e-12 {
			t.Fatalf("worse is better: %+v, before %+v", after, before)
		}
	})
}
