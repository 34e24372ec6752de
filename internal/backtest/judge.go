package backtest

import (
	"math"
	"math/big"
	"math/bits"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Run is a stretch of instants at which a condition did not simply not hold.
type Run struct {
	// Span holds the instants: From is the first, To the one behind the last.
	slo.Span
	// Unknown says that it could not be judged; else it held.
	Unknown bool
}

// Judge returns, for each condition, the runs of instants of the subject's span
// at which it held or could not be judged, in their order. Between them it did
// not hold.
func Judge(s *Subject, conditions []slo.Condition, minBad slo.Amount) [][]Run {
	b := newBench(s)
	out := make([][]Run, len(conditions))
	for i := range conditions {
		out[i] = b.judge(conditions[i], minBad)
	}
	return out
}

// bench is a subject made ready for judging.
type bench struct {
	s     *Subject
	track *track // nil: only slo.Evaluate knows
}

// newBench sums a subject's history.
func newBench(s *Subject) *bench {
	b := &bench{s: s}
	if len(s.Objective.Members) > 0 || s.View == nil || s.Objective.Window == nil {
		return b
	}
	b.track = newTrack(s.View, s.Excluded, stepOf(s.Objective), s.Span.To)
	if b.track.odd {
		b.track = nil
	}
	return b
}

func (b *bench) judge(c slo.Condition, minBad slo.Amount) []Run {
	if f := b.fast(&c, minBad); f != nil {
		return f.runs(b)
	}
	return b.slow(c, minBad)
}

// slow asks slo.Evaluate at every instant.
func (b *bench) slow(c slo.Condition, minBad slo.Amount) []Run {
	o := *b.s.Objective
	o.Conditions, o.MinBad = []slo.Condition{c}, minBad
	s := *b.s
	s.Objective = &o
	in := s.input(0)
	var r recorder
	for at := s.Span.From + 1; at <= s.Span.To; at++ {
		in.At = at
		st, _ := slo.Evaluate(in)
		truth := slo.Undetermined
		if len(st.Conditions) == 1 {
			truth = st.Conditions[0].Truth
		}
		r.add(at, truth)
	}
	return r.runs
}

// recorder joins instants into runs.
type recorder struct{ runs []Run }

func (r *recorder) add(at slo.Minute, t slo.Truth) {
	if t == slo.False {
		return
	}
	unknown := t == slo.Undetermined
	if n := len(r.runs); n > 0 && r.runs[n-1].To == at && r.runs[n-1].Unknown == unknown {
		r.runs[n-1].To++
		return
	}
	r.runs = append(r.runs, Run{slo.Span{From: at, To: at + 1}, unknown})
}

// fast decides one condition of a plain objective in integers.
type fast struct {
	c      *slo.Condition
	t      *track
	minBad int64
	unit   int64
	slices bool
	// A burn rate exceeds the threshold when bad x den > num x total.
	num, den uint64
	// Least coverage, as a fraction.
	coverNum, coverDen uint64
	// For the count form: the period, in minutes, and the exact limit.
	period slo.Minute
	factor float64 // threshold x budget x look-back / step, for the quick answer
	exact  *big.Rat
}

// fast is nil where only slo.Evaluate can say.
func (b *bench) fast(c *slo.Condition, minBad slo.Amount) *fast {
	o := b.s.Objective
	if b.track == nil || c.Long <= 0 || c.Short <= 0 || o.Target.Complement().Sign() <= 0 {
		return nil
	}
	f := &fast{c: c, t: b.track, minBad: int64(minBad), unit: 1, slices: o.Budgeting != slo.Occurrences}
	if o.Budgeting == slo.RatioTimeslices {
		f.unit = 1_000_000
	}
	limit := new(big.Rat).Mul(c.Threshold.Rat(), o.Target.Complement().Rat())
	cover := o.Coverage
	if cover.IsZero() {
		cover = slo.MustDecimal("0.9")
	}
	var small, also bool
	f.num, f.den, small = fraction(limit)
	f.coverNum, f.coverDen, also = fraction(cover.Rat())
	if !small || !also {
		return nil
	}
	if !c.Weighted {
		return f
	}
	r, rolling := o.Window.(slo.Rolling)
	if !rolling || r.Length%f.t.step != 0 {
		return nil
	}
	f.period = r.Length
	// bad x measured > total x threshold x budget x (period/step) x look/period
	f.exact = limit.Mul(limit, new(big.Rat).SetInt64(int64(r.Length/f.t.step)))
	f.exact.Mul(f.exact, new(big.Rat).SetFrac64(1, int64(r.Length)))
	f.factor, _ = f.exact.Float64()
	return f
}

// fraction is a positive number as two integers; ok is false where they do not
// fit.
func fraction(r *big.Rat) (num, den uint64, ok bool) {
	if r.Sign() <= 0 || !r.Num().IsUint64() || !r.Denom().IsUint64() {
		return 0, 0, false
	}
	return r.Num().Uint64(), r.Denom().Uint64(), true
}

// runs judges every instant. Between the ends of two slices no look-back moves;
// a whole window does, which the count form looks at.
func (f *fast) runs(b *bench) []Run {
	var r recorder
	span, step := b.s.Span, f.t.step
	if f.c.Weighted {
		step = 1
	}
	for at := span.From + 1; at <= span.To; {
		next := min(span.To+1, floor(at, step)+step)
		truth := f.holds(min(at, b.s.View.Frontier()), b)
		if truth == slo.False {
			at = next
			continue
		}
		for ; at < next; at++ {
			r.add(at, truth)
		}
	}
	return r.runs
}

// holds is slo's rule for two look-backs.
func (f *fast) holds(at slo.Minute, b *bench) slo.Truth {
	s, _, ok := f.over(at, f.c.Short)
	if ok && s == slo.False {
		return slo.False
	}
	l, lSum, also := f.over(at, f.c.Long)
	if !ok || !also {
		return f.ask(at, b)
	}
	if l == slo.True && f.minBad > 0 && lSum.bad/f.unit < f.minBad {
		l = slo.False
	}
	switch {
	case l == slo.False:
		return slo.False
	case l == slo.True && s == slo.True:
		return slo.True
	}
	return slo.Undetermined
}

// ask asks slo.Evaluate about one instant: slices with gaps have rules of their
// own.
func (f *fast) ask(at slo.Minute, b *bench) slo.Truth {
	o := *b.s.Objective
	o.Conditions, o.MinBad = []slo.Condition{*f.c}, slo.Amount(f.minBad)
	s := *b.s
	s.Objective = &o
	st, _ := slo.Evaluate(s.input(at))
	return st.Conditions[0].Truth
}

// over says whether a look-back exceeds the threshold; ok is false where slices
// are missing.
func (f *fast) over(at, length slo.Minute) (t slo.Truth, sum cell, ok bool) {
	sum = f.t.sum(f.t.lookback(at, length))
	if f.c.Weighted {
		return f.overWeighted(at, length, sum), sum, true
	}
	if !f.trusted(sum) {
		return slo.Undetermined, sum, !f.slices
	}
	if sum.bad == 0 || sum.total == 0 {
		return slo.False, sum, true
	}
	lh, ll := bits.Mul64(uint64(sum.bad), f.den)   //nolint:gosec // neither is negative: the track is not odd
	rh, rl := bits.Mul64(f.num, uint64(sum.total)) //nolint:gosec // as above
	if lh > rh || lh == rh && ll > rl {
		return slo.True, sum, true
	}
	return slo.False, sum, true
}

// trusted says whether a sum can decide.
func (f *fast) trusted(c cell) bool {
	if c.measured <= 0 {
		return false
	}
	if c.measured >= c.expected {
		return true
	}
	lh, ll := bits.Mul64(uint64(c.measured), f.coverDen)
	rh, rl := bits.Mul64(f.coverNum, uint64(c.expected)) //nolint:gosec // it is above measured, which is above 0
	return lh > rh || lh == rh && ll >= rl
}

// overWeighted decides the count form; quickly, unless it is close.
func (f *fast) overWeighted(at, length slo.Minute, sum cell) slo.Truth {
	from, to := at-f.period, at
	if f.t.step > 1 {
		from, to = ceil(from, f.t.step), floor(to, f.t.step)
	}
	all := f.t.sum(from, to)
	if !f.trusted(sum) || !f.trusted(all) {
		return slo.Undetermined
	}
	if sum.bad == 0 || all.total == 0 {
		return slo.False
	}
	left := float64(sum.bad) * float64(all.measured)
	right := f.factor * float64(length) * float64(all.total)
	const tie = 1e-12
	switch far := tie * (math.Abs(left) + math.Abs(right)); {
	case left-right > far:
		return slo.True
	case right-left > far:
		return slo.False
	}
	l := new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(sum.bad), big.NewInt(int64(all.measured))))
	r := new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(all.total), big.NewInt(int64(length))))
	if l.Cmp(r.Mul(r, f.exact)) > 0 {
		return slo.True
	}
	return slo.False
}
