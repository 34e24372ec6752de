// Package recur turns stretches of civil time into instants: a cron expression
// with a length, a holiday. Clocks that jump are met in one way everywhere:
//
//   - A civil time is the first instant at which the clock shows it or a later
//     one: the first of two where it comes twice, the jump where it is skipped.
//   - Whole days of a length are civil days, what is left over is elapsed time:
//     Friday 17:00 and 63 hours is Monday 08:00, also when the clock jumps on
//     Sunday; two hours are two hours.
package recur

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Interval is the half-open stretch [From, To).
type Interval struct{ From, To time.Time }

// Contains says whether t lies in the interval.
func (i Interval) Contains(t time.Time) bool { return !t.Before(i.From) && t.Before(i.To) }

// Rule is a stretch that begins at each match of a cron expression.
type Rule struct {
	schedule cron.Schedule
	length   time.Duration
	zone     *time.Location
}

// longest bounds a rule's length; whatever is longer is no recurrence.
const longest = 366 * 24 * time.Hour

// Parse reads a rule: five cron fields (minute, hour, day of month, month, day
// of week), a length of at most 366 days, an IANA zone ("" is UTC). Errors are
// of kind Invalid.
func Parse(expr string, length time.Duration, zone string) (*Rule, error) {
	op := fmt.Sprintf("cron %q", expr)
	loc, err := Zone(zone)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "")
	}
	if length <= 0 || length > longest {
		return nil, fault.New(fault.Invalid, op, fmt.Sprintf("a length of %v", length), "say how long it lasts: more than nothing, at most 366 days")
	}
	// The library reads a zone in front of the fields; documents have a field for
	// it, and two places for one thing disagree sooner or later.
	if strings.Contains(expr, "=") {
		return nil, fault.New(fault.Invalid, op, "a zone does not belong here", "write the zone in its own field")
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	schedule, err := parser.Parse(expr)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "five fields: minute hour day-of-month month day-of-week (0 is Sunday), for example 0 17 * * 5")
	}
	if schedule.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fault.New(fault.Invalid, op, "it never matches", "check the day against the month")
	}
	return &Rule{schedule: schedule, length: length, zone: loc}, nil
}

// Zone returns the location of an IANA name; "" is UTC. The machine's own zone
// is refused: a document must mean the same everywhere. The error is of kind
// Invalid.
func Zone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fault.New(fault.Invalid, "zone", `"Local" means something else on each machine`, "name the zone, for example Europe/Berlin")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fault.New(fault.Invalid, "zone", fmt.Sprintf("there is no time zone %q", name), "use an IANA name, for example Europe/Berlin")
	}
	return loc, nil
}

// Starting yields the occurrences that begin in [from, to), ascending.
func (r *Rule) Starting(from, to time.Time) iter.Seq[Interval] {
	return func(yield func(Interval) bool) {
		// The schedule runs over civil time, written as UTC, where no clock jumps;
		// a day of slack, because a jump can move an instant against its civil time.
		civil := civilOf(from, r.zone).AddDate(0, 0, -2)
		for {
			civil = r.schedule.Next(civil)
			if civil.IsZero() {
				return
			}
			start := instant(civil, r.zone)
			if !start.Before(to) {
				return
			}
			if start.Before(from) {
				continue
			}
			if !yield(Interval{start, r.end(civil, start)}) {
				return
			}
		}
	}
}

// end is where an occurrence that begins at a civil time ends.
func (r *Rule) end(civil, start time.Time) time.Time {
	days := int(r.length / (24 * time.Hour))
	rest := r.length % (24 * time.Hour)
	if days == 0 {
		return start.Add(rest)
	}
	return instant(civil.AddDate(0, 0, days), r.zone).Add(rest)
}

// Holiday is a civil day: of one year, or of every year.
type Holiday struct {
	year  int // 0: every year
	month time.Month
	day   int
}

// ParseHoliday reads "2006-01-02", or "01-02" for every year. The error is of
// kind Invalid.
func ParseHoliday(s string) (Holiday, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return Holiday{t.Year(), t.Month(), t.Day()}, nil
	}
	// A leap year, so that 29 February is a holiday in the years that have one.
	if t, err := time.Parse(time.DateOnly, "2000-"+s); err == nil {
		return Holiday{0, t.Month(), t.Day()}, nil
	}
	return Holiday{}, fault.New(fault.Invalid, "holiday", fmt.Sprintf("%q is no day", s), "write 2025-12-25, or 12-25 for every year")
}

// Touching returns the holiday's days in a zone that touch [from, to).
func (h Holiday) Touching(from, to time.Time, zone *time.Location) []Interval {
	first, last := from.In(zone).Year(), to.In(zone).Year()
	if h.year != 0 {
		first, last = h.year, h.year
	}
	var out []Interval
	for year := first; year <= last; year++ {
		civil := time.Date(year, h.month, h.day, 0, 0, 0, 0, time.UTC)
		if civil.Day() != h.day {
			continue // no 29 February this year
		}
		day := Interval{instant(civil, zone), instant(civil.AddDate(0, 0, 1), zone)}
		if day.From.Before(to) && from.Before(day.To) && day.From.Before(day.To) {
			out = append(out, day)
		}
	}
	return out
}

// Merge returns the union of intervals, ascending; those that touch become one.
func Merge(in []Interval) []Interval {
	in = slices.Clone(in)
	slices.SortFunc(in, func(a, b Interval) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	var out []Interval
	for _, next := range in {
		if !next.From.Before(next.To) {
			continue
		}
		if n := len(out); n > 0 && !out[n-1].To.Before(next.From) {
			if out[n-1].To.Before(next.To) {
				out[n-1].To = next.To
			}
			continue
		}
		out = append(out, next)
	}
	return out
}

// civilOf reads the wall clock in a zone and writes it as UTC.
func civilOf(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is when a wall clock in a zone shows a civil time for the first time;
// the instant of the jump for a time it never shows.
func instant(civil time.Time, zone *time.Location) time.Time {
	t := time.Date(civil.Year(), civil.Month(), civil.Day(), civil.Hour(), civil.Minute(), civil.Second(), civil.Nanosecond(), zone)
	start, end := t.ZoneBounds()
	switch shown := civilOf(t, zone); {
	case shown.After(civil): // skipped, and t lies behind the jump
		return start
	case shown.Before(civil): // skipped, and t lies before it
		return end
	case start.IsZero():
		return t
	}
	// Shown by the offset before the last jump too?
	_, before := start.Add(-time.Nanosecond).Zone()
	earlier := civil.Add(-time.Duration(before) * time.Second)
	if earlier.Before(start) && civilOf(earlier, zone).Equal(civil) {
		return earlier.In(zone)
	}
	return t
}
