package alert

import (
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/evidence"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Kind is what happened.
type Kind string

// The kinds of events.
const (
	Opened    Kind = "opened"    // an incident is told for the first time
	Escalated Kind = "escalated" // a page beside an open ticket, or an open incident that concerns further targets
	Resolved  Kind = "resolved"  // a told incident is over
	HeldBack  Kind = "held_back" // an incident began, or would be told, and something keeps it back; nobody is told
	NoData    Kind = "no_data"   // conditions of an objective cannot be judged
	DataBack  Kind = "data_back" // they can again
)

// Event is something that happened. Numbers are those of the rule it names, at
// the instant it names.
type Event struct {
	Kind Kind `json:"kind"`
	// Incident is the ID of the incident; for NoData and DataBack one of its own.
	Incident  string       `json:"incident"`
	Objective string       `json:"objective"`
	Service   string       `json:"service"`
	Rule      string       `json:"rule"`
	Policy    string       `json:"policy,omitempty"`
	Severity  slo.Severity `json:"severity"` // 0 page, 1 ticket
	At        slo.Minute   `json:"at"`
	// Since is when the condition began to hold, Fired when the rule fired, Ended
	// when the incident ended (Resolved only).
	Since slo.Minute `json:"since"`
	Fired slo.Minute `json:"fired,omitempty"`
	Ended slo.Minute `json:"ended,omitempty"`
	// Targets are whom to tell; empty for HeldBack.
	Targets []string `json:"targets,omitempty"`
	// HeldBy is what keeps it back (HeldBack only), Escalates the ticket a page
	// continues.
	HeldBy    string            `json:"held_by,omitempty"`
	Escalates string            `json:"escalates,omitempty"`
	Reasons   []decision.Reason `json:"reasons"`

	Threshold string     `json:"threshold,omitempty"`
	LongLook  slo.Minute `json:"long_look,omitempty"`
	ShortLook slo.Minute `json:"short_look,omitempty"`
	Long      *float64   `json:"long"`
	Short     *float64   `json:"short"`
	Bad       float64    `json:"bad"`
	Total     float64    `json:"total"`
	Remaining *float64   `json:"remaining"`
	Evidence  *float64   `json:"evidence,omitempty"`
}

// Key is the same for the same event wherever it is computed.
func (e *Event) Key() string {
	return fmt.Sprintf("%s/%s/%d", e.Incident, e.Kind, e.At)
}

// Tells says whether anybody is to be told.
func (e *Event) Tells() bool { return len(e.Targets) > 0 }

// incidentID names an incident so that people can read it.
func incidentID(objective string, severity slo.Severity, opened slo.Minute) string {
	return objective + "/" + severity.String() + "@" + opened.Time().Format("2006-01-02T15:04Z")
}

// event begins an event of a rule.
func (x *step) event(kind Kind, i int) Event {
	r, s := &x.in.Set.rules[i], x.sample(i)
	a := x.s.Alerts[r.ID]
	return Event{
		Kind: kind, Objective: r.Of(), Service: r.Service, Rule: r.ID, Policy: r.Policy, Severity: r.Severity,
		At: x.in.At, Since: a.Since, Fired: a.Fired, Threshold: r.Threshold.String(),
		LongLook: r.Condition.Long, ShortLook: r.Condition.Short, Long: s.Long, Short: s.Short,
		Bad: s.Bad, Total: s.Total, Remaining: s.Remaining, Evidence: s.Evidence,
	}
}

// burning says in words what a rule's sample is.
func burning(r *Rule, s *Sample) []decision.Reason {
	var out []decision.Reason
	add := func(code, format string, args ...any) {
		out = append(out, decision.Reason{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	if r.Weighted {
		add("burning", "%s: %.6g of %.6g events were bad in %s, more than a share of the period's budget that burns it at %sx",
			r.Name, s.Bad, s.Total, slo.FormatLength(r.Long), r.Threshold)
	} else {
		add("burning", "%s: the budget burns at %s in %s and at %s in %s, above %sx", r.Name,
			rate(s.Long), slo.FormatLength(r.Long), rate(s.Short), slo.FormatLength(r.Short), r.Threshold)
	}
	if s.Remaining != nil {
		add("budget", "%.1f %% of the budget is left", 100**s.Remaining)
	}
	if s.Evidence != nil && *s.Evidence > 0 {
		add("evidence", "an objective that is kept shows so much evidence against itself once in %s, or more rarely", evidence.Seldom(*s.Evidence))
	}
	return out
}

func rate(v *float64) string {
	if v == nil {
		return "an unknown rate"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3g", *v), ".0") + "x"
}
