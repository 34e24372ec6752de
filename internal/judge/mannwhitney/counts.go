package mannwhitney

import (
	"fmt"
	"math"
)

// Minute is what both versions did in one minute. Bad requests are among all.
type Minute struct{ Canary, CanaryBad, Baseline, BaselineBad int64 }

// CountResult is what counts were found to be.
type CountResult struct {
	Class Class // Pass, High, Open, Nodata
	// P is the chance that a canary that is just as bad as allowed has as many bad
	// requests.
	P float64
	// Difference of the rates, and what holds it (Newcombe, two-sided). NaN: not known.
	Difference, Low, High float64
	// Detectable is the least rate of the canary that this sample would have called
	// High, nearly; NaN: not known.
	Detectable float64
	// Missing is how many more requests of the canary a pass would need, about.
	Missing int64
	Reason  string
}

// blind is the rate from which bad requests must not go unseen: a sample in which
// so many of the canary's could be bad and it were still not High passes nothing.
const blind = 0.05

// Counts compares counts of bad requests. Ranks of rates are no answer there: rates
// of 20 requests a minute lie on other steps than those of 180, most are zero, and
// so is their shift. Given the bad requests of each minute, every one is the
// canary's with the chance of its share of the traffic, whatever the rate is in
// that minute: drifts, shared shocks and changing weights cancel out.
func Counts(minutes []Minute, o Options) CountResult {
	o = o.withDefaults()
	sum, trials := o.trials(minutes)
	if sum.Canary == 0 || sum.Baseline == 0 {
		c := CountResult{Class: Nodata, P: 1, Reason: "no requests"}
		c.Difference, c.Low, c.High, c.Detectable = math.NaN(), math.NaN(), math.NaN(), math.NaN()
		if o.MustHaveData {
			c.Class = NodataFail
		}
		return c
	}
	c := CountResult{Class: Pass, P: o.chance(sum, trials)}
	c.Difference, c.Low, c.High = newcombe(sum, -quantile((1-o.Confidence)/2))
	alpha := 1 - o.Confidence
	c.Detectable, c.Missing = o.detectable(sum, alpha)
	pc := float64(sum.CanaryBad) / float64(sum.Canary)
	pb := float64(sum.BaselineBad) / float64(sum.Baseline)
	switch {
	case c.P <= alpha:
		c.Class, c.Reason = High, fmt.Sprintf("the canary has too many bad requests (p %.2g)", c.P)
	case c.Missing > 0:
		c.Class = Open
		c.Reason = fmt.Sprintf("%d requests are too few", sum.Canary)
	case c.P < suspect && pc > (pb*o.Margin.Ratio+o.Margin.Add)*(1+o.Tolerance):
		c.Class, c.Reason = Open, fmt.Sprintf("looks worse, and the sample is too small to tell (p %.2g)", c.P)
	}
	return c
}

// trial is the bad requests of one minute, and the chance of each to be the canary's.
type trial struct {
	bad   int64
	share float64
}

// trials of the minutes in which something was bad, and the sum of all minutes in
// which both versions had requests.
func (o Options) trials(minutes []Minute) (sum Minute, out []trial) {
	for _, m := range minutes {
		if m.Canary <= 0 || m.Baseline <= 0 {
			continue
		}
		sum.Canary += m.Canary
		sum.CanaryBad += m.CanaryBad
		sum.Baseline += m.Baseline
		sum.BaselineBad += m.BaselineBad
		if bad := m.CanaryBad + m.BaselineBad; bad > 0 {
			weight := o.Margin.Ratio * float64(m.Canary)
			out = append(out, trial{bad, weight / (weight + float64(m.Baseline))})
		}
	}
	return sum, out
}

// chance is the p-value. With an added margin the rate itself matters: it is taken
// from the top of what the baseline's may be, and the chance that it is above that
// is added.
func (o Options) chance(sum Minute, trials []trial) float64 {
	if o.Margin.Add > 0 {
		slip := (1 - o.Confidence) / 10
		top := upperRate(sum.BaselineBad, sum.Baseline, slip)
		allowed := min(1, top*o.Margin.Ratio+o.Margin.Add)
		return min(1, slip+tail([]trial{{sum.Canary, allowed}}, sum.CanaryBad))
	}
	return tail(trials, sum.CanaryBad)
}

// detectable is the least rate of bad requests of the canary, beside the baseline
// as it is, that would be High, and how many requests more it takes until that is
// below [blind].
func (o Options) detectable(sum Minute, alpha float64) (rate float64, missing int64) {
	found := func(bad int64) bool {
		m := sum
		m.CanaryBad = bad
		_, trials := o.trials([]Minute{m})
		return o.chance(m, trials) <= alpha
	}
	low, high := int64(0), sum.Canary+1 // not found, and found or out of reach
	for low+1 < high {
		if mid := low + (high-low)/2; found(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	rate = float64(high) / float64(sum.Canary)
	usual := float64(sum.BaselineBad)/float64(sum.Baseline)*o.Margin.Ratio + o.Margin.Add
	switch most := max(blind, 3*usual); {
	case high > sum.Canary: // all could be bad
		return math.NaN(), max(1, sum.Canary)
	case rate > most:
		return rate, max(1, int64(math.Ceil(float64(high)/most))-sum.Canary)
	}
	return rate, 0
}

// tail is the chance that x or more of the trials' requests are the canary's.
func tail(trials []trial, x int64) float64 {
	var all int64
	for _, t := range trials {
		all += t.bad
	}
	switch {
	case x <= 0:
		return 1
	case x > all:
		return 0
	case len(trials) == 1:
		return binomialTail(all, x, trials[0].share)
	case all <= countedOut:
		return convolved(trials, int(all), int(x))
	}
	return saddlepoint(trials, float64(x))
}

// countedOut is up to how many bad requests the distribution is counted out.
const countedOut = 400

// convolved adds the requests one by one: chances[k] is that k are the canary's.
func convolved(trials []trial, all, x int) float64 {
	chances := make([]float64, all+1)
	chances[0] = 1
	n := 0
	for _, t := range trials {
		for range t.bad {
			n++
			for k := n; k > 0; k-- {
				chances[k] += (chances[k-1] - chances[k]) * t.share
			}
			chances[0] *= 1 - t.share
		}
	}
	p := 0.0
	for k := len(chances) - 1; k >= x; k-- {
		p += chances[k]
	}
	return min(1, p)
}

// saddlepoint is the tail of a sum of many by Lugannani and Rice (1980), with the
// continuity correction of Daniels: a few digits, far out as well.
func saddlepoint(trials []trial, x float64) float64 {
	s := 0.0
	for range 100 {
		_, k1, k2 := cumulants(trials, s)
		step := (x - 0.5 - k1) / k2
		s += max(-1, min(1, step))
		if math.Abs(step) < 1e-12 {
			break
		}
	}
	k0, _, k2 := cumulants(trials, s)
	w := math.Copysign(math.Sqrt(max(0, 2*(s*(x-0.5)-k0))), s)
	u := 2 * math.Sinh(s/2) * math.Sqrt(k2)
	if math.Abs(w) < 1e-3 { // at the mean, where the formula has a hole
		return 0.5
	}
	density := math.Exp(-w*w/2) / math.Sqrt(2*math.Pi)
	return max(0, min(1, math.Erfc(w/math.Sqrt2)/2+density*(1/u-1/w)))
}

// cumulants are the generating function of the sum and its first two derivatives.
func cumulants(trials []trial, s float64) (k0, k1, k2 float64) {
	e := math.Exp(s)
	for _, t := range trials {
		n, d := float64(t.bad), 1-t.share+t.share*e
		q := t.share * e / d
		k0 += n * math.Log(d)
		k1 += n * q
		k2 += n * q * (1 - q)
	}
	return k0, k1, k2
}

// newcombe is the difference of two rates and its interval by his tenth method
// (1998): the square root of both versions' distances to the ends of Wilson's.
func newcombe(m Minute, z float64) (d, low, high float64) {
	pc, lc, uc := wilson(m.CanaryBad, m.Canary, z)
	pb, lb, ub := wilson(m.BaselineBad, m.Baseline, z)
	d = pc - pb
	return d, d - math.Hypot(pc-lc, ub-pb), d + math.Hypot(uc-pc, pb-lb)
}

func wilson(x, n int64, z float64) (p, low, high float64) {
	f := float64(n)
	p = float64(x) / f
	centre := (p + z*z/(2*f)) / (1 + z*z/f)
	half := z * math.Sqrt(p*(1-p)/f+z*z/(4*f*f)) / (1 + z*z/f)
	return p, max(0, centre-half), min(1, centre+half)
}
