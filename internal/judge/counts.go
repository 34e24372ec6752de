package judge

import (
	"math"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge/confseq"
	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// process is evidence that grows minute by minute. Bound is what Log is at most,
// and costs less.
type process interface {
	Add(nb, xb, nc, xc int64)
	Log() float64
	Bound() float64
}

// byEvidence judges by anytime-valid tests: counts, with the distribution of
// values where it is known; else values minute by minute.
func byEvidence(m *Metric, p *Policy) outcome {
	var counts, buckets, values bool
	for i := range m.Samples {
		b, c := &m.Samples[i].Baseline, &m.Samples[i].Canary
		counts = counts || b.Total > 0 || c.Total > 0
		buckets = buckets || len(b.Buckets) > 1 && len(c.Buckets) > 1 // one bucket tells nothing apart
		values = values || b.Value != nil && c.Value != nil
	}
	switch {
	case counts || buckets:
		return newCounting(m, p, counts, buckets).run()
	case values:
		return newSigns(m, p).run()
	}
	return nodata("Neither version had a request that was measured.")
}

// counting is one metric of counts while it is judged.
type counting struct {
	m      *Metric
	p      *Policy
	margin Margin
	slack  Margin
	harm   process // nil: there are only buckets
	pass   process
	shape  *shape // the distribution of values; nil: not known
	out    outcome
	sum    tally
}

func newCounting(m *Metric, p *Policy, counts, buckets bool) *counting {
	c := &counting{m: m, p: p, margin: p.margin(m), slack: p.slack(m, Margin{Add: defaultSlack})}
	c.out.byE = true
	if counts {
		c.tests()
	}
	if buckets {
		c.shape = newShape(m, c.slack)
	}
	return c
}

// options are those of the tests with a margin that is added.
func (m Margin) options(p *Policy) eprocess.Options {
	return eprocess.Options{Margin: m.Add, Prior: p.Prior, Relative: true, Memory: remembered}
}

// tests chooses the test that the canary is worse by more than the margin, and the
// mirrored one. With both an added margin and a ratio a bad canary is worse than
// both allow. One that is below either is below the higher of the two, so evidence
// for either is averaged.
func (c *counting) tests() {
	m, s := c.margin, c.slack
	switch {
	case c.p.Bursts:
		c.harm = eprocess.NewMinutes(m.Add)
	case m.Ratio > 0 && m.Add > 0:
		c.harm = least{eprocess.NewMargin(m.options(c.p)), eprocess.NewRatio(m.Ratio)}
	case m.Ratio > 0:
		c.harm = eprocess.NewRatio(m.Ratio)
	default:
		c.harm = eprocess.NewMargin(m.options(c.p))
	}
	switch {
	case c.p.Bursts:
		c.pass = eprocess.NewMinutesMirror(s.Add)
	case s.Ratio > 0 && s.Add > 0:
		c.pass = mean{eprocess.NewMirror(s.options(c.p)), eprocess.NewRatioMirror(s.Ratio)}
	case s.Ratio > 0:
		c.pass = eprocess.NewRatioMirror(s.Ratio)
	default:
		c.pass = eprocess.NewMirror(s.options(c.p))
	}
}

// least and mean are two tests as one.
type (
	least [2]process
	mean  [2]process
)

func (l least) Add(nb, xb, nc, xc int64) { l[0].Add(nb, xb, nc, xc); l[1].Add(nb, xb, nc, xc) }
func (l least) Log() float64             { return min(l[0].Log(), l[1].Log()) }
func (l least) Bound() float64           { return min(l[0].Bound(), l[1].Bound()) }

func (m mean) Add(nb, xb, nc, xc int64) { m[0].Add(nb, xb, nc, xc); m[1].Add(nb, xb, nc, xc) }
func (m mean) Log() float64             { return eprocess.Mean(m[0].Log(), m[1].Log()) }
func (m mean) Bound() float64           { return max(m[0].Bound(), m[1].Bound()) }

// run goes through the minutes. Every one of them is a look.
func (c *counting) run() outcome {
	floor := math.Log(1 / c.p.Alpha)
	for i := range c.m.Samples {
		s := &c.m.Samples[i]
		c.sum.add(s)
		if c.harm != nil && c.out.LogEPass < plenty {
			c.pass.Add(s.Baseline.Total, s.Baseline.Bad, s.Canary.Total, s.Canary.Bad)
			if c.pass.Bound() > c.out.LogEPass {
				c.out.LogEPass = max(c.out.LogEPass, c.pass.Log())
			}
		}
		if c.shape != nil {
			c.shape.add(s)
			if need := math.Log(1 / c.p.Beta); c.harm == nil && c.out.LogEPass < need {
				c.out.LogEPass = max(c.out.LogEPass, c.shape.pass())
			}
		}
		if c.out.LogE >= plenty {
			continue
		}
		if c.harm != nil {
			c.harm.Add(s.Baseline.Total, s.Baseline.Bad, s.Canary.Total, s.Canary.Bad)
		}
		c.look(s, floor)
	}
	return c.finding()
}

// plenty is evidence at which a test ends: more says nothing more. A test that
// ends for what it has seen stays one.
const plenty = 40

// look notes the evidence of harm after a minute. It is worked out only where it
// can matter: for the largest of any look, or for being enough.
func (c *counting) look(s *Sample, floor float64) {
	matters := min(floor, max(c.out.LogE, 0))
	open := len(c.out.track) > 0 && !math.IsInf(c.out.track[len(c.out.track)-1].log, -1)
	if c.shape == nil && c.harm.Bound() <= matters && !open {
		return
	}
	var log float64
	if c.shape == nil {
		log = c.harm.Log()
	} else {
		log = c.shape.log(c.harm)
	}
	c.out.LogE = max(c.out.LogE, log)
	c.out.track.add(s.At, log, floor)
}

// finding is what is known after the last minute, but for the verdict.
func (c *counting) finding() outcome {
	out := &c.out
	out.Baseline, out.Canary = c.sum.tallies()
	if c.harm == nil {
		out.Baseline, out.Canary = c.shape.tallies()
	}
	if out.Baseline.Total == 0 || out.Canary.Total == 0 {
		none := nodata(c.sum.nobody())
		none.Baseline, none.Canary = out.Baseline, out.Canary
		return none
	}
	out.Class = ClassOpen
	if c.harm != nil {
		c.effect()
	}
	if c.shape != nil {
		c.shape.effect(out, c.harm == nil)
	}
	if c.passes() {
		out.Verdict, out.Class = decision.Pass, ClassPass
	}
	out.Missing = c.missing()
	return c.out
}

// passes says whether the canary is sure to be no worse than the slack: enough
// requests, enough evidence.
func (c *counting) passes() bool {
	enough := c.out.Canary.Total >= c.p.Least && c.out.Baseline.Total >= c.p.Least
	return enough && c.out.LogEPass >= math.Log(1/c.p.Beta)
}

// best is the size of a sample around which intervals are narrowest.
const best = 1000

// effect is the difference of the rates, the interval that holds it, and what
// this sample would have shown.
func (c *counting) effect() {
	k, b := c.sum.canary(), c.sum.standard()
	effect := k.K/k.N - b.K/b.N
	iv := confseq.Difference(k, b, c.p.Alpha, best)
	c.out.Effect, c.out.Low, c.out.High, c.out.EffectUnit = &effect, &iv.Low, &iv.High, unitRate
	if d, ok := c.sum.dispersion(); ok {
		c.out.Dispersion = &d
	}
	if c.p.Bursts {
		return // what minutes show depends on how they scatter
	}
	if d, ok := detectable(sample{nb: b.N, nc: k.N, rate: c.sum.rate(c.p)}, c.margin, c.p.Alpha); ok {
		c.out.Detectable = &d
	}
}

// unitRate is the unit of effects that are differences of rates.
const unitRate = "rate"
