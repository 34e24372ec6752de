// Package mannwhitney compares two samples of numbers by their ranks: is the
// experiment (the canary) higher or lower than the control (the baseline)?
//
// It answers in two ways. With [Options.Compatible] it answers as the judge
// NetflixACAJudge-v1.0 of Spinnaker's Kayenta does, to the last of its faults, so
// that a configuration that comes from there keeps its verdicts. Without, it
// answers by exact tests: of a shift, of a longer tail, and (in [Counts]) of
// counts; and says [Open] where the sample is too small to know.
package mannwhitney

import (
	"math"
	"slices"
)

// Class is what a sample was found to be, in Kayenta's words.
type Class string

// The classes. Open is none of Kayenta's: the sample does not say.
const (
	Pass       Class = "Pass"
	High       Class = "High"
	Low        Class = "Low"
	Nodata     Class = "Nodata"
	NodataFail Class = "NodataFailMetric"
	Error      Class = "Error"
	Open       Class = "Open"
)

// Direction is which differences matter. The zero value is Either, as Kayenta's.
type Direction uint8

// The directions.
const (
	Either Direction = iota
	Increase
	Decrease
)

// Options are how two samples are compared. The zero value has Kayenta's
// defaults for everything but Compatible.
type Options struct {
	// Compatible answers as Kayenta does.
	Compatible bool
	// Confidence of the interval, two-sided, 0 to 1. 0: 0.98.
	Confidence float64
	// Tolerance is, in Kayenta, the share of the shift by which its interval has to
	// stay away from zero. Here it is what a pass has to rule out: a shift by that
	// share of the control's median. 0: 0.25.
	Tolerance float64
	Direction Direction
	// Replace takes NaN for 0; otherwise such points are left out.
	Replace bool
	// Trim leaves outliers out, beyond Fence interquartile ranges (0: 3) and the
	// 1st and 99th percentile.
	Trim  bool
	Fence float64
	// MustHaveData makes Nodata a failure, Critical lets it decide alone.
	MustHaveData, Critical bool
	// CLES measures the effect as the chance that a point of the experiment is
	// above one of the control; otherwise it is the ratio of means.
	CLES bool
	// Allowed and Urgent are effects from which a difference counts, and from which
	// a critical metric decides alone.
	Allowed, Urgent Bounds
	// Margin is how much worse the experiment may be, Slack what a pass has to rule
	// out (zero: Tolerance, and 0.01 for [Counts]). Not in Kayenta.
	Margin, Slack Margin
}

// Bounds are effects: of an increase at least Up, of a decrease at most Down. 0:
// 1.0, and 0.5 for CLES.
type Bounds struct{ Up, Down float64 }

// Margin is a difference that is allowed: the control times Ratio (0: 1) plus Add,
// upwards; the control divided by Ratio less Add, downwards.
type Margin struct{ Add, Ratio float64 }

// Result is what two samples were found to be.
type Result struct {
	Class Class
	// Critical says that the metric is critical and the effect large enough.
	Critical bool
	// Low and High hold the shift (experiment less control), Shift is the estimate
	// by Hodges and Lehmann, all in the samples' unit. NaN: not known.
	Low, High, Shift float64
	// Effect is the ratio of means or the CLES; NaN: not known.
	Effect float64
	// P is at most the chance that the experiment looks as bad if it is not worse,
	// PassP that it looks as good if it is worse than the slack. Not in Kayenta,
	// there 0.
	P, PassP float64
	// Reason says why, where the class alone does not.
	Reason string
}

func (o Options) withDefaults() Options {
	orElse := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	neutral := 1.0
	if o.CLES {
		neutral = 0.5
	}
	orElse(&o.Confidence, 0.98)
	orElse(&o.Tolerance, 0.25)
	orElse(&o.Fence, 3)
	for _, b := range []*Bounds{&o.Allowed, &o.Urgent} {
		orElse(&b.Up, neutral)
		orElse(&b.Down, neutral)
	}
	orElse(&o.Margin.Ratio, 1)
	orElse(&o.Slack.Ratio, 1)
	return o
}

// Classify compares the experiment with the control. Neither is changed.
func Classify(experiment, control []float64, o Options) Result {
	o = o.withDefaults()
	x, y := o.prepare(experiment), o.prepare(control)
	if o.Compatible {
		return o.compatible(x, y)
	}
	return o.exact(x, y)
}

// compatible answers from sorted samples as Kayenta does, in its order.
func (o Options) compatible(x, y []float64) Result {
	switch {
	case len(x) == 0 || len(y) == 0:
		return o.empty()
	case slices.Equal(x, y), x[0] == y[0] && constant(x) && constant(y):
		return Result{Class: Pass, Effect: 1}
	case constant(x) && constant(y):
		jitter(x)
		jitter(y)
	}
	iv, ok := rootInterval(x, y, o.Confidence)
	if !ok {
		return unknown(Error, "the ranks have no variance")
	}
	return o.decide(iv, o.effect(x, y))
}

// decide is Kayenta's rule: sure, and by enough. High is asked first.
func (o Options) decide(iv interval, effect float64) Result {
	r := Result{Class: Pass, Low: iv.low, High: iv.high, Shift: iv.shift, Effect: effect}
	bound := o.Tolerance * math.Abs(iv.shift)
	switch {
	case o.Direction != Decrease && iv.low > bound && atLeast(r.Effect, o.Allowed.Up):
		r.Class, r.Critical = High, o.Critical && atLeast(r.Effect, o.Urgent.Up)
	case o.Direction != Increase && iv.high < -bound && atMost(r.Effect, o.Allowed.Down):
		r.Class, r.Critical = Low, o.Critical && atMost(r.Effect, o.Urgent.Down)
	}
	return r
}

// constant says whether sorted points are all one.
func constant(x []float64) bool { return x[0] == x[len(x)-1] }

// empty is Kayenta's answer where one side has no points: with NaN replaced, an
// empty side passes, whatever the metric must have.
func (o Options) empty() Result {
	switch {
	case o.Replace:
		return Result{Class: Pass, Effect: 1, Reason: "no data, and missing data is replaced"}
	case o.MustHaveData && !o.Critical:
		return unknown(NodataFail, "no data")
	}
	r := unknown(Nodata, "no data")
	r.Critical = o.Critical
	return r
}

func unknown(c Class, reason string) Result {
	nan := math.NaN()
	return Result{Class: c, Low: nan, High: nan, Shift: nan, Effect: nan, P: 1, PassP: 1, Reason: reason}
}

// An effect that is not known holds nothing back.
func atLeast(effect, least float64) bool { return math.IsNaN(effect) || effect >= least }
func atMost(effect, most float64) bool   { return math.IsNaN(effect) || effect <= most }

// effect of sorted samples.
func (o Options) effect(x, y []float64) float64 {
	if o.CLES {
		m, n := float64(len(x)), float64(len(y))
		return (2*rankSum(x, y, 0).sum - m*(m+1)) / (2 * m * n)
	}
	mx, my := mean(x), mean(y)
	if mx == 0 || my == 0 {
		return math.NaN()
	}
	return mx / my
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
