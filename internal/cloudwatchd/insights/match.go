package insights

import (
	"slices"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// Other stands for a dimension that a matching metric does not have.
const Other = "Other"

// Matches says whether a metric takes part in the query.
func (q *Query) Matches(m store.Metric) bool {
	if m.Namespace != q.Namespace || m.Name != q.Metric {
		return false
	}
	if q.Schema {
		if len(m.Dimensions) != len(q.Keys) {
			return false
		}
		for _, d := range m.Dimensions {
			if !slices.Contains(q.Keys, d.Name) {
				return false
			}
		}
	}
	for _, c := range q.Where {
		// A metric without the dimension differs from every value (assumed).
		if v, ok := m.Dimension(c.Key); (ok && v == c.Value) == c.Not {
			return false
		}
	}
	return true
}

// Group returns the values by which the query groups a metric.
func (q *Query) Group(m store.Metric) []string {
	group := make([]string, len(q.GroupBy))
	for i, key := range q.GroupBy {
		if v, ok := m.Dimension(key); ok {
			group[i] = v
		} else {
			group[i] = Other
		}
	}
	return group
}

// Statistic is the query's function as a statistic of CloudWatch.
func (q *Query) Statistic() string {
	switch q.Function {
	case "AVG":
		return "Average"
	case "COUNT":
		return "SampleCount"
	case "MAX":
		return "Maximum"
	case "MIN":
		return "Minimum"
	}
	return "Sum"
}
