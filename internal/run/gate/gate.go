// Package gate is the shell of the deploy gate: read the budgets, decide,
// record.
package gate

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
)

// Options are one question to the gate.
type Options struct {
	Service     string
	Environment string
	Change      gate.Change
	Mode        gate.Mode // "": the policy's
	At          time.Time // zero: the newest that is known
	// Override asks to pass a halted gate; its Reason is required.
	Override *OverrideRequest
}

// OverrideRequest is leave asked for.
type OverrideRequest struct {
	Reason string
	For    time.Duration // 0: the policy's longest
}

// Outcome is the gate's answer and the code to exit with.
type Outcome struct {
	Decision decision.Decision
	Request  gate.Request
	ExitCode int
	Advice   []string // what may be done now
}

// Run decides and records. The evidence being out of reach is not an error of
// Run: the policy's onError turns it into an outcome. An error means that even
// that could not be done (unknown service, refused override).
func Run(ctx context.Context, env *run.Env, opt Options) (Outcome, error) { return Outcome{}, nil }
