package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
)

// document is an SLO of the usual size.
const document = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: availability-%[1]d
  displayName: Availability %[1]d
  labels: {team: [payments, core], tier: "1"}
  annotations: {nines/min-bad-events: "20"}
spec:
  description: Requests that were answered without an error of ours.
  service: service-%[2]d
  indicator:
    metadata: {name: requests-%[1]d}
    spec:
      ratioMetric:
        counter: false
        bad:
          metricSource:
            type: CloudWatch
            spec: {namespace: AWS/ApiGateway, metric: 5XXError, dimensions: {ApiName: api-%[1]d, Stage: prod}, stat: Sum}
        total:
          metricSource:
            type: CloudWatch
            spec: {namespace: AWS/ApiGateway, metric: Count, dimensions: {ApiName: api-%[1]d, Stage: prod}, stat: SampleCount}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - {displayName: availability, target: 0.9995}
    - {displayName: promise, targetPercent: 99.9}
`

// thousand writes 1,000 documents: 900 files of one and ten files of ten.
func thousand(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	n := 0
	write := func(docs int) {
		var b strings.Builder
		for range docs {
			if b.Len() > 0 {
				b.WriteString("---\n")
			}
			fmt.Fprintf(&b, document, n, n/4)
			n++
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("slo-%04d.yaml", n)), []byte(b.String()), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	for range 900 {
		write(1)
	}
	for range 10 {
		write(10)
	}
	return dir
}

func lint(tb testing.TB, dir string) *config.Catalog {
	tb.Helper()
	cat, problems, err := config.Load(tb.Context(), []string{dir}, config.Options{Types: types()})
	if err != nil {
		tb.Fatal(err)
	}
	if len(problems) > 0 || len(cat.Objectives) != 2000 {
		tb.Fatalf("%d objectives, problems: %v", len(cat.Objectives), problems)
	}
	return cat
}

// BenchmarkLint1000 is the whole of lint but for printing: 1,000 documents in
// 910 files, read, checked and resolved.
func BenchmarkLint1000(b *testing.B) {
	dir := thousand(b)
	b.ReportAllocs()
	for b.Loop() {
		lint(b, dir)
	}
}

// TestLint1000 holds the promise that lint stays small: at most 30 MB of heap
// growth. How long it takes is BenchmarkLint1000's to say; the race detector's
// instrumentation is not measured.
func TestLint1000(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 910 files")
	}
	if raceEnabled {
		t.Skip("the race detector keeps memory of its own")
	}
	dir := thousand(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cat := lint(t, dir)
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(cat)
	grown := after.HeapSys - min(after.HeapSys, before.HeapSys)
	t.Logf("1,000 documents: heap grown by %.1f MB", float64(grown)/1e6)
	if limit := uint64(30_000_000); grown > limit {
		t.Errorf("the heap grew by %d bytes, more than %d", grown, limit)
	}
}
