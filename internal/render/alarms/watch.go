package alarms

import "gitlab.com/nines-sre/nines/internal/slo"

// Watch is what a graph of an objective asks CloudWatch: queries, and formulas
// over them. What the objective's kind does not have is "".
type Watch struct {
	Queries []Query
	Region  string
	Step    slo.Minute // of the data, or of what is judged
	// Good is a percentage, Burn a burn rate over the period of the graph.
	Good, Burn, Bad, Total string
	// Value is the name of the query that is judged, against Bound.
	Value, Bound string
}

// WatchOf says how an objective can be watched; why says what cannot be.
func WatchOf(o *Objective) (w Watch, why string) {
	m, why := measure(o)
	if why != "" {
		return Watch{}, why
	}
	w = Watch{Queries: m.queries, Region: m.at.Region, Step: max(m.step, 1), Value: m.value, Bound: m.bound}
	if m.value != "" {
		w.Step = m.slice
		return w, ""
	}
	w.Burn, w.Bad, w.Total, w.Good = m.burn(false), m.bad, m.total, m.good()
	return w, ""
}

// good is the formula of the share of good events, in percent.
func (m *measured) good() string {
	if m.total == "" {
		return "100 - 100 * " + m.bad
	}
	return "100 - 100 * " + m.bad + " / " + m.total
}

// Rename gives the queries named in a formula a prefix.
func (w *Watch) Rename(formula, prefix string) string {
	names := map[string]string{}
	for _, q := range w.Queries {
		names[q.ID] = prefix + q.ID
	}
	return rename(formula, names)
}
