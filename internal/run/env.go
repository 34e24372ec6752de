// Package run holds what every shell works with. A shell is one screen of
// observe, decide, act, record; each lives in a folder below.
package run

import (
	"context"
	"log/slog"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/forge"
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
	// Zone is in which texts for people show instants; nil: UTC.
	Zone *time.Location
	// Forge is the platform that runs the pipeline; nil: none is known.
	Forge forge.Forge
	// Spool keeps what cannot be recorded at the moment; nil: there is none.
	Spool Spool
}

// Spool keeps drafts of entries while the ledger cannot be written, and hands
// them over when it can be again. Implementations are safe for several
// processes. Errors are of package fault.
type Spool interface {
	// Put keeps a draft. Its Key must not be empty: it is what keeps a draft from
	// being recorded twice. Putting the same again changes nothing.
	Put(ctx context.Context, d ledger.Draft) error
	// Drain records what is kept, oldest first, and forgets it; n is how many
	// were recorded. What cannot be recorded stays.
	Drain(ctx context.Context, to ledger.Ledger) (n int, err error)
}

// Show prints an instant for people, in the environment's zone.
func (e *Env) Show(t time.Time) string {
	zone := e.Zone
	if zone == nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02 15:04 MST")
}
