package lambdatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// asFunction makes the test executable behave as a function's bootstrap.
const asFunction = "LAMBDATEST_FUNCTION"

func TestMain(m *testing.M) {
	switch os.Getenv(asFunction) {
	case "":
		os.Exit(m.Run())
	case "broken":
		os.Exit(3)
	}
	calls := 0
	lambda.Start(func(ctx context.Context, in map[string]any) (map[string]any, error) {
		calls++
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		switch in["do"] {
		case "fail":
			return nil, errors.New("as asked")
		case "panic":
			panic("as asked")
		case "exit":
			os.Exit(1)
		case "hang":
			os.Stdout.WriteString("hanging\n") //nolint:errcheck // the test waits for it
			select {}
		case "big":
			return map[string]any{"big": strings.Repeat("x", 7<<20)}, nil
		}
		return map[string]any{
			"calls": calls, "left": time.Until(deadline).Milliseconds(), "id": lc.AwsRequestID, "tenant": lc.TenantID,
			"trace": ctx.Value("x-amzn-trace-id"), "arn": lc.InvokedFunctionArn, "name": lambdacontext.FunctionName,
			"memory": lambdacontext.MemoryLimitInMB, "own": os.Getenv("OWN"), "shell": os.Getenv("LAMBDATEST_SECRET"),
		}, nil
	})
}

func start(t *testing.T, what string) *lambdatest.Environment {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fn := lambdatest.Function{
		Command: func() *exec.Cmd { return exec.CommandContext(t.Context(), self) },
		Env:     []string{asFunction + "=" + what, "OWN=own"}, Timeout: 30 * time.Second, Memory: 512, Name: "pay",
	}
	env := lambdatest.Start(fn)
	t.Cleanup(env.Close)
	return env
}

func invoke(t *testing.T, env *lambdatest.Environment, in lambdatest.Invocation) (lambdatest.Result, map[string]any) {
	t.Helper()
	res, err := env.Invoke(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if res.OK() {
		if err := json.Unmarshal(res.Payload, &out); err != nil {
			t.Fatalf("%v in %s", err, res.Payload)
		}
	}
	return res, out
}

func event(do string) lambdatest.Invocation {
	return lambdatest.Invocation{Payload: []byte(`{"do":"` + do + `"}`)}
}

func TestInvocations(t *testing.T) {
	t.Setenv("LAMBDATEST_SECRET", "leaks")
	env := start(t, "yes")
	in := event("")
	in.RequestID, in.TraceID, in.Tenant, in.Timeout = "id-1", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "blue", 20*time.Second
	res, out := invoke(t, env, in)
	if !res.OK() || !res.Cold || res.Init <= 0 || res.Duration <= 0 {
		t.Errorf("the first: %+v", res)
	}
	for name, want := range map[string]any{
		"calls": 1.0, "id": "id-1", "trace": in.TraceID, "tenant": "blue", "name": "pay", "memory": 512.0, "own": "own", "shell": "",
		"arn": "arn:aws:lambda:eu-west-1:123456789012:function:pay",
	} {
		if out[name] != want {
			t.Errorf("%s is %v, want %v", name, out[name], want)
		}
	}
	if left, ok := out["left"].(float64); !ok || left < 1000 || left > 20_000 {
		t.Errorf("%v ms are left of 20 s", out["left"])
	}
	if res, out := invoke(t, env, event("")); res.Cold || out["calls"] != 2.0 || out["id"] == "id-1" || out["trace"] != "" {
		t.Errorf("the second: %+v %v", res, out)
	}
	if peak, ok := env.PeakMemory(); ok && peak < 1<<20 {
		t.Errorf("%d bytes at most", peak)
	}
}

// TestFailures: an error leaves the process, a panic, a crash and a timeout end
// it; the next invocation starts cold and works.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		do       string
		kind     string
		timedOut bool
		exited   bool
		cold     bool
	}{
		{do: "fail", kind: "errorString"},
		{do: "panic", kind: "string", cold: true},
		{do: "exit", exited: true, cold: true},
		{do: "hang", timedOut: true, cold: true},
		{do: "big", kind: "Function.ResponseSizeTooLarge", cold: true},
	} {
		t.Run(c.do, func(t *testing.T) {
			env := start(t, "yes")
			in := event(c.do)
			if c.timedOut {
				in.Timeout = 200 * time.Millisecond
			}
			res, _ := invoke(t, env, in)
			if res.OK() || res.TimedOut != c.timedOut || res.Exited != c.exited || (res.Error == nil) != (c.kind == "") {
				t.Fatalf("%+v", res)
			}
			if c.kind != "" && res.Error.Type != c.kind {
				t.Errorf("the error is %v", res.Error)
			}
			if res, out := invoke(t, env, event("")); !res.OK() || c.cold != res.Cold {
				t.Errorf("afterwards: %+v %v", res, out)
			}
		})
	}
}

func TestBrokenFromTheStart(t *testing.T) {
	if res, _ := invoke(t, start(t, "broken"), event("")); !res.Exited || !res.Cold {
		t.Errorf("%+v", res)
	}
	env := lambdatest.Start(lambdatest.Function{Command: func() *exec.Cmd { return exec.CommandContext(t.Context(), "/does/not/exist") }})
	if _, err := env.Invoke(t.Context(), event("")); err == nil {
		t.Error("a function without a file is started")
	}
}

// TestKill ends a process in the middle of an invocation.
func TestKill(t *testing.T) {
	hanging := make(chan struct{})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := lambdatest.Start(lambdatest.Function{
		Command: func() *exec.Cmd { return exec.CommandContext(t.Context(), self) }, Env: []string{asFunction + "=yes"}, Timeout: time.Minute,
		Output: writer(func(p []byte) {
			if bytes.Contains(p, []byte("hanging")) {
				close(hanging)
			}
		}),
	})
	t.Cleanup(env.Close)
	go func() {
		<-hanging
		env.Kill()
	}()
	if res, _ := invoke(t, env, event("hang")); !res.Exited || res.TimedOut {
		t.Errorf("%+v", res)
	}
	if res, _ := invoke(t, env, event("")); !res.OK() || !res.Cold {
		t.Errorf("afterwards: %+v", res)
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

// TestSideBySide runs environments beside each other and events of one
// environment one after the other.
func TestSideBySide(t *testing.T) {
	var all sync.WaitGroup
	for range 3 {
		env := start(t, "yes")
		for range 3 {
			all.Go(func() {
				res, err := env.Invoke(t.Context(), event(""))
				if err != nil || !res.OK() || !bytes.Contains(res.Payload, []byte(res.RequestID)) {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
	}
	all.Wait()
}
