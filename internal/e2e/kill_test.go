package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kills is how often the program is killed: 50 times in the full test.
func kills() int {
	if os.Getenv("NINES_FULL") != "" {
		return 50
	}
	return 12
}

// TestKilledMeasure kills measuring at random points, again and again on the
// same store, and then lets one run end: nothing may differ from a run that
// nobody disturbed.
func TestKilledMeasure(t *testing.T) {
	const services = 12
	setup := func() string {
		dir := t.TempDir()
		var docs strings.Builder
		for s := range services {
			name := fmt.Sprintf("svc%02d", s)
			rng := rand.New(rand.NewPCG(uint64(s), 7))
			var b strings.Builder
			b.WriteString("timestamp,good,total\n")
			for m := range 20000 {
				if rng.IntN(50) == 0 {
					continue // a gap
				}
				total := rng.IntN(200)
				fmt.Fprintf(&b, "%d,%d,%d\n", base().Add(time.Duration(m)*time.Minute).Unix(), total-min(total, rng.IntN(3)), total)
			}
			write(t, filepath.Join(dir, name+".csv"), b.String())
			fmt.Fprintf(&docs, killDoc, name)
		}
		write(t, filepath.Join(dir, "slo.yaml"), docs.String())
		return dir
	}
	calm := setup()
	start := time.Now()
	nines(t, calm, 0, "measure", "--quiet")
	took := time.Since(start)

	whens := []string{"2025-01-14T21:20:00Z", "2025-01-10T00:00:00Z", "2025-01-03T07:11:00Z"}
	ask := func(dir, when string) string {
		return string(nines(t, dir, 0, "status", "-o", "json", "--offline", "--at", when))
	}
	var want []string
	for _, when := range whens {
		want = append(want, ask(calm, when))
	}
	rough, histories := setup(), 0
	check := func() {
		t.Helper()
		nines(t, rough, 0, "measure", "--quiet")
		for i, when := range whens {
			if got := ask(rough, when); got != want[i] {
				t.Fatalf("at %s the killed history differs:\n%s\nwant\n%s", when, got, want[i])
			}
		}
		histories++
		if err := os.RemoveAll(filepath.Join(rough, ".nines")); err != nil {
			t.Fatal(err)
		}
	}
	killed := 0
	for killed < kills() {
		cmd := command(t, rough, "measure", "--quiet")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(took))
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
			continue
		}
		check() // it ended by itself: hold it against the calm one, and begin anew
	}
	check()
	t.Logf("killed %d runs over %d histories (an undisturbed run takes %v)", killed, histories, took.Round(time.Millisecond))
}

const killDoc = `---
apiVersion: openslo/v1
kind: Service
metadata: {name: %[1]s}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: %[1]s}
spec:
  service: %[1]s
  indicator:
    metadata: {name: %[1]s}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: %[1]s.csv, column: good}}}
        total: {metricSource: {type: csv, spec: {path: %[1]s.csv, column: total}}}
  budgetingMethod: Timeslices
  objectives: [{displayName: ok, target: 0.99, timeSliceTarget: 0.98, timeSliceWindow: 1m}]
  timeWindow: [{duration: 7d, isRolling: true}]
`
