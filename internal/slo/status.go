package slo

import "fmt"

// Level is how much budget is left, in words. The zero value is unknown.
type Level uint8

// The levels: remaining > 0.25, > 0.10, > 0, <= 0.
const (
	Unknown Level = iota
	Healthy
	Caution
	Critical
	Exhausted
)

// String returns the word that messages and JSON use.
func (l Level) String() string {
	switch l {
	case Healthy:
		return "healthy"
	case Caution:
		return "caution"
	case Critical:
		return "critical"
	case Exhausted:
		return "exhausted"
	case Unknown:
	}
	return "unknown"
}

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(b []byte) error {
	for level := Unknown; level <= Exhausted; level++ {
		if level.String() == string(b) {
			*l = level
			return nil
		}
	}
	return fmt.Errorf("unknown level %q; it is one of healthy, caution, critical, exhausted, unknown", clip(string(b)))
}

// Flag is a circumstance that changes what a status is worth. Its value is the
// word that messages and JSON use.
type Flag string

// The flags.
const (
	FastBurn         Flag = "fast_burn"         // a page condition is true
	SlowBurn         Flag = "slow_burn"         // a ticket condition is true
	InsufficientData Flag = "insufficient_data" // coverage below the limit in a look-back used
	Stale            Flag = "stale"             // the frontier is older than allowed
	Silent           Flag = "silent"            // no traffic where earlier weeks had some
	NoTraffic        Flag = "no_traffic"        // no event in the whole window
	New              Flag = "new"               // too young a period to project from
	Relineaged       Flag = "relineaged"        // the query changed inside the window
)

// Truth is the state of a condition. The zero value is unknown: it neither
// fires nor resolves anything.
type Truth uint8

// The truth values.
const (
	Undetermined Truth = iota
	True
	False
)

// String returns "true", "false" or "unknown".
func (t Truth) String() string {
	switch t {
	case True:
		return "true"
	case False:
		return "false"
	case Undetermined:
	}
	return "unknown"
}

// ErrorBudget is a budget in events (or slices; a composite's is 1). Remaining is 1 - spent/allowed,
// signed and never clamped; it is nil where it cannot be known.
type ErrorBudget struct {
	Allowed   float64
	Spent     float64
	Remaining *float64
}

// BurnRate is the speed at which budget was spent over a look-back: 1 spends
// exactly the budget in the window. Rate is nil without traffic.
type BurnRate struct {
	Lookback Minute
	Rate     *float64
	Stretch  Stretch
}

// Exhaustion is when the budget runs out if errors keep arriving as in the
// look-back. In is nil when it never does, 0 when it has.
type Exhaustion struct {
	Lookback Minute
	In       *Minute
}

// ConditionState is a condition and whether it holds.
type ConditionState struct {
	Condition
	Truth       Truth
	Long, Short *float64 // burn rates; nil without traffic or data
}

// Status is everything known about one objective at one instant.
type Status struct {
	Objective  *Objective
	At         Minute // asked for
	Frontier   Minute // answered at: the end of the newest usable minute
	Window     Span   // what was counted
	Stretch    Stretch
	SLI        *float64
	Budget     ErrorBudget
	Burns      []BurnRate // ascending look-backs
	Exhausts   []Exhaustion
	Conditions []ConditionState
	Level      Level
	Flags      []Flag
}

// Input is what Evaluate needs to know about one objective.
type Input struct {
	Objective *Objective
	// View holds the objective's own history: minutes for Occurrences, slices
	// for the slice methods. For composites Members holds one view a member.
	View    View
	Members []View
	// At is the instant asked about; windows end at the view's frontier, or at
	// At if that is earlier.
	At Minute
	// Lineages are the instants at which what is measured changed.
	Lineages []Minute
}

// Loss is a stretch in which budget was lost: Share is its bad events over the
// window's allowed ones.
type Loss struct {
	Span  Span
	Bad   Amount
	Total Amount
	Share float64
	// Member names the part of a composite it was lost in; empty otherwise.
	Member string
}
