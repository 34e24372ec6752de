package lambdatest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Function is a function under test, with the settings Lambda would give it.
type Function struct {
	// Command prepares a fresh process of the bootstrap. Its environment is
	// replaced by Lambda's own and Env. Required.
	Command func() *exec.Cmd
	// Env are the function's environment variables, "NAME=value".
	Env []string
	// Name and Version are told to the function; "function" and "$LATEST" unless
	// said.
	Name, Version string
	// Memory is told to the function, in MiB; it is not enforced. 0: 256.
	Memory int
	// Timeout is how long an invocation may take; 0: 3 seconds, as Lambda has it.
	Timeout time.Duration
	// InitTimeout is how long a process may take until it asks for its first
	// invocation; 0: 10 seconds, as Lambda has it.
	InitTimeout time.Duration
	// Output gets what the function writes to its standard streams; nil: nobody
	// does.
	Output io.Writer
}

func (f Function) withDefaults() Function {
	f.Name, f.Version = cmp.Or(f.Name, "function"), cmp.Or(f.Version, "$LATEST")
	f.Memory = cmp.Or(f.Memory, 256)
	f.Timeout, f.InitTimeout = cmp.Or(f.Timeout, 3*time.Second), cmp.Or(f.InitTimeout, 10*time.Second)
	return f
}

// environ are the variables that Lambda sets for a custom runtime. (Developer
// guide, "Defined runtime environment variables".)
func (f Function) environ(api string) []string {
	return append([]string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=en_US.UTF-8", "TZ=:UTC", "HOME=" + os.TempDir(),
		"_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task", "LAMBDA_RUNTIME_DIR=/var/runtime",
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_LAMBDA_FUNCTION_NAME=" + f.Name, "AWS_LAMBDA_FUNCTION_VERSION=" + f.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.Memory), "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.Name, "AWS_LAMBDA_LOG_STREAM_NAME=" + f.Version,
		"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
	}, f.Env...)
}

// Invocation is one event for the function.
type Invocation struct {
	Payload []byte
	// RequestID is the invocation's; "": a fresh one. Lambda gives the retries of
	// an asynchronous event the same one.
	RequestID string
	// TraceID is the X-Ray header, "Root=1-...;Parent=...;Sampled=1"; "": none.
	TraceID string
	// ClientContext and Tenant are passed on as they are; "": none.
	ClientContext, Tenant string
	// Timeout is the function's unless said.
	Timeout time.Duration
}

// Result is how an invocation ended: with a Payload, an Error, by the deadline,
// or with the end of the process.
type Result struct {
	RequestID string
	Payload   []byte
	// Error is what the function reported as its failure.
	Error *FunctionError
	// TimedOut says that the process was killed at the deadline.
	TimedOut bool
	// Exited says that the process ended before it had answered: a crash, or
	// [Environment.Kill].
	Exited bool
	// Cold says that a process was started for this invocation; Init is how long
	// it took until it asked for it.
	Cold bool
	Init time.Duration
	// Duration is the time from the process getting the event to its answer.
	Duration time.Duration
}

// OK says whether the function answered without an error.
func (r Result) OK() bool { return r.Error == nil && !r.TimedOut && !r.Exited }

// FunctionError is a failure in Lambda's words.
type FunctionError struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
	// Init says that the process failed before its first invocation.
	Init bool `json:"-"`
	// Trace is the report for X-Ray that came along; "": none.
	Trace string `json:"-"`
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Environment is one execution environment: at most one process at a time,
// which lives from one invocation to the next. Invocations of one environment
// follow one another; environments run beside each other.
type Environment struct {
	fn Function

	turn sync.Mutex // held during an invocation
	mu   sync.Mutex
	proc *process
}

// Start makes an execution environment. Its process starts with the first
// invocation, and again after it ended.
func Start(fn Function) *Environment { return &Environment{fn: fn.withDefaults()} }

// Invoke hands an event to the function and waits for its answer. The error is
// the kit's: the process could not be started, or ctx ended (the process then
// goes on).
func (e *Environment) Invoke(ctx context.Context, in Invocation) (Result, error) {
	e.turn.Lock()
	defer e.turn.Unlock()
	in.RequestID, in.Timeout = cmp.Or(in.RequestID, newID()), cmp.Or(in.Timeout, e.fn.Timeout)
	res := Result{RequestID: in.RequestID}
	c := &call{in: in, done: make(chan struct{})}
	p, err := e.hand(ctx, c, &res)
	if err != nil || p == nil {
		return res, err
	}
	if res.Cold {
		res.Init = p.ready.Sub(p.started)
	}
	return await(ctx, p, c, res)
}

// hand gives an event to the process, to a fresh one where there is none. It
// returns nil when no process took it.
func (e *Environment) hand(ctx context.Context, c *call, res *Result) (*process, error) {
	p := e.process()
	if p == nil || p.ended() {
		res.Cold = true
		var err error
		if p, err = startProcess(ctx, e.fn); err != nil {
			return nil, fmt.Errorf("start the function: %w", err)
		}
		e.set(p)
	}
	init := time.NewTimer(e.fn.InitTimeout)
	defer init.Stop()
	select {
	case p.calls <- c:
		return p, nil
	case <-p.exited:
		if !res.Cold { // it ended after its last answer, before it asked again
			return e.hand(ctx, c, res)
		}
		res.Exited, res.Error = true, p.initError()
		return nil, nil
	case <-init.C:
		p.kill()
		res.TimedOut = true
		return nil, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("invoke: %w", ctx.Err())
	}
}

// await waits until an event that the process has is answered.
func await(ctx context.Context, p *process, c *call, res Result) (Result, error) {
	began := time.Now()
	deadline := time.NewTimer(c.in.Timeout)
	defer deadline.Stop()
	select {
	case <-c.done:
	case <-p.exited:
		select {
		case <-c.done: // it answered with its last breath
		default:
			res.Exited = true
		}
	case <-deadline.C:
		p.kill()
		res.TimedOut = true
	case <-ctx.Done():
		return res, fmt.Errorf("invoke: %w", ctx.Err())
	}
	res.Duration = time.Since(began)
	if !res.Exited && !res.TimedOut {
		res.Payload, res.Error = c.payload, c.failure
	}
	return res, nil
}

func (e *Environment) process() *process {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.proc
}

func (e *Environment) set(p *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.proc = p
}

// Kill ends the process at once, as a lost host would, in the middle of an
// invocation or between two. The next invocation starts cold.
func (e *Environment) Kill() {
	if p := e.process(); p != nil {
		p.kill()
	}
}

// Close ends the process and waits for it.
func (e *Environment) Close() { e.Kill() }

// PeakMemory is the most memory, in bytes, that the running process has had
// resident; ok is false where the system does not tell.
func (e *Environment) PeakMemory() (bytes int64, ok bool) {
	p := e.process()
	if p == nil || p.ended() {
		return 0, false
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}

// newID returns a request id as Lambda makes them.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
