package slo

import "slices"

// Needs lists every span that [Evaluate] sums for an objective at a frontier
// (the earlier of the view's and the instant asked about): the window, the
// calendar period before it, the look-backs, and the same hours of four
// earlier weeks. Open each member of a composite for the same spans. The days
// inside the window are summed too, which a view opened for it can answer.
func Needs(o *Objective, frontier Minute) []Span {
	if o == nil || o.Window == nil {
		return nil
	}
	step := o.step()
	out := byDay(nil, whole(o.Window.Bounds(frontier), step))
	if last, ok := previous(o.Window, frontier); ok && o.Budgeting == Occurrences {
		out = append(out, last)
	}
	for _, length := range lookbacks(o) {
		out = byDay(out, lookback(frontier, length, step))
	}
	hour := lookback(frontier, Hour, step)
	for k := range Minute(silenceWeeks) {
		shift := ceil((k+1)*Week, step)
		out = byDay(out, Span{hour.From - shift, hour.To - shift})
	}
	return distinct(out)
}

// byDay appends a span and, where it crosses midnight without holding a whole
// day, its two parts: what is before and behind the whole days of a view that
// has none would be anybody's guess.
func byDay(out []Span, s Span) []Span {
	out = append(out, s)
	if midnight := ceil(s.From, Day); s.From < midnight && midnight < s.To && s.To < midnight+Day {
		out = append(out, Span{s.From, midnight}, Span{midnight, s.To})
	}
	return out
}

// distinct drops empty spans and repetitions; the order stays.
func distinct(spans []Span) []Span {
	out := spans[:0]
	for _, s := range spans {
		if !s.Empty() && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
