package mannwhitney

import (
	"fmt"
	"math"
)

// Minute is what both versions did in one minute. Bad requests are among all.
type Minute struct{ Canary, CanaryBad, Baseline, BaselineBad int64 }

// CountResult is what counts were found to be.
type CountResult struct {
	Class Class // Pass, High, Open, Nodata, NodataFail
	// P is the chance that a canary that is just as bad as allowed has as many bad
	// requests, PassP that one that is worse than the slack has as few.
	P, PassP float64
	// Difference of the rates, and what holds it (Newcombe, two-sided). NaN: not known.
	Difference, Low, High float64
	// Detectable is the least difference that this sample would have called High;
	// NaN: none.
	Detectable float64
	// Missing is how many more requests of the canary a pass would need, about; 0
	// also where it is not known.
	Missing int64
	Reason  string
}

// countSlack is what a pass rules out if nothing else is asked: one percentage point.
const countSlack = 0.01

// Counts compares counts of bad requests. Ranks of rates are no answer there: rates
// of 20 requests a minute lie on other steps than those of 180, most are zero, and
// so is their shift. Given the bad requests of each minute, every one is the
// canary's with the chance of its share of the traffic, whatever the rate is in
// that minute: drifts, shared shocks and changing weights cancel out.
func Counts(minutes []Minute, o Options) CountResult {
	o = o.withDefaults()
	sum, trials := o.trials(minutes)
	if sum.Canary == 0 || sum.Baseline == 0 {
		nan := math.NaN()
		c := CountResult{Class: Nodata, P: 1, PassP: 1, Difference: nan, Low: nan, High: nan, Detectable: nan, Reason: "no requests"}
		if o.MustHaveData {
			c.Class = NodataFail
		}
		return c
	}
	alpha := 1 - o.Confidence
	d := newDifference(minutes)
	allowed := o.slack(d.base / d.ofBase)
	c := CountResult{Class: Pass, P: o.chance(sum, trials), PassP: d.ruledOut(allowed)}
	c.Difference, c.Low, c.High = d.newcombe(-quantile(alpha / 2))
	c.Detectable = o.detectable(sum, alpha)
	switch {
	case c.P <= alpha:
		c.Class, c.Reason = High, fmt.Sprintf("the canary has too many bad requests (p %.2g)", c.P)
	case c.PassP > alpha:
		c.Class, c.Missing = Open, d.missing(allowed, -quantile(alpha))
		c.Reason = fmt.Sprintf("%d requests of the canary do not rule out what would matter (p %.2g)", sum.Canary, c.PassP)
	}
	return c
}

// slack is the difference of rates that a pass rules out.
func (o Options) slack(base float64) float64 {
	allowed := max(o.Margin.Add, o.Slack.Add, (max(o.Margin.Ratio, o.Slack.Ratio)-1)*base)
	if o.Slack.Add == 0 && o.Slack.Ratio == 1 {
		allowed = max(allowed, countSlack)
	}
	return allowed
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

// detectable is the least difference of rates, beside the baseline as it is, that
// would be High.
func (o Options) detectable(sum Minute, alpha float64) float64 {
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
	if high > sum.Canary {
		return math.NaN()
	}
	return float64(high)/float64(sum.Canary) - float64(sum.BaselineBad)/float64(sum.Baseline)
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
		return BinomialTail(all, x, trials[0].share)
	case all <= countedOut:
		return convolved(trials, int(all), int(x))
	}
	return saddlepoint(trials, float64(x))
}

// countedOut is up to how many bad requests the distribution is counted out.
const countedOut = 150

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
