package lambdatest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Build builds a package as a function's bootstrap, as it would be deployed: no
// cgo (unless the flags ask for the race detector), no paths of this machine, no
// code for the old RPC runtime. Flags are those of go build. The result is for
// [Function.Command]; the binary is gone after the test. A build that fails ends
// the test.
func Build(tb testing.TB, pkg string, flags ...string) func() *exec.Cmd {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "bootstrap")
	args := append([]string{"build", "-tags", "lambda.norpc", "-trimpath", "-o", file}, flags...)
	cmd := exec.CommandContext(tb.Context(), "go", append(args, pkg)...) //nolint:gosec // the test says what to build
	cmd.Env = os.Environ()
	if !slices.Contains(flags, "-race") {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return command(file)
}

// command starts a file; who stops it is the environment.
func command(file string, env ...string) func() *exec.Cmd {
	return func() *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), file)
		cmd.Env = slices.Clone(env)
		return cmd
	}
}

// asFunction names what a test executable is to be.
const asFunction = "LAMBDATEST_MAIN"

// Main lets a test executable be functions and extensions, so that nothing has to
// be built. It is for TestMain: it runs the function that [Self] asks for,
// otherwise the tests, and returns the code to exit with.
//
//	func TestMain(m *testing.M) {
//		os.Exit(lambdatest.Main(m, map[string]func(){
//			"pay": func() { lambda.Start(handle) },
//		}))
//	}
func Main(m interface{ Run() int }, functions map[string]func()) (code int) {
	name := os.Getenv(asFunction)
	if name == "" {
		return m.Run()
	}
	run := functions[name]
	if run == nil {
		fmt.Fprintln(os.Stderr, "lambdatest: this test executable has no function "+name)
		return 2
	}
	run()
	return 0
}

// Self makes the test executable a function or an extension: one of those that its
// TestMain hands to [Main]. The result is for [Function.Command].
func Self(name string) func() *exec.Cmd {
	file, err := os.Executable()
	if err != nil { // the start will say that there is none
		file = ""
	}
	// The race detector's pause at the end of a process is longer than what a
	// function has to end.
	return command(file, asFunction+"="+name, "GORACE="+cmp.Or(os.Getenv("GORACE"), "atexit_sleep_ms=0"))
}
