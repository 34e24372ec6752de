package e2e_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const elbFile = "../../../shared/data/cloudwatch/elb_request_count_8c0756.csv"

const elbDoc = `apiVersion: openslo/v1
kind: Service
metadata: {name: elb}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: requests}
spec:
  service: elb
  indicator:
    metadata: {name: requests}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: elb.csv, column: value}}}
        total: {metricSource: {type: csv, spec: {path: elb.csv, column: value}}}
  budgetingMethod: Occurrences
  objectives: [{displayName: ok, target: 0.99}]
  timeWindow: [{duration: 14d, isRolling: true}]
`

// TestRealLoadBalancer holds a two-week window over a real series, its gaps and
// duplicates and all, against the plain sum of its rows:
//
//	awk -F, 'NR>1 {v[$1]=$2} END {for (k in v) if (k >= from) s+=v[k]; print s}'
func TestRealLoadBalancer(t *testing.T) {
	raw, err := os.ReadFile(elbFile)
	if err != nil {
		t.Skipf("the real series is not here: %v", err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "elb.csv"), string(raw))
	write(t, filepath.Join(dir, "slo.yaml"), elbDoc)
	nines(t, dir, 0, "measure", "--quiet")

	// The file's last row is 2014-04-24 00:39; its step ends at 00:44, and two
	// weeks before that is 2014-04-10 00:44. A row of 00:39 ends with it.
	last := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(string(raw)))
	lines.Scan()
	for lines.Scan() {
		at, value, _ := strings.Cut(lines.Text(), ",")
		f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			t.Fatal(err)
		}
		last[at] = f
	}
	var sum float64
	for at, f := range last {
		if at >= "2014-04-10 00:44:00" {
			sum += f
		}
	}
	got := status(t, dir, "--offline")
	if len(got) != 1 || got[0].Total != sum || got[0].Good != sum {
		t.Fatalf("window total = %+v, want %v", got, sum)
	}
	t.Logf("two weeks of a real load balancer: %.0f requests, coverage %v, level %s %v", sum, got[0].Coverage, got[0].Level, got[0].Flags)
}
