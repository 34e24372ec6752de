package gate

import (
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Row names a row of the verdict table: what the evidence amounts to.
type Row string

// The rows, strongest first. A reason's Code is its row.
const (
	RowRollback         Row = "rollback"
	RowOverride         Row = "override"
	RowFreeze           Row = "freeze"
	RowExhausted        Row = "exhausted"
	RowCritical         Row = "critical"
	RowFastBurn         Row = "fast_burn"
	RowStale            Row = "stale"
	RowSilent           Row = "silent"
	RowNoTraffic        Row = "no_traffic"
	RowInsufficientData Row = "insufficient_data"
	RowUnknown          Row = "unknown"
	RowNew              Row = "new"
	RowCaution          Row = "caution"
	RowSlowBurn         Row = "slow_burn"
	RowHealthy          Row = "healthy"
)

// Reasons that are no rows of the table: a policy cannot map them.
const (
	RowInvalid    Row = "invalid_request" // the request makes no sense; nothing was decided
	RowError      Row = "error"           // the evidence could not be had; OnError answers
	RowUnmeasured Row = "unmeasured"      // nothing is measured, or not what the policy asks for
	RowExempt     Row = "exempt"          // a freeze in force that does not hold this class
	RowClass      Row = "class"           // what a change counts as, and why; decides nothing by itself
)

// Class says what a change is for.
type Class string

// The change classes. Unknown classes are refused before a decision.
const (
	ClassChange   Class = "change" // the default
	ClassFix      Class = "fix"
	ClassSecurity Class = "security"
	ClassRollback Class = "rollback"
)

// Mode says whether a verdict binds.
type Mode string

// The modes.
const (
	ModeEnforce Mode = "enforce"
	ModeAdvise  Mode = "advise"
)

// OnError says what happens when the evidence cannot be had at all.
type OnError string

// The answers to an operational error.
const (
	OnErrorBlock OnError = "block"
	OnErrorWarn  OnError = "warn"
)

// Policy is a GatePolicy, resolved. The zero Policy is the default table,
// enforced, blocking on errors, with two overrides a week for at most 24 hours.
type Policy struct {
	Name string `json:"name"`
	// Verdicts overrides rows of the table. Class-specific rows are spelled
	// "fix:exhausted"; they win over plain ones, which speak for every class. A
	// row made milder than the table hides nothing that stands behind it; a row
	// made stricter always counts.
	Verdicts map[string]decision.Verdict `json:"verdicts,omitempty"`
	Mode     Mode                        `json:"mode,omitempty"`
	OnError  OnError                     `json:"on_error,omitempty"`
	// Objectives limits the decision to these SLOs of the service; empty: all.
	Objectives []string `json:"objectives,omitempty"`
	// DependsOn names services (or service/slo) whose budgets count too; their
	// verdict is taken at most as DependencyVerdict (default warn; Inconclusive
	// is the zero value and means the default).
	DependsOn         []string         `json:"depends_on,omitempty"`
	DependencyVerdict decision.Verdict `json:"dependency_verdict,omitempty"`
	Freezes           []FreezeRule     `json:"freezes,omitempty"`
	Override          OverrideRule     `json:"override,omitzero"`
	// Identity says whose word counts for who somebody is, Classes what has to
	// be seen before a class of change is believed.
	Identity Identity  `json:"identity,omitzero"`
	Classes  ClassRule `json:"classes,omitzero"`
	// Evidence is how rarely an objective that is kept shows as much evidence
	// against itself as a burning budget needs to hold a change: below that it
	// counts at most as warn. 0: a burn counts as it stands. Evidence that is not
	// known excuses nothing.
	Evidence slo.Minute `json:"evidence,omitempty"`
	// Notify are the addresses that hear of a halt and of an override.
	Notify []string `json:"notify,omitempty"`
}

// FreezeRule is a recurring or one-off stretch in which nothing ships. Cron is
// five fields in Zone; a freeze runs Duration from each match. A Holiday is a
// whole civil day in Zone. From/To is a one-off.
type FreezeRule struct {
	Name     string        `json:"name"`
	Reason   string        `json:"reason,omitempty"`
	Cron     string        `json:"cron,omitempty"`
	Duration time.Duration `json:"duration,omitempty"`
	Zone     string        `json:"zone,omitempty"`
	Holidays []string      `json:"holidays,omitempty"` // 2006-01-02 or 01-02 for every year
	From     time.Time     `json:"from,omitzero"`
	To       time.Time     `json:"to,omitzero"`
	Exempt   []Class       `json:"exempt,omitempty"` // rollback always is
}

// OverrideRule limits who may pass a halted gate, how often and for how long.
type OverrideRule struct {
	PerWeek int           `json:"per_week,omitempty"` // 0: the default, 2; negative: never allowed
	MaxFor  time.Duration `json:"max_for,omitempty"`  // 0: the default, 24 h
	Actors  []string      `json:"actors,omitempty"`   // empty: anybody
	Allowed Allowed       `json:"allowed,omitzero"`   // needs an Identity
}
