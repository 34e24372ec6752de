// Package prometheus writes rules of Prometheus that keep to what Nines does: sums
// of events a minute, nothing that was averaged, windows with too little data that
// are unknown, and conditions that keep their state while they are unknown.
//
// For each objective whose source is Prometheus a group of rules records
//
//	nines:events_total:1m   events of the last minute
//	nines:events_bad:1m     bad ones among them
//	nines:events_total:window, nines:events_bad:window
//	                        their sums over each window (label window)
//	nines:burn_rate         burn rate over each window, where enough
//	                        minutes of it are known
//	nines:condition         1 where a condition holds, 0 where it does not; as it
//	                        was where that is unknown
//
// and alerts by the conditions: NinesBudgetBurn, once for each severity. The same
// objectives give the same bytes.
package prometheus

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Type is the type of the sources that Prometheus has the data of.
const Type = "Prometheus"

// The series that are recorded.
const (
	Total     = "nines:events_total:1m"
	Bad       = "nines:events_bad:1m"
	Burn      = "nines:burn_rate"
	Condition = "nines:condition"
	traffic   = "nines:events_per_minute"
	totals    = "nines:events_total:window"
	bads      = "nines:events_bad:window"
	Remaining = "nines:budget_remaining"
)

// Rules are the groups of a rules file, as Prometheus reads it.
type Rules struct {
	Groups []Group `yaml:"groups"`
}

// Group is evaluated at once, rule after rule.
type Group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval"`
	Rules    []Rule `yaml:"rules"`
}

// Rule records a series, or alerts.
type Rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// Differences are what is different for every rule.
func Differences() []string {
	return []string{
		"A window is judged once nine tenths of its minutes (or what nines/coverage says) are recorded, so a new objective has its 1-hour condition after 54 minutes and its 3-day one after 65 hours.",
		"A condition that cannot be judged keeps its state, as long as Prometheus itself is not away for more than 5 minutes.",
		"A counter that appears counts from its second minute on; what happened before its first sample is not known.",
		"Exclusions and silences of the documents are not known there.",
	}
}

// Make writes the rules of objectives. The notes say what was left out.
func Make(objectives []alarms.Objective) (Rules, []alarms.Note) {
	var out Rules
	var notes []alarms.Note
	var known []*alarms.Objective
	for i := range objectives {
		o := &objectives[i]
		m := &maker{o: o, labels: map[string]string{"service": o.Service, "slo": o.SLO, "objective": o.Name}}
		if why := m.events(); why != "" {
			notes = append(notes, alarms.Note{Objective: o.Key(), Text: why})
			continue
		}
		known = append(known, o)
		m.windows()
		m.conditions()
		m.budget()
		out.Groups = append(out.Groups, Group{Name: "nines " + o.Key(), Interval: "1m", Rules: m.rules})
		notes = append(notes, m.notes...)
	}
	for i, o := range known {
		alerts, more := alertsOf(o, known)
		out.Groups[i].Rules = append(out.Groups[i].Rules, alerts...)
		notes = append(notes, more...)
	}
	return out, notes
}

// File writes a rules file, with what is different under comments.
func File(r Rules, notes []alarms.Note) ([]byte, error) {
	var b strings.Builder
	b.WriteString("# Rules of error budgets, written by nines render prometheus.\n#\n")
	for _, d := range Differences() {
		b.WriteString("# " + d + "\n")
	}
	for _, n := range notes {
		b.WriteString("# " + strings.Join(strings.Fields(n.String()), " ") + "\n")
	}
	body, err := yaml.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("write rules: %w", err)
	}
	b.Write(body)
	return []byte(b.String()), nil
}

// maker makes the rules of one objective.
type maker struct {
	o      *alarms.Objective
	labels map[string]string
	rules  []Rule
	notes  []alarms.Note
}

func (m *maker) record(name, expr string, more ...string) {
	labels := maps.Clone(m.labels)
	for i := 0; i+1 < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	m.rules = append(m.rules, Rule{Record: name, Expr: expr, Labels: labels})
}

// of selects a recorded series of the objective, as one number without labels.
func (m *maker) of(name string, more ...string) string {
	return "sum(" + selector(name, m.o, more...) + ")"
}

// over is what a function makes of a recorded series over a window.
func (m *maker) over(function, name string, window slo.Minute) string {
	return "sum(" + function + "(" + selector(name, m.o) + "[" + length(window) + "]))"
}

func selector(name string, o *alarms.Objective, more ...string) string {
	labels := []string{"service=" + quote(o.Service), "slo=" + quote(o.SLO), "objective=" + quote(o.Name)}
	for i := 0; i+1 < len(more); i += 2 {
		labels = append(labels, more[i]+"="+quote(more[i+1]))
	}
	return name + "{" + strings.Join(labels, ", ") + "}"
}

func quote(s string) string { return strconv.Quote(s) }

// length writes minutes as Prometheus does.
func length(m slo.Minute) string { return slo.FormatLength(m) }

// windows records the burn rate over each window of the conditions.
func (m *maker) windows() {
	var all []slo.Minute
	weighted := false
	for i := range m.o.Conditions {
		c := &m.o.Conditions[i]
		all = append(all, c.Long, c.Short)
		weighted = weighted || c.Weighted
	}
	slices.Sort(all)
	if weighted {
		period := m.period()
		m.record(traffic, m.over("sum_over_time", Total, period)+" / "+m.over("count_over_time", Total, period))
		m.notes = append(m.notes, alarms.Note{
			Objective: m.o.Key(), Text: "the count form needs the traffic of " + length(period) + "; set --storage.tsdb.retention.time to that or more",
			Instead: "with less kept, it is the traffic of what is kept",
		})
	}
	for _, w := range slices.Compact(all) {
		m.record(totals, m.over("sum_over_time", Total, w), "window", length(w))
		m.record(bads, m.over("sum_over_time", Bad, w), "window", length(w))
		total := m.of(totals, "window", length(w))
		base := total
		if weighted {
			base = m.of(traffic) + " * " + strconv.FormatInt(int64(w), 10)
		}
		rate := alarms.Times(m.of(bads, "window", length(w)), "("+base+" > 0)", m.o.Target.Complement())
		m.record(Burn, "("+rate+" or "+total+" * 0) and "+m.over("count_over_time", Total, w)+" >= "+m.least(w), "window", length(w))
	}
}

// period is the length of the objective's window; of a calendar's the longest.
func (m *maker) period() slo.Minute {
	switch w := m.o.Window.(type) {
	case slo.Rolling:
		return w.Length
	case slo.Calendar:
		days := map[slo.CalendarUnit]slo.Minute{slo.CalendarHour: slo.Hour, slo.CalendarDay: slo.Day, slo.CalendarWeek: slo.Week, slo.CalendarMonth: 30 * slo.Day, slo.CalendarQuarter: 90 * slo.Day, slo.CalendarYear: 365 * slo.Day}
		return days[w.Unit] * slo.Minute(w.N)
	}
	return 28 * slo.Day
}

// least is how many minutes of a window must be known.
func (m *maker) least(w slo.Minute) string {
	share := m.o.Coverage
	if share.IsZero() {
		share = slo.MustDecimal("0.9")
	}
	n := new(big.Rat).Mul(share.Rat(), new(big.Rat).SetInt64(int64(w)))
	whole, rest := new(big.Int).QuoRem(n.Num(), n.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return whole.String()
}

// conditions records whether each condition holds. A window that is surely not
// over the threshold makes it false, whatever is unknown about the other.
func (m *maker) conditions() {
	for i := range m.o.Conditions {
		c := &m.o.Conditions[i]
		long, short := m.of(Burn, "window", length(c.Long)), m.of(Burn, "window", length(c.Short))
		k := c.Threshold.String()
		expr := "(" + long + " > bool " + k + ") * (" + short + " > bool " + k + ")"
		calm := " or (" + long + " <= " + k + ") * 0 or (" + short + " <= " + k + ") * 0"
		if m.o.MinBad > 0 {
			bad := m.of(bads, "window", length(c.Long))
			least := strconv.FormatFloat(m.o.MinBad.Float(), 'f', -1, 64)
			expr += " * (" + bad + " >= bool " + least + ")"
			calm += " or (" + bad + " < " + least + " and " + long + ") * 0"
		}
		before := m.of(Condition, "condition", c.Name)
		m.record(Condition, expr+calm+" or "+before, "condition", c.Name, "severity", c.Severity.String())
	}
}

// budget records what is left of a rolling budget.
func (m *maker) budget() {
	w, ok := m.o.Window.(slo.Rolling)
	if !ok {
		m.notes = append(m.notes, alarms.Note{Objective: m.o.Key(), Text: "no expression begins with a calendar's period, so what is left of the budget is not recorded"})
		return
	}
	m.record(Remaining, "1 - "+alarms.Times(m.over("sum_over_time", Bad, w.Length), "("+m.over("sum_over_time", Total, w.Length)+" > 0)", m.o.Target.Complement()))
}

// alertsOf are the alerts of an objective: one for each severity. A page keeps its
// ticket quiet, and those of dependencies keep both.
func alertsOf(o *alarms.Objective, all []*alarms.Objective) (out []Rule, notes []alarms.Note) {
	quiet, notes := inhibited(o, all)
	for _, severity := range []slo.Severity{slo.Page, slo.Ticket} {
		var tiers []string
		for i := range o.Conditions {
			if c := &o.Conditions[i]; c.Severity == severity {
				tiers = append(tiers, fmt.Sprintf("%s (%s and %s above %s)", c.Name, slo.FormatLength(c.Long), slo.FormatLength(c.Short), c.Threshold))
			}
		}
		if len(tiers) == 0 {
			continue
		}
		expr := firing(o, severity)
		if severity == slo.Ticket {
			expr += " unless " + firing(o, slo.Page)
		}
		out = append(out, alert(o, severity, expr+quiet, strings.Join(tiers, ", ")))
	}
	if o.NoData {
		age := max(o.MaxAge, 5)
		out = append(out, Rule{
			Alert: "NinesNoData", Expr: "absent(" + selector(Total, o) + ")", For: length(age),
			Labels:      map[string]string{"service": o.Service, "slo": o.SLO, "objective": o.Name, "severity": "ticket"},
			Annotations: map[string]string{"summary": literal(o.Key()) + " has had no data for " + length(age)},
		})
	}
	return out, notes
}

// inhibited is what keeps the alerts of an objective quiet: pages of what it depends
// on.
func inhibited(o *alarms.Objective, all []*alarms.Objective) (quiet string, notes []alarms.Note) {
	var pages []string
	for _, on := range o.DependsOn {
		before := len(pages)
		for _, other := range all {
			if other != o && (other.Service == on || other.Service+"/"+other.SLO == on) {
				pages = append(pages, " unless "+firing(other, slo.Page))
			}
		}
		if len(pages) == before {
			notes = append(notes, alarms.Note{Objective: o.Key(), Text: "there are no rules of " + on + ", which it depends on", Instead: "it tells for itself"})
		}
	}
	return strings.Join(pages, ""), notes
}

func firing(o *alarms.Objective, s slo.Severity) string {
	return "(max(" + selector(Condition, o, "severity", s.String()) + ") == 1)"
}

func alert(o *alarms.Objective, s slo.Severity, expr, tiers string) Rule {
	r := Rule{
		Alert: "NinesBudgetBurn", Expr: expr,
		Labels: map[string]string{"service": o.Service, "slo": o.SLO, "objective": o.Name, "severity": s.String()},
		Annotations: map[string]string{
			"summary":     literal(o.Key()) + " burns its error budget",
			"description": literal(fmt.Sprintf("Target %s over %s; one of %s holds.", o.Target, o.Window, tiers)),
		},
	}
	if o.After > 0 {
		r.For = length(o.After)
	}
	return r
}

// literal keeps Prometheus from reading a text as a template.
func literal(s string) string { return strings.ReplaceAll(s, "{{", "{ {") }
