package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestWeightedIsRecommended: an objective in the count form that names no
// policy has the conditions that are recommended.
func TestWeightedIsRecommended(t *testing.T) {
	t.Parallel()
	c := parse(t, `
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: pay, annotations: {nines/weighted: "true", nines/min-bad-events: "5"}}
spec:
  service: shop
  budgetingMethod: Occurrences
  indicator:
    metadata: {name: pay}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: p.csv, column: good}}}
        total: {metricSource: {type: csv, spec: {path: p.csv, column: total}}}
  objectives: [{target: 0.999}]
  timeWindow: [{duration: 30d, isRolling: true}]
`)
	o := &c.Objectives[0]
	want, minBad, _ := slo.Recommended(o.Window, o.Target)
	if d := cmp.Diff(want, o.Conditions, cmp.AllowUnexported(slo.Decimal{})); d != "" || o.MinBad != minBad {
		t.Error(d, o.MinBad)
	}
}
