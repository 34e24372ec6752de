package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/wire"
)

const watched = `apiVersion: openslo/v1
kind: SLO
metadata: {name: availability}
spec:
  service: payment-api
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
---
apiVersion: openslo/v1
kind: Service
metadata: {name: payment-api}
spec: {}
`

// folder holds a small set of documents and its recorded series.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"slo.yaml": watched,
		"p.csv":    "timestamp,good,total\n2025-01-01T00:00:00Z,10,10\n2025-01-01T00:01:00Z,10,10\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestInterrupted checks what a caller sees who gave up.
func TestInterrupted(t *testing.T) {
	dir := folder(t)
	for _, verb := range []string{"measure", "status", "gate payment-api", "ledger"} {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		var out, errs bytes.Buffer
		code := cli.Run(ctx, append(strings.Fields(verb), "--config", dir), host.Process{
			Out: &out, Err: &errs, Now: time.Now, OutSize: noTerminal, ErrSize: noTerminal,
			Getenv: func(string) string { return "" },
		}, wire.CLI())
		want := "nines: interrupted\nhint: what is recorded stays recorded; call it again to go on\n"
		if code != 1 || errs.String() != want || out.Len() > 0 {
			t.Errorf("%s: exit %d, %q, %q", verb, code, out.String(), errs.String())
		}
	}
}

// TestWatch watches for three minutes of a bubble's clock: a look every
// minute, another drawing when the window changes, and the terminal given back
// at the end.
func TestWatch(t *testing.T) {
	dir := folder(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var out, errs bytes.Buffer
		var columns atomic.Int64
		columns.Store(120)
		size := func() (int, int, bool) { return int(columns.Load()), 10, true }
		code := make(chan int)
		go func() {
			code <- cli.Run(ctx, []string{"status", "--watch", "--every", "1m", "--store", "none", "--config", dir}, host.Process{
				Out: &out, Err: &errs, Now: time.Now, OutSize: size, ErrSize: size,
				Getenv: func(string) string { return "" },
			}, wire.CLI())
		}()
		time.Sleep(2*time.Minute + time.Second) // drawn at 0, 1 and 2 minutes
		columns.Store(40)
		time.Sleep(time.Second) // and once more
		// The documents break: the screen says so, and goes on.
		if err := os.WriteFile(filepath.Join(dir, "slo.yaml"), []byte("apiVersion: openslo/v1\nkind: ["), 0o600); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		stop()
		if got := <-code; got != 0 {
			t.Errorf("exit %d: %s", got, errs.String())
		}
		screens := strings.Split(out.String(), "\x1b[H")
		if len(screens) != 6 {
			t.Fatalf("%d drawings, want 5:\n%q", len(screens)-1, out.String())
		}
		if screens[0] != "\x1b[?1049h\x1b[?25l" || !strings.HasSuffix(out.String(), "\x1b[?25h\x1b[?1049l") {
			t.Errorf("the terminal is not borrowed and given back: %q", out.String())
		}
		if !strings.Contains(screens[3], "BURN 1h") || strings.Contains(screens[4], "BURN 1h") {
			t.Errorf("the window's width is not followed: %q then %q", screens[3], screens[4])
		}
		if !strings.Contains(screens[5], "slo.yaml:") {
			t.Errorf("broken documents do not show: %q", screens[5])
		}
		if errs.Len() > 0 {
			t.Errorf("the screen is torn by %q", errs.String())
		}
	})
}
