// Package gate decides whether a deployment may go: a pure function of the
// budgets, the freezes, the policy and the instant.
//
// [Decide] reads a [Request] from top to bottom of the verdict table, strongest
// row first. Everything it looks at is in the request, so a recorded request
// can be decided again and must come out the same.
package gate

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Request is everything a decision rests on. It is recorded with the decision,
// and deciding it again gives the same decision.
type Request struct {
	Service     string        `json:"service"`
	Environment string        `json:"environment,omitempty"`
	Change      Change        `json:"change"`
	Policy      Policy        `json:"policy"`
	States      []BudgetState `json:"states"`
	Freezes     []Freeze      `json:"freezes,omitempty"` // those in force at At
	Override    *Override     `json:"override,omitempty"`
	At          time.Time     `json:"at"`
	// Error is set when the evidence could not be had; States may then be empty.
	Error string `json:"error,omitempty"`
	// Documents is where the policy and the objectives come from, where it is a
	// protected branch: "main at 0a1b2c".
	Documents string `json:"documents,omitempty"`
}

// Change is what wants to be deployed.
type Change struct {
	Class   Class  `json:"class"` // as claimed; [Policy.ClassOf] says what it counts as
	Version string `json:"version,omitempty"`
	Actor   string `json:"actor,omitempty"` // as a variable gives it; for display
	// By is who asks where the policy wants that proven; nil: nobody is.
	By *forge.Actor `json:"by,omitempty"`
	// Evidence is what was found out about Class where the policy verifies it.
	Evidence *ClassEvidence `json:"evidence,omitempty"`
}

// Freeze is a freeze in force.
type Freeze struct {
	Name   string    `json:"name"`
	Reason string    `json:"reason,omitempty"`
	Author string    `json:"author,omitempty"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Exempt []Class   `json:"exempt,omitempty"`
}

// Override is a recorded leave to pass a halted gate.
type Override struct {
	ID      string    `json:"id"`
	Actor   string    `json:"actor"`
	Reason  string    `json:"reason"`
	Expires time.Time `json:"expires"`
	// Proof says how it is known who Actor is; "": a variable says so.
	Proof forge.Proof `json:"proof,omitempty"`
}

// BudgetState is one objective's status as the gate sees and records it.
type BudgetState struct {
	Service    string           `json:"service"`
	SLO        string           `json:"slo"`
	Objective  string           `json:"objective"`
	Dependency bool             `json:"dependency,omitempty"`
	Target     string           `json:"target"`
	Window     string           `json:"window"`
	Frontier   time.Time        `json:"frontier"`
	Level      slo.Level        `json:"level"`
	Flags      []slo.Flag       `json:"flags,omitempty"`
	Good       float64          `json:"good"`
	Total      float64          `json:"total"`
	Allowed    float64          `json:"allowed"`
	Spent      float64          `json:"spent"`
	Remaining  *float64         `json:"remaining"`
	Coverage   float64          `json:"coverage"`
	Conditions []ConditionState `json:"conditions,omitempty"`
	// ExhaustsInSeconds by look-back; nil values never.
	ExhaustsInSeconds map[string]*int64 `json:"exhausts_in_seconds,omitempty"`
	// ReopensInSeconds is when the level leaves critical by itself if errors
	// keep arriving as in the last hour; nil: not foreseeable.
	ReopensInSeconds *int64 `json:"reopens_in_seconds,omitempty"`
	// LookbackCoverage is the measured share of each look-back a condition uses.
	LookbackCoverage map[string]float64 `json:"lookback_coverage,omitempty"`
	// Method is the budgeting method in OpenSLO's words; "": Occurrences. It
	// says whether Allowed and Spent are events or slices.
	Method string `json:"method,omitempty"`
	// Evidence is what the package evidence says against the objective, where the
	// policy asks for it and the budget burns; nil: not known, or not asked for.
	Evidence *float64 `json:"evidence,omitempty"`
	// Losses are the stretches that cost most, worst first. They decide nothing;
	// they are recorded so that the decision can be explained later.
	Losses []Loss `json:"losses,omitempty"`
}

// Key names the objective: service/slo/objective.
func (s *BudgetState) Key() string { return s.Service + "/" + s.SLO + "/" + s.Objective }

// Loss is a stretch in which budget was lost. Bad and Total are events (or
// slices), Share is Bad over the window's allowed ones.
type Loss struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Bad   float64   `json:"bad"`
	Total float64   `json:"total"`
	Share float64   `json:"share"`
}

// ConditionState is a burn condition and whether it held.
type ConditionState struct {
	Name      string   `json:"name"`
	Severity  string   `json:"severity"`
	Threshold string   `json:"threshold"`
	Truth     string   `json:"truth"` // "true", "false", "unknown"
	Long      *float64 `json:"long"`
	Short     *float64 `json:"short"`
	// LongWindow and ShortWindow are the look-backs as documents write them
	// ("1h", "5m"); empty where they are not known.
	LongWindow  string `json:"long_window,omitempty"`
	ShortWindow string `json:"short_window,omitempty"`
}
