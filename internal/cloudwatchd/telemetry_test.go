package cloudwatchd_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/emf"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// recorded is a registry of the telemetry library whose lines are kept.
func recorded(at time.Time, opts ...metrics.Option) (*metrics.Registry, *bytes.Buffer) {
	out := &bytes.Buffer{}
	return metrics.New(append([]metrics.Option{
		metrics.WithNamespace("shop"), metrics.WithService("pay"), metrics.WithWriter(out),
		metrics.WithClock(func() time.Time { return at }), metrics.WithEnvironment(func(string) string { return "" }),
	}, opts...)...), out
}

// What the telemetry library writes arrives as the data that were meant: by
// dimensions, several sets of them, units, by the second, and dated.
func TestMetricLinesOfTheLibrary(t *testing.T) {
	b := start(t)
	at := noon.Add(-3 * time.Minute)
	m, lines := recorded(at)
	ctx := context.Background()
	orders, latency := m.MustMetric("Orders", metrics.Count), m.MustMetric("Latency", metrics.Milliseconds, metrics.HighResolution())
	route := m.MustDimensions("route")
	both, err := m.Sets(metrics.Dimensions{}, route.Of("/buy"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 250 { // more than a document holds
		latency.With(both).Add(ctx, float64(i))
	}
	orders.With(route.Of("/buy")).Add(ctx, 1)
	orders.With(route.Of("/sell")).Add(ctx, 20)
	orders.With(route.Of("/buy")).Add(ctx, 2)
	orders.At(at.Add(-time.Minute)).Add(ctx, 400)
	orders.Add(ctx, math.NaN())
	m.Metadata(ctx, "order_id", "o-1")
	if drops := m.Flush(ctx); len(drops) != 1 {
		t.Errorf("%v", drops)
	}

	var report cloudwatchd.EMFReport
	if status := b.json("POST", "/emf?region=eu-west-1", lines.String(), &report); status != 200 || report.Bad != 0 || report.Ignored != 0 {
		t.Fatalf("status %d, %+v", status, report)
	}
	service := dim("service", "pay")
	for _, c := range []struct {
		metric, stat string
		period       int32
		dims         []types.Dimension
		want         float64
	}{
		{"Latency", "SampleCount", 60, []types.Dimension{service}, 250},
		{"Latency", "SampleCount", 1, []types.Dimension{service}, 250},
		{"Latency", "Sum", 60, []types.Dimension{dim("route", "/buy"), service}, 250 * 249 / 2},
		{"Orders", "Sum", 60, []types.Dimension{dim("route", "/buy"), service}, 3},
		{"Orders", "SampleCount", 60, []types.Dimension{dim("route", "/buy"), service}, 2},
		{"Orders", "Sum", 60, []types.Dimension{dim("route", "/sell"), service}, 20},
	} {
		r := b.get(window(at, noon, ask("q", c.metric, c.stat, c.period, c.dims...))).MetricDataResults[0]
		if len(r.Values) != 1 || r.Values[0] != c.want {
			t.Errorf("%s %s: %v, want %v", c.metric, c.stat, r.Values, c.want)
		}
	}
	before := b.get(window(at.Add(-time.Minute), at, ask("q", "Orders", "Sum", 60, service))).MetricDataResults[0]
	if len(before.Values) != 1 || before.Values[0] != 400 {
		t.Errorf("the dated value: %v", before.Values)
	}
}

// Whatever names, values and numbers the library takes, the reader takes too; and
// what the library refuses is all that is missing.
func TestTheReaderTakesWhatTheLibraryWrites(t *testing.T) {
	units := map[string]bool{}
	for _, u := range metrics.Units() {
		units[string(u)] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		m, lines := recorded(noon)
		ctx := context.Background()
		sum := 0
		for i := range rapid.IntRange(1, 5).Draw(t, "metrics") {
			unit := rapid.SampledFrom(metrics.Units()).Draw(t, "unit")
			metric, _ := m.Metric(rapid.String().Draw(t, "name"), unit)
			set, _ := m.Dimensions(fmt.Sprintf("d%d", i), rapid.String().Draw(t, "dimension"))
			n := rapid.IntRange(1, 120).Draw(t, "values")
			value := rapid.Float64().Draw(t, "value")
			dims := set.Of("x", rapid.String().Draw(t, "dimension value"))
			for range n {
				metric.With(dims).Add(ctx, value)
			}
			sum += n
		}
		m.Flush(ctx)
		got := 0.0
		reader := emf.Reader{Now: noon, Unit: func(u string) bool { return units[u] }}
		for line := range bytes.Lines(lines.Bytes()) {
			r := reader.Line(line)
			if len(r.Problems) > 0 || r.Ignored {
				t.Fatalf("%q: %q", line, r.Problems)
			}
			for _, d := range r.Data {
				got += d.Set.Count
			}
		}
		for _, d := range m.Dropped() {
			got += float64(d.Count)
		}
		if int(got) != sum {
			t.Fatalf("%v arrived or were counted, of %d", got, sum)
		}
	})
}
