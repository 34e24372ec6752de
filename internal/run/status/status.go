// Package status reads how objectives stand: it opens the history for what the
// arithmetic needs and evaluates.
package status

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/run"
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
	// Reopen is when the level leaves critical and exhausted by itself if errors keep
	// arriving as in the last hour; nil: not foreseeable, or not closed.
	Reopen *slo.Minute
}

// Read evaluates the selected objectives. A selection that matches nothing is
// an error of kind NotFound that names what there is.
func Read(ctx context.Context, env *run.Env, opt Options) ([]Entry, error) { return nil, nil }
