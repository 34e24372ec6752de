package lambdatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The sizes that Lambda takes, in bytes. (Developer guide, "Lambda quotas"; the
// Runtime API allows a response some bytes more than an invocation has.)
const (
	MaxRequest  = 6 << 20
	MaxResponse = 6<<20 + 100
	MaxStream   = 200 << 20
)

// ErrRequestTooLarge is what [Environment.Invoke] says of an event that Lambda
// would not hand to a function.
var ErrRequestTooLarge = errors.New("the event has more bytes than an invocation may have")

// Result is how an invocation ended: with a Payload, an Error, by the deadline,
// or with the end of the process.
type Result struct {
	RequestID string
	// Payload is the response; of one that broke off while it was streamed, what
	// came.
	Payload []byte
	// ContentType is what the runtime said of the response.
	ContentType string
	// Streamed says that the runtime sent it in streaming mode.
	Streamed bool
	// Error is what the function reported as its failure, or what Lambda says in
	// its place where it could not: Function.ResponseSizeTooLarge, Extension.Crash.
	Error *FunctionError
	// TimedOut says that there was no answer at the deadline.
	TimedOut bool
	// Exited says that the process ended before it had answered: a crash, or
	// [Environment.Kill].
	Exited bool
	// Cold says that processes were started for this invocation; Init is how long
	// it took until all of them asked for it.
	Cold bool
	Init time.Duration
	// Duration is the time from the process getting the event to its answer.
	Duration time.Duration
	// After is what happened between the answer and the end of the invocation.
	After After
	// Logs are the lines that the function wrote from the event to the end of the
	// invocation. With Concurrency they hold the lines of its neighbours, too.
	// InitLogs are those of a cold start, ExtensionLogs those of extensions, start
	// included.
	Logs, InitLogs, ExtensionLogs []string
}

// After is the part of an invocation that its caller does not wait for: until the
// runtime and every extension asked for the next one.
type After struct {
	// Duration is how long it took; Lambda bills it, and reports what extensions
	// add as PostRuntimeExecutionDuration.
	Duration time.Duration
	// TimedOut says that the deadline came first, Exited that a process ended.
	// Either way the next invocation starts cold.
	TimedOut, Exited bool
}

// OK says whether the function answered without an error.
func (r Result) OK() bool { return r.Error == nil && !r.TimedOut && !r.Exited }

// String tells the result for a person who reads a test's message: how it ended,
// what came, and what the function wrote.
func (r Result) String() string {
	how := "answered"
	switch {
	case r.TimedOut:
		how = "timed out"
	case r.Exited:
		how = "exited"
	case r.Error != nil:
		how = "failed"
	}
	if r.Cold {
		how = "cold start of " + r.Init.String() + ", " + how
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s after %v", r.RequestID, how, r.Duration)
	if r.Error != nil {
		fmt.Fprintf(&b, ", %v", r.Error)
	}
	fmt.Fprintf(&b, ", payload %.200q", r.Payload)
	if r.After.TimedOut || r.After.Exited {
		fmt.Fprintf(&b, ", then timed out %t, exited %t after %v", r.After.TimedOut, r.After.Exited, r.After.Duration)
	}
	for _, part := range []struct {
		name  string
		lines []string
	}{{"start", r.InitLogs}, {"function", r.Logs}, {"extensions", r.ExtensionLogs}} {
		for _, line := range part.lines {
			fmt.Fprintf(&b, "\n\t%s: %.200s", part.name, line)
		}
	}
	return b.String()
}

// FunctionError is a failure in Lambda's words.
type FunctionError struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
	// Init says that the process failed before its first invocation.
	Init bool `json:"-"`
	// Trace is the report for X-Ray that came along; "": none.
	Trace string `json:"-"`
	// Body is the report as the runtime sent it, stack trace included; nil: there
	// was none.
	Body []byte `json:"-"`
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// readError makes the best of a runtime's report: it may be no JSON.
func readError(body []byte, kind string) *FunctionError {
	out := &FunctionError{Body: body}
	if json.Unmarshal(body, out) != nil {
		*out = FunctionError{Body: body, Message: string(body)}
	}
	if out.Type == "" {
		out.Type = kind
	}
	return out
}
