package lambdatest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

func concurrency(n int) func(*lambdatest.Function) {
	return func(f *lambdatest.Function) { f.Concurrency = n }
}

// TestConcurrency: so many invocations are in one process at the same time, and
// each gets its own answer.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	const n = 16
	env := start(t, "function", concurrency(n), beside("", `EVENTS=["SHUTDOWN"]`))
	for range 3 {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				in := lambdatest.Invocation{RequestID: fmt.Sprintf("id-%d", i), Tenant: fmt.Sprint(i), Payload: fmt.Appendf(nil, `{"do":"together","all":%d}`, n)}
				res, out := invoke(t, env, in)
				if !res.OK() || out["id"] != in.RequestID || out["tenant"] != in.Tenant {
					t.Errorf("%s: %+v %v", in.RequestID, res, out)
				}
			})
		}
		all.Wait()
	}
	var all sync.WaitGroup
	for range 4 * n { // more than there is room for: they wait
		all.Go(func() {
			if res, _ := invoke(t, env, event("")); !res.OK() || res.Cold {
				t.Errorf("%+v", res)
			}
		})
	}
	all.Wait()
}

// TestConcurrentTimeout: a timeout fails its invocation and lets the others go on.
func TestConcurrentTimeout(t *testing.T) {
	t.Parallel()
	env := start(t, "function", concurrency(2))
	invoke(t, env, event(""))
	var both sync.WaitGroup
	both.Go(func() {
		if res, _ := invoke(t, env, lambdatest.Invocation{Payload: []byte(`{"do":"slow","more":200}`), Timeout: 100 * time.Millisecond}); !res.TimedOut {
			t.Errorf("%+v", res)
		}
	})
	both.Go(func() {
		if res, _ := invoke(t, env, lambdatest.Invocation{Payload: []byte(`{"do":"slow","more":-1}`), Timeout: 250 * time.Millisecond}); res.Exited {
			t.Errorf("%+v", res)
		}
	})
	both.Wait()
	// The late answer is refused, which ends a process of aws-lambda-go: either it
	// did not come yet, or the next invocation finds a fresh process.
	for range 3 {
		if res, _ := invoke(t, env, event("")); !res.OK() && !res.Exited {
			t.Errorf("%+v", res)
		}
	}
}

// TestConcurrentAPI: late and double answers, and extensions that want to hear of
// every invocation.
func TestConcurrentAPI(t *testing.T) {
	t.Parallel()
	p, result := playing(t, lambdatest.Invocation{RequestID: "1", Timeout: 100 * time.Millisecond}, concurrency(2))
	p.says(http.MethodPost, register, `{"events":["INVOKE"]}`, http.StatusForbidden, "Extension.InvalidEventType", "Lambda-Extension-Name", "in")
	p.says(http.MethodGet, nextPath, "", http.StatusOK, "")
	if res := result(); !res.TimedOut {
		t.Errorf("%+v", res)
	}
	p.says(http.MethodPost, answerPath("1", "response"), "", http.StatusGone, `"errorType":"InvokeTimeout"`)
	p.says(http.MethodPost, answerPath("1", "response"), "", http.StatusBadRequest, "InvalidRequestID")
	one, two := p.invoke(lambdatest.Invocation{RequestID: "2"}), p.invoke(lambdatest.Invocation{RequestID: "3"})
	p.says(http.MethodGet, nextPath, "", http.StatusOK, "")
	p.says(http.MethodGet, nextPath, "", http.StatusOK, "")
	for _, id := range []string{"3", "2"} {
		p.says(http.MethodPost, answerPath(id, "response"), "answer "+id, http.StatusAccepted, "")
		p.says(http.MethodPost, answerPath(id, "response"), "again", http.StatusBadRequest, "InvalidRequestID")
	}
	if a, b := one(), two(); string(a.Payload) != "answer 2" || string(b.Payload) != "answer 3" {
		t.Errorf("%+v %+v", a, b)
	}
}

// TestFreeze: work in the background stands still between invocations of a frozen
// environment, and goes on in one that is not.
func TestFreeze(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no freezing here")
	}
	for _, frozen := range []bool{true, false} {
		t.Run(strconv.FormatBool(frozen), func(t *testing.T) {
			t.Parallel()
			env := start(t, "function", beside(""), func(f *lambdatest.Function) { f.Freeze = frozen })
			count := func() int {
				res, _ := invoke(t, env, event("background"))
				n, err := strconv.Atoi(string(res.Payload))
				if err != nil {
					t.Fatalf("%+v", res)
				}
				return n
			}
			count()
			before := count()
			time.Sleep(300 * time.Millisecond) // nothing happens, and that is the point
			if did := count() - before; frozen && did > 60 || !frozen && did < 100 {
				t.Errorf("it did %d steps of about 250", did)
			}
		})
	}
}

// TestStreams: what a function cannot write does not change what it answers, as
// long as it does not wait for it.
func TestStreams(t *testing.T) {
	t.Parallel()
	with := func(s lambdatest.Stream) func(*lambdatest.Function) {
		return func(f *lambdatest.Function) { f.Stdout = s }
	}
	printing := lambdatest.Invocation{Payload: []byte(`{"do":"print","line":"lost"}`), Timeout: 500 * time.Millisecond}
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		res, _ := invoke(t, start(t, "function", with(lambdatest.Full)), printing)
		if !res.TimedOut || len(res.Logs) > 0 {
			t.Errorf("a write to a full pipe returned: %+v", res)
		}
	})
	t.Run("broken", func(t *testing.T) {
		t.Parallel()
		res, _ := invoke(t, start(t, "function", with(lambdatest.Broken)), printing)
		if !res.Exited {
			t.Errorf("a write to a broken pipe returned: %+v", res)
		}
	})
	t.Run("failing", func(t *testing.T) {
		t.Parallel()
		if _, err := os.Stat("/dev/full"); err != nil {
			t.Skip(err)
		}
		res, _ := invoke(t, start(t, "function", with(lambdatest.Failing)), printing)
		if !res.OK() || !slices.Equal(res.Logs, []string{"to stderr"}) {
			t.Errorf("%+v", res)
		}
	})
	t.Run("both", func(t *testing.T) {
		t.Parallel()
		env := start(t, "function", with(lambdatest.Full), func(f *lambdatest.Function) { f.Stderr = lambdatest.Full })
		if res, out := invoke(t, env, event("")); !res.OK() || out["calls"] != 1.0 {
			t.Errorf("one that writes nothing: %+v", res)
		}
	})
}

// TestBuild builds a function as it would be deployed, and runs it.
func TestBuild(t *testing.T) {
	t.Parallel()
	build := lambdatest.Build(t, "./testdata/echo", "-ldflags=-s -w -X main.version=7")
	for range 2 {
		env := lambdatest.Start(lambdatest.Function{Command: build})
		t.Cleanup(env.Close)
		if res, _ := invoke(t, env, lambdatest.Invocation{Payload: []byte(`"x"`)}); string(res.Payload) != `"7 x"` {
			t.Errorf("%+v", res)
		}
	}
	if file := build().Path; filepath.Base(file) != "bootstrap" || strings.HasPrefix(file, ".") {
		t.Errorf("the file is %s", file)
	}
}
