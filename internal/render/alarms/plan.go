package alarms

import (
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// CloudWatch is the type of the sources whose metrics an alarm can watch.
const CloudWatch = "CloudWatch"

// Alarm is a metric alarm over one window of one condition. It keeps its state
// over missing data.
type Alarm struct {
	Name, Description string
	Queries           []Query
	Period            slo.Minute // of every query
	Operator          string     // in CloudWatch's words
	Threshold         string     // an exact decimal
	// Datapoints of Periods must breach.
	Periods, Datapoints int
}

// Composite is the alarm that tells somebody: of one objective and severity.
type Composite struct {
	Name, Description string
	Severity          slo.Severity
	// AnyOf are the conditions: each is true when all of its alarms are.
	AnyOf [][]string
	// NoneOf are composites that keep it quiet.
	NoneOf []string
	// Resolved says that its end is told, too.
	Resolved bool
}

// Stack is what can be deployed as one: the alarms of one account and region.
type Stack struct {
	Name            string // of letters, digits and "-"
	Account, Region string // "": wherever it is deployed
	Alarms          []Alarm
	Composites      []Composite
	Dashboards      []Dashboard
	Notes           []Note
}

// Limits of CloudWatch and CloudFormation that shape a plan.
const (
	longest    = slo.Day     // of a period
	farthest   = 7 * slo.Day // of all periods of an alarm
	insights   = 3 * slo.Hour
	maxMetrics = 10
	maxQueries = 20
	maxFormula = 2048
	maxName    = 255
	maxRule    = 10_240
	maxInRule  = 100
	// maxResources is less than CloudFormation's 500: topics and dashboards come
	// on top.
	maxResources = 480
)

// Differences are what is different for every alarm of CloudWatch.
func Differences() []string {
	return []string{
		"Missing data keeps an alarm as it is: it neither fires nor resolves. CloudWatch cannot tell no traffic from no data, so a service that gets no more requests in an incident keeps its alarm; where zeros are published, zero requests resolve it.",
		"Coverage is not looked at: a window of which some minutes are missing counts as if they were like the others.",
		"Windows end at the instant of the evaluation, not at the newest minute that is surely published: the last minutes may still be on their way.",
		"Exclusions, silences and budgets of the whole period are not known there: a page says how fast budget burns, not how much is left.",
	}
}

// planned is what became of one objective.
type planned struct {
	key        string
	at         place
	alarms     []Alarm
	composites []Composite
	widgets    []widget
	notes      []Note
	of         *Objective
}

// Plan makes the stacks of objectives, in their order, and every note: those of
// stacks, and of objectives that are in none.
func Plan(objectives []Objective) (stacks []Stack, notes []Note) {
	var all []*planned
	for i := range objectives {
		p := plan(&objectives[i])
		notes = append(notes, p.notes...)
		if len(p.alarms)+len(p.widgets) > 0 {
			all = append(all, p)
		}
	}
	for _, group := range grouped(all) {
		notes = append(notes, inhibit(group)...)
		stacks = append(stacks, stackOf(group))
	}
	name(stacks)
	return stacks, notes
}

// plan makes the alarms of one objective.
func plan(o *Objective) *planned {
	p := &planned{key: o.Key(), of: o}
	m, why := measure(o)
	if why != "" {
		p.note("", why, "")
		return p
	}
	p.at = m.at
	p.widgets = widgets(o, m)
	if !m.exact {
		p.note("", "an expression that multiplies or compares metrics is computed minute by minute here, and once for each window there", "it is computed once, over the sums of the window")
	}
	if m.weighs {
		p.note("", "the ratio of a window is the mean of its minutes here, and of all its samples there", "each minute weighs as much as it has samples")
	}
	weighted := false
	for i := range o.Conditions {
		c := &o.Conditions[i]
		weighted = weighted || c.Weighted
		p.condition(m, c)
	}
	if weighted {
		p.note("", "the count form needs the traffic of the whole period, which no alarm can see", "the burn rates are compared")
	}
	p.policies(o)
	for _, s := range []slo.Severity{slo.Page, slo.Ticket} {
		p.describe(o, s)
	}
	return p
}

func (p *planned) note(condition, text, instead string) {
	p.notes = append(p.notes, Note{p.key, condition, text, instead})
}

// policies says what of alert policies an alarm cannot do.
func (p *planned) policies(o *Objective) {
	if o.After > 0 {
		p.note("", fmt.Sprintf("a composite alarm does not wait %s before it tells anybody", slo.FormatLength(o.After)), "it tells at once")
	}
	if o.NoData {
		p.note("", "an alarm that keeps its state over missing data cannot tell of it", "nobody is told; the metric MeasuredFrontierAge of a running Nines does")
	}
}

// condition makes the alarms of a condition, and names them in its composite.
func (p *planned) condition(m *measured, c *slo.Condition) {
	var names []string
	for _, w := range []struct {
		name   string
		length slo.Minute
		long   bool
	}{{"long", c.Long, true}, {"short", c.Short, false}} {
		if !w.long && c.Short == c.Long {
			break
		}
		a, why := m.window(p, c, w.length, w.long)
		if why == "" {
			why = tooMuch(&a)
		}
		if why != "" {
			p.alarms = p.alarms[:len(p.alarms)-len(names)]
			p.note(c.Name, why, "")
			return
		}
		a.Name = Clean("nines/" + p.key + "/" + c.Name + "/" + w.name)
		a.Description = fmt.Sprintf("%s window of %s, %s: the budget of %s burns more than %s times as fast as it may (target %s over %s)",
			strings.ToUpper(w.name[:1])+w.name[1:], c.Name, slo.FormatLength(w.length), p.key, c.Threshold, p.of.Target, p.of.Window)
		if len(a.Name) > maxName {
			p.note(c.Name, fmt.Sprintf("the name of its alarm would have %d letters of %d", len(a.Name), maxName), "")
			return
		}
		p.alarms = append(p.alarms, a)
		names = append(names, a.Name)
	}
	for i := range p.composites {
		if p.composites[i].Severity == c.Severity {
			p.composites[i].AnyOf = append(p.composites[i].AnyOf, names)
			return
		}
	}
	p.composites = append(p.composites, Composite{
		Name: Clean("nines/" + p.key + "/" + c.Severity.String()), Severity: c.Severity, AnyOf: [][]string{names}, Resolved: !p.of.Quiet,
	})
}

// tooMuch says which limit of CloudWatch an alarm is beyond.
func tooMuch(a *Alarm) string {
	metrics := 0
	for _, q := range a.Queries {
		if q.Metric != nil {
			metrics++
		}
		if len(q.Expression) > maxFormula {
			return fmt.Sprintf("an expression of %d letters is longer than the %d that CloudWatch takes", len(q.Expression), maxFormula)
		}
	}
	if metrics > maxMetrics || len(a.Queries) > maxQueries {
		return fmt.Sprintf("it needs %d metrics in %d queries, and an alarm has at most %d in %d", metrics, len(a.Queries), maxMetrics, maxQueries)
	}
	return ""
}

// describe writes the description of a composite, and keeps a ticket quiet while
// its page is on.
func (p *planned) describe(o *Objective, s slo.Severity) {
	for i := range p.composites {
		c := &p.composites[i]
		if c.Severity != s {
			continue
		}
		var tiers []string
		for k := range o.Conditions {
			if t := &o.Conditions[k]; t.Severity == s && mentions(c, Clean("nines/"+p.key+"/"+t.Name+"/long")) {
				tiers = append(tiers, fmt.Sprintf("%s (%s and %s above %s)", t.Name, slo.FormatLength(t.Long), slo.FormatLength(t.Short), t.Threshold))
			}
		}
		c.Description = clip(fmt.Sprintf("%s burns its budget, target %s over %s: %s", p.key, o.Target, o.Window, strings.Join(tiers, ", ")))
		if s == slo.Ticket {
			for _, other := range p.composites {
				if other.Severity == slo.Page {
					c.NoneOf = append(c.NoneOf, other.Name)
				}
			}
		}
	}
}

func mentions(c *Composite, alarm string) bool {
	return slices.ContainsFunc(c.AnyOf, func(names []string) bool { return slices.Contains(names, alarm) })
}

// clip shortens a description to what CloudWatch takes.
func clip(s string) string {
	const most = 1000
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
