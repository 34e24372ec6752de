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
	// Role is what the series is for: "good", "bad", "total", "value" or "".
	// A source may use it where the spec leaves a choice open (a file's column).
	Role string
	// Wide asks for steps of this width in place of the query's own: no wider
	// than [Widener].Widest allows. 0: the query's own.
	Wide slo.Minute
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
// for. Exists says that the source knows the series at all, inside the span
// asked for or outside it: a series that never had a point anywhere is a typo
// until proven otherwise.
//
// Steps are never cut. A step belongs to the span in which it begins, so the
// last one may reach past the span's end, and Answered reaches as far as it
// does; a step that began before the span is left to whoever asks for that.
// Neighbouring spans therefore answer side by side, without gap or overlap.
type Series struct {
	Key      string
	Points   []Point    // ascending, no two steps overlap, all inside Answered
	Answered []slo.Span // ascending, disjoint, made of whole steps
	Exists   bool
	Notes    []string // what the reader should know: rows dropped, pages missing
	// Err says why this query could not be answered while others were; Answered
	// is then empty. It is of package fault.
	Err error
}

// Source answers queries. A range without data is an answered series without
// points; a source that could not answer leaves the stretch out of Answered.
// Errors are of package fault. It is safe for concurrent use. Implementations
// pass the suite in metrictest.
type Source interface {
	// Fetch answers every query of the request, in any order. Its error means
	// that the source as a whole could not; one query's trouble is Series.Err.
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
	// Backfill is how far back a run reads at least when nobody says otherwise,
	// because what is not read now will be gone or coarser later; 0: what the
	// objectives need.
	Backfill slo.Minute
	// End is the end of a recorded source (a file) as far as it has been read:
	// nothing lies behind it, and it is the frontier. Zero for a live one. Where
	// queries end at different times, [Recorded] says when each does.
	End slo.Minute
}

// Recorded is what a source of finished recordings (files) can do besides: it
// knows where a query's data begin and end, whatever the clock says.
type Recorded interface {
	Source
	// Extent returns the stretch a query has data for; an empty span when it has
	// none. Its end is the frontier.
	Extent(ctx context.Context, q Query) (slo.Span, error)
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
	// CheckDetails finds what is wrong with a DataSource's connectionDetails; nil
	// takes them as they are.
	CheckDetails func(details slo.Spec) []SpecProblem
	// Open returns a source. Details are the DataSource's connectionDetails, dir
	// the folder of the document that names it, for relative paths.
	Open func(ctx context.Context, details slo.Spec, dir string) (Source, error)
}
