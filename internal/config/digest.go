package config

import (
	"cmp"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// meaning is a catalog without places, comments and order: what two folders
// that say the same have in common.
type meaning struct {
	Services      []Service
	Sources       []any
	Indicators    []any
	Objectives    []any
	AlertPolicies []AlertPolicy
	Policies      []GatePolicy
	Exclusions    []Exclusion
	Rollouts      []Rollout `json:",omitempty"`
	Settings      Settings
}

// digest digests the meaning of the documents.
func (c *Catalog) digest() string {
	m := meaning{Settings: c.Settings}
	m.Settings.Place = fault.Place{}
	for _, s := range c.Services {
		s.Place = fault.Place{}
		m.Services = append(m.Services, s)
	}
	for _, s := range c.Sources {
		m.Sources = append(m.Sources, []any{s.Name, s.Type, withoutSecrets(s.Details)})
	}
	for _, i := range c.Indicators {
		m.Indicators = append(m.Indicators, []any{i.ID, i.Source, i.Period, i.Missing, i.Since, i.Lineage})
	}
	for i := range c.Objectives {
		m.Objectives = append(m.Objectives, objectiveMeaning(&c.Objectives[i]))
	}
	for _, p := range c.AlertPolicies {
		p.Place = fault.Place{}
		m.AlertPolicies = append(m.AlertPolicies, p)
	}
	for _, p := range c.Policies {
		p.Place = fault.Place{}
		m.Policies = append(m.Policies, p)
	}
	for _, e := range c.Exclusions {
		e.Place = fault.Place{}
		m.Exclusions = append(m.Exclusions, e)
	}
	for _, r := range c.Rollouts {
		m.Rollouts = append(m.Rollouts, r.meaning())
	}
	m.sort()
	return digestOf(m)
}

func objectiveMeaning(o *Objective) any {
	return []any{coreMeaning(&o.Objective), o.Owner, o.Description, o.Labels, o.AlertPolicies, o.Poll}
}

// coreMeaning lists an objective's parts; a window prints all that it is.
func coreMeaning(o *slo.Objective) []any {
	out := []any{
		o.Key(), o.Target, windowText(o.Window), o.Budgeting, o.Slice, o.SliceTarget, o.Indicator,
		o.Conditions, o.Missing, o.MinBad, o.Coverage, o.DependsOn, o.MaxAge,
	}
	for _, m := range o.Members {
		out = append(out, coreMeaning(m.Objective), m.Weight)
	}
	return out
}

// windowText prints a window with its calendar's beginning and zone.
func windowText(w slo.Window) string {
	if c, ok := w.(slo.Calendar); ok {
		return c.String() + " calendar from " + c.Start.Format("2006-01-02 15:04:05") + " " + c.Location.String()
	}
	if w == nil {
		return ""
	}
	return w.String() + " rolling"
}

// sort puts everything into the order of its digest, so that moving a document
// from one file to another changes nothing.
func (m *meaning) sort() {
	sorted(m.Services)
	sorted(m.Sources)
	sorted(m.Indicators)
	sorted(m.Objectives)
	sorted(m.AlertPolicies)
	sorted(m.Policies)
	sorted(m.Exclusions)
	sorted(m.Rollouts)
}

func sorted[T any](list []T) {
	type keyed struct {
		key   string
		value T
	}
	all := make([]keyed, len(list))
	for i, v := range list {
		all[i] = keyed{digestOf(v), v}
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	for i := range all {
		list[i] = all[i].value
	}
}
