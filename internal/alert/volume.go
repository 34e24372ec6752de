package alert

import (
	"fmt"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// FewBad is how many bad events a condition should rest on at least: below that,
// chance decides.
const FewBad = 5

// The codes of what Volume says.
const (
	// TooFew is of an objective as a whole: its fastest conditions are hopeless.
	TooFew   = "too_few_events"
	Hopeless = "hopeless" // a condition that a single bad event makes true
	Weak     = "weak"     // one that fewer than FewBad do
)

// volume is the traffic of an objective, and what its budget comes to.
type volume struct {
	o         *slo.Objective
	perMinute float64
	budget    float64 // of 1
	allowed   float64 // bad events in the period
}

// Volume says what the traffic of an objective cannot carry: first of the
// objective as a whole ([TooFew]), then of each condition ([Hopeless], [Weak]),
// pages and tickets by the same arithmetic. Nothing is said where nothing was
// measured, and of time slices and composites, whose unit is not the event.
func Volume(st *slo.Status) []decision.Reason {
	o := st.Objective
	if o == nil || o.Window == nil || o.Budgeting != slo.Occurrences || len(o.Members) > 0 || st.Stretch.Measured <= 0 || st.Stretch.Total <= 0 {
		return nil
	}
	v := volume{o: o, perMinute: st.Stretch.Total.Float() / float64(st.Stretch.Measured), budget: o.Target.Complement().Float()}
	v.allowed = v.budget * v.perMinute * float64(o.Window.Period(st.Frontier).Len())
	var out []decision.Reason
	if text := v.whole(); text != "" {
		out = append(out, decision.Reason{Code: TooFew, Text: text})
	}
	for i := range o.Conditions {
		if r := v.condition(&o.Conditions[i]); r.Code != "" {
			out = append(out, r)
		}
	}
	return out
}

// fires is how many bad events are at a condition's threshold; one more is over
// it.
func (v *volume) fires(c *slo.Condition) float64 {
	return c.Threshold.Float() * v.budget * v.perMinute * float64(c.Long)
}

// hopeless are the conditions of a severity that a single bad event makes true,
// and how many there are of it.
func (v *volume) hopeless(severity slo.Severity) (names []string, of int) {
	for i := range v.o.Conditions {
		if c := &v.o.Conditions[i]; c.Severity == severity {
			of++
			if v.fires(c) < 1 {
				names = append(names, c.Name)
			}
		}
	}
	return names, of
}

// whole says of the objective that its traffic carries no alert: one of its pages
// cannot be told from chance, or, where it has none, one of its tickets.
func (v *volume) whole() string {
	pages, ofPages := v.hopeless(slo.Page)
	tickets, ofTickets := v.hopeless(slo.Ticket)
	if len(pages) == 0 && (ofPages > 0 || len(tickets) == 0) {
		return ""
	}
	text := fmt.Sprintf("this objective cannot be alerted on at this volume: one failure is %.2g %% of the budget (%.3g events a minute leave %.3g failures in %s)",
		100/v.allowed, v.perMinute, v.allowed, v.o.Window)
	switch {
	case ofPages == 0 || ofTickets == 0:
	case len(tickets) == 0:
		text += "; its tickets can be told from chance"
	case len(tickets) == ofTickets:
		text += "; its tickets cannot either"
	default:
		text += "; of its tickets these cannot either: " + strings.Join(tickets, ", ")
	}
	return text
}

// condition says what the traffic is for one condition; without a code it is
// enough.
func (v *volume) condition(c *slo.Condition) decision.Reason {
	fires, minBad := v.fires(c), v.o.MinBad
	least := max(fires, minBad.Float()-1)
	switch {
	case fires < 1 && minBad <= slo.Unit:
		return decision.Reason{Code: Hopeless, Text: fmt.Sprintf(
			"%s cannot be alerted on at this volume: at %.3g events a minute one failure is %.2g %% of the budget, and it alone fires",
			c.Name, v.perMinute, 100/v.allowed)}
	case fires < 1:
		return decision.Reason{Code: Hopeless, Text: fmt.Sprintf(
			"%s cannot be alerted on well at this volume: at %.3g events a minute one failure is %.2g %% of the budget; the %g bad events it waits for are %.2g %%",
			c.Name, v.perMinute, 100/v.allowed, minBad.Float(), 100*minBad.Float()/v.allowed)}
	case least < FewBad-1:
		return decision.Reason{Code: Weak, Text: fmt.Sprintf(
			"%s fires on %.0f failures at %.3g events a minute: annotate nines/min-bad-events: \"%d\"", c.Name, fires+1, v.perMinute, FewBad)}
	}
	return decision.Reason{}
}
