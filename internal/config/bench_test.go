package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

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

// limitLint is how long lint of 1,000 documents may take.
const limitLint = 300 * time.Millisecond

// TestLint1000 holds the promise: under 0.3 s, at most 30 MB of heap growth.
// The time is the best of up to ten, so that a busy machine does not fail it;
// the race detector's instrumentation is not measured.
func TestLint1000(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 910 files")
	}
	dir := thousand(t)
	best := time.Hour
	var grown uint64
	for n := range 10 {
		if n > 2 && best <= limitLint {
			break
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		cat := lint(t, dir)
		best = min(best, time.Since(start))
		runtime.ReadMemStats(&after)
		grown = max(grown, after.HeapSys-min(after.HeapSys, before.HeapSys))
		runtime.KeepAlive(cat)
	}
	t.Logf("1,000 documents: %v, heap grown by %.1f MB", best, float64(grown)/1e6)
	if best > limitLint && !raceEnabled {
		t.Errorf("took %v, more than %v", best, limitLint)
	}
	if limit := uint64(30_000_000); grown > limit && !raceEnabled {
		t.Errorf("the heap grew by %d bytes, more than %d", grown, limit)
	}
}
