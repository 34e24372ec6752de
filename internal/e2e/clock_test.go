package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// clockFile names the variable with the file that the program reads the time
// from, where a test moves it: leases and pauses of minutes are waited for in no
// time, by a real process.
const clockFile = "NINES_E2E_CLOCK"

// clockRuns names the variable that, when it is set, makes the program's own
// waiting move that clock, and take no time.
const clockRuns = "NINES_E2E_CLOCK_RUNS"

// clocked is the program with a clock that a test moves. A clock that cannot be
// read ends it.
func clocked(file string) int {
	now := func() time.Time {
		b, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(b)))
		if err != nil {
			panic(err)
		}
		return at
	}
	none := func() (int, int, bool) { return 0, 0, false }
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, os.Args[1:], host.Process{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: now, Sleep: running(file, now), OutSize: none, ErrSize: none,
	}, wire.CLI())
}

// running is a waiting that moves the clock; nil: the clock is another's.
func running(file string, now func() time.Time) func(context.Context, time.Duration) error {
	if os.Getenv(clockRuns) == "" {
		return nil
	}
	return func(ctx context.Context, d time.Duration) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := moveClock(file, now().Add(d)); err != nil {
			panic(err)
		}
		return ctx.Err()
	}
}

// moveClock sets a clock, at once for who reads it.
func moveClock(file string, at time.Time) error {
	err := os.WriteFile(file+".new", []byte(at.UTC().Format(time.RFC3339Nano)), 0o600)
	if err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// setClock moves a clock, at once for who reads it.
func setClock(t *testing.T, file string, at time.Time) {
	t.Helper()
	if err := moveClock(file, at); err != nil {
		t.Fatal(err)
	}
}

// onClock prepares a run of the program by a clock in dir.
func onClock(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, dir, args...)
	cmd.Env = append(cmd.Env, clockFile+"="+filepath.Join(dir, "clock"))
	return cmd
}
