// Package mark keeps the stretches that people declare by command: freezes and
// exclusions. They are ledger entries; an end is an entry too.
package mark

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/run"
)

// Mark is a declared stretch. A zero To is open-ended.
type Mark struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`    // "freeze" or "exclusion"
	Subject string    `json:"subject"` // "*", "payment-api", "payment-api/availability"
	From    time.Time `json:"from"`
	To      time.Time `json:"to,omitzero"`
	Author  string    `json:"author"`
	Reason  string    `json:"reason"`
	Ended   time.Time `json:"ended,omitzero"`
}

// Exclusions returns every exclusion by command, ended ones with their end.
func Exclusions(ctx context.Context, env *run.Env) ([]Mark, error) { return nil, nil }

// Freezes returns every freeze by command, ended ones with their end.
func Freezes(ctx context.Context, env *run.Env) ([]Mark, error) { return nil, nil }
