package stat_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
)

func must(t testing.TB, text string) stat.Statistic {
	t.Helper()
	st, err := stat.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func compute(st stat.Statistic, sets ...stat.Set) (float64, bool) {
	var a stat.Accumulator
	a.Reset(st.NeedsValues())
	for _, s := range sets {
		a.Add(s)
	}
	return a.Value(st)
}

func ones(values ...float64) stat.Set {
	var s []stat.Sample
	for _, v := range values {
		s = append(s, stat.Sample{Value: v, Count: 1})
	}
	return stat.FromSamples(s)
}

func hundred() stat.Set {
	var v []float64
	for i := range 100 {
		v = append(v, float64(i+1))
	}
	return ones(v...)
}

// The sentences of the documentation, as numbers.
func TestDocumentedMeanings(t *testing.T) {
	edges := ones(80, 150, 151, 300, 301, 500, 500.5, 1000, 1001)
	for _, c := range []struct {
		stat string
		set  stat.Set
		want float64
	}{
		{"SampleCount", ones(1, 2, 3), 3},
		{"Sum", ones(1, 2, 3), 6},
		{"Average", ones(1, 2, 3), 2},
		{"Minimum", ones(1, 2, 3), 1},
		{"Maximum", ones(1, 2, 3), 3},
		// "PR(:300) returns the percentage of data points that have a value of 300 or less."
		{"PR(:300)", ones(100, 300, 301, 400), 50},
		// "TC(80:500) uses only the values that are between 80 (exclusive) and 500 (inclusive)."
		{"TC(80:500)", edges, 5},
		{"TS(80:500)", edges, 150 + 151 + 300 + 301 + 500},
		{"PR(80:500)", edges, 100 * 5.0 / 9},
		// "after removing all data points that are lower than or equal to 150, or higher than 1000"
		{"TM(150:1000)", edges, (151 + 300 + 301 + 500 + 500.5 + 1000) / 6},
		// "TC(:0.5) uses only the values that equal 0.5 or are lower."
		{"TC(:0.5)", ones(0.4, 0.5, 0.6), 2},
		// "p99 is the maximum value of the remaining 99 %, while tm99 is the average of the remaining 99 %"
		{"p99", hundred(), 99},
		{"tm99", hundred(), 50},
		{"tc99", hundred(), 99},
		{"ts90", hundred(), 4095},
		{"p0", hundred(), 1},
		{"p100", hundred(), 100},
		{"p99.9", hundred(), 100},
		// "after removing the 2% lowest data points and the 2% highest data points"
		{"TM(2%:98%)", hundred(), 50.5},
		{"TC(2%:98%)", hundred(), 96},
		{"IQM", hundred(), 50.5},
		{"TS(80%:)", hundred(), 81 + 82 + 83 + 84 + 85 + 86 + 87 + 88 + 89 + 90 + 91 + 92 + 93 + 94 + 95 + 96 + 97 + 98 + 99 + 100},
		// "treating the 2% of the highest values to be equal to the value at the 98th percentile"
		{"wm98", hundred(), (98*99/2 + 2*98) / 100.0},
		{"WM(80:500)", ones(10, 80, 200, 500, 900), (80 + 80 + 200 + 500 + 500) / 5.0},
		{"TC(:5)", ones(10, 20), 0},
		{"PR(:5)", ones(10, 20), 0},
	} {
		got, ok := compute(must(t, c.stat), c.set)
		if !ok || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s = %v, %v; want %v", c.stat, got, ok, c.want)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	opaque := stat.FromStatistics(10, 55, 1, 10)
	for _, c := range []struct {
		name, stat string
		set        stat.Set
	}{
		{"nothing published", "Sum", stat.Set{}},
		{"a statistic set with a spread", "p50", opaque},
		{"the same, with a fixed bound", "TC(:5)", opaque},
		{"one negative value", "p50", ones(-1, 5, 6)},
		{"one negative value", "PR(:5)", ones(-1, 5, 6)},
		{"a mean of nothing", "TM(100:200)", ones(1, 2)},
		{"opaque beside raw", "p50", opaque.Merge(ones(1, 2))},
	} {
		if v, ok := compute(must(t, c.stat), c.set); ok {
			t.Errorf("%s: %s = %v, want no answer", c.name, c.stat, v)
		}
	}
	for _, name := range []string{"SampleCount", "Sum", "Average", "Minimum", "Maximum"} {
		if _, ok := compute(must(t, name), opaque); !ok {
			t.Errorf("%s of a statistic set has no answer", name)
		}
	}
	// Where minimum and maximum agree, a statistic set stands for its values.
	if v, ok := compute(must(t, "TC(:7)"), stat.FromStatistics(4, 28, 7, 7)); !ok || v != 4 {
		t.Errorf("uniform statistic set: TC(:7) = %v, %v", v, ok)
	}
	// A sum that does not fit its extremes is not uniform.
	if v, ok := compute(must(t, "p50"), stat.FromStatistics(4, 29, 7, 7)); ok {
		t.Errorf("a set whose sum contradicts min = max gave p50 = %v", v)
	}
}

// Every statistic over random samples, published in random portions, equals the
// naive computation over single sorted values.
func TestAgainstNaive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		values, sets := drawSamples(rt)
		n := newNaive(values)
		lo := float64(rapid.IntRange(0, 9).Draw(rt, "lo"))
		hi := lo + float64(rapid.IntRange(1, 12).Draw(rt, "hi"))/2
		pl, ph := percents(rt)
		share := func(r *big.Rat) string { return r.FloatString(4) }
		low, high := pl, new(big.Rat).Sub(big.NewRat(100, 1), ph)
		none := new(big.Rat)
		inside, trimmed := n.between(&lo, &hi), n.trim(low, high)
		for _, c := range []struct {
			stat string
			want float64
			ok   bool
		}{
			{"SampleCount", float64(len(n)), true},
			{"Sum", n.sum(), true},
			{"Average", n.sum() / float64(len(n)), true},
			{"Minimum", n[0], true},
			{"Maximum", n[len(n)-1], true},
			{fmt.Sprintf("TC(%v:%v)", lo, hi), float64(len(inside)), true},
			{fmt.Sprintf("TS(%v:%v)", lo, hi), inside.sum(), true},
			{fmt.Sprintf("TM(%v:%v)", lo, hi), inside.sum() / float64(len(inside)), len(inside) > 0},
			{fmt.Sprintf("PR(%v:%v)", lo, hi), 100 * float64(len(inside)) / float64(len(n)), true},
			{fmt.Sprintf("TC(:%v)", hi), float64(len(n.between(nil, &hi))), true},
			{fmt.Sprintf("PR(%v:)", lo), 100 * float64(len(n.between(&lo, nil))) / float64(len(n)), true},
			{fmt.Sprintf("TC(%s%%:%s%%)", share(pl), share(ph)), float64(len(trimmed)), true},
			{fmt.Sprintf("TS(%s%%:%s%%)", share(pl), share(ph)), trimmed.sum(), true},
			{fmt.Sprintf("TM(%s%%:%s%%)", share(pl), share(ph)), trimmed.sum() / float64(len(trimmed)), len(trimmed) > 0},
			{fmt.Sprintf("WM(%s%%:%s%%)", share(pl), share(ph)), n.winsorize(low, high).sum() / float64(len(n)), len(trimmed) > 0},
			{"tm" + share(ph), n.trim(none, high).sum() / float64(len(n.trim(none, high))), len(n.trim(none, high)) > 0},
			{"p" + share(ph), n.percentile(ph), true},
		} {
			got, ok := compute(must(t, c.stat), sets...)
			if ok != c.ok || ok && math.Abs(got-c.want) > 1e-9*max(1, math.Abs(c.want)) {
				rt.Fatalf("%s over %v = %v, %v; want %v, %v", c.stat, n, got, ok, c.want, c.ok)
			}
		}
	})
}

// drawSamples returns values one by one, and the same published in portions.
func drawSamples(rt *rapid.T) (values []float64, sets []stat.Set) {
	half := rapid.Custom(func(rt *rapid.T) float64 { return float64(rapid.IntRange(0, 30).Draw(rt, "half")) / 2 })
	for range rapid.IntRange(1, 6).Draw(rt, "sets") {
		set := stat.Set{}
		for range rapid.IntRange(1, 4).Draw(rt, "data") {
			var portion []stat.Sample
			for range rapid.IntRange(1, 8).Draw(rt, "values") {
				v, times := half.Draw(rt, "v"), rapid.IntRange(1, 5).Draw(rt, "n")
				portion = append(portion, stat.Sample{Value: v, Count: float64(times)})
				for range times {
					values = append(values, v)
				}
			}
			set = set.Merge(stat.FromSamples(portion))
		}
		sets = append(sets, set)
	}
	return values, sets
}

// percents draws two percentages with up to four decimals, the first lower.
func percents(rt *rapid.T) (lo, hi *big.Rat) {
	a := rapid.Int64Range(0, 999_998).Draw(rt, "a")
	b := rapid.Int64Range(a+1, 1_000_000).Draw(rt, "b")
	return big.NewRat(a, 10_000), big.NewRat(b, 10_000)
}

// Rank arithmetic stays exact where floating point would slip: 10 % of 30 is 3.
func TestExactRanks(t *testing.T) {
	for n := 1; n <= 400; n++ {
		set := stat.FromSamples([]stat.Sample{{Value: 1, Count: float64(n)}})
		for _, tenth := range []int{1, 3, 7, 9} {
			st := must(t, fmt.Sprintf("tc%d0", tenth))
			want := float64(n - n*(10-tenth)/10)
			if got, _ := compute(st, set); got != want {
				t.Fatalf("tc%d0 of %d samples = %v, want %v", tenth, n, got, want)
			}
		}
	}
}

func BenchmarkTrimmedCount(b *testing.B) {
	st := must(b, "TC(:50)")
	set := hundred()
	var a stat.Accumulator
	b.ReportAllocs()
	for b.Loop() {
		a.Reset(true)
		for range 5 {
			a.Add(set)
		}
		if v, _ := a.Value(st); v != 250 {
			b.Fatal(v)
		}
	}
}
