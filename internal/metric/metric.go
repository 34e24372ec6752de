// Package metric holds the vocabulary of measurements and the port to their
// sources.
package metric

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Request asks one source for several series over one range.
type Request struct {
	Queries []Query
	Span    slo.Span // half-open
}

// Query asks for one series. Key is the caller's name for it and comes back
// with the answer.
type Query struct {
	Key    string
	Spec   slo.Spec
	Period slo.Minute // width of a step, 0: the source's own
}

// Point is one value: the step that begins at At and is Width minutes wide.
// Value is exact, in millionths; a value that is not a number (NaN, infinite)
// is no point.
type Point struct {
	At    slo.Minute
	Width slo.Minute
	Value slo.Amount
}

// Series is what a source knows of a query. A stretch outside Answered is
// unmeasured; a step inside it without a point is a silence the source vouches
// for. Exists says that the source knows the series at all: a series that
// never had a point anywhere is a typo until proven otherwise.
type Series struct {
	Key      string
	Points   []Point // ascending, at most one a step
	Answered []slo.Span
	Exists   bool
	Notes    []string // what the reader should know: rows dropped, pages missing
}

// Source answers queries. A range without data is an answered series without
// points; a source that could not answer leaves the stretch out of Answered.
// Errors are of package fault. Implementations pass the suite in metrictest.
type Source interface {
	// Fetch answers every query of the request, in any order.
	Fetch(ctx context.Context, req Request) ([]Series, error)
	// Caps describes the source.
	Caps() Caps
}

// Caps says what a source is like.
type Caps struct {
	Period  slo.Minute // natural width of a step, 1 unless known otherwise
	Lag     slo.Minute // a minute is usable once it ended this long ago
	Settle  slo.Minute // until a minute ended this long ago it may be replaced
	MaxAge  slo.Minute // a frontier older than this is stale; 0: never
	History slo.Minute // how far back it can answer; 0: no limit
	// End is the end of a recorded source (a file): nothing lies behind it, and
	// it is the frontier. Zero for a live one.
	End slo.Minute
}

// SpecProblem is something wrong with a query's spec: the path of the field
// ("columns", "dimensions.LoadBalancer"), what and what to do.
type SpecProblem struct {
	Path    string
	Message string
	Hint    string
	Warning bool
}

// Type is a kind of source that the program carries.
type Type struct {
	Name string // as metricSource.type spells it: "csv", "CloudWatch"
	// Check finds what is wrong with a spec without asking the source.
	Check func(spec slo.Spec) []SpecProblem
	// Open returns a source. Details are the DataSource's connectionDetails, dir
	// the folder of the document that names it, for relative paths.
	Open func(ctx context.Context, details slo.Spec, dir string) (Source, error)
}
