package slo

import "math/bits"

// ratioUnit is a whole slice of RatioTimeslices: a million events' worth of
// Amount, so that the ratio of a slice is kept to 1e-12.
const ratioUnit = Unit * 1_000_000

// unit is what one good step adds to Good: an event, a slice, or a whole ratio.
func (o *Objective) unit() Amount {
	if o.Budgeting == RatioTimeslices {
		return ratioUnit
	}
	return Unit
}

// step is the width of a point in the objective's history.
func (o *Objective) step() Minute {
	if o.Budgeting == Occurrences {
		return 1
	}
	return max(1, o.Slice)
}

// SliceEvidence is what is known about the minutes of one time slice.
type SliceEvidence struct {
	// Stretch holds the slice's events and how many of its minutes are measured
	// and expected. Minutes before the birth and excluded ones are not expected.
	Stretch
	// Silent is how many expected minutes a complete answer had no datapoint
	// for; they are not among the measured ones.
	Silent int64
	// Width is the widest datapoint behind the measured minutes, in minutes.
	Width Minute
}

// SliceOf judges one slice of an objective with time slices. It returns the
// count that the history keeps at the slice's first minute, and whether the
// slice is measured at all. The count is
//
//	Timeslices       {Unit, Unit} when good, {0, Unit} when bad
//	RatioTimeslices  {ratio x 1e12, 1e12}, the ratio rounded half to even
//	no traffic       {0, 0}: neither good nor bad
//
// A slice is measured when every expected minute in it is, and no datapoint is
// wider than the slice. A silent minute counts as measured unless the objective
// says `missing: unmeasured`. A slice with events is judged by them: good when
// good/total >= SliceTarget, exactly. One without is good or bad only if the
// objective says `missing: good` or `missing: bad`.
func SliceOf(o *Objective, e SliceEvidence) (Count, bool) {
	known := e.Measured
	if o.Missing != MissingUnmeasured {
		known += e.Silent
	}
	impossible := e.Good < 0 || e.Good > e.Total || e.Saturated()
	if e.Expected <= 0 || known < e.Expected || e.Width > o.step() || impossible {
		return Count{}, false
	}
	u := o.unit()
	if e.Total == 0 {
		switch o.Missing {
		case MissingGood:
			return Count{u, u}, true
		case MissingBad:
			return Count{0, u}, true
		case MissingZero, MissingUnmeasured:
		}
		return Count{}, true
	}
	if o.Budgeting == RatioTimeslices {
		return Count{scaled(e.Good, u, e.Total), u}, true
	}
	if reaches(e.Count, o.SliceTarget) {
		return Count{u, u}, true
	}
	return Count{0, u}, true
}

// reaches says whether good/total >= target, exactly, in 128 bits.
func reaches(c Count, target Decimal) bool {
	if target.Sign() <= 0 {
		return true
	}
	lh, ll := bits.Mul64(uint64(c.Good), uint64(pow10(target.scale)))
	rh, rl := bits.Mul64(uint64(c.Total), uint64(target.unscaled))
	return lh > rh || (lh == rh && ll >= rl)
}

// scaled is a x b / c for 0 <= a <= c, rounded half to even.
func scaled(a, b, c Amount) Amount {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, r := bits.Div64(hi, lo, uint64(c)) // a <= c, so the quotient is at most b
	if left := uint64(c) - r; r > left || (r == left && q%2 == 1) {
		q++
	}
	return Amount(q)
}

// whole is the part of a span that consists of whole steps of the UTC grid.
func whole(s Span, step Minute) Span {
	if step <= 1 {
		return s
	}
	return Span{ceil(s.From, step), max(ceil(s.From, step), floor(s.To, step))}
}

// touched is a span widened to the steps it touches.
func touched(s Span, step Minute) Span {
	if step <= 1 || s.Empty() {
		return s
	}
	return Span{floor(s.From, step), ceil(s.To, step)}
}

// floor is the last multiple of step that is not after m.
func floor(m, step Minute) Minute {
	r := m % step
	if r < 0 {
		r += step
	}
	return m - r
}

// ceil is the first multiple of step that is not before m.
func ceil(m, step Minute) Minute { return -floor(-m, step) }

// steps is the number of steps in an aligned span.
func steps(s Span, step Minute) int64 { return int64(s.Len() / step) }
