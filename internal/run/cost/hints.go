package cost

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
)

// hints are ways to pay less, the greatest first.
func (c *counter) hints() []Hint {
	var out []Hint
	for _, name := range c.names() {
		s := c.sources[name]
		if s.adviser == nil {
			continue
		}
		for _, saving := range s.adviser.Savings(s.queries) {
			out = append(out, Hint{Text: strings.Join(saving.Keys, ", ") + ": " + saving.Text, Saves: c.price(saving.Metrics)})
		}
	}
	out = append(out, c.slow()...)
	slices.SortStableFunc(out, func(a, b Hint) int { return cmp.Compare(b.Saves, a.Saves) })
	return out
}

// slow finds indicators that are read more often than they have anything new.
func (c *counter) slow() []Hint {
	var out []Hint
	for _, ind := range c.env.Catalog.Indicators {
		s := c.sources[ind.Source]
		if s == nil || s.planner == nil || !asks(s.queries, ind) || float64(ind.Period) <= c.opt.Plan.PollMinutes {
			continue
		}
		n := int(c.metrics(s, run.Queries(ind), c.tail()))
		rare := cost.Plan{PollMinutes: float64(ind.Period)}
		then := c.opt.Prices.Monthly(cost.Load{Objectives: 1, Metrics: n}, rare).Total
		out = append(out, Hint{
			Text: fmt.Sprintf("%s: its data have a step of %d min; reading them every %v min finds nothing new in between",
				ind.ID, ind.Period, c.opt.Plan.PollMinutes),
			Saves: max(0, c.price(n)-then),
		})
	}
	return out
}

func asks(queries []metric.Query, ind config.Indicator) bool {
	for _, q := range run.Queries(ind) {
		if slices.ContainsFunc(queries, func(o metric.Query) bool { return o.Key == q.Key }) {
			return true
		}
	}
	return false
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
