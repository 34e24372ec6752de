package cloudwatch_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestWidest(t *testing.T) {
	src := cloudwatch.New(cloudwatch.Options{})
	one := func(stat string) slo.Spec {
		return slo.Spec{"region": "eu-west-1", "namespace": "n", "metric": "m", "stat": stat}
	}
	several := func(expression, stat string) slo.Spec {
		return slo.Spec{"region": "eu-west-1", "expression": expression, "queries": []any{
			map[string]any{"id": "a", "namespace": "n", "metric": "m", "stat": stat},
			map[string]any{"id": "b", "namespace": "n", "metric": "k", "stat": stat},
		}}
	}
	with := func(s slo.Spec, name, value string) slo.Spec { s[name] = value; return s }
	for name, c := range map[string]struct {
		spec   slo.Spec
		period slo.Minute
		want   slo.Minute
	}{
		"a sum":                     {spec: one("Sum"), want: 5},
		"a count":                   {spec: one("SampleCount"), want: 5},
		"a count between bounds":    {spec: one("TC(:300)"), want: 5},
		"a sum between bounds":      {spec: one("TS(10:300)"), want: 5},
		"a count between shares":    {spec: one("TC(10%:90%)")},
		"an average":                {spec: one("Average")},
		"a percentile":              {spec: one("p99")},
		"a percentile rank":         {spec: one("PR(:300)")},
		"a maximum":                 {spec: one("Maximum")},
		"a period of its own":       {spec: with(one("Sum"), "period", "60s"), want: 5},
		"a period of five":          {spec: with(one("Sum"), "period", "5m"), want: 5},
		"a period of two":           {spec: with(one("Sum"), "period", "2m")},
		"an hour":                   {spec: one("Sum"), period: 60},
		"a name":                    {spec: several("a", "Sum"), want: 5},
		"a sum of two":              {spec: several("SUM([a, b])", "Sum"), want: 5},
		"a sum of averages":         {spec: several("SUM([a, b])", "Average")},
		"plus, which wants both":    {spec: several("a + b", "Sum")},
		"a quotient":                {spec: several("a / b", "Sum")},
		"a condition":               {spec: several("IF(a > 1, b)", "Sum")},
		"a statement":               {spec: slo.Spec{"region": "eu-west-1", "sql": "SELECT SUM(m) FROM n"}},
		"what cannot be understood": {spec: slo.Spec{"stat": 5}},
	} {
		if got := src.Widest(metric.Query{Spec: c.spec, Period: c.period}); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
