package timeline

import "gitlab.com/nines-sre/nines/internal/slo"

// ID names an indicator (or the slices of an objective) in the history.
type ID string

// Point is one measured minute. Width is how many minutes wide the datapoint
// was that it came from.
type Point struct {
	At    slo.Minute
	Count slo.Count
	Width uint16
}

// Write is one answered stretch of one indicator: the measured minutes in
// Span, ascending; minutes of Span without a point stay unmeasured.
type Write struct {
	ID      ID
	Lineage string // digest of what is measured
	Span    slo.Span
	Points  []Point
	// Derived marks slices computed from minutes: they may be rewritten at any
	// age, because they follow from what is kept.
	Derived bool
}

// Changes reports what a recording did.
type Changes struct {
	Filled   int64 // minutes measured for the first time
	Replaced int64 // unsettled minutes replaced by a newer answer
	Kept     int64 // minutes left as they were although the answer differs (settled, or finer)
}

// Meta is what is known about an indicator as a whole.
type Meta struct {
	ID       ID
	Birth    slo.Minute // first measured minute
	Answered []slo.Span // stretches a source has answered for, merged, ascending
	Lineages []Lineage  // ascending; the last is current
	Resets   []Reset
}

// Lineage is one definition of what is measured.
type Lineage struct {
	Digest string
	Since  slo.Minute
}

// Reset is a recorded order to forget what lies before it.
type Reset struct {
	At     slo.Minute
	Author string
	Reason string
}
