package slo

import (
	"iter"
	"slices"
)

// Series is a View over steps held in memory, with running sums: a sum of any
// span is two look-ups. It is what examples, tests and one-off analyses use;
// histories kept in a store answer through the same interface.
type Series struct {
	step     Minute
	from     Minute // the first step
	frontier Minute
	born     bool
	sums     []Stretch // sums[i] covers the i steps before from + i x step
}

// Point is one measured step: its first minute and its count.
type Point struct {
	At    Minute
	Count Count
}

// NewSeries holds points of one width (1 minute, or a slice), in any order; of
// points for the same step the last wins. Its birth is the earliest point, its
// frontier is as given; points at or after it are not seen.
func NewSeries(step, frontier Minute, points []Point) *Series {
	step = max(1, step)
	s := &Series{step: step, from: frontier, frontier: frontier, sums: make([]Stretch, 1, len(points)+1)}
	sorted := slices.Clone(points)
	slices.SortStableFunc(sorted, func(a, b Point) int { return int(a.At - b.At) })
	for i, p := range sorted {
		again := i+1 < len(sorted) && sorted[i+1].At == p.At
		if again || p.At+step > frontier {
			continue
		}
		s.append(p)
	}
	// What follows the last point up to the frontier is expected and unmeasured.
	for s.born && s.end()+step <= frontier {
		s.sums = append(s.sums, s.next(Stretch{Expected: 1}))
	}
	return s
}

func (s *Series) append(p Point) {
	if !s.born {
		s.born, s.from = true, p.At
	}
	for s.end() < p.At {
		s.sums = append(s.sums, s.next(Stretch{Expected: 1}))
	}
	s.sums = append(s.sums, s.next(Stretch{Count: p.Count, Measured: 1, Expected: 1}))
}

func (s *Series) end() Minute { return s.from + Minute(len(s.sums)-1)*s.step }

func (s *Series) next(x Stretch) Stretch { return s.sums[len(s.sums)-1].Add(x) }

// index is the number of steps that begin before m.
func (s *Series) index(m Minute) int {
	i := (m - s.from + s.step - 1) / s.step
	return int(min(max(i, 0), Minute(len(s.sums)-1)))
}

// Sum adds up the steps that begin in a span.
func (s *Series) Sum(span Span) Stretch {
	if span.Empty() {
		return Stretch{}
	}
	return s.sums[s.index(span.To)].Sub(s.sums[s.index(span.From)])
}

// Points yields the measured steps that begin in a span.
func (s *Series) Points(span Span) iter.Seq2[Minute, Count] {
	return func(yield func(Minute, Count) bool) {
		for i := s.index(span.From); i < s.index(span.To); i++ {
			d := s.sums[i+1].Sub(s.sums[i])
			if d.Measured > 0 && !yield(s.from+Minute(i)*s.step, d.Count) {
				return
			}
		}
	}
}

// Loaded is always true.
func (*Series) Loaded(Span) bool { return true }

// Birth is the earliest point.
func (s *Series) Birth() (Minute, bool) { return s.from, s.born }

// Frontier is the end of what is known.
func (s *Series) Frontier() Minute { return s.frontier }
