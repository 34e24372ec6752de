package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// document is one SLO as teams write it: an inline ratio, two objectives, an
// alert policy with a condition. It is valid for both programs.
const document = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: slo-%[1]d
  displayName: Requests of service %[1]d succeed
spec:
  description: Written for the comparison; number %[1]d.
  service: service-%[2]d
  budgetingMethod: Occurrences
  indicator:
    metadata:
      name: indicator-%[1]d
    spec:
      ratioMetric:
        counter: false
        good:
          metricSource:
            type: csv
            spec:
              path: recorded/service-%[1]d.csv
              column: good
        total:
          metricSource:
            type: csv
            spec:
              path: recorded/service-%[1]d.csv
              column: total
  timeWindow:
    - duration: 30d
      isRolling: true
  objectives:
    - displayName: available
      target: 0.999
    - displayName: mostly available
      target: 0.99
  alertPolicies:
    - kind: AlertPolicy
      metadata:
        name: policy-%[1]d
      spec:
        alertWhenBreaching: true
        conditions:
          - kind: AlertCondition
            metadata:
              name: condition-%[1]d
            spec:
              severity: page
              condition:
                kind: burnrate
                op: gt
                threshold: 14.4
                lookbackWindow: 1h
                alertAfter: 5m
        notificationTargets:
          - kind: AlertNotificationTarget
            metadata:
              name: target-%[1]d
            spec:
              target: slack
`

const service = `apiVersion: openslo/v1
kind: Service
metadata:
  name: service-%d
spec: {}
`

// write lays n SLOs, one a file, and a tenth as many services into a folder.
func write(tb testing.TB, n int) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range n / 10 {
		put(fmt.Sprintf("service-%d.yaml", i), fmt.Sprintf(service, i))
	}
	for i := range n {
		put(fmt.Sprintf("slo-%d.yaml", i), fmt.Sprintf(document, i, i/10))
	}
	return dir
}
