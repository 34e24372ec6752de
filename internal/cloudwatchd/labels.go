package cloudwatchd

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// labels makes the labels of results. Without one of its own a metric is
// called by its name and by what tells the queries of a request apart:
// dimension values before it, statistic and period behind it (as in recorded
// answers of AWS; the dimensions are assumed).
type labels struct {
	byNamespace, byStat, byPeriod bool
	dimensions                    []string // those that differ
}

func labelsOf(queries []query) labels {
	var l labels
	var first *query
	values := map[string]map[string]bool{}
	for i := range queries {
		q := &queries[i]
		if !q.isMetric {
			continue
		}
		for _, d := range q.metric.Dimensions {
			if values[d.Name] == nil {
				values[d.Name] = map[string]bool{}
			}
			values[d.Name][d.Value] = true
		}
		if first == nil {
			first = q
			continue
		}
		l.byNamespace = l.byNamespace || q.metric.Namespace != first.metric.Namespace
		l.byStat = l.byStat || q.stat.Name != first.stat.Name
		l.byPeriod = l.byPeriod || q.period != first.period
	}
	for name, v := range values {
		if len(v) > 1 {
			l.dimensions = append(l.dimensions, name)
		}
	}
	slices.Sort(l.dimensions)
	return l
}

// of is the label of a metric's result, before dynamic parts.
func (l labels) of(q *query) string {
	if q.hasLabel {
		return q.label
	}
	var parts []string
	if l.byNamespace {
		parts = append(parts, q.metric.Namespace)
	}
	for _, name := range l.dimensions {
		if v, ok := q.metric.Dimension(name); ok {
			parts = append(parts, v)
		}
	}
	parts = append(parts, q.metric.Name)
	if l.byStat {
		parts = append(parts, q.stat.Name)
	}
	if l.byPeriod {
		parts = append(parts, itoa(q.period))
	}
	return strings.Join(parts, " ")
}

// fill replaces the dynamic parts of a label: ${MAX}, ${PROP('Dim.InstanceId')}.
// What is not known stays as it is.
func (r *row) fill(q *query, place store.Place, zone *time.Location) string {
	if !strings.Contains(r.label, "${") {
		return r.label
	}
	var b strings.Builder
	rest := r.label
	for {
		before, after, ok := strings.Cut(rest, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, tail, closed := strings.Cut(after, "}")
		text, known := "", false
		if closed {
			if prop, is := strings.CutPrefix(name, "PROP('"); is {
				text, known = property(strings.TrimSuffix(prop, "')"), q, place)
			} else {
				text, known = r.figure(name, q, zone)
			}
		}
		if !known {
			b.WriteString("${")
			rest = after
			continue
		}
		b.WriteString(text)
		rest = tail
	}
}

func property(name string, q *query, place store.Place) (string, bool) {
	if dim, ok := strings.CutPrefix(name, "Dim."); ok {
		return q.metric.Dimension(dim)
	}
	switch name {
	case "AccountId":
		return place.Account, true
	case "Region":
		return place.Region, true
	case "MetricName":
		return q.metric.Name, q.isMetric
	case "Namespace":
		return q.metric.Namespace, q.isMetric
	case "Period":
		return itoa(q.period), true
	case "Stat":
		return q.stat.Name, q.isMetric
	}
	return "", false
}

// figure is a number or time of the series; "--" where it has no datapoints.
func (r *row) figure(name string, q *query, zone *time.Location) (string, bool) {
	if name == "LABEL" {
		return q.metric.Name, q.isMetric
	}
	n := len(r.values)
	if name == "DATAPOINT_COUNT" {
		return strconv.Itoa(n), true
	}
	if !slices.Contains(strings.Fields(figures), name) {
		return "", false
	}
	if n == 0 {
		return "--", true
	}
	lowest, highest, sum := 0, 0, 0.0
	for i, v := range r.values {
		sum += v
		if v < r.values[lowest] {
			lowest = i
		}
		if v > r.values[highest] {
			highest = i
		}
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }
	if name == "SUM" {
		return number(sum), true
	}
	if name == "AVG" {
		return number(sum / float64(n)), true
	}
	// The rest are one or two datapoints, by value or by time.
	base, isTime := strings.CutSuffix(name, "_TIME")
	from, to := map[string]int{"FIRST": 0, "LAST": n - 1, "MIN": lowest, "MAX": highest}[base], -1
	switch name {
	case "FIRST_LAST_RANGE":
		from, to = 0, n-1
	case "FIRST_LAST_TIME_RANGE":
		from, to, isTime = 0, n-1, true
	case "MIN_MAX_RANGE":
		from, to = lowest, highest
	}
	text := func(i int) string {
		if isTime {
			return time.Unix(r.times[i], 0).In(zone).Format("2006-01-02 15:04:05 UTC-07:00")
		}
		return number(r.values[i])
	}
	if to < 0 {
		return text(from), true
	}
	return text(from) + " - " + text(to), true
}

// figures are the dynamic parts of labels that need a datapoint.
const figures = "AVG FIRST FIRST_LAST_RANGE FIRST_LAST_TIME_RANGE FIRST_TIME LAST LAST_TIME MAX MAX_TIME MIN MIN_MAX_RANGE MIN_TIME SUM"
