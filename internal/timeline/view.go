package timeline

import (
	"iter"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// view answers for one indicator from running sums. It is immutable and safe
// for concurrent use.
type view struct {
	born           bool
	birth, floor   slo.Minute
	frontier, step slo.Minute
	runs           []run
	loaded         []slo.Span // stretches Points answers for
	c              slo.Minute
	blocks         []viewBlock // ascending
}

// run is a stretch of whole days with the running sums that were asked for.
type run struct {
	first slo.Minute // midnight
	days  []tally    // days[i]: everything of the run before its i-th midnight
	marks []mark     // ascending; the same at other instants
}

type mark struct {
	at  slo.Minute
	sum tally
}

// viewBlock is one chunk's encoded minutes.
type viewBlock struct {
	start slo.Minute
	body  []byte
}

// upTo returns the running sum at m; ok is false when it is not known.
func (r *run) upTo(m slo.Minute) (tally, bool) {
	if m < r.first {
		return tally{}, false
	}
	if d := m - r.first; d%slo.Day == 0 {
		i := int(d / slo.Day)
		if i >= len(r.days) {
			return tally{}, false
		}
		return r.days[i], true
	}
	lo, hi := 0, len(r.marks)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if r.marks[mid].at < m {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(r.marks) || r.marks[lo].at != m {
		return tally{}, false
	}
	return r.marks[lo].sum, true
}

// Sum adds up a span: the whole slices in it, not before the birth, up to the
// frontier.
func (v *view) Sum(s slo.Span) slo.Stretch {
	s = clip(s, v.floor, v.frontier, v.step)
	if s.Empty() {
		return slo.Stretch{}
	}
	out := slo.Stretch{Expected: v.expected(s)}
	for i := range v.runs {
		from, ok := v.runs[i].upTo(s.From)
		if !ok {
			continue
		}
		if to, ok := v.runs[i].upTo(s.To); ok {
			t := to.since(from)
			out.Count, out.Measured = t.Count, t.n
			return out
		}
	}
	if covered(v.loaded, s) {
		t := tally{}
		for _, c := range v.Points(s) {
			t = t.with(c)
		}
		out.Count, out.Measured = t.Count, t.n
	}
	return out
}

// expected counts the steps of a clipped span that begin at or after the birth.
func (v *view) expected(s slo.Span) int64 {
	if !v.born {
		return 0
	}
	from := max(s.From, ceil(v.birth, v.step))
	return int64(max(0, s.To-from) / v.step)
}

// Points yields the measured steps of a span, ascending, as far as it was asked
// for.
func (v *view) Points(s slo.Span) iter.Seq2[slo.Minute, slo.Count] {
	s = clip(s, v.floor, v.frontier, v.step)
	return func(yield func(slo.Minute, slo.Count) bool) {
		for _, l := range v.loaded {
			if part := l.Intersect(s); !part.Empty() && !v.walk(part, yield) {
				return
			}
		}
	}
}

// walk yields the measured minutes of a span; false when the reader had enough.
func (v *view) walk(s slo.Span, yield func(slo.Minute, slo.Count) bool) bool {
	i, _ := slices.BinarySearchFunc(v.blocks, s.From, func(b viewBlock, at slo.Minute) int {
		return int(b.start + v.c - 1 - at)
	})
	for ; i < len(v.blocks) && v.blocks[i].start < s.To; i++ {
		b := &v.blocks[i]
		cu := newCursor(b.body, v.c)
		for {
			m, ok := cu.next()
			if !ok {
				break
			}
			if at := b.start + slo.Minute(m.off); s.Contains(at) && !yield(at, m.Count) {
				return false
			}
		}
	}
	return true
}

// Loaded says whether Points can answer for the whole span.
func (v *view) Loaded(s slo.Span) bool {
	s = clip(s, v.floor, v.frontier, 1)
	return s.Empty() || covered(v.loaded, s)
}

// Birth is the first expected minute.
func (v *view) Birth() (slo.Minute, bool) { return v.birth, v.born }

// Frontier is the end of the newest usable minute.
func (v *view) Frontier() slo.Minute { return v.frontier }
