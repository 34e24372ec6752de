package judgetest

import (
	"math"
	"math/rand/v2"

	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Traffic is what both versions do in one minute: requests, and the rate of bad
// ones.
type Traffic struct {
	Baseline, Canary         int64
	BaselineRate, CanaryRate float64
}

// World is two versions over some minutes.
type World struct {
	Name    string
	Minutes int
	// At draws the minute's traffic; what is common to both versions comes from rng.
	At func(minute int, rng *rand.Rand) Traffic
}

// Steady is a world that does not change.
func Steady(name string, minutes int, t Traffic) World {
	return World{Name: name, Minutes: minutes, At: func(int, *rand.Rand) Traffic { return t }}
}

// Nulls are worlds in which the canary is as good as the baseline, with a rate
// of bad requests about rate.
func Nulls(rate float64) []World {
	alike := func(nb, nc int64, p float64) Traffic {
		p = min(p, 1)
		return Traffic{Baseline: nb, Canary: nc, BaselineRate: p, CanaryRate: p}
	}
	return []World{
		Steady("steady", 60, alike(100, 100, rate)),
		Steady("5 to 95", 60, alike(190, 10, rate)),
		{Name: "drift", Minutes: 60, At: func(minute int, _ *rand.Rand) Traffic {
			return alike(180, 20, rate*math.Exp2(2*math.Sin(float64(minute)/10)))
		}},
		{Name: "shared shocks", Minutes: 60, At: func(_ int, rng *rand.Rand) Traffic {
			if rng.Float64() < 0.05 {
				return alike(180, 20, 20*rate)
			}
			return alike(180, 20, rate)
		}},
		// The rate rises while the canary gets more of the traffic: in the sums it
		// looks several times as bad as the baseline.
		{Name: "changing weights", Minutes: 60, At: func(minute int, _ *rand.Rand) Traffic {
			nc := []int64{2, 20, 100}[minute/20]
			return alike(200-nc, nc, rate*[]float64{0.5, 1, 5}[minute/20])
		}},
		{Name: "sparse traffic", Minutes: 60, At: func(_ int, rng *rand.Rand) Traffic {
			return alike(rng.Int64N(9), rng.Int64N(3), rate)
		}},
	}
}

// Shifted is a world in which the canary has a rate of its own.
func Shifted(name string, baseline, canary float64) World {
	return Steady(name, 60, Traffic{Baseline: 180, Canary: 20, BaselineRate: baseline, CanaryRate: canary})
}

// Counts draws the world's samples as counts.
func (w World) Counts(rng *rand.Rand) []judge.Sample {
	out := make([]judge.Sample, w.Minutes)
	for i := range out {
		t := w.At(i, rng)
		out[i] = judge.Sample{
			At:       start + slo.Minute(i),
			Baseline: judge.Arm{Total: t.Baseline, Bad: Binomial(rng, t.Baseline, t.BaselineRate)},
			Canary:   judge.Arm{Total: t.Canary, Bad: Binomial(rng, t.Canary, t.CanaryRate)},
		}
	}
	return out
}

// start is the first minute of all samples.
const start slo.Minute = 29_000_000

// Values draws minutes of a value: normal about 100 with a deviation of 10, the
// canary's moved and spread; every so many minutes a point is several times as high.
func Values(rng *rand.Rand, minutes int, moved, spread float64) []judge.Sample {
	out := make([]judge.Sample, minutes)
	value := func(moved, spread float64) *float64 {
		v := 100 + moved + 10*spread*rng.NormFloat64()
		if rng.Float64() < 0.03 {
			v += 100 * rng.Float64()
		}
		return &v
	}
	for i := range out {
		out[i] = judge.Sample{
			At: start + slo.Minute(i), Baseline: judge.Arm{Value: value(0, 1)}, Canary: judge.Arm{Value: value(moved, spread)},
		}
	}
	return out
}

// Binomial draws how many of n have something that each has with the chance p, by
// walking up the distribution: as many steps as there are.
func Binomial(rng *rand.Rand, n int64, p float64) int64 {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p > 0.5:
		return n - Binomial(rng, n, 1-p)
	}
	const most = 500 // expected, beyond which the first step's chance is no number
	if float64(n)*p > most {
		half := n / 2
		return Binomial(rng, half, p) + Binomial(rng, n-half, p)
	}
	odds := p / (1 - p)
	left := rng.Float64()
	chance := math.Exp(float64(n) * math.Log1p(-p))
	k := int64(0)
	for left >= chance && k < n {
		left -= chance
		chance *= odds * float64(n-k) / float64(k+1)
		k++
	}
	return k
}
