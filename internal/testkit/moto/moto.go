// Package moto runs moto's server for a test: a stand-in for AWS that is not
// ours. It is right about STS, about alarms that are put and described, and
// about SampleCount, Sum, Average, Minimum and Maximum over ranges that begin
// on a period; it is wrong about most other answers of CloudWatch (exact
// dimensions, metric math, percentiles, paging, limits).
//
// It does not speak CBOR: CloudWatch's client of the Go SDK is told to speak
// JSON, without compressed bodies, to be understood by it.
package moto

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Python names the interpreter that has moto; tools/foreign.sh sets it.
const Python = "NINES_PYTHON"

// startsIn is how long the server may take until it listens.
const startsIn = time.Minute

var listening = regexp.MustCompile(`Running on (http://127\.0\.0\.1:[0-9]+)`)

// Start runs a server of its own for a test, on a free port of the loopback
// interface, and returns its address. It ends with the test. Without
// NINES_PYTHON the test is skipped.
func Start(t testing.TB) (url string) {
	t.Helper()
	python := os.Getenv(Python)
	if python == "" {
		t.Skip(Python + " names no Python with moto; `make test` installs one and sets it")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, python, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0") //nolint:gosec // the test's own interpreter
	cmd.Env = append(withoutAWS(os.Environ()), "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatalf("moto does not start: %v", err)
	}
	var ended sync.WaitGroup
	said := make(chan string, 1)
	ended.Go(func() {
		_ = w.CloseWithError(cmd.Wait()) // it is killed: how it ends says nothing
	})
	ended.Go(func() { said <- address(r) })
	t.Cleanup(func() {
		cancel()
		ended.Wait()
	})
	select {
	case got := <-said:
		if !strings.HasPrefix(got, "http://") {
			t.Fatalf("moto ended before it listened:\n%s", got)
		}
		// What it says from now on is not read by anybody, and must not block it.
		ended.Go(func() { _, _ = io.Copy(io.Discard, r) })
		return got
	case <-time.After(startsIn):
		t.Fatalf("moto does not listen after %v", startsIn)
	}
	return ""
}

// address reads what the server says until it names its address; of one that
// ends before, it returns what was said.
func address(r io.Reader) string {
	var all strings.Builder
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		if m := listening.FindStringSubmatch(line); m != nil {
			return m[1]
		}
		if err != nil {
			return all.String()
		}
	}
}

// withoutAWS is an environment without anything of an AWS account.
func withoutAWS(env []string) []string {
	return slices.DeleteFunc(env, func(s string) bool { return strings.HasPrefix(s, "AWS_") })
}
