package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	paymentService = "../../examples/payment-api/service"
	liveDocuments  = "../../examples/live/payment-api.yaml"
)

// paymentAPI builds the example's service.
func paymentAPI(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "payment-api")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", paymentService, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the example's service: %v\n%s", err, out)
	}
	return program
}

// liveFolder is a folder with the documents of the live run.
func liveFolder(t *testing.T) (dir string) {
	t.Helper()
	text, err := os.ReadFile(liveDocuments)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	write(t, filepath.Join(dir, "payment-api.yaml"), string(text))
	return dir
}

// The example's service lives through 70 minutes, in which it breaks for the last
// six or does not. Its metric lines go into the local CloudWatch, and the gate
// holds what is broken, for the right reason.
func TestPaymentAPIIsGated(t *testing.T) {
	program := paymentAPI(t)
	for _, tc := range []struct {
		fault  string
		code   int
		reason string // a part of the gate's first reason
	}{
		{"none", 0, "healthy  payment-api/availability/available"},
		{"errors", 3, "exhausted  payment-api/availability/available"},
		{"latency-body", 3, "exhausted  payment-api/latency/within 300 ms"},
		{"latency-tail", 3, "exhausted  payment-api/latency/within 300 ms"},
		{"slow-dependency", 3, "exhausted  payment-api/latency/within 300 ms"},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			dir := liveFolder(t)
			l := startLocal(t, dir)
			now := time.Now().UTC()
			lines, err := exec.CommandContext(t.Context(), program, "simulate", "-to", now.Format(time.RFC3339), "-for", "70m", "-rate", "2",
				"-fault", tc.fault, "-fault-from", now.Add(-6*time.Minute).Format(time.RFC3339)).Output()
			if err != nil {
				t.Fatal(err)
			}
			post(t, http.DefaultClient, l.url+"/emf?region=eu-west-1", "text/plain", string(lines))
			out := aws(t, l.url, dir, tc.code, "gate", "payment-api")
			if !strings.Contains(out, tc.reason) {
				t.Errorf("no %q in\n%s", tc.reason, out)
			}
		})
	}
}

// liveRun is a `payment-api live` under way.
type liveRun struct {
	cmd   *exec.Cmd
	out   *bytes.Buffer
	ended chan struct{} // the run, and whatever shares its standard error, is gone
	parts []int         // the processes that it started
}

// goLive starts one and waits until its load runs.
func goLive(t *testing.T, program string) *liveRun {
	t.Helper()
	dir := liveFolder(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := filepath.Join(dir, "nines")
	write(t, wrapper, fmt.Sprintf("#!/bin/sh\n%s=1 NO_COLOR=1 exec %s \"$@\"\n", asBinary, self))
	if err := os.Chmod(wrapper, 0o700); err != nil {
		t.Fatal(err)
	}
	r := &liveRun{cmd: exec.CommandContext(t.Context(), program, "live", "-nines", wrapper, "-config", dir, "-past", "65m", "-rate", "5"), out: &bytes.Buffer{}, ended: make(chan struct{})}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started := make(chan bool, 1)
	var all sync.WaitGroup
	all.Go(func() { r.read(stdout, started) })
	all.Go(func() {
		if text, _ := io.ReadAll(stderr); len(text) > 0 {
			t.Logf("standard error: %s", text)
		}
	})
	go func() { all.Wait(); close(r.ended) }()
	if !<-started {
		t.Fatalf("it does not go live:\n%s", r.out)
	}
	r.parts = children(t, r.cmd.Process.Pid)
	return r
}

// read takes the run's standard output, and tells when the load runs.
func (r *liveRun) read(from io.Reader, started chan<- bool) {
	buf, told := make([]byte, 4096), false
	for {
		n, err := from.Read(buf)
		r.out.Write(buf[:n])
		if !told && (err != nil || bytes.Contains(r.out.Bytes(), []byte("payments a second arrive"))) {
			started <- err == nil
			told = true
		}
		if err != nil {
			return
		}
	}
}

// children are the processes that one has started.
func children(t *testing.T, pid int) (out []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		for word := range strings.FieldsSeq(string(text)) {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, n)
		}
	}
	return out
}

var stateOf = regexp.MustCompile(`(?m)^State:\s+(\S)`)

// gone waits until a process has ended (Z: nobody has asked how).
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; runtime.Gosched() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if m := stateOf.FindSubmatch(text); err != nil || m != nil && string(m[1]) == "Z" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %d lives on:\n%s", pid, text)
		}
	}
}

// A live run that is told to stop, that is killed, or one of whose parts dies
// leaves nothing running behind, and says what happened.
func TestLiveRunLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("who belongs to whom is read from /proc")
	}
	program := paymentAPI(t)
	for _, tc := range []struct {
		name string
		stop func(*liveRun) error
		code int
	}{
		{"interrupted", func(r *liveRun) error { return r.cmd.Process.Signal(os.Interrupt) }, 130},
		{"told to end", func(r *liveRun) error { return r.cmd.Process.Signal(syscall.SIGTERM) }, 130},
		{"killed", func(r *liveRun) error { return r.cmd.Process.Kill() }, -1},
		{"CloudWatch is killed", func(r *liveRun) error { return syscall.Kill(r.parts[0], syscall.SIGKILL) }, 1},
		{"the service is killed", func(r *liveRun) error { return syscall.Kill(r.parts[1], syscall.SIGKILL) }, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := goLive(t, program)
			if len(r.parts) != 2 {
				t.Fatalf("%d processes run beside it, want CloudWatch and the service", len(r.parts))
			}
			if err := tc.stop(r); err != nil {
				t.Fatal(err)
			}
			<-r.ended
			_ = r.cmd.Wait() // the code says how it ended
			if code := r.cmd.ProcessState.ExitCode(); code != tc.code {
				t.Errorf("exit %d, want %d\n%s", code, tc.code, r.out)
			}
			for _, pid := range r.parts {
				gone(t, pid)
			}
		})
	}
}
