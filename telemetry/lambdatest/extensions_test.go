package lambdatest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// beside adds the test's extension with a script.
func beside(script string, env ...string) func(*lambdatest.Function) {
	return func(f *lambdatest.Function) {
		f.Extensions = append(f.Extensions, lambdatest.Extension{Name: "ext", Command: lambdatest.Self("extension")})
		f.Env = append(f.Env, append(env, "SCRIPT="+script)...)
	}
}

// record keeps what is written in an environment.
type record struct {
	mu  sync.Mutex
	all strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}

func (r *record) into(f *lambdatest.Function) { f.Output = r }

// TestExtension: it registers before the function starts, gets every invocation,
// is waited for, and is told of the end.
func TestExtension(t *testing.T) {
	t.Parallel()
	var out record
	env := start(t, "function", beside("slow"), out.into)
	in := event("")
	in.RequestID, in.TraceID = "id-1", "Root=1-2-3"
	var early lambdatest.Result
	in.Answered = func(r lambdatest.Result) { early = r }
	res, _ := invoke(t, env, in)
	if !res.OK() || !early.OK() || early.After.Duration != 0 || res.After.Duration < 100*time.Millisecond || res.After.TimedOut {
		t.Errorf("%+v, the caller's %+v", res, early)
	}
	if len(res.ExtensionLogs) != 2 || !strings.Contains(res.ExtensionLogs[0], `registered {"accountId":"123456789012","functionName":"pay","functionVersion":"$LATEST","handler":"bootstrap"} pay`) {
		t.Errorf("%q", res.ExtensionLogs)
	}
	if e := res.ExtensionLogs[1]; !strings.Contains(e, `"eventType":"INVOKE"`) || !strings.Contains(e, `"requestId":"id-1"`) ||
		!strings.Contains(e, `"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-2-3"}`) || !strings.Contains(e, `"invokedFunctionArn":"arn:`) {
		t.Errorf("%s", e)
	}
	if res, _ := invoke(t, env, event("")); res.Cold || !res.OK() || len(res.ExtensionLogs) != 1 {
		t.Errorf("the second: %+v", res)
	}
	env.Close()
	if !strings.Contains(out.String(), `"eventType":"SHUTDOWN","shutdownReason":"SPINDOWN"`) {
		t.Errorf("%s", out.String())
	}
}

// TestExtensionFailures: what an extension does to the invocation and to the
// environment.
func TestExtensionFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		script string
		do     string
		check  func(lambdatest.Result) bool
	}{
		{"mute", "", func(r lambdatest.Result) bool { return r.Error.Type == "Extension.Crash" && r.Error.Init && r.Cold }},
		{"init-error", "", func(r lambdatest.Result) bool { return r.Error.Type == "Extension.InitError" && r.Error.Init }},
		{"crash", "hang", func(r lambdatest.Result) bool { return r.Exited && r.Error.Type == "Extension.Crash" && !r.Error.Init }},
		{"exit-error", "hang", func(r lambdatest.Result) bool {
			return r.Exited && r.Error.Type == "Extension.ExitError" && strings.Contains(r.Error.Message, "Ext.Failed")
		}},
		{"never", "", func(r lambdatest.Result) bool { return r.OK() && r.After.TimedOut }},
	} {
		t.Run(c.script, func(t *testing.T) {
			t.Parallel()
			env := start(t, "function", beside(c.script))
			in := event(c.do)
			if c.script == "never" {
				in.Timeout = 400 * time.Millisecond
			}
			res, _ := invoke(t, env, in)
			if res.Error == nil && !res.OK() || !c.check(res) {
				t.Errorf("%+v %v", res, res.Error)
			}
		})
	}
}

// TestTimeoutIsTold: a timeout resets the environment, and the extension knows why.
func TestTimeoutIsTold(t *testing.T) {
	t.Parallel()
	env := start(t, "function", beside(""))
	in := event("hang")
	in.Timeout = 300 * time.Millisecond
	res, _ := invoke(t, env, in)
	if !res.TimedOut || !strings.Contains(strings.Join(res.ExtensionLogs, "\n"), `"shutdownReason":"TIMEOUT"`) {
		t.Errorf("%+v", res)
	}
	if res, _ := invoke(t, env, event("")); !res.OK() || !res.Cold {
		t.Errorf("afterwards: %+v", res)
	}
	res, _ = invoke(t, env, event("exit"))
	if !res.Exited || !strings.Contains(strings.Join(res.ExtensionLogs, "\n"), `"shutdownReason":"FAILURE"`) {
		t.Errorf("%+v", res)
	}
}

// TestSIGTERM: a function is told of its end where an extension is registered,
// be it its own; a process that does not go is killed.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, function string
		with           []func(*lambdatest.Function)
		told           bool
		least, most    time.Duration
	}{
		{"no extension", "function", nil, false, 0, 250 * time.Millisecond},
		{"internal", "sigterm", nil, true, 450 * time.Millisecond, 1500 * time.Millisecond},
		{"external that goes", "function", []func(*lambdatest.Function){beside("")}, false, 0, time.Second},
		{"external that stays", "function", []func(*lambdatest.Function){beside("stay")}, false, 1900 * time.Millisecond, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out record
			env := start(t, c.function, append(c.with, out.into)...)
			if res, _ := invoke(t, env, event("")); !res.OK() {
				t.Fatalf("%+v", res)
			}
			began := time.Now()
			env.Close()
			took := time.Since(began)
			if strings.Contains(out.String(), "told to end") != c.told {
				t.Errorf("%s", out.String())
			}
			if took < c.least || took > c.most+2*time.Second { // the machine may be busy
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestSIGTERMAtTimeout: the handler of the signal has its say in the logs of the
// invocation that timed out.
func TestSIGTERMAtTimeout(t *testing.T) {
	t.Parallel()
	env := start(t, "sigterm")
	in := event("hang")
	in.Timeout = 200 * time.Millisecond
	if res, _ := invoke(t, env, in); !res.TimedOut || !slices.Contains(res.Logs, "told to end") {
		t.Errorf("%+v", res)
	}
}

const register = "/2020-01-01/extension/register"

// TestRegistering are the rules of the Extensions API.
func TestRegistering(t *testing.T) {
	t.Parallel()
	p, result := playing(t, lambdatest.Invocation{RequestID: "1"})
	const name, ident = "Lambda-Extension-Name", "Lambda-Extension-Identifier"
	p.says(http.MethodPost, register, `{}`, http.StatusForbidden, "Extension.InvalidExtensionName")
	p.says(http.MethodPost, register, `{"events":`, http.StatusForbidden, "InvalidRequestFormat", name, "in")
	p.says(http.MethodPost, register, `{"configurationKeys":["a"]}`, http.StatusForbidden, "InvalidRequestFormat", name, "in")
	p.says(http.MethodPost, register, `{"events":["SHUTDOWN"]}`, http.StatusForbidden, "ShutdownEventNotSupportedForInternalExtension", name, "in")
	p.says(http.MethodPost, register, `{"events":["RESTORE"]}`, http.StatusForbidden, "Extension.InvalidEventType", name, "in")
	id := p.says(http.MethodPost, register, `{"events":["INVOKE"]}`, http.StatusOK, `"functionName":"pay"`, name, "in").Get(ident)
	p.says(http.MethodPost, register, `{"events":[]}`, http.StatusForbidden, "Extension with this name already registered", name, "in")

	const next = "/2020-01-01/extension/event/next"
	p.says(http.MethodGet, next, "", http.StatusForbidden, "Extension.MissingExtensionIdentifier")
	p.says(http.MethodGet, next, "", http.StatusForbidden, "Extension.InvalidExtensionIdentifier", ident, "x")
	p.says(http.MethodGet, next, "", http.StatusForbidden, "Extension.UnknownExtensionIdentifier", ident, "01234567-89ab-cdef-0123-456789abcdef")
	p.says(http.MethodPost, "/2020-01-01/extension/exit/error", "", http.StatusForbidden, "Extension.MissingHeader", ident, id)

	for i := 1; i < 10; i++ {
		p.says(http.MethodPost, register, ``, http.StatusForbidden, "InvalidRequestFormat", name, fmt.Sprint(i))
		h := p.says(http.MethodPost, register, `{}`, http.StatusOK, "", name, fmt.Sprint(i))
		go request(p.api, http.MethodGet, next, "", map[string]string{ident: h.Get(ident)})
	}
	p.says(http.MethodPost, register, `{}`, http.StatusForbidden, "Extension limit (10) reached", name, "eleventh")

	p.asks()
	p.eventually(http.MethodPost, register, "Extension.RegistrationClosed", name, "late")
	p.says(http.MethodGet, next, "", http.StatusOK, `"requestId":"1"`, ident, id) // the start is over with this, and the event is here
	p.taken("1")
	p.says(http.MethodPost, "/2020-01-01/extension/init/error", "", http.StatusForbidden, "State transition from Running to InitError",
		ident, id, "Lambda-Extension-Function-Error-Type", "X.Y")
	p.says(http.MethodPost, answerPath("1", "response"), "ok", http.StatusAccepted, "")
	p.asks()
	go request(p.api, http.MethodGet, next, "", map[string]string{ident: id})
	if res := result(); !res.OK() || res.After.TimedOut {
		t.Errorf("%+v", res)
	}
	p.says(http.MethodGet, next, "", http.StatusForbidden, "State transition from Ready to Ready failed for extension", ident, id)
}

// eventually repeats a request until its answer has a part.
func (p *played) eventually(method, path, part string, header ...string) {
	p.t.Helper()
	for range 1000 {
		_, _, text := request(p.api, method, path, "{}", map[string]string{header[0]: header[1] + fmt.Sprint(time.Now().UnixNano())})
		if strings.Contains(text, part) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	p.t.Errorf("%s %s never says %s", method, path, part)
}
