package timelinetest

import (
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Model is the history written down naively: a map of minutes per indicator,
// and every question answered by walking over them. It shares no code with
// package timeline.
type Model struct {
	Indicators map[timeline.ID]*Indicator
}

// Indicator is what a Model knows about one indicator.
type Indicator struct {
	Minutes  map[slo.Minute]timeline.Point
	Answered map[slo.Minute]bool
	First    slo.Minute // first minute ever measured
	Born     bool
	Forgot   slo.Minute // what lies before was reset
}

// NewModel returns an empty model.
func NewModel() *Model { return &Model{Indicators: map[timeline.ID]*Indicator{}} }

func (m *Model) indicator(id timeline.ID) *Indicator {
	if m.Indicators[id] == nil {
		m.Indicators[id] = &Indicator{Minutes: map[slo.Minute]timeline.Point{}, Answered: map[slo.Minute]bool{}}
	}
	return m.Indicators[id]
}

// look is indicator for questions: they make nothing known.
func (m *Model) look(id timeline.ID) *Indicator {
	if in := m.Indicators[id]; in != nil {
		return in
	}
	return &Indicator{}
}

// Record applies the rules of writing, one minute after the other.
func (m *Model) Record(settled slo.Minute, writes []timeline.Write) timeline.Changes {
	var ch timeline.Changes
	for _, w := range writes {
		if w.Span.Empty() {
			continue
		}
		in := m.indicator(w.ID)
		for at := w.Span.From; at < w.Span.To; at++ {
			in.Answered[at] = true
			i := slices.IndexFunc(w.Points, func(p timeline.Point) bool { return p.At == at })
			old, measured := in.Minutes[at]
			switch {
			case i < 0 && w.Derived && measured:
				delete(in.Minutes, at)
				ch.Replaced++
			case i < 0:
			case !measured:
				in.Minutes[at] = w.Points[i]
				ch.Filled++
			case old == w.Points[i]:
			case w.Derived, at >= settled && w.Points[i].Width <= old.Width:
				in.Minutes[at] = w.Points[i]
				ch.Replaced++
			default:
				ch.Kept++
			}
		}
		if len(w.Points) > 0 && (!in.Born || w.Points[0].At < in.First) {
			in.Born, in.First = true, w.Points[0].At
		}
	}
	return ch
}

// Reset forgets what lies before at.
func (m *Model) Reset(id timeline.ID, at slo.Minute) {
	in := m.indicator(id)
	in.Forgot = max(in.Forgot, at)
}

// Sum answers slo.View.Sum by walking over the span.
func (m *Model) Sum(id timeline.ID, s slo.Span, frontier, step slo.Minute) slo.Stretch {
	in := m.look(id)
	var out slo.Stretch
	for at := s.From; at < s.To; at++ {
		if at%step != 0 || at+step > s.To || at+step > frontier || at < in.Forgot || at < 0 {
			continue
		}
		if in.Born && at >= in.First {
			out.Expected++
		}
		if p, ok := in.Minutes[at]; ok {
			out.Measured++
			out.Good = capped(out.Good, p.Count.Good)
			out.Total = capped(out.Total, p.Count.Total)
		}
	}
	return out
}

func capped(a, b slo.Amount) slo.Amount {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Points answers slo.View.Points by walking over the span.
func (m *Model) Points(id timeline.ID, s slo.Span, frontier, step slo.Minute) []timeline.Point {
	in := m.look(id)
	var out []timeline.Point
	for at := s.From; at < s.To; at++ {
		if at%step != 0 || at+step > s.To || at+step > frontier || at < in.Forgot {
			continue
		}
		if p, ok := in.Minutes[at]; ok {
			out = append(out, timeline.Point{At: at, Count: p.Count})
		}
	}
	return out
}

// Spans lists the answered stretches of an indicator.
func (m *Model) Spans(id timeline.ID) []slo.Span {
	at := make([]slo.Minute, 0, len(m.look(id).Answered))
	for x := range m.look(id).Answered {
		at = append(at, x)
	}
	slices.Sort(at)
	var out []slo.Span
	for _, x := range at {
		if n := len(out); n > 0 && out[n-1].To == x {
			out[n-1].To++
			continue
		}
		out = append(out, slo.Span{From: x, To: x + 1})
	}
	return out
}
