package config

import (
	"context"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Prometheus is the type of sources that Prometheus has the data of: `nines
// render prometheus` writes rules for them. Nothing here reads them yet, which
// lint says at each query, and Open again.
func Prometheus() metric.Type {
	return metric.Type{
		Name: "Prometheus", Check: CheckPrometheus,
		Open: func(context.Context, slo.Spec, string) (metric.Source, error) {
			return nil, fault.New(fault.Unsupported, "open a source of type Prometheus", "Prometheus is not read yet", "`nines render prometheus` writes rules that measure and alert there")
		},
	}
}

// CheckPrometheus finds what is wrong with the spec of a query of Prometheus: it
// has one field, query.
func CheckPrometheus(spec slo.Spec) []metric.SpecProblem {
	c := &cwCheck{}
	c.known("", spec, "a query of Prometheus", "query")
	switch text, ok := spec["query"].(string); {
	case spec["query"] == nil:
		c.say("", `a query of Prometheus needs the field "query"`, `as in query: http_requests_total{code=~"5.."}`)
	case !ok || strings.TrimSpace(text) == "":
		c.say("query", "query must be a text", "")
	default:
		c.warn("query", "Prometheus is not read yet: there is no history, status or gate for this", "`nines render prometheus` writes rules that measure and alert there")
	}
	return c.problems
}
