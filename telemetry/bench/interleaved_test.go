package bench_test

import (
	"io"
	"slices"
	"testing"
	"time"
)

// interleaved times rivals in turns of a few microseconds each, so that whatever
// else the machine does slows all of them alike, and reports the median of each
// and its ratio to the first of names. A benchmark that runs them one after the
// other says more about the minute than about the code where others share the
// machine.
func interleaved(b *testing.B, names []string, rivals map[string]func()) {
	b.Helper()
	const calls = 50
	spent := make(map[string][]time.Duration, len(rivals))
	for b.Loop() {
		for _, name := range names {
			f := rivals[name]
			begin := time.Now()
			for range calls {
				f()
			}
			spent[name] = append(spent[name], time.Since(begin))
		}
	}
	median := func(name string) float64 {
		d := spent[name]
		slices.Sort(d)
		return float64(d[len(d)/2]) / calls
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range names {
		b.ReportMetric(median(name), name+"-ns")
		b.ReportMetric(median(name)/median(names[0]), name+"/"+names[0])
	}
}

// BenchmarkLogInterleaved are the ratios that the goals are about.
func BenchmarkLogInterleaved(b *testing.B) {
	all := rivals(b)
	ready := map[string]func(){}
	for name, write := range all {
		verify(b, write)
		ready[name] = write(io.Discard)
	}

	b.Run("slog", func(b *testing.B) { interleaved(b, []string{"slog-json", "ours-slog"}, ready) })
	b.Run("direct", func(b *testing.B) { interleaved(b, []string{"phuslu", "zerolog", "ours-direct"}, ready) })
}
