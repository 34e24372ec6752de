package notify

import (
	"time"
)

// Status is where an alert stands. The words are those that JSON uses.
type Status string

// The statuses.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
	NoData   Status = "no_data"   // its condition cannot be judged
	DataBack Status = "data_back" // it can again
)

// The severities, as documents and JSON spell them.
const (
	Page   = "page"   // somebody is woken
	Ticket = "ticket" // somebody looks at it by day
)

// Alert is what is known of an incident when it is told. What is not known is
// zero or nil, and nothing is said of it.
type Alert struct {
	Status   Status `json:"status"`
	Severity string `json:"severity"` // "page" or "ticket"
	// Incident names the incident: the same from the first word about it to the
	// last, so that targets put them together.
	Incident  string `json:"incident"`
	SLO       string `json:"slo"`
	Objective string `json:"objective"` // service/slo/objective
	Target    string `json:"target,omitempty"`
	Window    string `json:"window,omitempty"` // "30d"
	Condition string `json:"condition,omitempty"`
	Policy    string `json:"policy,omitempty"`
	// StartsAt is since when budget burns, EndsAt when that ended; zero: not yet.
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at,omitzero"`
	// Long and Short are the burn rates; Threshold is what both must exceed.
	Long      *Rate  `json:"long,omitempty"`
	Short     *Rate  `json:"short,omitempty"`
	Threshold string `json:"threshold,omitempty"`
	// Bad of Total events were bad in the long look-back; Total 0: not known.
	Bad   float64 `json:"bad"`
	Total float64 `json:"total"`
	// Remaining is the share of the budget that is left, below 0 when overdrawn;
	// Lost the share that this incident cost.
	Remaining *float64 `json:"remaining,omitempty"`
	Lost      *float64 `json:"lost,omitempty"`
	// Exhausts is in how many seconds the budget is gone if this goes on.
	Exhausts *int64 `json:"exhausts_in_seconds,omitempty"`
	// Changes are what happened just before, newest first, as far back as Looked;
	// 0: nobody looked.
	Changes []Change      `json:"changes"`
	Looked  time.Duration `json:"-"`
	// Notes are further sentences, as the evidence or what else burns.
	Notes []string `json:"notes,omitempty"`
	// Escalates names the ticket that a page continues.
	Escalates string `json:"escalates,omitempty"`
	// Again says that it may have been told before: it was not known whether that
	// had arrived.
	Again bool `json:"again,omitempty"`
	// Labels are the objective's own.
	Labels map[string]string `json:"labels,omitempty"`
}

// Rate is how fast budget was lost over a look-back: 1 spends exactly the budget
// in the window. Value is nil without traffic or data.
type Rate struct {
	Lookback string   `json:"lookback"` // "1h"
	Value    *float64 `json:"value"`
}

// Change is something that happened before an alert and may be why.
type Change struct {
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"` // a kind of ledger entry: deploy, override, document ...
	Text  string    `json:"text"`
	Actor string    `json:"actor,omitempty"`
	ID    string    `json:"id,omitempty"` // in the ledger
}
