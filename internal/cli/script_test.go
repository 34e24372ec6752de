package cli_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// What a script can set to give the program other surroundings: the instant
// (RFC 3339) and the width of a terminal, which tests have not.
const (
	fakeNow     = "NINES_TEST_NOW"
	fakeColumns = "NINES_TEST_COLUMNS"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"nines": func() { os.Exit(program()) },
	})
}

// program is the real one, unless the script asks for other surroundings.
func program() int {
	now, columns := os.Getenv(fakeNow), os.Getenv(fakeColumns)
	if now == "" && columns == "" {
		return cli.Main(os.Args[1:], wire.CLI())
	}
	p := host.Process{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now, OutSize: noTerminal, ErrSize: noTerminal}
	if at, err := time.Parse(time.RFC3339, now); err == nil {
		// Waiting takes no time, and is over at once.
		var waited atomic.Int64
		p.Now = func() time.Time { return at.Add(time.Duration(waited.Load())) }
		p.Sleep = func(ctx context.Context, d time.Duration) error {
			waited.Add(int64(d))
			return ctx.Err()
		}
	}
	if n, err := strconv.Atoi(columns); err == nil {
		p.OutSize = func() (int, int, bool) { return n, 50, true }
	}
	return cli.Run(context.Background(), os.Args[1:], p, wire.CLI())
}

func noTerminal() (columns, lines int, ok bool) { return 0, 0, false }

// TestScripts runs every script of testdata against the program. A script is a
// small session of a shell with its files; the commands beside `nines` are in
// helpers_test.go.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("USER", "ada")
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"mkcsv":    mkcsv,
			"mkdocs":   mkdocs,
			"sql":      sql,
			"lock":     lock,
			"cut":      cut,
			"mkhuge":   mkhuge,
			"receiver": receiver,

			"gitlab": gitlab, "gitlabstate": gitlabstate, "idtoken": idtoken,
		},
		Condition: func(name string) (bool, error) {
			if name == "root" { // who may write what is read-only
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// TestEveryScriptIsRun fails when a script has another ending than those that
// are looked for: it would be green by being left out.
func TestEveryScriptIsRun(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".txtar" {
			t.Errorf("testdata/%s is not run", e.Name())
		}
	}
}

// run calls the program in this process, without a terminal.
func run(t *testing.T, out, errs io.Writer, w host.Wiring, args ...string) int {
	t.Helper()
	return cli.Run(t.Context(), args, host.Process{
		In: nil, Out: out, Err: errs, Now: func() time.Time { return time.Unix(0, 0) },
		Getenv: func(string) string { return "" }, OutSize: noTerminal, ErrSize: noTerminal,
	}, w)
}
