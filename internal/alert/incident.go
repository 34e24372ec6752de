package alert

import (
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// incident brings a group's incident up to date.
func (x *step) incident(g *group) {
	inc := x.s.Incidents[g.key]
	firing := x.firing(g)
	switch {
	case len(firing) == 0 && !inc.Open():
		return
	case len(firing) == 0:
		x.wane(g, &inc)
	default:
		x.burn(g, &inc, firing)
		// What is unknown tells nothing, not even that nothing hushes it any more.
		firing = slices.DeleteFunc(firing, func(i int) bool { return x.s.Alerts[x.in.Set.rules[i].ID].Frozen != 0 })
		if len(firing) > 0 {
			x.tell(g, &inc, firing)
		}
	}
	x.s.Incidents[g.key] = inc
}

// firing are the rules of a group that fire, frozen ones too.
func (x *step) firing(g *group) (out []int) {
	for _, i := range g.rules {
		if x.s.Alerts[x.in.Set.rules[i].ID].Phase == Firing {
			out = append(out, i)
		}
	}
	return out
}

// burn opens an incident, or goes on with it.
func (x *step) burn(g *group, inc *Incident, firing []int) {
	if !inc.Open() {
		*inc = Incident{
			ID: incidentID(g.objective, g.severity, x.in.At), Objective: g.objective, Page: g.severity == slo.Page, Opened: x.in.At,
			Last: x.in.At,
		}
		for _, i := range firing {
			since := x.s.Alerts[x.in.Set.rules[i].ID].Since
			if inc.Since == 0 || since < inc.Since {
				inc.Since = since
			}
		}
	}
	inc.Ended, inc.Quiet = 0, 0
	// A state's slices are shared with the one it was cloned from.
	inc.Rules = slices.Clone(inc.Rules)
	for _, i := range firing {
		id := x.in.Set.rules[i].ID
		if x.s.Alerts[id].Frozen == 0 {
			inc.Last = x.in.At
		}
		if !slices.Contains(inc.Rules, id) {
			inc.Rules = append(inc.Rules, id)
		}
	}
}

// wane counts the quiet minutes of an incident in which nothing fires, and
// closes it. Minutes in which one of its rules is unknown are not quiet.
func (x *step) wane(g *group, inc *Incident) {
	for _, id := range inc.Rules {
		if x.s.Alerts[id].Frozen != 0 {
			return
		}
	}
	if inc.Ended == 0 {
		inc.Ended = x.in.At
	} else {
		inc.Quiet++
	}
	if inc.Quiet < x.in.hold() {
		return
	}
	inc.Closed = x.in.At
	if inc.Told > 0 {
		x.resolve(g, inc)
	}
}

// resolve tells those who were told and want to know the end.
func (x *step) resolve(g *group, inc *Incident) {
	at := g.rules[0]
	var targets []string
	for _, i := range slices.Backward(g.rules) {
		r := &x.in.Set.rules[i]
		if !slices.Contains(inc.Rules, r.ID) {
			continue
		}
		at = i
		if r.Resolved {
			targets = append(targets, r.Targets...)
		}
	}
	targets = slices.DeleteFunc(targets, func(t string) bool { return !slices.Contains(inc.Targets, t) })
	e := x.event(Resolved, at)
	e.Incident, e.Since, e.Fired, e.Ended, e.Escalates = inc.ID, inc.Since, inc.Opened, inc.Ended, inc.Escalates
	e.Targets = distinct(targets)
	e.Reasons = []decision.Reason{{Code: "ended", Text: "no rule of the incident fires any more"}}
	x.out = append(x.out, e)
}

// tell tells of an incident: for the first time, or those whom a rule that
// joined it concerns and who were not told.
func (x *step) tell(g *group, inc *Incident, firing []int) {
	var speaking []int
	cause := ""
	for _, i := range firing {
		why := x.hushed(g, i)
		if why == "" {
			speaking = append(speaking, i)
		} else if cause == "" {
			cause = why
		}
	}
	if len(speaking) == 0 {
		if inc.Told == 0 && inc.Held == "" {
			e := x.event(HeldBack, firing[0])
			e.Incident, e.HeldBy = inc.ID, cause
			e.Reasons = append(burning(&x.in.Set.rules[firing[0]], x.sample(firing[0])), decision.Reason{Code: "held_back", Text: "held back by " + cause})
			x.out = append(x.out, e)
		}
		if inc.Told == 0 {
			inc.Held = cause
		}
		return
	}
	var targets []string
	for _, i := range speaking {
		targets = append(targets, x.in.Set.rules[i].Targets...)
	}
	targets = distinct(slices.DeleteFunc(targets, func(t string) bool { return slices.Contains(inc.Targets, t) }))
	if inc.Told > 0 && len(targets) == 0 {
		return
	}
	x.open(g, inc, speaking[0], targets)
}

// open is the event by which an incident, or more of it, is told.
func (x *step) open(g *group, inc *Incident, i int, targets []string) {
	e := x.event(Opened, i)
	e.Incident, e.Targets = inc.ID, targets
	e.Since = inc.Since
	e.Reasons = burning(&x.in.Set.rules[i], x.sample(i))
	say := func(code, text string) { e.Reasons = append(e.Reasons, decision.Reason{Code: code, Text: text}) }
	if inc.Told > 0 {
		e.Kind = Escalated
		e.Escalates = inc.ID
		say("further", "it concerns more people than at first")
	} else if inc.Held != "" {
		say("was_held_back", "it was held back by "+inc.Held)
	}
	if ticket := x.s.Incidents[incidentKey(g.objective, slo.Ticket)]; inc.Told == 0 && inc.Page && ticket.Open() && ticket.Told > 0 {
		e.Kind, e.Escalates, inc.Escalates = Escalated, ticket.ID, ticket.ID
		say("escalated", "a ticket is open since "+ticket.Opened.Time().Format("2006-01-02T15:04Z"))
	}
	if inc.Told == 0 {
		inc.Told, inc.Held = x.in.At, ""
	}
	inc.Targets = slices.Concat(inc.Targets, targets)
	x.out = append(x.out, e)
}

// distinct is targets, each once, in their order.
func distinct(targets []string) []string {
	out := targets[:0]
	for _, t := range targets {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
