package lambdatest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Environment is one execution environment: at most one process of the function
// at a time, which lives from one invocation to the next, and its extensions.
// Invocations of one environment follow one another, as many side by side as its
// function's Concurrency says; environments run beside each other.
type Environment struct {
	fn    Function
	slots chan struct{}

	boot sync.Mutex // one cold start at a time
	mu   sync.Mutex
	box  *sandbox
}

// Start makes an execution environment. Its processes start with the first
// invocation, and again after they ended.
func Start(fn Function) *Environment {
	fn = fn.withDefaults()
	return &Environment{fn: fn, slots: make(chan struct{}, fn.Concurrency)}
}

// Invoke hands an event to the function and waits until the invocation is over:
// until the function answered and the runtime and all extensions ask for the next
// one. The error is the kit's: the event is too large ([ErrRequestTooLarge]), a
// process could not be started, or ctx ended (the invocation then goes on).
func (e *Environment) Invoke(ctx context.Context, in Invocation) (Result, error) {
	in.RequestID, in.Timeout = cmp.Or(in.RequestID, newID()), cmp.Or(in.Timeout, e.fn.Timeout)
	res := Result{RequestID: in.RequestID}
	if len(in.Payload) > MaxRequest {
		return res, fmt.Errorf("invoke: %w: %d of %d", ErrRequestTooLarge, len(in.Payload), MaxRequest)
	}
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return res, fmt.Errorf("invoke: %w", ctx.Err())
	}
	type outcome struct {
		res Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() { <-e.slots }()
		res, err := e.invoke(in)
		done <- outcome{res, err}
	}()
	select {
	case o := <-done:
		return o.res, o.err
	case <-ctx.Done():
		return res, fmt.Errorf("invoke: %w", ctx.Err())
	}
}

// invoke runs an invocation to its end, on a fresh sandbox where there is none.
func (e *Environment) invoke(in Invocation) (Result, error) {
	for {
		res := Result{RequestID: in.RequestID}
		s, err := e.sandbox(&res)
		if errors.Is(err, errInit) {
			return res, nil
		}
		if err != nil {
			return res, err
		}
		if s.invoke(in, &res) || res.Cold {
			return res, nil
		}
		// It ended after its last answer, unnoticed: nothing of this event was seen.
	}
}

// sandbox returns the one that lives, or starts one.
func (e *Environment) sandbox(res *Result) (*sandbox, error) {
	e.boot.Lock()
	defer e.boot.Unlock()
	if s := e.current(); s != nil {
		if !s.isDead() {
			return s, nil
		}
		s.shutdown(failure)
	}
	s, err := newSandbox(e.fn)
	if err != nil {
		return nil, fmt.Errorf("start the function: %w", err)
	}
	e.mu.Lock()
	e.box = s
	e.mu.Unlock()
	res.Cold = true
	return s, s.init(res)
}

func (e *Environment) current() *sandbox {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.box
}

// Kill ends the processes at once, as a lost host would, in the middle of an
// invocation or between two. The next invocation starts cold.
func (e *Environment) Kill() {
	if s := e.current(); s != nil {
		s.kill()
	}
}

// Close ends the environment as Lambda does when it is not needed any more, and
// waits for that: with an extension registered the function gets SIGTERM and
// external extensions the SHUTDOWN event, without one the function is killed.
func (e *Environment) Close() {
	if s := e.current(); s != nil {
		s.shutdown(spindown)
	}
}

// PeakMemory is the most memory, in bytes, that the function's running process has
// had resident; ok is false where the system does not tell.
func (e *Environment) PeakMemory() (bytes int64, ok bool) {
	if s := e.current(); s != nil {
		bytes = s.peak()
	}
	return bytes, bytes > 0
}

// peak is 0 where it is not known.
func (s *sandbox) peak() int64 {
	c := s.function()
	if c == nil || c.ended() {
		return 0
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return n << 10
			}
		}
	}
	return 0
}

// invoke hands an event to the runtime and waits for the end of the invocation.
// It returns false when no process took the event.
func (s *sandbox) invoke(in Invocation, res *Result) bool {
	c := &call{in: in, deadline: time.Now().Add(in.Timeout)}
	ctx, cancel := context.WithDeadline(context.Background(), c.deadline)
	defer cancel()
	heard := s.lines.hear()
	s.thaw()
	s.telemetry.emit("platform.start", s.start(c))
	s.put(c)
	s.until(ctx, func() bool { return s.dead || c.state == stateAnswered })
	answered, seen := s.judge(c, res)
	if !seen {
		s.lines.forget(heard)
		return false
	}
	s.outcome(c, res)
	if answered {
		if in.Answered != nil {
			in.Answered(*res)
		}
		s.afterwards(ctx, c, res)
	}
	s.conclude(c, res)
	logs, more := s.lines.forget(heard)
	res.Logs, res.ExtensionLogs = logs, append(res.ExtensionLogs, more...)
	return true
}

// judge says whether there is an answer, and why not; nobody saw the event where
// the process was gone already.
func (s *sandbox) judge(c *call, res *Result) (answered, seen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.DeleteFunc(s.queue, func(q *call) bool { return q == c })
	switch {
	case c.state == stateAnswered:
		return true, true
	case !s.dead:
		res.TimedOut, c.late = true, true
	case c.state == "" && !s.ending && s.fault == nil:
		return false, false
	default:
		res.Exited, res.Error = true, s.fault
	}
	return false, true
}

// outcome fills in what the caller gets.
func (s *sandbox) outcome(c *call, res *Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	res.ContentType, res.Streamed, res.Duration = c.contentType, c.streamed, time.Since(c.started())
	if c.state == stateAnswered {
		res.Payload, res.Error, res.Duration = c.payload, c.failure, c.answered.Sub(c.taken)
	}
}

// afterwards waits until the runtime and the extensions ask for the next event.
func (s *sandbox) afterwards(ctx context.Context, c *call, res *Result) {
	over := s.until(ctx, func() bool { return s.dead || s.isOver(c) })
	s.mu.Lock()
	defer s.mu.Unlock()
	res.After.Duration = time.Since(c.answered)
	if s.isOver(c) {
		return
	}
	res.After.TimedOut, res.After.Exited = !over, over
}

// isOver says whether nobody works for an invocation any more; the lock is held.
func (s *sandbox) isOver(c *call) bool {
	if c.over.IsZero() {
		return false
	}
	for _, x := range s.extensions {
		if x.owes && !s.fn.concurrent() {
			return false
		}
	}
	return true
}

// conclude ends an invocation: the environment is reset where it must be, frozen
// where it may be, and every line of it is known.
func (s *sandbox) conclude(c *call, res *Result) {
	s.settle()
	s.telemetry.emit("platform.runtimeDone", s.runtimeDone(c, *res))
	s.telemetry.emit("platform.report", s.report(c, *res))
	late := (res.TimedOut || res.After.TimedOut) && !s.fn.concurrent()
	switch {
	case late || s.isDead():
		s.shutdown(reasonOf(*res))
	default:
		s.freeze()
	}
}

// newID returns an id as Lambda makes them.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// isID says whether a text has the form of one.
func isID(id string) bool {
	parts := strings.Split(id, "-")
	if len(parts) != 5 {
		return false
	}
	for i, n := range []int{8, 4, 4, 4, 12} {
		if len(parts[i]) != n || strings.Trim(strings.ToLower(parts[i]), "0123456789abcdef") != "" {
			return false
		}
	}
	return true
}
