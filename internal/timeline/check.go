package timeline

import (
	"fmt"
	"unicode/utf8"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// check refuses a write that can only be a mistake. Nothing of a recording is
// written when one of its writes is refused.
func (w *Write) check() error {
	refuse := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "record history of "+string(w.ID), fmt.Sprintf(format, args...), "")
	}
	switch {
	case w.ID == "" || len(w.ID) > maxIDLen || !utf8.ValidString(string(w.ID)):
		return refuse("an indicator's name has 1 to %d bytes of UTF-8, this one has %d", maxIDLen, len(w.ID))
	case w.Span.From < 0 || w.Span.To > endOfTime || w.Span.To < w.Span.From:
		return refuse("the stretch [%d, %d) is no stretch of minutes since 1970", w.Span.From, w.Span.To)
	}
	prev := w.Span.From - 1
	for _, p := range w.Points {
		switch c := p.Count; {
		case !w.Span.Contains(p.At):
			return refuse("%s lies outside of the answered stretch", stamp(p.At))
		case p.At <= prev:
			return refuse("%s is not behind the minute before it", stamp(p.At))
		case c.Good < 0 || c.Total < 0:
			return refuse("%s has a negative count: good %v, total %v", stamp(p.At), c.Good.Float(), c.Total.Float())
		case c.Good > c.Total:
			return refuse("%s has more good events (%v) than events (%v)", stamp(p.At), c.Good.Float(), c.Total.Float())
		}
		prev = p.At
	}
	return nil
}

func stamp(m slo.Minute) string { return m.Time().Format("2006-01-02T15:04Z07:00") }
