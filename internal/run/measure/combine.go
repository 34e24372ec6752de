package measure

import (
	"math"
	"math/big"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// fate is what becomes of a cell.
type fate uint8

const (
	measured   fate = iota // it has a count
	unmeasured             // it is answered for, and has none
	waits                  // it cannot be right; unmeasured once it is settled
	unclear                // left out, to be asked again: nobody knows the series
)

// combine makes writes of the series of one indicator, in the order of its
// queries. Only cells that touch span count; series may reach further.
func (j *job) combine(series []metric.Series, span slo.Span) []timeline.Write {
	if r, ok := j.ind.Definition.(slo.Ratio); ok && r.Counter {
		for i := range series {
			series[i] = Increases(series[i])
		}
	}
	judge := j.judge()
	w := writer{id: j.id(), lineage: j.ind.Lineage}
	for _, c := range cells(series) {
		if c.span.To <= span.From || c.span.From >= span.To || c.span.To > j.end {
			continue
		}
		count, is, why := judge(&c)
		if is == waits {
			if c.span.To <= j.settled {
				is = unmeasured
			} else {
				why += waiting
			}
		}
		if why != "" {
			j.say(why, c.span)
		}
		switch is {
		case measured:
			w.measure(c.span, count, j.spreads())
		case unmeasured:
			w.answer(c.span)
		case waits, unclear:
		}
		j.unknown = j.unknown || is == unclear
	}
	return w.writes
}

// spreads says whether counts are divided among the minutes of a cell; a
// judgement of a value holds for each of them.
func (j *job) spreads() bool {
	_, ok := j.ind.Definition.(slo.Ratio)
	return ok
}

// judge returns how the indicator counts a cell.
func (j *job) judge() func(*cell) (slo.Count, fate, reason) {
	switch d := j.ind.Definition.(type) {
	case slo.Ratio:
		if d.Good == nil {
			return j.judgeBad
		}
		return j.judgeGood
	case slo.RawRatio:
		return func(c *cell) (slo.Count, fate, reason) { return j.judgeRaw(c, d.Failure) }
	case slo.Threshold:
		holds := comparison(d.Op, d.Bound)
		return func(c *cell) (slo.Count, fate, reason) {
			if !c.has[0] {
				return j.silence()
			}
			if holds(c.sum[0]) {
				return slo.Count{Good: slo.Unit, Total: slo.Unit}, measured, ""
			}
			return slo.Count{Total: slo.Unit}, measured, ""
		}
	}
	return func(*cell) (slo.Count, fate, reason) { return slo.Count{}, unclear, "" }
}

// silence is a cell in which the series that counts has no datapoint.
func (j *job) silence() (slo.Count, fate, reason) {
	switch {
	case !j.seen[0]:
		return slo.Count{}, unclear, noSeries + reason(j.queries[0].Role)
	case j.ind.Missing == slo.MissingUnmeasured:
		return slo.Count{}, unmeasured, ""
	}
	// No traffic. What that makes of a time slice is decided with the slice.
	return slo.Count{}, measured, ""
}

// judgeGood counts good events of all. Where only the good series is silent,
// no event was good, provided that it is known to exist at all.
func (j *job) judgeGood(c *cell) (slo.Count, fate, reason) {
	switch {
	case !c.has[0] && c.sum[1] == 0:
		return j.silence()
	case !c.has[1] && c.sum[0] > 0 && !j.seen[1]:
		return slo.Count{}, unclear, noSeries + "good"
	case !c.has[1] && c.sum[0] > 0 && j.ind.Missing == slo.MissingUnmeasured:
		return slo.Count{}, unmeasured, ""
	}
	return check(c, slo.Count{Good: c.sum[1], Total: c.sum[0]})
}

// judgeBad counts bad events of all. A silent bad series had none: such
// metrics are often published only when something fails.
func (j *job) judgeBad(c *cell) (slo.Count, fate, reason) {
	if !c.has[0] && c.sum[1] == 0 {
		return j.silence()
	}
	count, is, why := check(c, slo.Count{Good: c.sum[0] - c.sum[1], Total: c.sum[0]})
	if is == measured && !c.has[1] && !j.seen[1] {
		why = sparseBad
	}
	return count, is, why
}

// judgeRaw reads a ratio as good events of one.
func (j *job) judgeRaw(c *cell, failure bool) (slo.Count, fate, reason) {
	if !c.has[0] {
		return j.silence()
	}
	good := c.sum[0]
	if good < 0 || good > slo.Unit {
		return slo.Count{}, waits, noRatio
	}
	if failure {
		good = slo.Unit - good
	}
	return slo.Count{Good: good, Total: slo.Unit}, measured, ""
}

// check refuses counts that cannot be right.
func check(c *cell, n slo.Count) (slo.Count, fate, reason) {
	switch {
	case c.neg:
		return slo.Count{}, waits, negative
	case c.sum[0] == math.MaxInt64 || c.sum[1] == math.MaxInt64:
		return slo.Count{}, waits, tooMany
	case n.Good < 0 || n.Good > n.Total:
		return slo.Count{}, waits, tooGood
	}
	return n, measured, ""
}

// comparison returns an exact test of an amount against a bound. A bound finer
// than a millionth lies between two amounts.
func comparison(op slo.Op, bound slo.Decimal) func(slo.Amount) bool {
	millionths := new(big.Rat).Mul(bound.Rat(), big.NewRat(int64(slo.Unit), 1))
	whole := new(big.Int).Div(millionths.Num(), millionths.Denom())
	exact := millionths.IsInt()
	if !whole.IsInt64() {
		// Beyond every amount: all are below a large bound, above a small one.
		above := bound.Sign() < 0
		return func(slo.Amount) bool { return above == (op == slo.GreaterThan || op == slo.GreaterOrEqual) }
	}
	b := slo.Amount(whole.Int64())
	switch op {
	case slo.LessThan:
		return func(v slo.Amount) bool { return v < b || !exact && v == b }
	case slo.LessOrEqual:
		return func(v slo.Amount) bool { return v <= b }
	case slo.GreaterThan:
		return func(v slo.Amount) bool { return v > b }
	case slo.GreaterOrEqual:
		return func(v slo.Amount) bool { return v > b || exact && v == b }
	}
	return func(slo.Amount) bool { return false }
}

// writer collects cells into writes, one for each unbroken stretch.
type writer struct {
	id      timeline.ID
	lineage string
	writes  []timeline.Write
}

// answer marks a stretch as answered.
func (w *writer) answer(s slo.Span) *timeline.Write {
	if n := len(w.writes); n > 0 && w.writes[n-1].Span.To == s.From {
		w.writes[n-1].Span.To = s.To
		return &w.writes[n-1]
	}
	w.writes = append(w.writes, timeline.Write{ID: w.id, Lineage: w.lineage, Span: s})
	return &w.writes[len(w.writes)-1]
}

// measure adds a count for each minute of a stretch: a share of it, so that the
// sum stays exact, or the same for each.
func (w *writer) measure(s slo.Span, c slo.Count, spread bool) {
	out := w.answer(s)
	width := uint16(min(s.Len(), math.MaxUint16)) //nolint:gosec // bounded just here
	for i := range s.Len() {
		p := timeline.Point{At: s.From + i, Count: c, Width: width}
		if spread {
			p.Count = slo.Count{Good: share(c.Good, i, s.Len()), Total: share(c.Total, i, s.Len())}
		}
		out.Points = append(out.Points, p)
	}
}

// share is the i-th of n parts of an amount by largest remainder: parts differ
// by a millionth at most, the first are the larger, and their sum is exact.
// Parts of less are never more than parts of more.
func share(a slo.Amount, i, n slo.Minute) slo.Amount {
	q, r := a/slo.Amount(n), a%slo.Amount(n)
	if slo.Amount(i) < r {
		q++
	}
	return q
}
