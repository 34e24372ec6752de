package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Change is one thing that differs between two sets of documents, in words.
// What it does to budgets and verdicts is computed by whoever has the history.
type Change struct {
	Kind   string // "objective", "indicator", "policy", "exclusion", "service", "settings"
	Name   string // the objective's key, the indicator's ID, a name
	Field  string // what of it; empty where it came or went
	Before string // empty where it came
	After  string // empty where it went
	Place  fault.Place
}

// String says the change in a line.
func (c Change) String() string {
	switch {
	case c.Field == "" && c.Before == "":
		return fmt.Sprintf("%s %s is new: %s", c.Kind, c.Name, c.After)
	case c.Field == "":
		return fmt.Sprintf("%s %s is gone: %s", c.Kind, c.Name, c.Before)
	}
	return fmt.Sprintf("%s %s: %s %s -> %s", c.Kind, c.Name, c.Field, orNone(c.Before), orNone(c.After))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// Diff lists what changed from one catalog to another, by kind and name. Equal
// digests give no change.
func Diff(before, after *Catalog) []Change {
	if before.Digest == after.Digest && before.Digest != "" {
		return nil
	}
	var out []Change
	for _, kind := range []string{"service", "objective", "indicator", "source", "policy", "alert policy", "exclusion", "rollout", "settings"} {
		out = append(out, compare(kind, before.entries(kind), after.entries(kind))...)
	}
	return out
}

// entry is one named thing as fields in words; the first field is what it is
// called by when it comes or goes.
type entry struct {
	name   string
	fields [][2]string
	place  fault.Place
}

func compare(kind string, before, after []entry) (out []Change) {
	byName := func(list []entry) map[string]entry {
		m := map[string]entry{}
		for _, e := range list {
			m[e.name] = e
		}
		return m
	}
	was, is := byName(before), byName(after)
	names := sortedKeys(was)
	for _, n := range sortedKeys(is) {
		if _, both := was[n]; !both {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		a, had := was[n]
		b, has := is[n]
		switch {
		case !had:
			out = append(out, Change{Kind: kind, Name: n, After: b.summary(), Place: b.place})
		case !has:
			out = append(out, Change{Kind: kind, Name: n, Before: a.summary(), Place: a.place})
		default:
			for i := range a.fields {
				if a.fields[i][1] != b.fields[i][1] {
					out = append(out, Change{Kind: kind, Name: n, Field: a.fields[i][0], Before: a.fields[i][1], After: b.fields[i][1], Place: b.place})
				}
			}
		}
	}
	return out
}

// summary is the first fields that say something.
func (e entry) summary() string {
	var parts []string
	for _, f := range e.fields[:min(3, len(e.fields))] {
		if f[1] != "" {
			parts = append(parts, f[0]+" "+f[1])
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "no details")
}

// entries lists one kind of things in a catalog.
func (c *Catalog) entries(kind string) (out []entry) {
	switch kind {
	case "policy", "alert policy", "exclusion", "rollout", "settings":
		return c.ruleEntries(kind)
	case "service":
		for _, s := range c.Services {
			out = append(out, entry{s.Name, [][2]string{{"owner", s.Owner}, {"tier", s.Tier}, {"paths", strings.Join(s.Paths, ", ")}, {"depends on", strings.Join(s.DependsOn, ", ")}, {"display name", s.DisplayName}, {"description", s.Description}, {"labels", printLabels(s.Labels)}}, s.Place})
		}
	case "objective":
		for i := range c.Objectives {
			o := &c.Objectives[i]
			out = append(out, entry{o.Key(), objectiveFields(o), o.Place})
		}
	case "indicator":
		for _, i := range c.Indicators {
			out = append(out, entry{i.ID, [][2]string{{"measured at", i.Source}, {"query", shortDigest(i.Lineage)}, {"missing", missingWords()[i.Missing]}, {"since", minuteText(i.Since)}, {"period", lengthText(i.Period)}}, i.Place})
		}
	case "source":
		for _, s := range c.Sources {
			out = append(out, entry{s.Name, [][2]string{{"type", s.Type}, {"details", shortDigest(digestOf(withoutSecrets(s.Details)))}}, s.Place})
		}
	}
	return out
}

// ruleEntries lists what is written about objectives rather than measured.
func (c *Catalog) ruleEntries(kind string) (out []entry) {
	switch kind {
	case "policy":
		for _, p := range c.Policies {
			out = append(out, entry{p.Name, policyFields(p), p.Place})
		}
	case "alert policy":
		for _, p := range c.AlertPolicies {
			out = append(out, entry{p.Name, [][2]string{{"condition", conditionText(p.Condition)}, {"tells", fmt.Sprint(p.Targets)}, {"when", fmt.Sprintf("breaching %t, resolved %t, no data %t, after %s", p.Breaching, p.Resolved, p.NoData, lengthText(p.After))}}, p.Place})
		}
	case "exclusion":
		for _, e := range c.Exclusions {
			out = append(out, entry{e.Name, [][2]string{{"for", strings.Join(e.Services, ", ")}, {"when", stretchText(e)}, {"reason", e.Reason}, {"author", e.Author}}, e.Place})
		}
	case "rollout":
		for _, r := range c.Rollouts {
			out = append(out, entry{r.Name, rolloutFields(r), r.Place})
		}
	case "settings":
		s := c.Settings
		out = append(out, entry{"settings", [][2]string{{"store", s.Store}, {"zone", s.Zone}, {"width", fmt.Sprint(s.Width)}, {"explain", fmt.Sprint(s.Explain)}, {"unmapped", s.Unmapped}, {"publish", publishText(s.Publish)}}, s.Place})
	}
	return out
}

func rolloutFields(r Rollout) [][2]string {
	var steps, metrics []string
	for _, s := range r.Plan.Steps {
		steps = append(steps, fmt.Sprintf("%s for %s", strconv.FormatFloat(100*s.Weight, 'g', 6, 64)+" %", slo.FormatLength(s.Bake)))
	}
	for _, m := range r.Metrics {
		metrics = append(metrics, m.Name)
	}
	m := r.meaning()
	return [][2]string{
		{"of", strings.TrimSuffix(r.Service+" in "+r.Environment, " in ")},
		{"target", r.Target.String()},
		{"steps", strings.Join(steps, ", ")},
		{"then", string(cmp.Or(r.Plan.Then, rollout.ThenPromote))},
		{"metrics", strings.Join(metrics, ", ")},
		{"plan", shortDigest(digestOf(m.Plan))},
		{"judged by", shortDigest(digestOf([]any{m.Judge, m.Metrics, m.Split, m.Drive}))},
		{"watched by", shortDigest(digestOf(m.Watch))},
	}
}

func publishText(p Publish) string {
	return strings.TrimSpace(strings.Join([]string{p.To, p.Namespace, p.Region, strings.Join(p.Metrics, ",")}, " "))
}

func objectiveFields(o *Objective) [][2]string {
	var members []string
	for _, m := range o.Members {
		members = append(members, fmt.Sprintf("%s x %s at %s", m.Objective.Indicator, m.Weight, m.Objective.Target))
	}
	slice := ""
	if o.Slice > 0 {
		slice = slo.FormatLength(o.Slice) + " good at " + o.SliceTarget.String()
	}
	age := "never stale"
	if o.MaxAge > 0 {
		age = slo.FormatLength(o.MaxAge)
	}
	return [][2]string{
		{"target", o.Target.String()},
		{"window", windowText(o.Window)},
		{"budgeting", o.Budgeting.String()},
		{"slices", slice},
		{"indicator", o.Indicator},
		{"members", strings.Join(members, ", ")},
		{"conditions", conditionsText(o.Conditions)},
		{"missing", missingWords()[o.Missing]},
		{"least bad events", fmt.Sprintf("%g", o.MinBad.Float())},
		{"coverage", o.Coverage.String()},
		{"maximum age", age},
		{"depends on", strings.Join(o.DependsOn, ", ")},
		{"alert policies", strings.Join(o.AlertPolicies, ", ")},
		{"read every", pollText(o.Poll)},
		{"owner", o.Owner},
		{"description", o.Description},
		{"labels", printLabels(o.Labels)},
	}
}

// pollText prints how often an objective is read; nothing where nothing is said.
func pollText(m slo.Minute) string {
	if m == 0 {
		return ""
	}
	return slo.FormatLength(m)
}

func conditionsText(cs []slo.Condition) string {
	var out []string
	for _, c := range cs {
		out = append(out, conditionText(c))
	}
	return strings.Join(out, "; ")
}

func conditionText(c slo.Condition) string {
	text := fmt.Sprintf("%s above %s in %s and %s", c.Severity, c.Threshold, slo.FormatLength(c.Long), slo.FormatLength(c.Short))
	if c.Weighted {
		text += ", weighted"
	}
	return text
}

func policyFields(p GatePolicy) [][2]string {
	var verdicts, freezes []string
	for _, row := range sortedKeys(p.Verdicts) {
		verdicts = append(verdicts, row+": "+p.Verdicts[row].String())
	}
	for _, f := range p.Freezes {
		freezes = append(freezes, freezeText(f))
	}
	dependency := ""
	if len(p.DependsOn) > 0 {
		dependency = cmp.Or(p.DependencyVerdict, decision.Warn).String() // unset is warn
	}
	evidence := ""
	if p.Evidence > 0 {
		evidence = slo.FormatLength(p.Evidence)
	}
	return append([][2]string{
		{"for", strings.Join(p.Services, ", ")},
		{"mode", cmp.Or(string(p.Mode), string(gate.ModeEnforce))},
		{"on error", cmp.Or(string(p.OnError), string(gate.OnErrorBlock))},
		{"verdicts", strings.Join(verdicts, ", ")},
		{"objectives", strings.Join(p.Objectives, ", ")},
		{"depends on", strings.Join(p.DependsOn, ", ")},
		{"dependency verdict", dependency},
		{"evidence", evidence},
		{"freezes", strings.Join(freezes, "; ")},
		{"override", overrideText(p.Override)},
	}, trustFields(&p.Policy)...)
}

func overrideText(o gate.OverrideRule) string {
	often, long := "2 a week", "24h0m0s"
	switch {
	case o.PerWeek < 0:
		return "never"
	case o.PerWeek > 0:
		often = fmt.Sprintf("%d a week", o.PerWeek)
	}
	if o.MaxFor > 0 {
		long = o.MaxFor.String()
	}
	who := "anybody"
	if len(o.Actors) > 0 {
		who = strings.Join(o.Actors, ", ")
	}
	return fmt.Sprintf("%s for %s by %s", often, long, who)
}
