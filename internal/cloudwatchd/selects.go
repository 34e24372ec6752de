package cloudwatchd

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/expr"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/insights"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// selectMetrics answers a Metrics Insights query: the observations of all
// metrics that match are one set for each period and group. Data older than the
// window of such queries are left out.
func (e *evaluation) selectMetrics(q *query) *protocol.Error {
	place, ok := e.place(q.account)
	if !ok {
		e.values[q.id], e.status[q.id] = expr.Value{Kind: expr.Array}, forbidden
		return nil
	}
	space := e.s.store.Space(place)
	st, err := stat.Parse(q.sql.Statistic())
	if err != nil {
		return internal(err.Error())
	}
	found, _ := space.List("", math.MaxInt, func(l store.Listed) bool { return visible(l, e.c.now) && q.sql.Matches(l.Metric) })
	groups := map[string]*group{}
	for _, l := range found {
		e.bill(place, l.Metric, st.Name)
		keys := q.sql.Group(l.Metric)
		name := strings.Join(keys, "\x00")
		if groups[name] == nil {
			groups[name] = &group{keys: keys, buckets: map[int64]*stat.Accumulator{}}
		}
		if err := e.gather(space, q, l.Metric, groups[name]); err != nil {
			return internal(err.Error())
		}
	}
	if len(q.sql.GroupBy) == 0 && len(groups) == 0 {
		groups[""] = &group{}
	}
	series := make([]expr.Series, 0, len(groups))
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		series = append(series, groups[name].series(st, q))
	}
	v := expr.Value{Kind: expr.Single, Series: series}
	if len(q.sql.GroupBy) > 0 {
		v = expr.Value{Kind: expr.Array, Series: order(series, q.sql)}
	}
	e.values[q.id], e.status[q.id] = v, complete
	return nil
}

// group is the observations that a query puts together.
type group struct {
	keys    []string
	buckets map[int64]*stat.Accumulator
}

// gather adds a metric's observations, whatever their unit.
func (e *evaluation) gather(space *store.Space, q *query, m store.Metric, g *group) error {
	oldest := e.c.now.Add(-e.s.cfg.InsightsWindow).Unix()
	from := floor(e.req.start, q.period)
	if from < oldest {
		from = floor(oldest+q.period-1, q.period)
	}
	for _, unit := range space.Units(m) {
		err := space.Scan(m, unit, from, e.req.end, false, func(at int64, set stat.Set) {
			b := floor(at, q.period)
			if g.buckets[b] == nil {
				g.buckets[b] = &stat.Accumulator{}
			}
			g.buckets[b].Add(set)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *group) series(st stat.Statistic, q *query) expr.Series {
	s := expr.Series{Label: strings.Join(g.keys, " "), Period: q.period}
	times := make([]int64, 0, len(g.buckets))
	for at := range g.buckets {
		times = append(times, at)
	}
	slices.Sort(times)
	for _, at := range times {
		if v, ok := g.buckets[at].Value(st); ok {
			s.Times, s.Values = append(s.Times, at), append(s.Values, v)
		}
	}
	return s
}

// order sorts groups as the query asks and keeps as many as it wants. Without
// ORDER BY they come in alphabetical order, as given.
func order(series []expr.Series, sql *insights.Query) []expr.Series {
	if sql.OrderBy != "" {
		slices.SortStableFunc(series, func(a, b expr.Series) int {
			x, y := total(a.Values, sql.OrderBy), total(b.Values, sql.OrderBy)
			if sql.Desc {
				x, y = y, x
			}
			return cmp.Compare(x, y)
		})
	}
	return series[:min(len(series), sql.Limit)]
}

// total is the number by which a series is ordered.
func total(values []float64, function string) float64 {
	if len(values) == 0 {
		return math.Inf(-1)
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch function {
	case "AVG":
		return sum / float64(len(values))
	case "COUNT":
		return float64(len(values))
	case "MAX":
		return slices.Max(values)
	case "MIN":
		return slices.Min(values)
	}
	return sum
}
