// Package render holds what the renderings of a rollout have in common: the
// answer of a canary or a watch, ready to be shown. The folders below make text,
// files and pictures of it; none of them reads or decides anything.
package render

import (
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
)

// Rollout is what came of a canary, a promotion, a rollback or a watch. Only
// Verb, Service and Decision have to be set.
type Rollout struct {
	Verb        string // "canary", "promote", "rollback", "watch"
	Service     string
	Environment string // "": none is known
	Target      string // a place as act.Place writes it: "lambda:pay:live"
	Version     string // the new one, as the target names it
	Baseline    string // the one that it was compared with
	// Commit is what the job's pipeline is about; a note forgets what an earlier one
	// said.
	Commit string
	ID     string // the rollout's, as its entries of the ledger say
	// Outcome is promoted, held, restored, failed, foreign, abandoned, or the
	// watch's own word; "": it goes on.
	Outcome  string
	Decision decision.Decision
	// Result is the judge's answer; the zero value where nothing was compared.
	Result judge.Result
	// Metrics are those that were judged, with their samples, for the pictures; may
	// be nil.
	Metrics  []judge.Metric
	Steps    []Step
	Budgets  []Budget
	ExitCode int
	Advice   []string // what may be done now
	JobURL   string   // of the job that asked; may be empty
	Incident string   // address of the incident that was opened; may be empty
}

// Step is a step of a rollout as far as it got.
type Step struct {
	Weight   float64 // the canary's share, 0 to 1
	Bake     int     // minutes that were to be judged
	Minutes  int     // minutes that were
	Requests int64   // the canary's, in these minutes
	Result   string  // "passed", "failed", "baking"; "": not reached
}

// Budget is what an objective has left.
type Budget struct {
	SLO  string
	Left *float64 // 1 is all of it, below 0 is overspent; nil: not known
}
