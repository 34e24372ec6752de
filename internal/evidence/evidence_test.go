package evidence_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/evidence"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func count(bad, total int64) slo.Count {
	return slo.Count{Good: slo.Events(total - bad), Total: slo.Events(total)}
}

// TestLikeTheDefinition holds the detector against the sum it stands for, in
// exact fractions: over each bet and each minute it may have begun at, the
// likelihood ratio of what came since.
func TestLikeTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.SampledFrom([]string{"0.9", "0.99", "0.999"}).Draw(t, "target")
		n := rapid.IntRange(0, 12).Draw(t, "minutes")
		d := evidence.New(slo.MustDecimal(target))
		type minute struct{ bad, total int64 }
		var seen []minute
		for range n {
			total := rapid.Int64Range(0, 30).Draw(t, "total")
			bad := rapid.Int64Range(0, min(total, 6)).Draw(t, "bad")
			d.Add(count(bad, total))
			if total > 0 {
				seen = append(seen, minute{bad, total})
			}
		}
		budget := slo.MustDecimal(target).Complement().Rat()
		one := big.NewRat(1, 1)
		sum, bets := new(big.Rat), int64(0)
		for _, k := range []string{"1.5", "2", "3", "5", "10", "20", "50", "100", "200", "300"} {
			p := slo.MustDecimal(k).Rat()
			p.Mul(p, budget)
			if p.Cmp(one) >= 0 {
				continue
			}
			bets++
			// The likelihood ratio of a bad and of a good event, of rate p against the budget.
			bad := new(big.Rat).Quo(p, budget)
			good := new(big.Rat).Quo(new(big.Rat).Sub(one, p), new(big.Rat).Sub(one, budget))
			for from := range seen {
				e := new(big.Rat).Set(one)
				for _, m := range seen[from:] {
					for range m.bad {
						e.Mul(e, bad)
					}
					for range m.total - m.bad {
						e.Mul(e, good)
					}
				}
				sum.Add(sum, e)
			}
		}
		want := math.Inf(-1)
		if len(seen) > 0 {
			f, _ := sum.Quo(sum, big.NewRat(bets, 1)).Float64()
			want = math.Log(f)
		}
		if got := d.Log(); got != want && math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
			t.Fatalf("%v: %v, want %v", seen, got, want)
		}
	})
}

// binomial draws how many of n events are bad.
func binomial(r *rand.Rand, n int, p float64) int64 {
	var bad int64
	// Jumps from one bad event to the next: p is small.
	for i := -1; ; bad++ {
		i += 1 + int(math.Log(1-r.Float64())/math.Log1p(-p))
		if i >= n {
			return bad
		}
	}
}

// runs are the minutes until the alarm; horizon+1 when there is none.
func runs(seed uint64, n, rpm, horizon int, burn float64) []int {
	r := rand.New(rand.NewPCG(seed, 44))
	limit := evidence.Limit(evidence.ARL)
	out := make([]int, n)
	for i := range out {
		d := evidence.New(slo.MustDecimal("0.999"))
		out[i] = horizon + 1
		for m := range horizon {
			d.Add(count(binomial(r, rpm, 0.001*burn), int64(rpm)))
			if d.Log() >= limit {
				out[i] = m + 1
				break
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestDetection holds the detector against what is published of one like it:
// median minutes until the alarm, at a false one in five weeks.
func TestDetection(t *testing.T) {
	t.Parallel()
	const horizon = 5040
	for _, c := range []struct {
		burn      float64
		rpm, want int
		slack     float64
	}{
		{2, 100, 203, .2},
		{2, 1000, 26, .2},
		{3, 10, 465, .2},
		{3, 100, 67, .2},
		{3, 1000, 9, .2},
		{10, 10, 54, .2},
		{10, 100, 8, .25},
		{10, 1000, 1, 1},
		{20, 10, 22, .2},
		{20, 100, 3, .34},
		{20, 1000, 1, 0},
		{50, 10, 7, .2},
		{50, 100, 1, 0},
		{50, 1000, 1, 0},
	} {
		t.Run(fmt.Sprintf("%gx/%drpm", c.burn, c.rpm), func(t *testing.T) {
			t.Parallel()
			got := runs(1, 200, c.rpm, horizon, c.burn)
			median := got[len(got)/2]
			t.Logf("median %d minutes, published %d", median, c.want)
			if math.Abs(float64(median-c.want)) > c.slack*float64(c.want) {
				t.Errorf("median %d minutes, published %d", median, c.want)
			}
		})
	}
	// Twice the budget at ten requests a minute: 1450 minutes, found in half of 3.5 days.
	got := runs(1, 100, 10, horizon, 2)
	found, _ := slices.BinarySearch(got, horizon+1)
	t.Logf("2x at 10 rpm: found in %d of 100, median of those %d", found, got[found/2])
	if found < 40 {
		t.Errorf("2x at 10 rpm: found in %d of 100", found)
	}
}

// TestFalseAlarms holds the promise: at the edge of the budget an alarm comes
// once in five weeks or more rarely.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	const n, horizon = 200, 5040
	for _, c := range []struct {
		rpm  int
		burn float64
		at   most
	}{{10, 1, 20}, {100, 1, 20}, {100, 0.2, 1}} {
		got := runs(2, n, c.rpm, horizon, c.burn)
		false0, _ := slices.BinarySearch(got, horizon+1)
		t.Logf("%gx at %d rpm: %d of %d alarm in 3.5 days", c.burn, c.rpm, false0, n)
		// 3.5 days are a tenth of five weeks.
		if false0 > int(c.at) {
			t.Errorf("%gx at %d rpm: %d of %d alarm in 3.5 days", c.burn, c.rpm, false0, n)
		}
	}
}

type most int

func TestNothing(t *testing.T) {
	for _, target := range []string{"1", "0"} {
		d := evidence.New(slo.MustDecimal(target))
		d.Add(count(5, 5))
		if !math.IsInf(d.Log(), -1) {
			t.Errorf("target %s: %v", target, d.Log())
		}
	}
	d := evidence.New(slo.MustDecimal("0.999"))
	d.Add(count(0, 0))
	d.Add(slo.Count{Good: 2, Total: 1})
	d.Add(slo.Count{Good: math.MaxInt64, Total: math.MaxInt64})
	if !math.IsInf(d.Log(), -1) {
		t.Errorf("%v", d.Log())
	}
	for range 1000 {
		d.Add(count(1_000_000, 1_000_000))
	}
	if l := d.Log(); math.IsNaN(l) || math.IsInf(l, 0) || evidence.Seldom(l) != "a million years" {
		t.Errorf("a long outage: %v, %s", l, evidence.Seldom(l))
	}
}

func TestSeldom(t *testing.T) {
	for minutes, want := range map[slo.Minute]string{
		1: "a minute", 90: "90 minutes", slo.Day: "24 hours", evidence.ARL: "35 days", 3 * 365 * slo.Day: "3 years",
	} {
		if got := evidence.Seldom(evidence.Limit(minutes)); got != want {
			t.Errorf("%d: %q, want %q", minutes, got, want)
		}
	}
}
