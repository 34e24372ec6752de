// Package config turns documents into a Catalog: everything that was written
// down, typed, resolved and checked, with the place of each part.
package config

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Catalog is a set of documents, understood.
type Catalog struct {
	Services   []Service
	Sources    []DataSource
	Indicators []Indicator
	Objectives []Objective
	// AlertPolicies are those that objectives name; their burn-rate pairs stand
	// in the objectives too.
	AlertPolicies []AlertPolicy
	// Targets are those that have a document of their own, by name.
	Targets    []AlertTarget
	Policies   []GatePolicy
	Exclusions []Exclusion
	Rollouts   []Rollout `json:",omitempty"`
	Settings   Settings
	// Digest covers the meaning of the documents, not their spelling.
	Digest string
	// Files are the documents' files in the order they were read.
	Files []string
}

// Service is an OpenSLO Service, or the service a short form stands for.
type Service struct {
	Name, DisplayName, Description string
	Labels                         map[string][]string
	DependsOn                      []string
	Owner                          string
	// Tier names the Tier whose defaults it has; "" for none.
	Tier string `json:",omitempty"`
	// Paths are patterns of the paths of a repository that are its own.
	Paths []string `json:",omitempty"`
	Place fault.Place
}

// DataSource says where a kind of source is and how to reach it.
type DataSource struct {
	Name    string
	Type    string
	Details slo.Spec
	Dir     string // folder of the document, for relative paths
	Place   fault.Place
}

// Indicator is what is measured, with a name that is its own in the catalog.
type Indicator struct {
	ID         string
	Definition slo.Indicator
	Source     string     // DataSource name its queries use
	Period     slo.Minute // step of its data; 0: the source's own
	Missing    slo.Missing
	Since      slo.Minute // nines/since; 0: the first measured minute
	Lineage    string     // digest of what is measured
	Place      fault.Place
}

// Objective is a resolved objective and where it was written.
type Objective struct {
	slo.Objective
	Owner       string
	Description string
	Labels      map[string][]string
	// AlertPolicies names those of the objective; empty: the default
	// conditions.
	AlertPolicies []string
	// Poll is how often a loop reads it while nothing burns; 0: the loop's own.
	Poll  slo.Minute
	Place fault.Place
}

// AlertPolicy says who is told when a condition holds, ends, or cannot be
// judged.
type AlertPolicy struct {
	Name, Description           string
	NoData, Breaching, Resolved bool
	Condition                   slo.Condition
	// After is how long the condition must hold before anybody is told.
	After slo.Minute
	// Evidence is how rarely an objective that is kept shows as much evidence
	// against itself as the condition asks for; 0: it asks for none.
	Evidence slo.Minute `json:",omitempty"`
	Targets  []AlertTarget
	Place    fault.Place
}

// AlertTarget is where an alert goes.
type AlertTarget struct {
	// Name and Target are OpenSLO's words: a kind of target ("sns", "slack"), or an
	// address.
	Name, Target string
	// Address is where it is; without a Kind nobody can be told.
	Address notify.Address `json:",omitzero"`
	// Hours are when tickets are told (notify.ParseHours); "": always.
	Hours string `json:",omitempty"`
}

// GatePolicy is a policy and the services it is for ("*": all without another).
type GatePolicy struct {
	gate.Policy
	Services []string
	Place    fault.Place
}

// Exclusion is a stretch that does not count, for some services or SLOs.
type Exclusion struct {
	Name     string
	Services []string // "payment-api" or "payment-api/availability"; "*": all
	Reason   string
	Author   string
	// Either From and To, or Cron (five fields, in Zone) with Duration.
	From, To time.Time
	Cron     string
	Duration time.Duration
	Zone     string
	Place    fault.Place
}

// Settings are defaults that documents give to commands.
type Settings struct {
	Store   string // store URL
	Zone    string // for display
	Width   int
	Place   fault.Place
	Explain bool
	Publish Publish `json:",omitzero"`
	Alerts  Alerts  `json:",omitzero"`
	// Unmapped is what a changed path means that belongs to no service: "all" or
	// "ignore"; "" is all.
	Unmapped string `json:",omitempty"`
}

// Publish says where hosts that measure by themselves send numbers. The zero
// value: nowhere.
type Publish struct {
	To        string   // "cloudwatch"
	Namespace string   // "": Nines
	Region    string   // "": the program's own
	Metrics   []string // as "BudgetRemaining"; empty: the defaults
}

// Alerts say whom objectives tell that name no AlertPolicy, and how everybody is
// told. The zero value: such objectives tell nobody.
type Alerts struct {
	// Page and Ticket are addresses, as package notify reads them.
	Page   []string `json:",omitempty"`
	Ticket []string `json:",omitempty"`
	// Hold is for how long a condition must have ended before its incident is
	// over; 0: half an hour.
	Hold slo.Minute `json:",omitempty"`
	// Hours are when tickets are told; the zero value: always.
	Hours Hours `json:",omitzero"`
}

// Hours are a stretch that comes again and again: five cron fields in a zone, and
// a length.
type Hours struct {
	Cron     string
	Duration time.Duration
	Zone     string
}

// IsZero says that nothing is said.
func (h Hours) IsZero() bool { return h.Cron == "" }

// IsZero says that nothing is said.
func (a Alerts) IsZero() bool {
	return len(a.Page) == 0 && len(a.Ticket) == 0 && a.Hold == 0 && a.Hours.IsZero()
}

// IsZero says that nothing is published.
func (p Publish) IsZero() bool { return p.To == "" }
