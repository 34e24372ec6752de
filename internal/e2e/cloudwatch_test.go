package e2e_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

const cloudwatchDoc = `apiVersion: openslo/v1
kind: SLO
metadata: {name: requests}
spec:
  service: pay
  indicator:
    metadata: {name: requests}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: shop, metric: %[1]s, dimensions: {Service: pay}, stat: "TC(:300)"}}}
        total: {metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: shop, metric: %[1]s, dimensions: {Service: pay}, stat: SampleCount}}}
  budgetingMethod: Occurrences
  objectives: [{displayName: within 300 ms, target: 0.9}]
  timeWindow: [{duration: 1d, isRolling: true}]
`

// aws runs the program with a local CloudWatch as its account.
func aws(t *testing.T, url, dir string, want int, args ...string) string {
	t.Helper()
	out, errs := run(t, inAccount(t, url, dir, args...), want)
	return string(out) + string(errs)
}

// printed is what the program printed, without its notes.
func printed(t *testing.T, url, dir string, args ...string) string {
	t.Helper()
	out, _ := run(t, inAccount(t, url, dir, args...), 0)
	return string(out)
}

func inAccount(t *testing.T, url, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, dir, args...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+url, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "HOME="+dir)
	return cmd
}

// TestMeasureFromCloudWatch reads latency counts over the SDK's own protocol: a
// latency objective is two statistics of one metric, and a typo in its name is
// unmeasured, never green.
func TestMeasureFromCloudWatch(t *testing.T) {
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(func() {
		h.Close()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	// Three hours of a metric in embedded metric format: each minute 18 requests
	// within 300 ms, one at the bound, one above it.
	var lines strings.Builder
	start := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	for m := range 120 {
		at := start.Add(time.Duration(m) * time.Minute)
		fmt.Fprintf(&lines, `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"shop","Dimensions":[["Service"]],"Metrics":[{"Name":"Latency","Unit":"Milliseconds"}]}]},"Service":"pay","Latency":[%s]}`+"\n",
			at.UnixMilli(), strings.Repeat("120,", 18)+"300,301")
	}
	post(t, h.Client(), h.URL+"/emf?region=eu-west-1", "application/x-ndjson", lines.String())

	dir := t.TempDir()
	write(t, filepath.Join(dir, "slo.yaml"), fmt.Sprintf(cloudwatchDoc, "Latency"))
	t.Log(aws(t, h.URL, dir, 0, "measure"))
	got := objective(t, dir, start.Add(2*time.Hour).Format(time.RFC3339))
	if got.Total != 2400 || got.Good != 2280 {
		t.Errorf("good %v of %v, want 2280 of 2400", got.Good, got.Total)
	}

	typo := t.TempDir()
	write(t, filepath.Join(typo, "slo.yaml"), fmt.Sprintf(cloudwatchDoc, "Latancy"))
	said := aws(t, h.URL, typo, 0, "measure")
	if !strings.Contains(said, "no such metric") {
		t.Errorf("measuring a metric nobody knows says:\n%s", said)
	}
	said = aws(t, h.URL, typo, 4, "gate", "pay")
	if strings.Contains(said, "PASS") {
		t.Errorf("a typo passes the gate:\n%s", said)
	}
}
