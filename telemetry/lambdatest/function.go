package lambdatest

import (
	"cmp"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// account and region are what the double tells about where it runs.
const (
	account = "123456789012"
	region  = "eu-west-1"
)

// Function is a function under test, with the settings Lambda would give it.
type Function struct {
	// Command prepares a fresh process of the bootstrap: [Build] and [Self] make
	// such functions. Its environment is Lambda's own, then what the command has in
	// its Env, then Env. Required.
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
	// InitTimeout is how long the processes may take until they ask for their
	// first invocation; 0: 10 seconds, as Lambda has it.
	InitTimeout time.Duration
	// Concurrency is how many invocations one environment takes at once. More than
	// one makes it a Lambda Managed Instance: AWS_LAMBDA_MAX_CONCURRENCY is set,
	// nothing is frozen, extensions hear of the end only, and a timeout fails its
	// invocation but leaves the process. 0: 1.
	Concurrency int
	// Freeze stops the processes between invocations (SIGSTOP), so that work in the
	// background does not go on, as on Lambda. Only on Unix, only without
	// Concurrency.
	Freeze bool
	// Stdout and Stderr are where the function's own streams lead.
	Stdout, Stderr Stream
	// Extensions are external extensions, started before the function.
	Extensions []Extension
	// Output gets every line that the function and its extensions write; nil:
	// nobody does. It is not written to concurrently within one environment.
	Output io.Writer
}

// Extension is an external extension: a process of its own beside the function.
type Extension struct {
	// Name is what it registers with: the name of its file on Lambda. Required.
	Name string
	// Command prepares a fresh process, as [Function.Command] does. Required.
	Command func() *exec.Cmd
}

// Stream is where a function's standard stream leads.
type Stream int

// The streams. Lambda reads what a function writes; the others show what a
// function does when nobody does.
const (
	// Read streams are read and become log lines.
	Read Stream = iota
	// Full streams are pipes that nobody reads and that are full already: a write
	// never returns.
	Full
	// Broken streams are pipes whose reader is gone: a write fails with EPIPE, and
	// a Go program that does not catch SIGPIPE ends.
	Broken
	// Failing streams are files on a full disk: a write fails with ENOSPC. Only on
	// Linux.
	Failing
)

func (f Function) withDefaults() Function {
	f.Name, f.Version = cmp.Or(f.Name, "function"), cmp.Or(f.Version, "$LATEST")
	f.Memory, f.Concurrency = cmp.Or(f.Memory, 256), max(f.Concurrency, 1)
	f.Timeout, f.InitTimeout = cmp.Or(f.Timeout, 3*time.Second), cmp.Or(f.InitTimeout, 10*time.Second)
	f.Env, f.Extensions = slices.Clone(f.Env), slices.Clone(f.Extensions)
	return f
}

func (f Function) concurrent() bool { return f.Concurrency > 1 }

func (f Function) arn() string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + f.Name
}

// initialization is Lambda's word for how an environment comes to be.
func (f Function) initialization() string {
	if f.concurrent() {
		return "lambda-managed-instances"
	}
	return "on-demand"
}

// environ are the variables that Lambda sets for everything in an environment.
// (Developer guide, "Defined runtime environment variables".)
func (f Function) environ(api string) []string {
	all := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=en_US.UTF-8", "TZ=:UTC", "HOME=" + os.TempDir(),
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_LAMBDA_FUNCTION_NAME=" + f.Name, "AWS_LAMBDA_FUNCTION_VERSION=" + f.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.Memory), "AWS_LAMBDA_INITIALIZATION_TYPE=" + f.initialization(),
		"AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region,
	}
	if f.concurrent() {
		all = append(all, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(f.Concurrency))
	}
	return all
}

// own are the variables that extensions do not see. (Developer guide, "Using the
// Lambda Extensions API", Permissions and configuration.)
func (f Function) own() []string {
	return []string{
		"_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task", "LAMBDA_RUNTIME_DIR=/var/runtime",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.Name, "AWS_LAMBDA_LOG_STREAM_NAME=" + f.Version,
	}
}

// variable is what the function's own settings say of a variable.
func (f Function) variable(name string) (value string) {
	for _, v := range f.Env {
		if n, rest, _ := strings.Cut(v, "="); n == name {
			value = rest
		}
	}
	return value
}

// Invocation is one event for the function.
type Invocation struct {
	// Payload is the event, at most [MaxRequest] bytes.
	Payload []byte
	// RequestID is the invocation's; "": a fresh one. Lambda gives the retries of
	// an asynchronous event the same one.
	RequestID string
	// TraceID is the X-Ray header, "Root=1-...;Parent=...;Sampled=1"; "": none.
	TraceID string
	// ClientContext, Identity (of Cognito) and Tenant are passed on as they are;
	// "": none.
	ClientContext, Identity, Tenant string
	// Timeout is the function's unless said.
	Timeout time.Duration
	// Stream gets the response piece by piece while the function sends it, as the
	// caller of InvokeWithResponseStream does; it may have [MaxStream] bytes then.
	// nil: the caller waits for the whole, at most [MaxResponse] bytes.
	Stream io.Writer
	// Answered is called when the caller has the response: before the invocation
	// is over, that is before the runtime and the extensions are done. nil: nobody
	// is.
	Answered func(Result)
}
