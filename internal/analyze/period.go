package analyze

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Step is one measured step of a series: Width minutes from At on.
type Step struct {
	At, Width slo.Minute
	Count     slo.Count
}

// Span is the stretch a step covers.
func (s Step) Span() slo.Span { return slo.Span{From: s.At, To: s.At + s.Width} }

// Period is a civil day or week of the data, or all of it.
type Period struct {
	Span    slo.Span
	Stretch slo.Stretch // its minutes are measured and expected as in the data
	// Part says that the data covers only a part of the period.
	Part bool
}

// Attained is good/total; nil without events.
func (p Period) Attained() *float64 {
	if p.Stretch.Total <= 0 {
		return nil
	}
	return new(p.Stretch.Good.Float() / p.Stretch.Total.Float())
}

// next returns the start of the period behind the one that holds t.
type next func(t time.Time) (start, end time.Time)

// day and week are civil: they begin at midnight of their zone, weeks on
// Monday. time.Date mends midnights that daylight saving skips.
func day(t time.Time) (start, end time.Time) {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location()), time.Date(y, m, d+1, 0, 0, 0, 0, t.Location())
}

func week(t time.Time) (start, end time.Time) {
	y, m, d := t.Date()
	d -= (int(t.Weekday()) + 6) % 7
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location()), time.Date(y, m, d+7, 0, 0, 0, 0, t.Location())
}

// periods divides ascending steps. A step belongs to the period it begins in.
func periods(steps []Step, data slo.Span, zone *time.Location, cut next) []Period {
	var out []Period
	for at := data.From; at < data.To; {
		start, end := cut(at.Time().In(zone))
		span := slo.Span{From: slo.MinuteOf(start), To: slo.MinuteOf(end)}
		inside := span.Intersect(data)
		p := Period{Span: span, Part: inside != span, Stretch: slo.Stretch{Expected: int64(inside.Len())}}
		for len(steps) > 0 && steps[0].At < span.To {
			p.Stretch = p.Stretch.Add(measured(steps[0]))
			steps = steps[1:]
		}
		out = append(out, p)
		at = max(span.To, at+1) // a zone of old may end its days inside a minute
	}
	return out
}

// measured is a step as a stretch that adds no expectation of its own.
func measured(s Step) slo.Stretch { return slo.Stretch{Count: s.Count, Measured: int64(s.Width)} }

// gaps are the stretches between steps that nothing covers.
func gaps(steps []Step) []slo.Span {
	var out []slo.Span
	for i := 1; i < len(steps); i++ {
		g := slo.Span{From: steps[i-1].Span().To, To: steps[i].At}
		if !g.Empty() {
			out = append(out, g)
		}
	}
	return out
}
