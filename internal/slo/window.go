package slo

import (
	"strconv"
	"time"
)

// Window is the stretch an objective is about. It is one of [Rolling] and
// [Calendar].
//
//sumtype:decl
type Window interface {
	// Bounds returns the span counted at a frontier: for a rolling window the
	// minutes just before it, for a calendar window the current period so far.
	// A frontier that is exactly a period's end belongs to that period.
	Bounds(frontier Minute) Span
	// Period returns the whole span Bounds is a part of: the same for a rolling
	// window, the full calendar period otherwise.
	Period(frontier Minute) Span
	// String prints the window as documents write it: "30d", "1M".
	String() string
	window()
}

// Rolling is a window of fixed length that ends at the frontier.
type Rolling struct{ Length Minute }

// Bounds returns the Length minutes before the frontier.
func (r Rolling) Bounds(frontier Minute) Span { return Span{frontier - r.Length, frontier} }

// Period is Bounds.
func (r Rolling) Period(frontier Minute) Span { return r.Bounds(frontier) }

// String prints the length: "30d", "6h".
func (r Rolling) String() string { return FormatLength(r.Length) }

// Calendar is a window aligned to a calendar: N units, counted from Start in
// Location. (OpenSLO v1: timeWindow.calendar{startTime,timeZone}.)
//
// The periods extend before Start as they do after it. Days and longer units
// are civil: a day lasts 23 or 25 hours where the clock is changed. A month that
// has no such day as Start ends with its last day, and the next one does not
// drift: from January 31 the periods start on February 28, March 31, April 30.
// A clock time that a change skips is the instant of the change; one that it
// repeats is the first of the two. Hours are sixty minutes always.
//
// A zero Start is Monday, 2001-01-01 00:00; a nil Location is UTC.
type Calendar struct {
	N        int
	Unit     CalendarUnit
	Start    time.Time // the first period's start, in Location
	Location *time.Location
}

// CalendarUnit is a unit of civil time.
type CalendarUnit uint8

// The units.
const (
	CalendarHour CalendarUnit = iota
	CalendarDay
	CalendarWeek
	CalendarMonth
	CalendarQuarter
	CalendarYear
)

// letter is the unit as OpenSLO writes it.
func (u CalendarUnit) letter() string {
	switch u {
	case CalendarHour:
		return "h"
	case CalendarDay:
		return "d"
	case CalendarWeek:
		return "w"
	case CalendarMonth:
		return "M"
	case CalendarQuarter:
		return "Q"
	case CalendarYear:
	}
	return "Y"
}

// nominal is the unit's length where one number must stand for all of them: a
// month counts as 30 days, a quarter as 90, a year as 365.
func (u CalendarUnit) nominal() Minute {
	switch u {
	case CalendarHour:
		return Hour
	case CalendarDay:
		return Day
	case CalendarWeek:
		return Week
	case CalendarMonth:
		return 30 * Day
	case CalendarQuarter:
		return 90 * Day
	case CalendarYear:
	}
	return 365 * Day
}

// Bounds returns the period that ends at or contains the frontier, so far.
func (c Calendar) Bounds(frontier Minute) Span {
	return Span{c.Period(frontier).From, frontier}
}

// Period returns the whole period: From < frontier <= To.
func (c Calendar) Period(frontier Minute) Span {
	g := c.grid()
	// An estimate from the mean length is off by a step or two at most.
	k := int64(frontier-g.start(0)) / int64(g.mean())
	for g.start(k) >= frontier {
		k--
	}
	for g.start(k+1) < frontier {
		k++
	}
	return Span{g.start(k), g.start(k + 1)}
}

// String prints the length: "1M", "2w".
func (c Calendar) String() string { return strconv.Itoa(max(1, c.N)) + c.Unit.letter() }

func (Rolling) window()  {}
func (Calendar) window() {}

// previous returns the period before the one at a frontier; ok is false for a
// rolling window, which has none.
func previous(w Window, frontier Minute) (Span, bool) {
	c, ok := w.(Calendar)
	if !ok {
		return Span{}, false
	}
	return c.Period(c.Period(frontier).From), true
}

// nominal is the length a window stands for where thresholds are chosen.
func nominal(w Window) Minute {
	switch w := w.(type) {
	case Rolling:
		return w.Length
	case Calendar:
		return Minute(max(1, w.N)) * w.Unit.nominal()
	}
	return 0
}

// NominalLength is the length a window stands for where thresholds are chosen: a
// calendar month counts as 30 days, a quarter as 90, a year as 365.
func NominalLength(w Window) Minute { return nominal(w) }
