package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

const emfAt = 1_795_417_241_955

func emfClock() time.Time { return time.UnixMilli(emfAt) }

// emf is one way to record metrics and write them.
type emf func(tb testing.TB, out io.Writer) func()

// checkEMF lets each rival write a document, and fails unless they say the same.
func checkEMF(b *testing.B, ours, rival emf) {
	b.Helper()
	var docs [2]any
	for i, make := range []emf{ours, rival} {
		var out bytes.Buffer
		write := make(b, &out)
		write()
		out.Reset()
		write() // the second time, when everything is used again
		if bytes.Count(out.Bytes(), []byte("\n")) != 1 {
			b.Fatalf("not one line: %s", out.Bytes())
		}
		if err := json.Unmarshal(out.Bytes(), &docs[i]); err != nil {
			b.Fatalf("%v: %s", err, out.Bytes())
		}
	}
	if !reflect.DeepEqual(docs[0], docs[1]) {
		b.Fatalf("they do not write the same:\n%v\n%v", docs[0], docs[1])
	}
}

func compareEMF(b *testing.B, ours, rival emf) {
	b.Helper()
	checkEMF(b, ours, rival)
	for _, c := range []struct {
		name string
		make emf
	}{{"ours", ours}, {"map-encoding-json", rival}} {
		b.Run(c.name, func(b *testing.B) {
			write := c.make(b, io.Discard)
			b.ReportAllocs()
			for b.Loop() {
				write()
			}
		})
	}
}

func emfRegistry(out io.Writer) *metrics.Registry {
	return metrics.New(metrics.WithNamespace("Shop"), metrics.WithService("checkout"), metrics.WithDimension("env", "prod"),
		metrics.WithWriter(out), metrics.WithEnvironment(nowhere), metrics.WithClock(emfClock))
}

// asMap is what is written without a library, and what most libraries do inside.
func asMap(out io.Writer, definitions []any, values func(doc map[string]any)) {
	doc := map[string]any{
		"_aws": map[string]any{
			"Timestamp": emfClock().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "Shop", "Dimensions": [][]string{{"service", "env"}}, "Metrics": definitions,
			}},
		},
		"service": "checkout", "env": "prod",
	}
	values(doc)
	line, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	_, _ = out.Write(append(line, '\n'))
}

// BenchmarkEMF2x2 records two metrics under two dimensions, in an invocation, and
// flushes.
func BenchmarkEMF2x2(b *testing.B) {
	compareEMF(b, func(tb testing.TB, out io.Writer) func() {
		tb.Helper()
		ctx := invocation(tb)
		m := emfRegistry(out)
		orders, latency := m.MustMetric("Orders", metrics.Count), m.MustMetric("Latency", metrics.Milliseconds)
		return func() {
			orders.Add(ctx, 1)
			latency.Add(ctx, 12.5)
			m.Flush(ctx)
		}
	}, func(_ testing.TB, out io.Writer) func() {
		return func() {
			asMap(out, []any{
				map[string]any{"Name": "Orders", "Unit": "Count"},
				map[string]any{"Name": "Latency", "Unit": "Milliseconds"},
			}, func(doc map[string]any) { doc["Orders"], doc["Latency"] = 1.0, 12.5 })
		}
	})
}

// BenchmarkEMF99 records 99 metrics and flushes once.
func BenchmarkEMF99(b *testing.B) {
	const n = 99
	compareEMF(b, func(tb testing.TB, out io.Writer) func() {
		tb.Helper()
		ctx := invocation(tb)
		m := emfRegistry(out)
		var all [n]*metrics.Metric
		for i := range all {
			all[i] = m.MustMetric("metric_"+strconv.Itoa(i), metrics.Count)
		}
		return func() {
			for i, metric := range all {
				metric.Add(ctx, float64(i)+0.5)
			}
			m.Flush(ctx)
		}
	}, func(_ testing.TB, out io.Writer) func() {
		return func() {
			definitions := make([]any, n)
			for i := range definitions {
				definitions[i] = map[string]any{"Name": "metric_" + strconv.Itoa(i), "Unit": "Count"}
			}
			asMap(out, definitions, func(doc map[string]any) {
				for i := range n {
					doc["metric_"+strconv.Itoa(i)] = float64(i) + 0.5
				}
			})
		}
	})
}

// BenchmarkEMFParts times what a request does: one value, with dimensions whose
// value comes with the request.
func BenchmarkEMFParts(b *testing.B) {
	ctx := invocation(b)
	m := emfRegistry(io.Discard)
	orders, tenant := m.MustMetric("Orders", metrics.Count), m.MustDimensions("tenant", "route")
	tenants := make([]string, 100)
	for i := range tenants {
		tenants[i] = fmt.Sprintf("tenant-%d", i)
	}
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			orders.Add(ctx, 1)
		}
	})
	b.Run("add-with-dimensions", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			orders.With(tenant.Of(tenants[i%len(tenants)], "/buy")).Add(ctx, 1)
			i++
		}
	})
	b.Run("add-process", func(b *testing.B) {
		b.ReportAllocs()
		shared := metrics.New(metrics.WithNamespace("Shop"), metrics.WithWriter(io.Discard), metrics.WithoutInvocations(), metrics.WithEnvironment(nowhere))
		orders := shared.MustMetric("Orders", metrics.Count)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				orders.Add(context.Background(), 1)
			}
		})
	})
}
