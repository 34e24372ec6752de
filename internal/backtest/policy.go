package backtest

import (
	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Policy is a set of alert rules that any objective can be held to.
type Policy struct {
	Name  string
	Rules []Rule
	// MinBad is how many bad events the long look-back must hold at least.
	MinBad slo.Amount
}

// Rule is a condition, and for how long it must hold before it fires.
type Rule struct {
	slo.Condition
	After slo.Minute
}

// PolicyOf is the policy that an objective has by its documents; after gives
// the delays of conditions by name, where there are any.
func PolicyOf(name string, o *slo.Objective, after map[string]slo.Minute) Policy {
	p := Policy{Name: name, MinBad: o.MinBad}
	for _, c := range o.Conditions {
		p.Rules = append(p.Rules, Rule{Condition: c, After: after[c.Name]})
	}
	return p
}

// alerts are the policy's rules for an objective, as package alert knows them.
// Pages and tickets go to two targets, so that a page escalates a ticket.
func (p *Policy) alerts(o *slo.Objective) []alert.Rule {
	out := make([]alert.Rule, len(p.Rules))
	for i, r := range p.Rules {
		out[i] = alert.Rule{
			ID: o.Key() + "/" + r.Name, Service: o.Service, SLO: o.SLO, Objective: o.Name,
			Condition: r.Condition, After: r.After, Policy: p.Name, Targets: []string{r.Severity.String()},
			Breaching: true, Resolved: true, DependsOn: o.DependsOn,
		}
	}
	return out
}
