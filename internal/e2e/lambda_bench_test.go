package e2e_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// BenchmarkLambdaStart starts the function's own binary: the time until it asks
// for its first event, and how large its package is. Goals: 60 ms, 20 MB.
func BenchmarkLambdaStart(b *testing.B) {
	b.Setenv("NINES_FULL", "1") // the binary of a release, not the test's
	command := bootstrap(b)
	var starts []time.Duration
	for b.Loop() {
		env := lambdatest.Start(lambdatest.Function{Command: command, Timeout: time.Minute})
		res, err := env.Invoke(b.Context(), lambdatest.Invocation{Payload: []byte(`{"do":"status"}`)})
		env.Close()
		if err != nil || !res.OK() {
			b.Fatalf("%+v, %v", res, err)
		}
		starts = append(starts, res.Init)
	}
	slices.Sort(starts)
	b.ReportMetric(float64(starts[len(starts)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(starts[len(starts)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(packed(b, command().Path), "zip-MB")
	b.ReportMetric(0, "ns/op")
}

// packed is how many megabytes a binary has in a package.
func packed(b *testing.B, file string) float64 {
	b.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return float64(out.Len()) / 1e6
}

// BenchmarkLambdaTick measures 1,000 objectives five minutes on, over the local
// CloudWatch on the same machine: the time of an invocation, and the most memory
// the process had. Goals: 2 s, 256 MB.
func BenchmarkLambdaTick(b *testing.B) {
	b.Setenv("NINES_FULL", "1")
	a := emptyLambdaAccount(b)
	for i := range 1000 {
		a.services = append(a.services, fmt.Sprintf("service-%d", i))
	}
	a.traffic(b, a.day, 180, func() int { return 100 })
	root := b.TempDir()
	slos := a.documents(b, filepath.Join(root, "slo"))
	f := deploy(b, 1, append(a.environ(), "NINES_CONFIG="+slos, "NINES_STORE=sqlite:"+filepath.Join(root, "nines.db"))...)
	at := a.day.Add(time.Hour)
	tick := func(more string) lambdatest.Result {
		b.Helper()
		a.server.Clock().Freeze(at)
		res, err := f.all[0].Invoke(b.Context(), lambdatest.Invocation{Payload: fmt.Appendf(nil, `{"at":%q%s}`, at.Format(time.RFC3339), more)})
		var answer struct {
			OK      bool
			Measure struct{ Objectives int }
		}
		if err == nil {
			err = json.Unmarshal(res.Payload, &answer)
		}
		if err != nil || !answer.OK || answer.Measure.Objectives != 1000 {
			b.Fatalf("%s %v, %v\n%.2000s", res.Payload, res.Error, err, f.log.String())
		}
		at = at.Add(5 * time.Minute)
		return res
	}
	first := tick(`,"since":"1h"`)
	tick("")
	var took []time.Duration
	for b.Loop() {
		took = append(took, tick("").Duration)
	}
	slices.Sort(took)
	b.ReportMetric(first.Duration.Seconds(), "first-s")
	b.ReportMetric(took[len(took)/2].Seconds(), "p50-s")
	if peak, ok := f.all[0].PeakMemory(); ok {
		b.ReportMetric(float64(peak)/1e6, "peak-MB")
	}
	b.ReportMetric(0, "ns/op")
}
