package cloudwatchd_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// fill gives n metrics four weeks of history: a count a minute.
func (b *bench) fill(n int) {
	b.t.Helper()
	begin := noon.Add(-28 * 24 * time.Hour).Unix()
	data := make([]store.Datum, 0, 1440)
	for i := range n {
		m := store.NewMetric("shop", "Requests", []store.Dimension{{Name: "Service", Value: fmt.Sprint("s", i)}})
		for day := range int64(28) {
			data = data[:0]
			for minute := range int64(1440) {
				v := float64(800 + (minute*31+int64(i)*7+day)%257)
				data = append(data, store.Datum{Metric: m, Unit: "Count", At: begin + day*86400 + minute*60, Set: stat.Single(v, 1)})
			}
			if err := b.server.Load(b.t.Context(), eu, data); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

// backfill reads four weeks of all metrics as a first run does, 500 queries a
// call, a minute for the last 15 days and five minutes before, and returns how
// many datapoints came.
func (b *bench) backfill(metrics int) (points int) {
	b.t.Helper()
	border := noon.Add(-15 * 24 * time.Hour)
	for first := 0; first < metrics; first += 500 {
		for _, part := range []struct {
			from, to time.Time
			period   int32
		}{{border, noon, 60}, {noon.Add(-28 * 24 * time.Hour), border, 300}} {
			var queries []types.MetricDataQuery
			for i := first; i < min(first+500, metrics); i++ {
				queries = append(queries, ask(fmt.Sprint("q", i), "Requests", "Sum", part.period, dim("Service", fmt.Sprint("s", i))))
			}
			in := window(part.from, part.to, queries...)
			in.ScanBy = types.ScanByTimestampDescending
			for p := cloudwatch.NewGetMetricDataPaginator(b.cw, in); p.HasMorePages(); {
				out, err := p.NextPage(b.t.Context())
				if err != nil {
					b.t.Fatal(err)
				}
				for _, r := range out.MetricDataResults {
					points += len(r.Values)
				}
			}
		}
	}
	return points
}

// The whole of 1,000 objectives of two metrics each: 50.7 million datapoints.
// It takes minutes, so it runs only when asked for.
func TestBackfillOfAThousandObjectives(t *testing.T) {
	metrics := 40
	if os.Getenv("NINES_FULL") != "" {
		metrics = 2000
	}
	b := start(t, func(c *cloudwatchd.Config) { c.Clock = time.Now })
	b.server.Clock().Freeze(noon)
	began := time.Now()
	b.fill(metrics)
	loaded := time.Since(began)
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	size := b.server.Size(eu)
	began = time.Now()
	points := b.backfill(metrics)
	took := time.Since(began)
	if want := metrics * (15*1440 + 13*288); points != want {
		t.Errorf("%d datapoints, want %d", points, want)
	}
	totals := b.server.Totals()
	if totals.MetricsRequested+totals.MetricsOnPages == 0 || totals.Datapoints != points {
		t.Errorf("%+v", totals)
	}
	t.Logf("%d minutes loaded in %v (%d chunks, %.0f MB packed, heap %.0f MB)", metrics*28*1440, loaded.Round(time.Millisecond), size.Chunks, float64(size.Bytes)/1e6, float64(mem.HeapAlloc)/1e6)
	t.Logf("%d datapoints read in %v over CBOR (%.2f million a second), %d calls", points, took.Round(time.Millisecond), float64(points)/took.Seconds()/1e6, totals.Calls["GetMetricData"])
}

// One call of 100,800 datapoints: server, CBOR and the SDK's decoding.
func BenchmarkFullPage(b *testing.B) {
	for _, s := range []string{"Sum", "TC(:900)", "p99"} {
		b.Run(s, func(b *testing.B) {
			h := start(b)
			h.fill(5)
			var queries []types.MetricDataQuery
			for i := range 5 {
				queries = append(queries, ask(fmt.Sprint("q", i), "Requests", s, 60, dim("Service", fmt.Sprint("s", i))))
			}
			in := window(noon.Add(-14*24*time.Hour), noon, queries...)
			in.MaxDatapoints = aws.Int32(100_800)
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, r := range h.get(in).MetricDataResults {
					n += len(r.Values)
				}
				if n != 100_800 {
					b.Fatal(n)
				}
			}
		})
	}
}

// A PutMetricData call with the most metrics there can be, in memory and on
// disk.
func BenchmarkPublish(b *testing.B) {
	for name, path := range map[string]string{"memory": "", "sqlite": b.TempDir() + "/m.db"} {
		b.Run(name, func(b *testing.B) {
			h := start(b, func(c *cloudwatchd.Config) { c.Path = path })
			data := many(1000, func(i int) types.MetricDatum { return datum("m", noon, float64(i), dim("n", fmt.Sprint(i))) })
			for b.Loop() {
				h.put(data...)
			}
		})
	}
}
