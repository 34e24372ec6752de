package measure_test

import (
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// quota is AWS's default: datapoints a second of requests that begin more than
// three hours ago.
const quota = 396_000

// env reads a size for a benchmark.
func env(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// BenchmarkBackfill is a first run: four weeks of 1,000 objectives from a local
// CloudWatch over HTTP into an SQLite file, 50.7 million datapoints. The server
// lives in the same process and takes its share of the cores and of the heap.
// NINES_BENCH_OBJECTIVES and NINES_BENCH_RATE (datapoints a second) change it.
func BenchmarkBackfill(b *testing.B) {
	n := env("NINES_BENCH_OBJECTIVES", 1000)
	c := newCloud(b, n)
	c.rate = float64(env("NINES_BENCH_RATE", quota*4/5))
	c.load(n, slo.Span{From: c.now - 29*slo.Day, To: c.now})
	runtime.GC()
	c.server.ResetTotals()
	for b.Loop() {
		peak := watchHeap(b)
		begin := time.Now()
		rep := c.run(measure.Options{})
		seconds := time.Since(begin).Seconds()
		b.ReportMetric(float64(peak())/1e6, "MB-peak")
		totals := c.server.Totals()
		b.ReportMetric(float64(totals.Datapoints)/1e6, "Mpoints")
		b.ReportMetric(float64(totals.Datapoints)/seconds/1e3, "kpoints/s")
		b.ReportMetric(float64(totals.BusiestDatapoints)/1e3, "kpoints/busiest-s")
		b.ReportMetric(float64(totals.Calls["GetMetricData"])/seconds, "requests/s")
		b.ReportMetric(float64(totals.MetricsRequested), "metrics")
		b.ReportMetric(seconds/(float64(totals.Datapoints)/quota), "x-floor")
		if info, err := os.Stat(c.path); err == nil {
			b.ReportMetric(float64(info.Size())/1e6, "MB-store")
		}
		// The window, and the same hour four weeks ago.
		if want := int64(n) * int64(28*slo.Day+slo.Hour); rep.Filled < want-5*int64(n) || rep.Filled > want+60*int64(n) {
			b.Fatalf("filled %d minutes of %d", rep.Filled, want)
		}
		if perSecond := float64(totals.Datapoints) / seconds; perSecond > c.rate {
			b.Fatalf("%.0f datapoints a second, more than the rate of %.0f", perSecond, c.rate)
		}
		c.check(n-1, slo.Span{From: c.now - 27*slo.Day - 4*slo.Hour - 2, To: c.now - 27})
	}
}

// watchHeap samples how far the heap grows, garbage included, until it is asked.
func watchHeap(b *testing.B) (peak func() uint64) {
	b.Helper()
	read := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	before, most := read(), uint64(0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				most = max(most, read())
			}
		}
	})
	return func() uint64 {
		close(stop)
		wg.Wait()
		return most - min(before, most)
	}
}
