// Package why explains a recorded decision, and recomputes it.
package why

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
)

// Explanation is a decision in a dozen lines a tired person can act on.
type Explanation struct {
	Entry    ledger.Entry
	Decision decision.Decision
	Lines    []string
}

// Replay is a decision recomputed from its recorded inputs.
type Replay struct {
	Recorded decision.Decision
	Again    decision.Decision
	Agrees   bool
	Why      string // what differs, or what was tampered with
}

// Explain explains the decision with an ID, or the newest for an empty one.
func Explain(ctx context.Context, env *run.Env, id string) (Explanation, error) {
	return Explanation{}, nil
}

// Recompute replays a decision from what was recorded with it and nothing else.
func Recompute(ctx context.Context, env *run.Env, id string) (Replay, error) { return Replay{}, nil }
