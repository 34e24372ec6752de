package lambdatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// start makes an environment of one of the test's own functions.
func start(t testing.TB, what string, with ...func(*lambdatest.Function)) *lambdatest.Environment {
	t.Helper()
	fn := lambdatest.Function{
		Command: lambdatest.Self(what), Env: []string{"OWN=own"}, Timeout: 30 * time.Second, Memory: 512, Name: "pay",
	}
	for _, w := range with {
		w(&fn)
	}
	env := lambdatest.Start(fn)
	t.Cleanup(env.Close)
	return env
}

func invoke(t testing.TB, env *lambdatest.Environment, in lambdatest.Invocation) (lambdatest.Result, map[string]any) {
	t.Helper()
	res, err := env.Invoke(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if res.OK() && bytes.HasPrefix(res.Payload, []byte("{")) {
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
	env := start(t, "function")
	in := event("")
	in.RequestID, in.TraceID, in.Tenant, in.Timeout = "id-1", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "blue", 20*time.Second
	in.Identity, in.ClientContext = `{"cognitoIdentityId":"who"}`, `{"Client":{"app_title":"shop"}}`
	res, out := invoke(t, env, in)
	if !res.OK() || !res.Cold || res.Init <= 0 || res.Duration <= 0 || res.After.TimedOut || res.After.Exited || res.After.Duration <= 0 {
		t.Errorf("the first: %+v", res)
	}
	for name, want := range map[string]any{
		"calls": 1.0, "id": "id-1", "trace": in.TraceID, "tenant": "blue", "name": "pay", "memory": 512.0, "own": "own", "shell": "",
		"arn": "arn:aws:lambda:eu-west-1:123456789012:function:pay", "identity": "who", "client": "shop",
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
	t.Parallel()
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
			t.Parallel()
			env := start(t, "function")
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
			if c.do == "fail" && (!strings.Contains(res.Error.Trace, `"working_directory"`) || !json.Valid(res.Error.Body)) {
				t.Errorf("the report is %+v", res.Error)
			}
			if res, out := invoke(t, env, event("")); !res.OK() || c.cold != res.Cold {
				t.Errorf("afterwards: %+v %v", res, out)
			}
		})
	}
}

func TestBrokenFromTheStart(t *testing.T) {
	if res, _ := invoke(t, start(t, "broken"), event("")); !res.Exited || !res.Cold || res.OK() {
		t.Errorf("%+v", res)
	}
	if res, _ := invoke(t, start(t, "initerror"), event("")); res.Error == nil || res.Error.Type != "Pay.NoTable" || !res.Error.Init || !res.Cold {
		t.Errorf("%+v", res)
	}
	if res, _ := invoke(t, start(t, "nobody"), event("")); !res.Exited || !slices.Contains(res.InitLogs, "lambdatest: this test executable has no function nobody") {
		t.Errorf("%+v", res)
	}
	slow := start(t, "forever", func(f *lambdatest.Function) { f.InitTimeout = 100 * time.Millisecond })
	if res, _ := invoke(t, slow, event("")); !res.TimedOut || !res.Cold || res.Exited {
		t.Errorf("%+v", res)
	}
	for _, fn := range []lambdatest.Function{
		{},
		{Command: func() *exec.Cmd { return exec.CommandContext(t.Context(), "/does/not/exist") }},
		{Command: lambdatest.Self("function"), Stdout: 9},
		{Command: lambdatest.Self("function"), Extensions: []lambdatest.Extension{{Name: "none"}}},
	} {
		env := lambdatest.Start(fn)
		if _, err := env.Invoke(t.Context(), event("")); err == nil {
			t.Errorf("%+v is started", fn)
		}
		env.Close()
	}
}

// TestKill ends a process in the middle of an invocation, and Close ends one, too.
func TestKill(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{}, 1)
	env := start(t, "function", func(f *lambdatest.Function) {
		f.Output = writer(func(p []byte) {
			if bytes.Contains(p, []byte("hanging")) {
				hanging <- struct{}{}
			}
		})
	})
	for _, end := range []func(){env.Kill, env.Close} {
		go func() {
			<-hanging
			end()
		}()
		if res, _ := invoke(t, env, event("hang")); !res.Exited || res.TimedOut || !slices.Equal(res.Logs, []string{"hanging"}) {
			t.Errorf("%+v", res)
		}
		if res, _ := invoke(t, env, event("")); !res.OK() || !res.Cold {
			t.Errorf("afterwards: %+v", res)
		}
	}
	start(t, "function").Kill() // nothing was started
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

// TestSideBySide runs environments beside each other and events of one
// environment one after the other.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 3 {
		env := start(t, "function")
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

// TestGivingUp: whoever does not wait for an invocation leaves it going.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	env := start(t, "function")
	invoke(t, env, event(""))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	slow := lambdatest.Invocation{Payload: []byte(`{"do":"slow","more":50}`), Timeout: 10 * time.Second}
	slow.Payload = []byte(`{"do":"together","all":2}`)
	if _, err := env.Invoke(ctx, slow); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := env.Invoke(ctx, event("")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v", err)
	}
	env.Kill() // it would wait for ten seconds
	if res, _ := invoke(t, env, event("")); !res.OK() || !res.Cold {
		t.Errorf("%+v", res)
	}
}

// TestResultInWords: what a test prints of a result says how it ended.
func TestResultInWords(t *testing.T) {
	t.Parallel()
	res := lambdatest.Result{
		RequestID: "1", Cold: true, Init: time.Second, Duration: time.Millisecond, TimedOut: true, Error: &lambdatest.FunctionError{Type: "T", Message: "m"},
		After: lambdatest.After{Exited: true}, Logs: []string{"a"}, ExtensionLogs: []string{"b"},
	}
	const want = "1: cold start of 1s, timed out after 1ms, T: m, payload \"\", then timed out false, exited true after 0s\n\tfunction: a\n\textensions: b"
	if got := res.String(); got != want {
		t.Errorf("%s", got)
	}
}

func TestLargeEvents(t *testing.T) {
	t.Parallel()
	env := start(t, "function")
	in := lambdatest.Invocation{Payload: []byte(`{"x":"` + strings.Repeat("x", lambdatest.MaxRequest-8) + `"}`)}
	if res, out := invoke(t, env, in); len(in.Payload) != lambdatest.MaxRequest || out["calls"] != 1.0 {
		t.Errorf("%d bytes: %+v", len(in.Payload), res.Error)
	}
	in.Payload = append(in.Payload, ' ')
	if _, err := env.Invoke(t.Context(), in); !errors.Is(err, lambdatest.ErrRequestTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}

// TestLogs: an invocation has its own lines, whole and in order.
func TestLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	env := start(t, "function", func(f *lambdatest.Function) { f.Output = &out })
	for _, want := range []string{"one", "two", "three"} {
		in := lambdatest.Invocation{Payload: []byte(`{"do":"print","line":"` + want + `"}`)}
		if res, _ := invoke(t, env, in); !slices.Equal(res.Logs, []string{want, "to stderr"}) || len(res.InitLogs) > 0 {
			t.Errorf("%q", res.Logs)
		}
	}
	if res, _ := invoke(t, env, event("long")); len(res.Logs) != 1 || len(res.Logs[0]) != 200<<10 {
		t.Errorf("%d lines", len(res.Logs))
	}
	if res, _ := invoke(t, env, event("panic")); !strings.Contains(strings.Join(res.Logs, "\n"), "as asked") {
		t.Errorf("%q", res.Logs)
	}
	if !strings.HasPrefix(out.String(), "one\nto stderr\ntwo\n") {
		t.Errorf("the output begins with %.60q", out.String())
	}
}

// TestStreaming: what the runtime streams reaches the caller in pieces, and what
// goes wrong on the way is an error beside them.
func TestStreaming(t *testing.T) {
	t.Parallel()
	env := start(t, "function")
	var got bytes.Buffer
	in := event("stream")
	in.Stream = &got
	if res, _ := invoke(t, env, in); !res.OK() || got.String() != "one two three" || string(res.Payload) != "one two three" || res.ContentType != "text/plain" {
		t.Errorf("%+v, %q", res, got.String())
	}
	res, _ := invoke(t, env, event("break"))
	if res.Error == nil || res.Error.Message != "the source dried up" || res.Error.Type != "errorString" || string(res.Payload) != "one two" {
		t.Errorf("%+v, %s", res.Error, res.Payload)
	}
}
