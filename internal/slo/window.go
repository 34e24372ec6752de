package slo

import "time"

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

// Calendar is a window aligned to a calendar: N units, counted from Start in
// Location. (OpenSLO v1: timeWindow.calendar{startTime,timeZone}.)
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

func (Rolling) window()  {}
func (Calendar) window() {}
