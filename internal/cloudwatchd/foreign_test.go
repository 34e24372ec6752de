package cloudwatchd_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// clean is the environment without anything of an AWS account.
func clean(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AWS_") })
	return append(append(env, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"), extra...)
}

// The AWS CLI, boto3 and numpy: clients and a second opinion that are not ours.
// tools/foreign.sh installs them, `make test` sets NINES_PYTHON.
func TestForeignClients(t *testing.T) {
	python := os.Getenv("NINES_PYTHON")
	if python == "" {
		t.Skip("NINES_PYTHON names no Python with boto3, awscli and numpy; `make test` sets it")
	}
	b := start(t)
	d := datum("from-go", noon.Add(-4*time.Minute), 0, dim("By", "go"))
	d.Value, d.Values = nil, []float64{100, 300, 400}
	b.put(d)
	sets := "1000"
	if testing.Short() {
		sets = "50"
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/foreign.py", b.url, noon.Format(time.RFC3339), sets)
	cmd.Env = clean()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	r := b.get(window(noon.Add(-10*time.Minute), noon, ask("n", "from-cli", "SampleCount", 60, dim("By", "cli")), ask("good", "from-cli", "TC(:2)", 60, dim("By", "cli")))).MetricDataResults
	if len(r[0].Values) != 1 || r[0].Values[0] != 15 || r[1].Values[0] != 9 {
		t.Errorf("the Go SDK reads of what the CLI wrote: %v %v", r[0].Values, r[1].Values)
	}
	protocols := map[string]int{}
	for _, e := range b.server.Requests() {
		protocols[e.Protocol]++
	}
	t.Logf("requests by protocol: %v", protocols)
	if protocols["aws-json-1.0"] == 0 || protocols["rpc-v2-cbor"] == 0 {
		t.Errorf("both protocols should have been spoken: %v", protocols)
	}
}

// The AWS SDK for JavaScript, which chooses its own protocol.
func TestForeignJavaScript(t *testing.T) {
	modules := os.Getenv("NINES_NODE_MODULES")
	if modules == "" {
		t.Skip("NINES_NODE_MODULES names no folder with @aws-sdk/client-cloudwatch; `make test` sets it")
	}
	b := start(t)
	d := datum("from-go", noon.Add(-4*time.Minute), 0, dim("By", "go"))
	d.Value, d.Values = nil, []float64{100, 300, 400}
	b.put(d)
	cmd := exec.CommandContext(t.Context(), "node", "testdata/foreign.mjs", b.url, noon.Format(time.RFC3339))
	cmd.Env = clean()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	r := b.get(window(noon.Add(-10*time.Minute), noon, ask("n", "from-js", "SampleCount", 300, dim("By", "js")))).MetricDataResults[0]
	if len(r.Values) == 0 || r.Values[0] != 15 {
		t.Errorf("the Go SDK reads of what JavaScript wrote: %v", r.Values)
	}
	requests := b.server.Requests()
	t.Logf("the protocol of its choice: %s", requests[1].Protocol)
}

// moto, where it is right: plain statistics over ranges that begin on a period.
func TestForeignMoto(t *testing.T) {
	other := moto.Start(t)
	b := start(t)
	cmd := exec.CommandContext(t.Context(), os.Getenv(moto.Python), "testdata/moto.py", b.url, other, noon.Format(time.RFC3339))
	cmd.Env = clean()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("\n%s", out)
}
