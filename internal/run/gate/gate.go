// Package gate is the shell of the deploy gate: read the budgets, decide,
// record.
package gate

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

// Options are one question to the gate.
type Options struct {
	Service     string
	Environment string
	Change      gate.Change
	Mode        gate.Mode // "": the policy's
	At          time.Time // zero: now, with the newest that is known
	// Token is the job's identity token, where it has one. What it says wins over
	// what variables say; VersionGiven and EnvironmentGiven tell that Version and
	// Environment are no variables' but the caller's own.
	Token                          string
	VersionGiven, EnvironmentGiven bool
	// Documents says from where the documents are where that is a protected
	// branch: "main at 0a1b2c".
	Documents string
	// Unread is what could not be read that might have vouched for a rollback.
	Unread []string
	// Override asks to pass a halted gate; its Reason is required.
	Override *OverrideRequest
	// Trouble is what kept the evidence from being brought in: a source or a
	// store that could not be reached. The policy's onError answers to it.
	Trouble error
	// Read reads the budgets; nil: [States], from the history.
	Read func(context.Context, *run.Env, status.Options) ([]gate.BudgetState, error)
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
	// Granted says that this call granted an override.
	Granted bool
	// Spooled says that the ledger could not be written: the decision has no ID
	// yet and is recorded when the ledger is back.
	Spooled bool
}

// Run decides and records. The evidence being out of reach is not an error of
// Run: the policy's onError turns it into an outcome, also where History or
// Ledger of the environment are nil. An error means that even that could not be
// done: an unknown service (NotFound), a question that makes no sense (Invalid),
// a refused override (Denied), one that cannot be recorded (Unavailable).
func Run(ctx context.Context, env *run.Env, opt Options) (Outcome, error) {
	q, err := newQuestion(env, opt)
	if err != nil {
		return Outcome{}, err
	}
	q.drain(ctx)
	if err := q.believe(ctx); err != nil {
		return Outcome{}, err
	}
	if err := q.observe(ctx); err != nil {
		return Outcome{}, err
	}
	if err := q.override(ctx); err != nil {
		return Outcome{}, err
	}
	d := gate.Decide(q.req)
	entry, spooled, err := q.record(ctx, d)
	if err != nil {
		if fault.KindOf(err) == fault.Canceled {
			return Outcome{}, err
		}
		// An answer nobody can look up later is an operational error like any
		// other; what is known stays known.
		q.failed(err)
		d = gate.Decide(q.req)
		spooled = q.spool(ctx, d)
	}
	d.ID = entry.ID
	return Outcome{
		Decision: d, Request: q.req, ExitCode: gate.ExitCode(q.req, d),
		Advice: q.advice(ctx, d), Spooled: spooled, Granted: q.granted,
	}, nil
}
