package slo

import (
	"cmp"
	"iter"
	"slices"
)

// excluder is a view that knows which steps do not count.
type excluder interface {
	// excluded counts the steps of a span that were taken out.
	excluded(Span) int64
}

// exclusion is a view without the steps that some spans touch.
type exclusion struct {
	View
	step  Minute
	spans []Span // merged, ascending, aligned to the step
	// Steps in spans that the view could yield, and the running sums of them.
	at   []Minute
	sums []Stretch
}

// Exclude returns v without the minutes of spans: they leave good, total, the
// measured and the expected. Overlapping spans count once. For time slices step
// is the slice's length, and a slice touched by an exclusion leaves whole.
//
// What is taken out must be known: the view must be able to yield the points
// of every excluded stretch inside the spans that will be summed
// ([ExcludedNeeds] lists them), or have been opened for those stretches.
func Exclude(v View, spans []Span, step Minute) View {
	if inner, ok := v.(*exclusion); ok && inner.step == step {
		v, spans = inner.View, append(slices.Clone(spans), inner.spans...)
	}
	step = max(1, step)
	merged := merge(spans, step)
	if len(merged) == 0 || v == nil {
		return v
	}
	e := &exclusion{View: v, step: step, spans: merged, sums: []Stretch{{}}}
	for _, s := range merged {
		for m, c := range v.Points(s.Intersect(e.life())) {
			e.at = append(e.at, m)
			e.sums = append(e.sums, e.sums[len(e.sums)-1].Add(Stretch{Count: c, Measured: 1}))
		}
	}
	return e
}

// ExcludedNeeds returns the stretches whose points [Exclude] must be able to
// see for sums over needs: where exclusions and needs meet, merged.
func ExcludedNeeds(needs, spans []Span, step Minute) []Span {
	var out []Span
	for _, s := range merge(spans, max(1, step)) {
		for _, n := range needs {
			out = append(out, s.Intersect(n))
		}
	}
	return merge(out, 1)
}

// merge widens spans to whole steps, sorts them and joins what touches.
func merge(spans []Span, step Minute) []Span {
	out := make([]Span, 0, len(spans))
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	for _, s := range sorted {
		s = touched(s, step)
		switch last := len(out) - 1; {
		case s.Empty():
		case last >= 0 && s.From <= out[last].To:
			out[last].To = max(out[last].To, s.To)
		default:
			out = append(out, s)
		}
	}
	return out
}

// life is the stretch in which steps are expected at all.
func (e *exclusion) life() Span {
	birth, ok := e.Birth()
	if !ok {
		return Span{}
	}
	return Span{birth, e.Frontier()}
}

// Sum is the view's sum without what is excluded.
func (e *exclusion) Sum(s Span) Stretch {
	out := e.View.Sum(s)
	for _, x := range e.spans {
		if piece := x.Intersect(s).Intersect(e.life()); !piece.Empty() {
			out = out.Sub(e.inside(piece))
		}
	}
	return out
}

// inside sums an excluded piece: from its points where they are known.
func (e *exclusion) inside(piece Span) Stretch {
	if !e.View.Loaded(piece) {
		return e.View.Sum(piece)
	}
	from, _ := slices.BinarySearch(e.at, piece.From)
	to, _ := slices.BinarySearch(e.at, piece.To)
	out := e.sums[to].Sub(e.sums[from])
	out.Expected = expected(e.View, piece, e.step)
	return out
}

// Points yields the view's points that are not excluded.
func (e *exclusion) Points(s Span) iter.Seq2[Minute, Count] {
	return func(yield func(Minute, Count) bool) {
		i := 0
		for m, c := range e.View.Points(s) {
			for i < len(e.spans) && e.spans[i].To <= m {
				i++
			}
			out := i < len(e.spans) && e.spans[i].Contains(m)
			if !out && !yield(m, c) {
				return
			}
		}
	}
}

func (e *exclusion) excluded(s Span) int64 {
	var n int64
	for _, x := range e.spans {
		n += steps(x.Intersect(s), e.step)
	}
	return n
}

// expected counts the steps of an aligned span that should be measured: those
// from the birth on that are not excluded.
func expected(v View, s Span, step Minute) int64 {
	birth, ok := v.Birth()
	if !ok {
		return 0
	}
	s.From = max(s.From, ceil(birth, step))
	if s.Empty() {
		return 0
	}
	return steps(s, step) - excluded(v, s)
}

// excluded counts the steps of a span that a view leaves out.
func excluded(v View, s Span) int64 {
	if x, ok := v.(excluder); ok && !s.Empty() {
		return x.excluded(s)
	}
	return 0
}
