package config

import (
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// condition is a condition and the places of its numbers, for what only shows
// once it meets an objective.
type condition struct {
	slo.Condition
	shortSaid bool
	threshold fault.Place
	lookback  fault.Place
	evidence  fault.Place // of the annotation; Line 0: there is none
}

// conditionsOf resolves an SLO's alert policies to conditions and names.
func (l *loader) conditionsOf(s *openslo.SLO) (out []condition, names []string) {
	for _, p := range s.Policies {
		policy := p.Inline
		if policy == nil {
			policy = l.policies[p.Ref.Name]
			if _, broken := l.names["AlertPolicy "+p.Ref.Name]; policy == nil && !broken && p.Ref.Name != "" {
				l.dangling(p.Ref, "AlertPolicy", sortedKeys(l.policies))
			}
		}
		if policy == nil {
			continue
		}
		if p.Inline != nil {
			l.addAlertPolicy(policy)
		}
		names = append(names, policy.Meta.Name)
		for _, c := range policy.Conditions {
			if cond := l.conditionOf(c); cond != nil {
				out = append(out, l.pair(cond))
			}
		}
	}
	return out, names
}

func (l *loader) conditionOf(c openslo.ConditionRef) *openslo.AlertCondition {
	if c.Inline != nil || c.Ref.Name == "" {
		return c.Inline
	}
	cond := l.conditions[c.Ref.Name]
	if _, broken := l.names["AlertCondition "+c.Ref.Name]; cond == nil && !broken {
		l.dangling(c.Ref, "AlertCondition", sortedKeys(l.conditions))
	}
	return cond
}

// pair reads a condition of OpenSLO as a pair of look-backs. It has one; the
// short one is a twelfth of it unless an annotation says otherwise.
func (l *loader) pair(c *openslo.AlertCondition) condition {
	out := condition{threshold: c.ThresholdPlace, lookback: c.LookbackPlace}
	out.Condition = slo.Condition{
		Name: c.Meta.Name, Severity: severityOf(c.Severity.Name), Threshold: c.Threshold,
		Long: c.Lookback, Short: max(1, c.Lookback/12),
	}
	if a, ok := l.value(&c.Meta, "evidence"); ok {
		out.evidence = a.Place
	}
	if a, ok := l.value(&c.Meta, "short-window"); ok {
		out.Short, _ = slo.ParseLength(a.Value)
		out.shortSaid = true
		if out.Short > out.Long {
			l.once(a.Place, "impossible-condition", "take a twelfth of it", "the short look-back of %s is longer than the long one of %s", slo.FormatLength(out.Short), slo.FormatLength(out.Long))
		}
	}
	return out
}

// once reports an error unless the same was reported at the same place.
func (l *loader) once(at fault.Place, rule, hint, format string, args ...any) {
	for _, p := range l.report.Problems {
		if p.Place == at && p.Rule == rule {
			return
		}
	}
	l.report.Errorf(at, rule, hint, format, args...)
}

// severityOf reads a severity. Words nobody knows wake a person: a page too
// many is seen and mended, one too few is not.
func severityOf(word string) slo.Severity {
	if ticketWords()[strings.ToLower(word)] {
		return slo.Ticket
	}
	return slo.Page
}

func ticketWords() map[string]bool {
	return map[string]bool{
		"ticket": true, "warning": true, "warn": true, "low": true, "medium": true, "minor": true, "info": true,
		"sev3": true, "sev4": true, "sev5": true, "p3": true, "p4": true, "p5": true,
	}
}

func pageWords() map[string]bool {
	return map[string]bool{
		"page": true, "critical": true, "crit": true, "high": true, "major": true, "urgent": true, "emergency": true,
		"error": true, "sev0": true, "sev1": true, "sev2": true, "p0": true, "p1": true, "p2": true,
	}
}

// severity warns of a severity that is neither.
func (l *loader) severity(c *openslo.AlertCondition) {
	word := strings.ToLower(c.Severity.Name)
	if word == "" || ticketWords()[word] || pageWords()[word] {
		return
	}
	l.report.Warnf(c.Severity.Place, "unknown-severity", "write page or ticket", "severity %s is taken as page", quoted(c.Severity.Name))
}

// applyConditions gives an objective its conditions, or the default ones, and
// refuses those that can never be true.
func (l *loader) applyConditions(out *draft, conditions []condition) {
	out.Conditions, out.LeftOut = nil, nil
	if len(out.AlertPolicies) == 0 {
		out.Conditions, out.LeftOut = slo.DefaultConditions(out.Window, out.Target)
		if out.weighted {
			out.Conditions, _, out.LeftOut = slo.Recommended(out.Window, out.Target)
		}
	}
	for _, c := range conditions {
		if c.evidence.Line > 0 && len(out.Members) > 0 {
			l.once(c.evidence, "impossible-condition", "leave the annotation out, or the policy with it",
				"there is no evidence against a composite, whose parts have targets of their own (%s/%s)", out.Service, out.SLO)
		}
		if l.possible(out, c) {
			out.Conditions = append(out.Conditions, c.Condition)
		}
	}
	for i := range out.Conditions {
		c := &out.Conditions[i]
		c.Weighted = out.weighted
		// A look-back shorter than a slice never holds a whole one.
		c.Short = max(c.Short, out.Slice)
		c.Long = max(c.Long, out.Slice)
	}
}

// possible checks a condition against the objective it is for.
func (l *loader) possible(out *draft, c condition) bool {
	if c.Threshold.Sign() <= 0 || c.Long == 0 {
		return false // wrong by itself, and said so
	}
	if len(out.Members) == 0 && !slo.CanFire(c.Threshold, out.Target) {
		l.report.Errorf(c.threshold, "impossible-threshold",
			"lower it below the ceiling, or leave the policy out for this objective",
			"a burn rate above %s can never be: at the target %s of %s/%s a total outage burns at %.6g", c.Threshold, out.Target, out.Service, out.SLO, slo.Ceiling(out.Target))
		return false
	}
	switch whole := span(out.Window); {
	case c.Long > whole:
		l.once(c.lookback, "impossible-condition", "shorten it", "the look-back of %s is longer than the window of %s (%s/%s)", slo.FormatLength(c.Long), out.Window, out.Service, out.SLO)
	case out.Slice > 0 && c.Long < out.Slice:
		l.once(c.lookback, "impossible-condition", "lengthen it to several slices", "the look-back of %s is shorter than a slice of %s (%s/%s), so it never holds one", slo.FormatLength(c.Long), slo.FormatLength(out.Slice), out.Service, out.SLO)
	default:
		return true
	}
	return false
}

// resolveAlertPolicies lists the policies that have a name of their own, and
// checks their references even where no SLO names them.
func (l *loader) resolveAlertPolicies() {
	for _, name := range sortedKeys(l.policies) {
		l.addAlertPolicy(l.policies[name])
	}
	for i := range l.slos {
		for _, p := range l.slos[i].Policies {
			if p.Inline != nil {
				for _, c := range p.Inline.Conditions {
					if c.Inline != nil {
						l.severity(c.Inline)
					}
				}
			}
		}
	}
}

func (l *loader) addAlertPolicy(p *openslo.AlertPolicy) {
	out := AlertPolicy{
		Name: p.Meta.Name, Description: p.Description, NoData: p.NoData,
		Breaching: p.Breaching, Resolved: p.Resolved, Place: p.Meta.Place,
	}
	for _, c := range p.Conditions {
		if cond := l.conditionOf(c); cond != nil {
			out.Condition, out.After = l.pair(cond).Condition, cond.After
			if a, ok := l.value(&cond.Meta, "evidence"); ok {
				out.Evidence, _ = slo.ParseLength(a.Value)
			}
			if c.Inline != nil && l.policies[p.Meta.Name] == p {
				l.severity(cond)
			}
		}
	}
	for _, t := range p.Targets {
		switch target := l.targets[t.Ref.Name]; {
		case t.Inline != nil:
			out.Targets = append(out.Targets, l.targetOf(t.Inline.Meta.Name, t.Inline))
		case target != nil:
			out.Targets = append(out.Targets, l.targetOf(t.Ref.Name, target))
		case t.Ref.Name != "":
			if _, broken := l.names["AlertNotificationTarget "+t.Ref.Name]; !broken {
				l.dangling(t.Ref, "AlertNotificationTarget", sortedKeys(l.targets))
			}
		}
	}
	l.cat.AlertPolicies = append(l.cat.AlertPolicies, out)
}
