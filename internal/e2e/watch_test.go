package e2e_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const watchedDoc = `apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: pay
  budgetingMethod: Occurrences
  indicator:
    metadata: {name: i}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: p.csv, column: good}}}
        total: {metricSource: {type: csv, spec: {path: p.csv, column: total}}}
  objectives: [{target: 0.99}]
  timeWindow: [{duration: 30d, isRolling: true}]
`

// TestWatchEndsWell starts a watch, waits for its first reading and tells it to
// end, by each signal and in each format: it ends with 0, and what it read is
// kept.
func TestWatchEndsWell(t *testing.T) {
	for _, c := range []struct {
		format string
		signal os.Signal
	}{{"text", syscall.SIGTERM}, {"json", os.Interrupt}} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "slo.yaml"), watchedDoc)
		write(t, filepath.Join(dir, "p.csv"), "timestamp,good,total\n2025-01-01T00:00:00Z,9,10\n2025-01-01T00:01:00Z,10,10\n")
		cmd := command(t, dir, "measure", "--watch", "-o", c.format)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		errs, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		from, silent := io.Reader(errs), io.Reader(out)
		if c.format == "json" {
			from, silent = silent, from
		}
		first, err := bufio.NewReader(from).ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v", c.format, err)
		}
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(silent)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || len(rest) > 0 {
			t.Errorf("%s: %v, and on the other stream %q", c.format, err, rest)
		}
		if c.format == "text" && !strings.Contains(first, "measured 1 of 1 objective, 0 every minute; 1 request; 2 new minutes, 0 replaced; up to 2025-01-01 00:02 UTC") {
			t.Errorf("text: %q", first)
		}
		var tick struct {
			At       time.Time `json:"at"`
			Filled   int       `json:"filled"`
			Frontier time.Time `json:"frontier"`
		}
		if c.format == "json" && (json.Unmarshal([]byte(first), &tick) != nil || tick.Filled != 2 || tick.At.IsZero() || tick.Frontier.Minute() != 2) {
			t.Errorf("json: %q", first)
		}
		if got := objective(t, dir, "2025-01-01T00:02:00Z"); got.Good != 19 || got.Total != 20 {
			t.Errorf("%s: kept %v of %v", c.format, got.Good, got.Total)
		}
	}
}
