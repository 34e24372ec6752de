// Package alert is the shell that has alerts decided and people told.
//
// [Run] evaluates each minute that can be known and was not decided yet, lets
// internal/alert decide it, keeps the new state and what is to be told in one
// note beside the history, under its version, and then tells. So two programs
// never decide the same minute twice, and what was decided is told even if the
// program that decided it was killed before it could. What was begun and not
// recorded as done is told again, marked as such.
package alert

import (
	"slices"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/evidence"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Routes are the rules of a catalog, and where the targets they name are.
type Routes struct {
	Rules []alert.Rule
	Where map[string]To
	// Nowhere are the targets whose documents do not say where they are: nobody is
	// told by them, so that no rule has them among its targets.
	Nowhere []string
}

// To is somebody to tell.
type To struct {
	Address notify.Address
	// Hours are when tickets are told (notify.ParseHours); "": the hours of
	// Settings.
	Hours string
}

// Of reads the rules off a catalog. An objective without an AlertPolicy has the
// default conditions and the targets of Settings; a condition that several
// policies name is one rule that tells all their targets, unless they differ in
// how long it must hold or in the evidence.
func Of(c *config.Catalog) Routes {
	out := Routes{Where: map[string]To{}}
	page, ticket := out.defaults(c.Settings.Alerts.Page), out.defaults(c.Settings.Alerts.Ticket)
	services := map[string][]string{}
	for i := range c.Services {
		services[c.Services[i].Name] = c.Services[i].DependsOn
	}
	for i := range c.Objectives {
		o := &c.Objectives[i]
		base := alert.Rule{Service: o.Service, SLO: o.SLO, Objective: o.Name}
		base.DependsOn = slices.Concat(services[o.Service], o.DependsOn)
		if len(o.AlertPolicies) > 0 {
			out.policies(c, o, base)
			continue
		}
		for _, cond := range o.Conditions {
			r := base
			r.Condition, r.ID = cond, o.Key()+"/"+cond.Name
			r.Breaching, r.Resolved = true, true
			r.Targets = page
			if cond.Severity == slo.Ticket {
				// One who waits for the morning is told that nothing is known.
				r.Targets, r.NoData = ticket, true
			}
			r.Mute = len(r.Targets) == 0
			out.Rules = append(out.Rules, r)
		}
	}
	return out
}

// defaults names the addresses of Settings.
func (r *Routes) defaults(addresses []string) (names []string) {
	for _, text := range addresses {
		a, err := notify.Parse(text)
		if err != nil {
			r.nowhere(text) // refused by lint
			continue
		}
		names = append(names, r.name(a.String(), To{Address: a}))
	}
	return names
}

// name gives a target its name; what has another's gets one of its own.
func (r *Routes) name(name string, to To) string {
	for taken, ok := r.Where[name]; ok && taken != to; taken, ok = r.Where[name] {
		name += "'"
	}
	r.Where[name] = to
	return name
}

func (r *Routes) nowhere(name string) {
	if !slices.Contains(r.Nowhere, name) {
		r.Nowhere = append(r.Nowhere, name)
	}
}

// policies adds the rules of an objective's own policies.
func (r *Routes) policies(c *config.Catalog, o *config.Objective, base alert.Rule) {
	for i := range c.AlertPolicies {
		p := &c.AlertPolicies[i]
		at := slices.IndexFunc(o.Conditions, func(x slo.Condition) bool { return x.Name == p.Condition.Name })
		if at < 0 || !slices.Contains(o.AlertPolicies, p.Name) {
			continue // of another objective, or one that can never hold and was left out
		}
		rule := base
		rule.Condition, rule.ID, rule.Policy = o.Conditions[at], o.Key()+"/"+p.Condition.Name, p.Name
		rule.After, rule.NoData, rule.Breaching, rule.Resolved = p.After, p.NoData, p.Breaching, p.Resolved
		if p.Evidence > 0 {
			rule.Evidence = evidence.Limit(p.Evidence)
		}
		for _, t := range p.Targets {
			if t.Address.Kind == "" {
				if t.Target != "none" { // which tells nobody on purpose
					r.nowhere(t.Name)
				}
				continue
			}
			rule.Targets = append(rule.Targets, r.name(t.Name, To{t.Address, t.Hours}))
		}
		rule.Mute = len(rule.Targets) == 0
		r.join(rule)
	}
}

// join adds a rule, or its targets to the one it is the same as.
func (r *Routes) join(rule alert.Rule) {
	for i := range r.Rules {
		have := &r.Rules[i]
		if have.ID != rule.ID {
			continue
		}
		if have.After != rule.After || have.Evidence != rule.Evidence || have.Breaching != rule.Breaching ||
			have.Resolved != rule.Resolved || have.NoData != rule.NoData {
			rule.ID += "@" + rule.Policy
			r.Rules = append(r.Rules, rule)
			return
		}
		for _, t := range rule.Targets {
			if !slices.Contains(have.Targets, t) {
				have.Targets = append(have.Targets, t)
			}
		}
		have.Mute = len(have.Targets) == 0
		return
	}
	r.Rules = append(r.Rules, rule)
}
