package cloudwatchd_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

func (b *bench) inject(f cloudwatchd.Fault) {
	b.t.Helper()
	if err := b.server.Inject(f); err != nil {
		b.t.Fatal(err)
	}
}

// hour publishes a datapoint a minute for the last hour and returns its start.
func (b *bench) hour(names ...string) time.Time {
	b.t.Helper()
	from := noon.Add(-time.Hour)
	for _, name := range names {
		b.put(many(60, func(i int) types.MetricDatum { return datum(name, from.Add(time.Duration(i)*time.Minute), 1) })...)
	}
	return from
}

func TestThrottling(t *testing.T) {
	b := start(t)
	from := b.hour("m")
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Throttle, Operation: "GetMetricData", After: 2, Times: 3})
	var got []string
	for range 7 {
		_, err := b.cw.GetMetricData(t.Context(), window(from, noon, ask("a", "m", "Sum", 60)))
		if err == nil {
			got = append(got, "ok")
			continue
		}
		got = append(got, refused(t, err).ErrorCode())
	}
	if want := []string{"ok", "ok", "Throttling", "Throttling", "Throttling", "ok", "ok"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// The SDK's own retries get through it.
	b.server.ClearFaults()
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Throttle, Times: 2})
	patient := b.client("eu-west-1", "AKIDEXAMPLE", func(o *cloudwatch.Options) {
		o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) { so.MaxBackoff = time.Millisecond })
	})
	if _, err := patient.GetMetricData(t.Context(), window(from, noon, ask("a", "m", "Sum", 60))); err != nil {
		t.Errorf("with retries: %v", err)
	}
	// A rate with a seed gives the same run again.
	run := func() (s string) {
		b.server.ClearFaults()
		b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Internal, Rate: 0.5, Seed: 7})
		for range 20 {
			_, err := b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
			s += map[bool]string{true: ".", false: "x"}[err == nil]
		}
		return s
	}
	first := run()
	if second := run(); first != second || first == "...................." || first == "xxxxxxxxxxxxxxxxxxxx" {
		t.Errorf("%s, then %s", first, second)
	}
	b.server.ClearFaults()
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Failure, Code: "ExpiredToken", Message: "The security token included in the request is expired", Status: 403})
	_, err := b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
	if refused(t, err).ErrorCode() != "ExpiredToken" {
		t.Errorf("%v", err)
	}
}

// Spoiled results never say Complete, except the stray one, which lies.
func TestSpoiledResults(t *testing.T) {
	b := start(t)
	from := b.hour("a", "b")
	ids := []types.MetricDataQuery{ask("a", "a", "Sum", 60), ask("b", "b", "Sum", 60), formula("e", "a + b"), formula("f", "b * 2")}
	for _, c := range []struct {
		kind cloudwatchd.FaultKind
		want string
	}{
		{cloudwatchd.Partial, "[a PartialData 30 b Complete 60 e PartialData 60 f Complete 60]"},
		{cloudwatchd.RowError, "[a InternalError 0 b Complete 60 e InternalError 60 f Complete 60]"},
		{cloudwatchd.Forbidden, "[a Forbidden 0 b Complete 60 e Forbidden 60 f Complete 60]"},
		{cloudwatchd.Stray, "[a Complete 61 b Complete 60 e Complete 61 f Complete 60]"},
	} {
		b.server.ClearFaults()
		b.inject(cloudwatchd.Fault{Kind: c.kind, Metric: "a", Namespace: "shop", Times: 1})
		show := func() string {
			var got []string
			for _, r := range b.get(window(from, noon, ids...)).MetricDataResults {
				got = append(got, fmt.Sprint(*r.Id, " ", r.StatusCode, " ", len(r.Values)))
			}
			return fmt.Sprint(got)
		}
		if got := show(); got != c.want {
			t.Errorf("%s: %s, want %s", c.kind, got, c.want)
		}
		if got := show(); got != "[a Complete 60 b Complete 60 e Complete 60 f Complete 60]" {
			t.Errorf("after %s: %s", c.kind, got)
		}
	}
}

func TestShortPagesAndBrokenConnections(t *testing.T) {
	b := start(t)
	from := b.hour("a", "b", "c")
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.ShortPage})
	in := window(from, noon, ask("a", "a", "Sum", 60), ask("b", "b", "Sum", 60), ask("c", "c", "Sum", 60))
	pages, total := 0, 0
	for p := cloudwatch.NewGetMetricDataPaginator(b.cw, in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.MetricDataResults {
			total += len(r.Values)
		}
	}
	if pages != 2 || total != 180 {
		t.Errorf("%d pages with %d datapoints", pages, total)
	}
	b.server.ClearFaults()
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Cut, Times: 1})
	if _, err := b.cw.GetMetricData(t.Context(), in); err == nil {
		t.Error("a connection broken in the middle of the answer went unnoticed")
	}
	if _, err := b.cw.GetMetricData(t.Context(), in); err != nil {
		t.Error(err)
	}
}

func TestLateAndLostData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	b := start(t, func(c *cloudwatchd.Config) { c.Path = path })
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Late, Metric: "late", Delay: cloudwatchd.Delay(10 * time.Minute)})
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Drop, Metric: "lost", After: 1, Times: 1})
	at := noon.Add(-time.Minute)
	b.put(datum("late", at, 1), datum("lost", at, 1), datum("lost", at, 2), datum("lost", at, 4), datum("prompt", at, 1))
	read := func() map[string]float64 {
		t.Helper()
		got := map[string]float64{}
		for _, r := range b.get(window(at, noon, ask("late", "late", "Sum", 60), ask("lost", "lost", "Sum", 60), ask("prompt", "prompt", "Sum", 60))).MetricDataResults {
			for _, v := range r.Values {
				got[*r.Id] = v
			}
		}
		return got
	}
	if got := read(); !maps.Equal(got, map[string]float64{"lost": 5, "prompt": 1}) {
		t.Errorf("at once: %v", got)
	}
	b.server.Clock().Advance(9 * time.Minute)
	if got := read(); !maps.Equal(got, map[string]float64{"lost": 5, "prompt": 1}) {
		t.Errorf("after nine minutes: %v", got)
	}
	b.server.Clock().Advance(time.Minute)
	if got := read(); !maps.Equal(got, map[string]float64{"lost": 5, "prompt": 1, "late": 1}) {
		t.Errorf("after ten: %v", got)
	}
}

// Data held back when the server closes are kept, not lost.
func TestLateDataSurviveAClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	cfg := cloudwatchd.Config{Clock: func() time.Time { return noon }, Path: path}
	s, err := cloudwatchd.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Inject(cloudwatchd.Fault{Kind: cloudwatchd.Late, Delay: cloudwatchd.Delay(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	serve(t, s, func(b *bench) { b.put(datum("m", noon, 3)) })
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	b := start(t, func(c *cloudwatchd.Config) { c.Path = path })
	if r := b.get(window(noon, noon.Add(time.Minute), ask("m", "m", "Sum", 60))).MetricDataResults[0]; len(r.Values) != 1 {
		t.Errorf("after a restart: %v", r.Values)
	}
}

func TestLatency(t *testing.T) {
	var waited time.Duration
	b := start(t, func(c *cloudwatchd.Config) { c.Sleep = func(_ context.Context, d time.Duration) { waited += d } })
	b.inject(cloudwatchd.Fault{Kind: cloudwatchd.Latency, Delay: cloudwatchd.Delay(3 * time.Second), Times: 2})
	for range 3 {
		if _, err := b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if waited != 6*time.Second {
		t.Errorf("waited %v", waited)
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	b := start(t)
	for _, f := range []cloudwatchd.Fault{{Kind: "gremlin"}, {Kind: cloudwatchd.Throttle, Rate: 1.5}, {Kind: cloudwatchd.Throttle, After: -1}, {Kind: cloudwatchd.Failure}, {Kind: cloudwatchd.Late}} {
		if err := b.server.Inject(f); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}

// Metrics as billed: unique ones of a call; up to five statistics are one.
func TestCountsWhatIsBilled(t *testing.T) {
	b := start(t)
	from := b.hour("lambda", "a", "b")
	stats := func(n int) (q []types.MetricDataQuery) {
		for i, s := range []string{"Sum", "SampleCount", "Minimum", "Maximum", "Average", "p50"}[:n] {
			q = append(q, ask(fmt.Sprint("s", i), "lambda", s, 60))
		}
		return q
	}
	search := formula("e", `SEARCH('{shop}', 'Sum', 60)`)
	for _, c := range []struct {
		name    string
		queries []types.MetricDataQuery
		want    int
	}{
		{"one metric, two statistics", stats(2), 1},
		{"one metric, five statistics", stats(5), 1},
		{"one metric, six statistics", stats(6), 2},
		{"two metrics", []types.MetricDataQuery{ask("a", "a", "Sum", 60), ask("b", "b", "Sum", 60)}, 2},
		{"the same metric at two periods", []types.MetricDataQuery{ask("a", "a", "Sum", 60), ask("b", "a", "Sum", 300)}, 1},
		{"with math over it", []types.MetricDataQuery{ask("a", "a", "Sum", 60), formula("e", "a * 2")}, 1},
		{"a search that finds three", []types.MetricDataQuery{search}, 3},
		{"a metric that does not exist", []types.MetricDataQuery{ask("x", "typo", "Sum", 60)}, 1},
	} {
		b.server.ResetTotals()
		b.get(window(from, noon, c.queries...))
		if got := b.server.Totals(); got.MetricsRequested != c.want || got.Queries != len(c.queries) {
			t.Errorf("%s: billed %d, want %d (%d queries)", c.name, got.MetricsRequested, c.want, got.Queries)
		}
	}
	b.server.ResetTotals()
	in := window(from, noon, ask("a", "a", "Sum", 60))
	in.MaxDatapoints = aws.Int32(25)
	for p := cloudwatch.NewGetMetricDataPaginator(b.cw, in); p.HasMorePages(); {
		if _, err := p.NextPage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := b.server.Totals()
	if got.MetricsRequested != 1 || got.MetricsOnPages != 2 || got.Datapoints != 60 || got.Calls["GetMetricData"] != 3 || len(b.server.Requests()) != 3 {
		t.Errorf("three pages: %+v", got)
	}
}

func TestQuota(t *testing.T) {
	now := noon
	b := start(t, func(c *cloudwatchd.Config) {
		c.Clock = func() time.Time { return now }
		c.Quota = cloudwatchd.Quota{Calls: 3, RecentDatapoints: 100}
	})
	b.hour("m")
	call := func(minutes int) string {
		_, err := b.cw.GetMetricData(t.Context(), window(noon.Add(-time.Duration(minutes)*time.Minute), noon, ask("a", "m", "Sum", 60)))
		if err != nil {
			return refused(t, err).ErrorCode()
		}
		return "ok"
	}
	if got := []string{call(60), call(60), call(40), call(1)}; !slices.Equal(got, []string{"ok", "Throttling", "ok", "Throttling"}) {
		t.Errorf("in one second: %v", got)
	}
	now = now.Add(time.Second)
	if got := call(60); got != "ok" {
		t.Errorf("in the next: %v", got)
	}
	if got := b.server.Totals(); got.BusiestDatapoints != 100 || got.Errors["Throttling"] != 2 {
		t.Errorf("%+v", got)
	}
}
