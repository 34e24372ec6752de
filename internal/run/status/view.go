package status

import (
	"iter"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// begun is a view whose minutes are expected from an instant that something
// else says than the first measured minute.
type begun struct {
	slo.View
	from, step slo.Minute
}

// Birth is where minutes begin to be expected.
func (b *begun) Birth() (slo.Minute, bool) {
	_, ok := b.View.Birth()
	return b.from, ok
}

// Sum adds up what is expected of a span. Where the view begins later anyway,
// it is asked as it was opened: about the whole span.
func (b *begun) Sum(s slo.Span) slo.Stretch {
	asked, s := s, b.clip(s)
	first, born := b.View.Birth()
	if s.Empty() || !born {
		return slo.Stretch{}
	}
	if b.from > first {
		asked = s
	}
	out := b.View.Sum(asked)
	out.Expected = int64(s.Len() / b.step)
	return out
}

// clip cuts a span to the whole steps between the beginning and the frontier.
func (b *begun) clip(s slo.Span) slo.Span {
	s = slo.Span{From: max(s.From, b.from), To: min(s.To, b.Frontier())}
	return slo.Span{From: (s.From + b.step - 1) / b.step * b.step, To: s.To / b.step * b.step}
}

// Points yields the measured steps that are expected.
func (b *begun) Points(s slo.Span) iter.Seq2[slo.Minute, slo.Count] {
	return b.View.Points(b.clip(s))
}

// Loaded says whether Points can answer for the whole span.
func (b *begun) Loaded(s slo.Span) bool {
	s = slo.Span{From: max(s.From, b.from), To: s.To}
	return s.Empty() || b.View.Loaded(s)
}
