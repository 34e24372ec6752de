package metric

import "gitlab.com/nines-sre/nines/internal/slo"

// Adviser is a source that sees how the same could be asked for less money.
type Adviser interface {
	// Savings looks at queries that are asked together every so many minutes and
	// says what could be left out. It asks nobody.
	Savings(queries []Query, every slo.Minute) []Saving
}

// Saving is a way to ask for less.
type Saving struct {
	Keys []string // the queries it is about
	// Metrics is how many metrics a reading requests for nothing: every time, or,
	// where Every is more than 0, at all but one reading in that many minutes.
	Metrics int
	Every   slo.Minute
	Text    string // what to change, and what to make sure of first
}
