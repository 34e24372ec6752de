// Package run holds what every shell works with. A shell is one screen of
// observe, decide, act, record; each lives in a folder below.
package run

import (
	"context"
	"log/slog"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Env is what a shell is given by its host.
type Env struct {
	Catalog *config.Catalog
	History *timeline.History
	Ledger  ledger.Ledger
	// Open opens the source of a data source of the catalog.
	Open func(ctx context.Context, ds config.DataSource) (metric.Source, error)
	// Now is the instant of the call; shells ask no clock.
	Now time.Time
	// Actor is who calls, as far as the host knows.
	Actor string
	Log   *slog.Logger
}
