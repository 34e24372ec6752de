package alert

import (
	"encoding/json"
	"fmt"
	"maps"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Phase is where a rule stands. The zero value is inactive.
type Phase uint8

// The phases.
const (
	Inactive Phase = iota
	Pending        // the condition holds, but not for long enough yet
	Firing
)

// String returns "inactive", "pending" or "firing".
func (p Phase) String() string {
	switch p {
	case Pending:
		return "pending"
	case Firing:
		return "firing"
	case Inactive:
	}
	return "inactive"
}

// MarshalText implements encoding.TextMarshaler.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Phase) UnmarshalText(b []byte) error {
	for phase := Inactive; phase <= Firing; phase++ {
		if phase.String() == string(b) {
			*p = phase
			return nil
		}
	}
	return fmt.Errorf("unknown phase %.40q; it is one of inactive, pending, firing", b)
}

// Alert is a rule that is not at rest. Instants are ends of evaluated minutes.
type Alert struct {
	Phase Phase `json:"phase"`
	// Since is when the condition began to hold, Fired when the rule began to
	// fire; 0: it does not.
	Since slo.Minute `json:"since,omitempty"`
	Fired slo.Minute `json:"fired,omitempty"`
	// Held is for how many known minutes it has held since Since.
	Held slo.Minute `json:"held,omitempty"`
	// Last is when it was last known to hold.
	Last slo.Minute `json:"last,omitempty"`
	// Frozen is since when nothing is known; 0: something is.
	Frozen slo.Minute `json:"frozen,omitempty"`
}

// Incident is the newest incident of an objective at one severity.
type Incident struct {
	// ID is the same wherever it is computed: objective, severity and Opened.
	ID        string `json:"id"`
	Objective string `json:"objective"`
	// Page says whether it wakes somebody; else it is a ticket.
	Page bool `json:"page"`
	// Since is when the first condition began to hold, Opened when its rule fired.
	Since  slo.Minute `json:"since"`
	Opened slo.Minute `json:"opened"`
	// Told is when people were told of it, Targets whom; 0: nobody yet, and Held
	// says why.
	Told    slo.Minute `json:"told,omitempty"`
	Targets []string   `json:"targets,omitempty"`
	Held    string     `json:"held,omitempty"`
	// Rules are those that have fired in it.
	Rules []string `json:"rules"`
	// Last is when one was last firing; Ended is the first minute behind it known
	// to be quiet, and Quiet how many of those there were. 0: it fires.
	Last  slo.Minute `json:"last"`
	Ended slo.Minute `json:"ended,omitempty"`
	Quiet slo.Minute `json:"quiet,omitempty"`
	// Closed is when it was taken as over; 0: it is open.
	Closed slo.Minute `json:"closed,omitempty"`
	// Escalates is the ID of the ticket that was open when this page was told.
	Escalates string `json:"escalates,omitempty"`
}

// Open says whether an incident is not over.
func (i *Incident) Open() bool { return i.ID != "" && i.Closed == 0 }

// Severity is whom an incident reaches.
func (i *Incident) Severity() slo.Severity {
	if i.Page {
		return slo.Page
	}
	return slo.Ticket
}

// Blind is a stretch in which conditions of an objective cannot be judged.
type Blind struct {
	Since slo.Minute `json:"since"`
	// Minutes is how many were evaluated and found unknown.
	Minutes slo.Minute `json:"minutes"`
	Told    slo.Minute `json:"told,omitempty"`
	Targets []string   `json:"targets,omitempty"`
}

// State is everything that [Step] knows. It survives JSON. The zero value knows
// nothing.
type State struct {
	// Alerts are the rules that are not at rest, by ID.
	Alerts map[string]Alert `json:"alerts,omitempty"`
	// Incidents are the newest of each objective and severity, by "objective
	// severity".
	Incidents map[string]Incident `json:"incidents,omitempty"`
	// Blind are the objectives that cannot be judged.
	Blind map[string]Blind `json:"blind,omitempty"`
	// Seen is up to when each objective is decided.
	Seen map[string]slo.Minute `json:"seen,omitempty"`
}

// Clone copies a state.
func (s *State) Clone() State {
	out := State{Alerts: maps.Clone(s.Alerts), Incidents: maps.Clone(s.Incidents), Blind: maps.Clone(s.Blind), Seen: maps.Clone(s.Seen)}
	out.ready()
	return out
}

func (s *State) ready() {
	if s.Alerts == nil {
		s.Alerts = map[string]Alert{}
	}
	if s.Incidents == nil {
		s.Incidents = map[string]Incident{}
	}
	if s.Blind == nil {
		s.Blind = map[string]Blind{}
	}
	if s.Seen == nil {
		s.Seen = map[string]slo.Minute{}
	}
}

// AtRest says that nothing is pending, firing, frozen or open: a step in which
// every condition is false then changes nothing but Seen, and tells nothing.
func (s *State) AtRest() bool {
	if len(s.Alerts) > 0 || len(s.Blind) > 0 {
		return false
	}
	for _, i := range s.Incidents {
		if i.Open() {
			return false
		}
	}
	return true
}

// Equal says whether two states know the same, apart from up to when objectives
// are decided.
func (s *State) Equal(o *State) bool {
	return sameJSON(s.Alerts, o.Alerts) && sameJSON(s.Incidents, o.Incidents) && sameJSON(s.Blind, o.Blind)
}

func sameJSON[V any](a, b map[string]V) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
