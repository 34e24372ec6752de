package cost

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// hints are ways to pay less, the greatest first.
func (c *counter) hints() []Hint {
	var out []Hint
	for _, name := range c.names() {
		s := c.sources[name]
		if s.adviser == nil {
			continue
		}
		for _, saving := range s.adviser.Savings(s.queries, slo.Minute(c.opt.Plan.PollMinutes)) {
			saves := c.price(saving.Metrics)
			if saving.Every > 0 {
				rare := cost.Plan{PollMinutes: float64(saving.Every)}
				saves -= c.opt.Prices.Monthly(cost.Load{Objectives: 1, Metrics: saving.Metrics}, rare).Total
			}
			out = append(out, Hint{Text: strings.Join(saving.Keys, ", ") + ": " + saving.Text, Saves: saves})
		}
	}
	slices.SortStableFunc(out, func(a, b Hint) int { return cmp.Compare(b.Saves, a.Saves) })
	return out
}

// notes say what the count leaves out.
func (c *counter) notes() []string {
	var out []string
	for _, name := range c.names() {
		for _, q := range c.sources[name].queries {
			if q.Spec["sql"] != nil {
				out = append(out, q.Key+": a Metrics Insights statement is billed for every metric it analyses; it is counted as one")
			}
			if text, ok := q.Spec["expression"].(string); ok && strings.Contains(text, "SEARCH(") {
				out = append(out, q.Key+": SEARCH is billed for every metric it finds; none is counted")
			}
		}
	}
	return out
}
