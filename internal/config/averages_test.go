package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
)

// What forgets how many samples it is of is never averaged: not over minutes,
// not over metrics, not over regions. The reason is given, and what to write.
func TestNothingIsAveragedThatCannotBe(t *testing.T) {
	const (
		rank = "a percentile rank is a percentage of one period's samples; averaged over time it forgets how many there were"
		pct  = "a percentile is not a count; percentiles cannot be added up or averaged over time"
		mean = "a mean is not a count; a mean of means forgets how many samples each had"
		one  = `namespace: AWS/Lambda, metric: Duration, stat: `
	)
	queries := func(stats ...string) string {
		var b strings.Builder
		for i, s := range stats {
			fmt.Fprintf(&b, "m%d: {namespace: AWS/Lambda, metric: Duration, stat: %q}, ", i, s)
		}
		return "queries: {" + b.String() + "}"
	}
	const raw, ratio, threshold = "raw", "ratio", "threshold"
	for _, c := range []struct{ kind, spec, says string }{
		{raw, one + `"PR(:300)"`, rank},
		{raw, one + "p99", pct},
		{raw, one + "Maximum", "an extreme is not a count"},
		{raw, one + `"TM(10%:90%)"`, mean},
		{raw, one + "Average", ""}, // a canary's SuccessPercent is published as a ratio
		{raw, `expression: "m0 / 100", ` + queries("PR(:300)"), rank},
		{raw, `expression: "m0 / m1", ` + queries("TC(:300)", "SampleCount"), ""},
		{ratio, one + `"PR(:300)"`, rank},
		{ratio, one + "p99", pct},
		{ratio, one + "Average", mean},
		{ratio, one + `"TC(:300)"`, ""},
		{ratio, `expression: "m0 + m1", ` + queries("PR(:300)", "Sum"), rank},
		{ratio, `expression: "m0 + m1", ` + queries("Sum", "TC(:300)"), ""},
		{ratio, `expression: "m0 / 100 * m1", ` + queries("PR(:300)", "SampleCount"), ""}, // weighed by its count
		{ratio, `expression: "IF(m0 < 300, 1, 0)", ` + queries("p99"), ""},                // it counts periods, as it says
		{threshold, one + `"PR(:300)"`, ""},                                               // each minute is held against the bound, nothing is averaged
		{threshold, one + "p99", ""},
		{threshold, `expression: "AVG(m0)", ` + queries("PR(:300)"), "AVG over m0 (PR(:300)): " + rank},
		{threshold, `expression: "AVG([m0, m1])", ` + queries("p99", "p95"), "AVG over m1 (p95): " + pct},
		{threshold, `expression: "AVG(METRICS())", ` + queries("PR(:300)", "PR(:300)"), "AVG over m1 (PR(:300)): " + rank},
		{threshold, `expression: "AVG(METRICS('m1'))", ` + queries("PR(:300)", "Sum"), ""},
		{threshold, `expression: "RUNNING_SUM(ABS(m0)) / 2", ` + queries("IQM"), "RUNNING_SUM over m0 (IQM): " + mean},
		{threshold, `expression: "AVG(e)", queries: {m: {` + one + `p99}, e: {expression: "SUM([m])"}}`, "SUM over m (p99): " + pct},
		{threshold, `expression: "MAX([m0, m1])", ` + queries("p99", "p95"), ""},
		{threshold, `expression: "SUM([m0, m1]) / m1", ` + queries("Sum", "SampleCount"), ""},
		{threshold, one + `p99, regions: [eu-west-1, eu-central-1]`, "several regions are added up, but " + pct},
		{threshold, one + `Sum, regions: [eu-west-1, eu-central-1]`, ""},
		{threshold, one + `p99, regions: [eu-west-1]`, ""},
	} {
		t.Run(c.kind+" "+c.spec, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "slo.yaml")
			if err := os.WriteFile(file, []byte(averaged(c.kind, c.spec)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, problems, err := config.Load(t.Context(), []string{file}, config.Options{Types: types()})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(problems)
			switch {
			case c.says == "" && problems.Errors() > 0:
				t.Errorf("it is refused: %s", got)
			case !strings.Contains(got, c.says):
				t.Errorf("it says %s\nwant %s", got, c.says)
			}
		})
	}
}

// averaged is an SLO with one indicator of a kind over a CloudWatch query.
func averaged(kind, spec string) string {
	source := "metricSource: {type: CloudWatch, spec: {" + spec + "}}"
	var indicator string
	objective := "{displayName: x, target: 0.99}"
	switch kind {
	case "raw":
		indicator = "ratioMetric: {rawType: success, raw: {" + source + "}}"
	case "ratio":
		indicator = "ratioMetric: {counter: false, good: {" + source + "}, total: {metricSource: {type: CloudWatch, spec: {namespace: AWS/Lambda, metric: Duration, stat: SampleCount}}}}"
	default:
		indicator, objective = "thresholdMetric: {"+source+"}", "{displayName: x, target: 0.99, op: gte, value: 99}"
	}
	return `apiVersion: openslo/v1
kind: Service
metadata: {name: s}
spec: {}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: slo}
spec:
  service: s
  budgetingMethod: Occurrences
  indicator: {metadata: {name: i}, spec: {` + indicator + `}}
  timeWindow: [{duration: 28d, isRolling: true}]
  objectives: [` + objective + `]
`
}

// The regions may stand at the data source.
func TestRegionsOfTheDataSource(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slo.yaml")
	text := strings.ReplaceAll(averaged("threshold", "namespace: AWS/Lambda, metric: Duration, stat: p99"), "type: CloudWatch", "metricSourceRef: both") +
		"---\n{apiVersion: openslo/v1, kind: DataSource, metadata: {name: both}, spec: {type: CloudWatch, connectionDetails: {regions: [eu-west-1, eu-central-1]}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems, err := config.Load(t.Context(), []string{file}, config.Options{Types: types()})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(problems); problems.Errors() != 1 || !strings.Contains(got, "several regions are added up, but a percentile is not a count") {
		t.Errorf("it says %s", got)
	}
}
