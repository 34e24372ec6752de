package run

import (
	"fmt"
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Queries are the series an indicator is made of. A key is the indicator's ID and the series' role, as
// people read it: "payment-api.availability total".
func Queries(ind config.Indicator) []metric.Query {
	var out []metric.Query
	add := func(role string, q *slo.Query) {
		if q != nil {
			out = append(out, metric.Query{Key: ind.ID + " " + role, Spec: q.Spec, Period: ind.Period, Role: role})
		}
	}
	switch d := ind.Definition.(type) {
	case slo.Ratio:
		add("total", d.Total)
		add("good", d.Good)
		if d.Good == nil {
			add("bad", d.Bad)
		}
	case slo.RawRatio:
		add("value", d.Raw)
	case slo.Threshold:
		add("value", d.Metric)
	}
	return out
}

// SourceOf finds the data source of an indicator. The error is of kind Invalid.
func SourceOf(c *config.Catalog, ind config.Indicator) (config.DataSource, error) {
	i := slices.IndexFunc(c.Sources, func(d config.DataSource) bool { return d.Name == ind.Source })
	if i < 0 {
		return config.DataSource{}, fault.New(fault.Invalid, "indicator "+ind.ID, fmt.Sprintf("there is no data source %q", ind.Source), "nines lint says where")
	}
	return c.Sources[i], nil
}
