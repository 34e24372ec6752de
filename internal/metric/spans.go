package metric

import (
	"cmp"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Merge returns the union of spans: ascending, disjoint, neighbours joined,
// empty ones gone. The argument is left as it was.
func Merge(spans []slo.Span) []slo.Span {
	in := slices.DeleteFunc(slices.Clone(spans), slo.Span.Empty)
	slices.SortFunc(in, func(a, b slo.Span) int { return cmp.Compare(a.From, b.From) })
	out := in[:0]
	for _, s := range in {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Clip returns the parts of spans that lie inside to, in their order.
func Clip(spans []slo.Span, to slo.Span) []slo.Span {
	var out []slo.Span
	for _, s := range spans {
		if c := s.Intersect(to); !c.Empty() {
			out = append(out, c)
		}
	}
	return out
}

// Subtract returns what of spans is not in holes, merged and ascending.
func Subtract(spans, holes []slo.Span) []slo.Span {
	spans, holes = Merge(spans), Merge(holes)
	var out []slo.Span
	for _, s := range spans {
		// Holes end before later spans begin, so those are never needed again.
		for len(holes) > 0 && holes[0].To <= s.From {
			holes = holes[1:]
		}
		for _, h := range holes {
			if h.From >= s.To {
				break
			}
			if h.From > s.From {
				out = append(out, slo.Span{From: s.From, To: h.From})
			}
			s.From = max(s.From, h.To)
		}
		if !s.Empty() {
			out = append(out, s)
		}
	}
	return out
}

// Common returns the minutes that lie in both lists, merged and ascending.
func Common(a, b []slo.Span) []slo.Span { return Subtract(a, Subtract(a, b)) }

// Covers says whether every minute of s lies in spans, which are merged.
func Covers(spans []slo.Span, s slo.Span) bool {
	if s.Empty() {
		return true
	}
	i, found := slices.BinarySearchFunc(spans, s.From, func(e slo.Span, m slo.Minute) int {
		return cmp.Compare(e.From, m)
	})
	if !found {
		i-- // the last span that begins before s
	}
	return i >= 0 && spans[i].To >= s.To
}
