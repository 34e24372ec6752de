package config

import (
	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// Rollout is how a service is rolled out: where, in which steps, and by what it
// is judged and watched. A service has one per environment.
type Rollout struct {
	Name        string
	Service     string
	Environment string // "": every one
	Target      act.Place
	Plan        rollout.Plan
	Judge       judge.Policy
	Watch       watch.Policy
	// Metrics are what is compared. Empty: every ratio objective of the service.
	Metrics []RolloutMetric
	Split   Split
	Drive   Drive
	Place   fault.Place
}

// RolloutMetric is one of the things that are compared: an objective's counts, or
// queries of its own.
type RolloutMetric struct {
	Name string
	// Objective is the SLO whose counts are compared, "availability"; "": Queries.
	Objective string
	// Queries are by role: good, bad, total or value; their specs may say ${version}.
	Queries map[string]slo.Query `json:",omitempty"`
	Source  string               // the data source of Queries
	// Metric carries group, critical, muted, method, margin, limit, worse and unit.
	Metric judge.Metric
	Weight float64 // per cent; 0: its share of the rest
	Place  fault.Place
}

// Split is how a query is narrowed to one version.
type Split struct {
	// Dimension is the dimension that carries the version; "": the target's own
	// (lambda: ExecutedVersion), else specs have to say ${version}.
	Dimension string
	// Drop are dimensions that do not go together with it; Add are those that it
	// needs besides.
	Drop []string
	Add  map[string]string `json:",omitempty"`
}

// Drive is traffic that is made where there is none.
type Drive struct {
	Rate     float64 // requests a second to each version; 0: none is made
	Requests string  // a file of requests, beside the document
}

// RolloutOf is how a service is rolled out to an environment: by the document
// that names it, else by the one for every environment. ok is false for neither.
func (c *Catalog) RolloutOf(service, environment string) (r Rollout, ok bool) {
	for _, env := range []string{environment, ""} {
		for i := range c.Rollouts {
			if r := c.Rollouts[i]; r.Service == service && r.Environment == env {
				return r, true
			}
		}
	}
	return Rollout{}, false
}
