package bench_test

import (
	"cmp"
	"context"
	"math"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// rounds is how often each function is started. They take turns, in an order that
// changes each round, so that what else the machine does hits all alike.
const rounds = 500

// BenchmarkStart is what the library adds to the start of a function and to its
// size: the time from the start of the process until it asks for its first event,
// over the real Runtime API. Differences to the bare function are medians of pairs
// with an interval of 95 % (of the sign test: the order statistics of the pairs).
func BenchmarkStart(b *testing.B) {
	build := map[string]func() *exec.Cmd{}
	for _, name := range []string{"bare", "logs", "all"} {
		build[name] = lambdatest.Build(b, "./start/"+name, "-ldflags=-s -w")
		b.ReportMetric(float64(size(b, build[name]))/1e6, name+"-MB")
	}
	functions := []struct {
		name, bin string
		env       []string
	}{
		{"bare", "bare", nil},
		{"logs", "logs", nil},
		{"all", "all", nil},
		{"traces", "all", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces"}},
	}
	took := map[string][]float64{}
	for i := range rounds {
		for k := range functions {
			f := functions[(i+k)%len(functions)]
			took[f.name] = append(took[f.name], start(b, build[f.bin], f.env))
		}
	}
	for _, f := range functions {
		b.ReportMetric(median(took[f.name]), f.name+"-ms")
		if f.name == "bare" {
			continue
		}
		diff := make([]float64, rounds)
		for i := range diff {
			diff[i] = took[f.name][i] - took["bare"][i]
		}
		lo, hi := interval(diff)
		b.ReportMetric(median(diff), f.name+"-more-ms")
		b.ReportMetric(lo, f.name+"-from-ms")
		b.ReportMetric(hi, f.name+"-to-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// start is one cold start, in ms.
func start(b *testing.B, command func() *exec.Cmd, env []string) float64 {
	b.Helper()
	e := lambdatest.Start(lambdatest.Function{Command: command, Env: env})
	defer e.Close()
	defer e.Kill()
	res, err := e.Invoke(context.Background(), lambdatest.Invocation{Payload: []byte(`{"id":"o-1"}`)})
	if err != nil || !res.OK() || !res.Cold {
		b.Fatalf("%+v %v", res, err)
	}
	return float64(res.Init) / float64(time.Millisecond)
}

func size(b *testing.B, command func() *exec.Cmd) int64 {
	b.Helper()
	info, err := os.Stat(command().Path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

func median(v []float64) float64 {
	s := slices.SortedFunc(slices.Values(v), cmp.Compare[float64])
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// interval holds the median with 95 %.
func interval(v []float64) (lo, hi float64) {
	s := slices.SortedFunc(slices.Values(v), cmp.Compare[float64])
	half := 1.96 * math.Sqrt(float64(len(s))) / 2
	k := int(math.Floor(float64(len(s))/2 - half))
	return s[k], s[len(s)-1-k]
}
