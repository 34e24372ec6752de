// Package status reads how objectives stand: it opens the history for what the
// arithmetic needs and evaluates.
package status

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options steer Read.
type Options struct {
	At     time.Time // zero: the newest that is known
	Select []string  // "service" or "service/slo"; empty: everything
	Detail bool      // losses and trend too
}

// Entry is one objective's standing.
type Entry struct {
	Objective *config.Objective
	Status    slo.Status
	// Trend is the budget remaining at the end of each whole UTC day of the
	// window and at the frontier, oldest first.
	Trend []float64
	// Losses are the stretches that cost most, worst first.
	Losses []slo.Loss
	// Reopen is in how many minutes from the frontier the level leaves critical
	// and exhausted by itself if errors keep arriving as in the last hour; nil:
	// not foreseeable, or not closed.
	Reopen *slo.Minute
	// Excluded are the stretches that do not count.
	Excluded []slo.Span
}

// maxLosses is how many losses an entry names.
const maxLosses = 5

// Read evaluates the selected objectives. A selection that matches nothing is
// an error of kind NotFound that names what there is.
//
// An objective is answered at the end of the newest minute that is answered
// for in all its indicators, or at At if that is earlier. Without At, an
// objective over live sources is asked about now, so that it can be stale, and
// one over a recording at the recording's end.
func Read(ctx context.Context, env *run.Env, opt Options) ([]Entry, error) {
	selected, err := measure.Select(env.Catalog, opt.Select)
	if err != nil {
		return nil, err
	}
	x := &reader{env: env, opt: opt}
	if err := x.marks(ctx); err != nil {
		return nil, err
	}
	if err := x.prepare(ctx, selected); err != nil {
		return nil, err
	}
	// Evaluating may name points that would make an answer more exact: they are
	// read, and those objectives are evaluated again.
	for todo := x.subjects; len(todo) > 0; {
		if err := x.open(ctx, todo); err != nil {
			return nil, err
		}
		var again []*subject
		for _, s := range todo {
			if s.evaluate(opt.Detail) {
				again = append(again, s)
			}
		}
		todo = again
	}
	out := make([]Entry, len(x.subjects))
	for i, s := range x.subjects {
		out[i] = s.entry
	}
	return out, nil
}

// storeError keeps what the history said of its trouble; what nobody classified
// is taken as a store out of reach.
func storeError(err error) error {
	kind := fault.KindOf(err)
	if kind == fault.Internal {
		kind = fault.Unavailable
	}
	return fault.Wrap(kind, "read history", err, "")
}
