package backtest

import "gitlab.com/nines-sre/nines/internal/slo"

// Subject is an objective and what was measured of it.
type Subject struct {
	Objective *slo.Objective
	// View is its history: minutes, or slices. It must be able to sum any span,
	// as a slo.Series is. Members are the views of a composite's parts instead.
	View    slo.View
	Members []slo.View
	// Excluded are stretches that do not count.
	Excluded []slo.Span
	// Span is what is gone through: the instants in (From, To], each the end of a
	// minute.
	Span slo.Span
}

// input is the question that slo.Evaluate is asked at an instant.
func (s *Subject) input(at slo.Minute) slo.Input {
	in := slo.Input{Objective: s.Objective, At: at}
	step := stepOf(s.Objective)
	if len(s.Objective.Members) > 0 {
		for _, v := range s.Members {
			in.Members = append(in.Members, slo.Exclude(v, s.Excluded, step))
		}
		return in
	}
	in.View = slo.Exclude(s.View, s.Excluded, step)
	return in
}

// stepOf is the width of a point of an objective's history.
func stepOf(o *slo.Objective) slo.Minute {
	if o.Budgeting == slo.Occurrences {
		return 1
	}
	return max(1, o.Slice)
}

// cell holds running sums up to the beginning of a step.
type cell struct {
	bad, total         int64 // in millionths, as slo.Amount
	measured, expected int32
}

// track is a history as running sums, so that a sum is two look-ups.
type track struct {
	step  slo.Minute
	first slo.Minute // of the first step
	cells []cell
	// odd says that somewhere more was good than there was, or that a sum outgrew
	// what can be held: such a history is left to slo.Evaluate.
	odd bool
}

// newTrack sums a view from its birth to an instant, without what is excluded.
func newTrack(v slo.View, excluded []slo.Span, step, to slo.Minute) *track {
	birth, born := v.Birth()
	if !born {
		birth = to
	}
	first := floor(birth, step)
	last := max(first, floor(min(to, v.Frontier()), step))
	t := &track{step: step, first: first, cells: make([]cell, (last-first)/step+1)}
	n := len(t.cells) - 1
	if n == 0 {
		return t
	}
	out := make([]bool, n)
	for _, x := range excluded {
		from := (max(x.From, first) - first) / step
		to := (min(x.To, last) - first + step - 1) / step
		for i := from; i < to; i++ {
			out[i] = true
		}
	}
	for at, c := range v.Points(slo.Span{From: first, To: last}) {
		i := (at - first) / step
		if out[i] {
			continue
		}
		t.odd = t.odd || c.Good < 0 || c.Good > c.Total || c.Saturated()
		t.cells[i+1] = cell{bad: int64(c.Bad()), total: int64(c.Total), measured: 1}
	}
	t.accumulate(out, birth)
	return t
}

// accumulate turns the cells of single steps into running sums.
func (t *track) accumulate(excluded []bool, birth slo.Minute) {
	const most = 1 << 62
	for i, x := range excluded {
		c, before := &t.cells[i+1], t.cells[i]
		c.bad += before.bad
		c.total += before.total
		c.measured += before.measured
		c.expected = before.expected
		if !x && t.first+slo.Minute(i)*t.step >= birth {
			c.expected++
		}
		t.odd = t.odd || c.total < before.total || c.total > most
	}
}

// index is the cell of an instant on the grid, cut to what there is.
func (t *track) index(m slo.Minute) int {
	i := int(m - t.first)
	if t.step > 1 {
		i /= int(t.step)
	}
	return min(max(i, 0), len(t.cells)-1)
}

// sum adds up [from, to), which lie on the grid of steps.
func (t *track) sum(from, to slo.Minute) cell {
	a, b := &t.cells[t.index(from)], &t.cells[t.index(to)]
	return cell{b.bad - a.bad, b.total - a.total, b.measured - a.measured, b.expected - a.expected}
}

// lookback is the span of whole steps that a look-back covers at an instant; the
// same as slo's.
func (t *track) lookback(at, length slo.Minute) (from, to slo.Minute) {
	if t.step <= 1 {
		return at - length, at
	}
	to = floor(at, t.step)
	return min(ceil(to-length, t.step), to-t.step), to
}

func floor(m, step slo.Minute) slo.Minute {
	r := m % step
	if r < 0 {
		r += step
	}
	return m - r
}

func ceil(m, step slo.Minute) slo.Minute { return -floor(-m, step) }
