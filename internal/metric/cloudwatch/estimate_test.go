package cloudwatch_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// A plan is what the local CloudWatch then counts, and what the source says it
// used.
func TestPlanIsWhatIsUsed(t *testing.T) {
	now := slo.MinuteOf(clock)
	full := make([]metric.Point, 0, 2*slo.Day)
	for m := now - 2*slo.Day; m < now; m++ {
		full = append(full, metric.Point{At: m, Width: 1, Value: slo.Events(3)})
	}
	l := start(t)
	l.put("eu-west-1", "requests", full)
	l.put("eu-west-1", "errors", full)
	l.server.ResetTotals()
	count := spec("requests", 1)
	count["stat"] = "SampleCount"
	req := metric.Request{
		Span: slo.Span{From: now - slo.Day, To: now - 3},
		Queries: []metric.Query{
			{Key: "sum", Spec: spec("requests", 1)},
			{Key: "same", Spec: spec("requests", 1)},
			{Key: "count", Spec: count},
			{Key: "errors", Spec: spec("errors", 1)},
			{Key: "broken", Spec: slo.Spec{"namespace": "shop"}},
		},
	}
	src := l.source()
	want := src.Plan(req)
	if len(l.server.Requests()) > 0 {
		t.Fatal("planning asked CloudWatch")
	}
	if _, err := src.Fetch(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if got := src.Usage(); got != want {
		t.Errorf("used %+v, planned %+v", got, want)
	}
	if totals := l.server.Totals(); int64(totals.MetricsRequested) != want.Metrics || int64(totals.Datapoints) != want.Datapoints {
		t.Errorf("the server counts %+v, planned %+v", totals, want)
	}
}
