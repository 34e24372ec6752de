package cloudwatch

import (
	"cmp"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Limits of GetMetricData.
const (
	maxQueries    = 500
	maxDatapoints = 100_800
	// goodDatapoints is how many a request is filled up to where the statistics
	// of one metric do not need more: half a page, so that one request more or
	// less in a second does not exceed the quota of datapoints.
	goodDatapoints = maxDatapoints / 2
	// billedTogether is how many statistics of one metric in one request are
	// billed as one metric.
	billedTogether = 5
)

// asked is a question and everybody who wants its answer.
type asked struct {
	*question
	keys   []string
	order  string // puts the statistics of one metric side by side
	metric string // of a plain statistic: what is billed
}

// call is one GetMetricData request (and its further pages).
type call struct {
	place  place
	cut    cut
	asked  []*asked
	billed int // metrics requested, as the bill counts them
	// until is what the service's clock lets be published (0: not known), skew by
	// how much this machine's is ahead of it.
	until slo.Minute
	skew  time.Duration
}

// gather asks equal questions once.
func gather(questions map[string]*question) []*asked {
	bySign := map[string]*asked{}
	for key, q := range questions {
		sign := q.signature()
		if bySign[sign] == nil {
			bySign[sign] = newAsked(q, sign)
		}
		bySign[sign].keys = append(bySign[sign].keys, key)
	}
	out := make([]*asked, 0, len(bySign))
	for _, a := range bySign {
		slices.Sort(a.keys)
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *asked) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.keys[0], b.keys[0]))
	})
	return out
}

func newAsked(q *question, sign string) *asked {
	if q.Stat == nil {
		return &asked{question: q, order: "~" + sign}
	}
	key := q.Stat.metricKey()
	return &asked{question: q, order: key + "\x00" + q.Stat.Stat, metric: key}
}

// plan divides questions over requests: one place and one period each, within
// the limits on queries and, so that no answer needs a second page, on
// datapoints. Long stretches of few metrics go before short stretches of many,
// because the bill counts metrics, not datapoints.
func plan(all []*asked, span slo.Span, now slo.Minute) []call {
	type group struct {
		place  place
		period slo.Minute
		alone  int // 0: shared, else its own number
	}
	groups := map[group][]*asked{}
	var order []group
	for i, a := range all {
		for _, p := range a.Places {
			g := group{place: p, period: a.Period}
			if a.alone() {
				g.alone = i + 1
			}
			if groups[g] == nil {
				order = append(order, g)
			}
			groups[g] = append(groups[g], a)
		}
	}
	var out []call
	for _, g := range order {
		for _, c := range cuts(reach(groups[g][0], span, now), max(1, g.period), now) {
			out = append(out, split(g.place, groups[g], c)...)
		}
	}
	return out
}

// reach is the part of a span that a question can see.
func reach(a *asked, span slo.Span, now slo.Minute) slo.Span {
	if a.SQL != "" {
		span.From = max(span.From, now-insightsReach)
	}
	return span
}

// datapoints is how many a call can bring at most.
func (c *call) datapoints() int { return len(c.asked) * c.cut.steps() }

func (c cut) steps() int { return int((c.span.Len() + c.period - 1) / c.period) }

// split fills requests with questions of one place and period. The statistics
// of one metric stay together, because they are billed together.
func split(p place, qs []*asked, c cut) []call {
	var out []call
	for len(qs) > 0 {
		n, width := 0, 0
		for n < len(qs) {
			unit := together(qs[n:])
			more := width
			for _, q := range qs[n : n+unit] {
				more += q.width()
			}
			room := goodDatapoints
			if n == 0 {
				room = maxDatapoints
			}
			if more > maxQueries || (n+unit)*c.steps() > room {
				break
			}
			n, width = n+unit, more
		}
		if n == 0 { // not even one unit fits as a whole
			n = max(1, min(together(qs), maxDatapoints/max(1, c.steps())))
		}
		out = append(out, call{place: p, cut: c, asked: qs[:n], billed: billed(qs[:n])})
		qs = qs[n:]
	}
	return out
}

// together is how many of the first questions are statistics of one metric
// that are billed as one.
func together(qs []*asked) int {
	n := 1
	for ; n < min(len(qs), billedTogether); n++ {
		if qs[0].metric == "" || qs[0].metric != qs[n].metric {
			break
		}
	}
	return n
}

// billed counts metrics as the bill does: each metric once for every five
// statistics. Expressions are free, what they read is not.
func billed(qs []*asked) int {
	stats := map[string]int{}
	other := 0
	for _, q := range qs {
		if q.Stat != nil {
			stats[q.metric]++
		}
		for _, s := range q.Stats {
			stats[s.metricKey()]++
		}
		if q.SQL != "" {
			other++ // at least one; the service bills every metric it analyses
		}
	}
	for _, n := range stats {
		other += (n + billedTogether - 1) / billedTogether
	}
	return other
}
