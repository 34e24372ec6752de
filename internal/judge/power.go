package judge

import (
	"math"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// sample is how many requests there are of each version, and the baseline's rate.
type sample struct{ nb, nc, rate float64 }

// power is the chance with which an effect is to be seen.
const power = 0.8

// mixed is what it costs in evidence not to know the effect beforehand: bets are
// spread over eight sizes, and those beside the right one win too.
const mixed = 1.1

// shown says whether a sample shows a canary of a rate with a chance of 80 %, in a
// test that asks for evidence of need.
func (s sample) shown(canary float64, margin Margin, need float64) bool {
	mean, sd := s.evidence(canary, margin)
	z := math.Sqrt2 * math.Erfinv(2*power-1)
	return mean-z*sd >= need+mixed
}

// evidence is the mean of the evidence against the margin that a sample has, and
// its standard deviation.
func (s sample) evidence(canary float64, margin Margin) (mean, sd float64) {
	if margin.Ratio > 0 && margin.Add == 0 {
		return s.ofErrors(canary, margin.Ratio)
	}
	mean, sd = s.ofRates(canary, margin.Add)
	if margin.Ratio > 0 {
		if m, d := s.ofErrors(canary, margin.Ratio); m < mean {
			return m, d
		}
	}
	return mean, sd
}

// ofRates is the evidence of rates against the line canary = baseline + margin.
func (s sample) ofRates(canary, margin float64) (mean, sd float64) {
	h := eprocess.Hardest(eprocess.Arms{Nb: s.nb, Pb: s.rate, Nc: s.nc, Pc: canary}, margin)
	if h.Pc >= canary {
		return 0, 0
	}
	mean = s.nc*eprocess.Divergence(canary, h.Pc) + s.nb*eprocess.Divergence(s.rate, h.Pb)
	v := s.nc*scatter(canary, h.Pc) + s.nb*scatter(s.rate, h.Pb)
	return mean, math.Sqrt(v)
}

// ofErrors is the evidence of which share of the bad requests is the canary's.
func (s sample) ofErrors(canary, ratio float64) (mean, sd float64) {
	xc, xb := s.nc*canary, s.nb*s.rate
	theta := ratio * s.nc / (ratio*s.nc + s.nb)
	q := xc / (xc + xb)
	if q <= theta {
		return 0, 0
	}
	return (xc + xb) * eprocess.Divergence(q, theta), math.Sqrt((xc + xb) * scatter(q, theta))
}

// scatter is the variance of the evidence of one request at rate p against q.
func scatter(p, q float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	l := math.Log(p/(1-p)) - math.Log(q/(1-q))
	return p * (1 - p) * l * l
}

// detectable returns the least effect, as a difference of rates, that a sample
// shows with a chance of 80 %; false: none.
func detectable(s sample, margin Margin, alpha float64) (float64, bool) {
	need := math.Log(1 / alpha)
	lo, hi := max(s.rate+margin.Add, s.rate*max(margin.Ratio, 1)), .999
	if lo >= hi || !s.shown(hi, margin, need) {
		return 0, false
	}
	for range 30 {
		if m := (lo + hi) / 2; s.shown(m, margin, need) {
			hi = m
		} else {
			lo = m
		}
	}
	return hi - s.rate, true
}

// perRequest is the evidence that one more request of the canary gives for a pass
// at most, with those that the baseline has meanwhile: the canary has no bad one.
func (s sample) perRequest(slack Margin) float64 {
	if slack.Add == 0 {
		if slack.Ratio == 0 || s.rate == 0 {
			return 0
		}
		// A bad request of the baseline is evidence, as none of the canary's is.
		theta := slack.Ratio * s.nc / (slack.Ratio*s.nc + s.nb)
		return s.nb / s.nc * s.rate * -math.Log1p(-theta)
	}
	h := eprocess.Hardest(eprocess.Arms{Nb: s.nb, Pb: s.rate, Nc: s.nc, Pc: 0}, slack.Add)
	return eprocess.Divergence(0, h.Pc) + s.nb/s.nc*eprocess.Divergence(s.rate, h.Pb)
}

// missing is how many more requests of the canary a pass needs at least.
func (c *counting) missing() int64 {
	if c.out.Verdict != 0 || c.harm == nil {
		return 0
	}
	need := math.Log(1/c.p.Beta) - c.out.LogEPass
	s := sample{nb: float64(c.out.Baseline.Total), nc: float64(c.out.Canary.Total), rate: c.sum.rate(c.p)}
	out := max(c.p.Least-c.out.Canary.Total, 0)
	if each := s.perRequest(c.slack); !c.p.Bursts && need > 0 && each > 0 {
		if n := math.Ceil(need / each); n < 1e15 {
			out = max(out, int64(n))
		}
	}
	return out
}
