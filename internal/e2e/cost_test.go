package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// billed are services whose metrics are shared and are not: a function with two
// objectives, an API, a load balancer, and a second objective over the same
// metrics as the first.
const billed = `{apiVersion: nines/v1, kind: Service, metadata: {name: pay}, spec: {from: {lambda: pay, region: eu-west-1}, objectives: [99.9% available, 99% < 300ms]}}
---
{apiVersion: nines/v1, kind: Service, metadata: {name: till}, spec: {from: {lambda: pay, region: eu-west-1}, objectives: [99% available]}}
---
{apiVersion: nines/v1, kind: Service, metadata: {name: api}, spec: {from: {apigateway: api, region: eu-west-1}, objectives: [99.9% available]}}
---
{apiVersion: nines/v1, kind: Service, metadata: {name: web}, spec: {from: {alb: app/web/0123456789abcdef, region: eu-west-1}, objectives: [99.9% available, 99% < 300ms]}}
`

// TestCostIsWhatIsAsked: what the bill is made of is what the service counts
// when the documents are measured: at a reading, and at the first fill.
func TestCostIsWhatIsAsked(t *testing.T) {
	w := admit(t)
	for _, s := range []series{
		{"AWS/Lambda", "FunctionName", "pay", "Errors", "Count"},
		{"AWS/Lambda", "FunctionName", "pay", "Invocations", "Count"},
		{"AWS/Lambda", "FunctionName", "pay", "Throttles", "Count"},
		{"AWS/Lambda", "FunctionName", "pay", "Duration", "Milliseconds"},
		{"AWS/ApiGateway", "ApiName", "api", "5XXError", "Count"},
		{"AWS/ApiGateway", "ApiName", "api", "Count", "Count"},
		{"AWS/ApplicationELB", "LoadBalancer", "app/web/0123456789abcdef", "HTTPCode_Target_5XX_Count", "Count"},
		{"AWS/ApplicationELB", "LoadBalancer", "app/web/0123456789abcdef", "HTTPCode_ELB_5XX_Count", "Count"},
		{"AWS/ApplicationELB", "LoadBalancer", "app/web/0123456789abcdef", "RequestCount", "Count"},
		{"AWS/ApplicationELB", "LoadBalancer", "app/web/0123456789abcdef", "TargetResponseTime", "Seconds"},
	} {
		w.put(t, s, time.Minute, 0, 1)
	}
	var bill struct {
		Load struct {
			Metrics, Unshared, Objectives int
		} `json:"load"`
		Backfill struct {
			Lines []struct{ Units float64 }
		} `json:"backfill"`
	}
	out, _ := run(t, w.visit(t, billed, nil, "cost", "-o", "json"), 0)
	if err := json.Unmarshal(out, &bill); err != nil {
		t.Fatal(err)
	}
	// Functions share three metrics and one has a latency; an API has one; a
	// balancer four and one.
	if bill.Load.Metrics != 3+1+1+4+1 || bill.Load.Unshared != bill.Load.Metrics+3 || bill.Load.Objectives != 6 {
		t.Errorf("load: %+v", bill.Load)
	}
	fill := w.visit(t, billed, nil, "measure", "--since", "63d")
	run(t, fill, 0)
	asked := w.server.Totals()
	if least := bill.Backfill.Lines[0].Units; float64(asked.MetricsRequested) < least || float64(asked.MetricsRequested) > 3*least {
		t.Errorf("the first fill asked for %d metrics, where at least %v were announced", asked.MetricsRequested, least)
	}
	t.Logf("first fill: %d metrics in %d calls, at least %v announced", asked.MetricsRequested, asked.Calls["GetMetricData"], bill.Backfill.Lines[0].Units)
	w.server.ResetTotals()
	again := w.visit(t, billed, nil, "measure")
	again.Dir = fill.Dir
	run(t, again, 0)
	if asked := w.server.Totals().MetricsRequested; asked != bill.Load.Metrics {
		t.Errorf("a reading asked for %d metrics, the bill says %d", asked, bill.Load.Metrics)
	}
}

// TestDoctorReadsExpressions: presets are expressions over several metrics. One
// that is silent may mean that nothing went wrong; when all of a total's are, it
// is a typo.
func TestDoctorReadsExpressions(t *testing.T) {
	w := admit(t)
	for _, name := range []string{"Errors", "Invocations"} {
		w.put(t, series{"AWS/Lambda", "FunctionName", "pay", name, "Count"}, time.Minute, 0, 1)
	}
	const doc = `{apiVersion: nines/v1, kind: Service, metadata: {name: pay}, spec: {from: {lambda: pay, region: eu-west-1}, objectives: [99.9% available]}}`
	out, _ := run(t, w.visit(t, doc, nil, "doctor"), 0)
	t.Logf("%s", out)
	for _, want := range []string{
		"ok       metric pay.availability bad: AWS/Lambda Errors {FunctionName=pay}", "warn     metric pay.availability total, pay.availability bad: AWS/Lambda Throttles {FunctionName=pay}: it has had no datapoint in two weeks, which is read as nothing having gone wrong",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	out, _ = run(t, w.visit(t, strings.ReplaceAll(doc, "lambda: pay", "lambda: pax"), nil, "doctor"), 1)
	for _, want := range []string{"fail     metric pay.availability total: AWS/Lambda Invocations {FunctionName=pax}: no such metric in eu-west-1", `no FunctionName is called "pax"; did you mean "pay"?`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "FILL") {
		t.Errorf("it speaks of expressions over metrics that are not there:\n%s", out)
	}
}
