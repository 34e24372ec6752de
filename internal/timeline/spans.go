package timeline

import (
	"encoding/binary"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// addSpan returns spans with s added: ascending, neither overlapping nor
// touching.
func addSpan(spans []slo.Span, s slo.Span) []slo.Span {
	if s.Empty() || covered(spans, s) {
		return spans
	}
	// [i, j) are the spans that overlap or touch s.
	i, _ := slices.BinarySearchFunc(spans, s.From, func(e slo.Span, from slo.Minute) int {
		return int(e.To - from)
	})
	j := i
	for j < len(spans) && spans[j].From <= s.To {
		s = slo.Span{From: min(s.From, spans[j].From), To: max(s.To, spans[j].To)}
		j++
	}
	return slices.Concat(spans[:i], []slo.Span{s}, spans[j:])
}

// union merges two normal lists of spans.
func union(a, b []slo.Span) []slo.Span {
	for _, s := range b {
		a = addSpan(a, s)
	}
	return a
}

// covered says whether one of the spans contains the whole of s.
func covered(spans []slo.Span, s slo.Span) bool {
	i, _ := slices.BinarySearchFunc(spans, s.To, func(e slo.Span, to slo.Minute) int {
		return int(e.To - to)
	})
	return i < len(spans) && spans[i].From <= s.From
}

func appendSpans(b []byte, spans []slo.Span) []byte {
	b = binary.AppendUvarint(b, uint64(len(spans)))
	prev := slo.Minute(0)
	for _, s := range spans {
		b = binary.AppendUvarint(b, uint64(s.From-prev))
		b = binary.AppendUvarint(b, uint64(s.Len()))
		prev = s.To
	}
	return b
}

func (r *reader) spans() []slo.Span {
	n := r.count()
	if n == 0 {
		return nil
	}
	out := make([]slo.Span, 0, n)
	prev := slo.Minute(0)
	for range n {
		from := prev + slo.Minute(r.upTo(uint64(endOfTime)))
		to := from + slo.Minute(r.upTo(uint64(endOfTime)))
		if r.bad || to <= from || to > endOfTime {
			r.fail()
			return nil
		}
		out = append(out, slo.Span{From: from, To: to})
		prev = to
	}
	return out
}
