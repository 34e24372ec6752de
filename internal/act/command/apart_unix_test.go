//go:build unix

package command_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/command"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// When the caller gives up, the program ends, and so does what it started.
func TestWholeGroupEnds(t *testing.T) {
	p := newPlace(t)
	pipe := filepath.Join(p.dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	a := open(t, command.Options{Shift: "sleep 1000 & echo $! > " + pipe + "; wait"})
	ctx, cancel := context.WithCancel(t.Context())
	child := make(chan int, 1)
	go func() { // reading waits until the program has written
		data, _ := os.ReadFile(pipe)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(data)))
		child <- pid
		cancel()
	}()
	_, err := a.Apply(ctx, act.Change{Action: act.Action{Verb: act.Promote, To: act.Split{Stable: "2"}}})
	if fault.KindOf(err) != fault.Canceled {
		t.Errorf("%v", err)
	}
	pid := <-child
	if pid == 0 {
		t.Fatal("it started nobody")
	}
	if gone(pid) {
		return
	}
	t.Errorf("process %d is still there", pid)
}

// gone says whether a process has ended, or is about to: one that was told to end
// by a signal may still be on its way.
func gone(pid int) bool {
	for range 50_000 {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return true
		}
		if state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(state), ") Z ") {
			return true
		}
		runtime.Gosched()
	}
	return false
}
