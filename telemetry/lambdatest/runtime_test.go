package lambdatest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

const (
	nextPath  = "/2018-06-01/runtime/invocation/next"
	initError = "/2018-06-01/runtime/init/error"
)

func answerPath(id, how string) string { return "/2018-06-01/runtime/invocation/" + id + "/" + how }

// played is an environment whose runtime is the test.
type played struct {
	env *lambdatest.Environment
	api string
	t   testing.TB
}

// playing starts a process that does nothing, with an invocation that makes it
// start, and returns the way to its API and the invocation's result.
func playing(t testing.TB, in lambdatest.Invocation, with ...func(*lambdatest.Function)) (p *played, result func() lambdatest.Result) {
	t.Helper()
	api, once := make(chan string, 1), sync.Once{}
	p = &played{t: t}
	p.env = start(t, "puppet", append(with, func(f *lambdatest.Function) {
		f.Output = writer(func(line []byte) {
			if rest, ok := strings.CutPrefix(string(line), "api "); ok {
				once.Do(func() { api <- strings.TrimSpace(rest) })
			}
		})
	})...)
	result = p.invoke(in)
	p.api = <-api
	return p, result
}

// invoke invokes in the background.
func (p *played) invoke(in lambdatest.Invocation) (result func() lambdatest.Result) {
	done := make(chan lambdatest.Result, 1)
	go func() {
		res, err := p.env.Invoke(p.t.Context(), in)
		if err != nil {
			p.t.Error(err)
		}
		done <- res
	}()
	return func() lambdatest.Result { return <-done }
}

// says makes a request and compares its answer: the status and a part of the body.
func (p *played) says(method, path, body string, status int, part string, header ...string) http.Header {
	p.t.Helper()
	h := map[string]string{}
	for i := 0; i+1 < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	got, head, text := request(p.api, method, path, body, h)
	if got != status || !strings.Contains(text, part) {
		p.t.Errorf("%s %s says %d %s, want %d %s", method, path, got, text, status, part)
	}
	return head
}

// asks asks for the next event in the background: nothing answers it but the next
// invocation.
func (p *played) asks() {
	go request(p.api, http.MethodGet, nextPath, "", nil)
}

func TestHostileRuntime(t *testing.T) {
	t.Parallel()
	p, result := playing(t, lambdatest.Invocation{RequestID: "id-1", Payload: []byte("first"), TraceID: "Root=1-2-3"})
	for _, path := range []string{"/", "/2018-06-01/runtime", "/2018-06-01/runtime/invocation//response", "/2019-01-01/runtime/invocation/next"} {
		p.says(http.MethodGet, path, "", http.StatusNotFound, "")
	}
	p.says(http.MethodPost, nextPath, "", http.StatusMethodNotAllowed, "")
	p.says(http.MethodPost, answerPath("id-1", "response"), "early", http.StatusBadRequest, `"errorType":"InvalidRequestID"`)

	if h := p.says(http.MethodGet, nextPath, "", http.StatusOK, "first"); h.Get("Lambda-Runtime-Aws-Request-Id") != "id-1" || h.Get("Lambda-Runtime-Trace-Id") != "Root=1-2-3" {
		t.Errorf("the headers are %v", h)
	}
	p.says(http.MethodGet, nextPath, "", http.StatusOK, "first") // it did not answer
	p.says(http.MethodPost, answerPath("id-2", "response"), "{}", http.StatusBadRequest, `"errorMessage":"Invalid request ID"`)
	p.says(http.MethodPost, answerPath("%00", "error"), "{}", http.StatusBadRequest, "InvalidRequestID")
	p.says(http.MethodPost, initError, `{}`, http.StatusForbidden, "State transition from Running to InitError failed for runtime")
	p.says(http.MethodPost, answerPath("id-1", "response"), "answer", http.StatusAccepted, `{"status":"OK"}`)
	p.says(http.MethodPost, answerPath("id-1", "response"), "again", http.StatusForbidden,
		"State transition from ResponseSent to InvocationResponse failed for runtime. Error: State transition is not allowed")
	p.says(http.MethodPost, answerPath("id-1", "error"), "{}", http.StatusForbidden, `"errorType":"InvalidStateTransition"`)
	p.asks()
	if res := result(); string(res.Payload) != "answer" || !res.OK() {
		t.Errorf("%+v", res)
	}
	p.says(http.MethodPost, answerPath("id-1", "response"), "late", http.StatusBadRequest, "InvalidRequestID")

	result = p.invoke(lambdatest.Invocation{RequestID: "id-3"})
	p.taken("id-3")
	p.says(http.MethodPost, answerPath("id-3", "response"), "x", http.StatusBadRequest, `"errorType":"InvalidFunctionResponseMode"`,
		"Lambda-Runtime-Function-Response-Mode", "sideways")
	p.asks()
	if res := result(); res.Error == nil || res.Error.Type != "Runtime.InvalidResponseModeHeader" {
		t.Errorf("%+v", res.Error)
	}
}

// taken waits until the runtime has an event: until then it cannot be answered. One
// that asks already may get it first, and this one the same.
func (p *played) taken(id string) {
	p.t.Helper()
	status, h, text := request(p.api, http.MethodGet, nextPath, "", nil)
	if got := h.Get("Lambda-Runtime-Aws-Request-Id"); got != id {
		p.t.Fatalf("the next event is %q, want %s: %d %s", got, id, status, text)
	}
}

// TestAnswers are the bodies and headers that an answer may have.
func TestAnswers(t *testing.T) {
	t.Parallel()
	p, result := playing(t, lambdatest.Invocation{RequestID: "0"})
	big := strings.Repeat("x", lambdatest.MaxResponse)
	for i, c := range []struct {
		how, body string
		header    []string
		status    int
		check     func(lambdatest.Result) bool
	}{
		{"response", big, nil, 202, func(r lambdatest.Result) bool { return r.OK() && len(r.Payload) == lambdatest.MaxResponse }},
		{"response", big + "x", nil, 413, func(r lambdatest.Result) bool {
			return r.Error.Type == "Function.ResponseSizeTooLarge" && r.Payload == nil
		}},
		{"response", "", nil, 202, func(r lambdatest.Result) bool { return r.OK() && len(r.Payload) == 0 }},
		{"response", "s", []string{"Lambda-Runtime-Function-Response-Mode", "streaming", "Content-Type", "a/b"}, 202, func(r lambdatest.Result) bool { return r.Streamed && r.ContentType == "a/b" }},
		{"error", `{"errorType":"T","errorMessage":"m","stackTrace":[]}`, []string{"Lambda-Runtime-Function-Xray-Error-Cause", "{}"}, 202, func(r lambdatest.Result) bool {
			return r.Error.Error() == "T: m" && r.Error.Trace == "{}" && strings.Contains(string(r.Error.Body), "stackTrace")
		}},
		{"error", `no json`, []string{"Lambda-Runtime-Function-Error-Type", "H"}, 202, func(r lambdatest.Result) bool { return r.Error.Error() == "H: no json" }},
		{"error", `{"errorMessage":7}`, nil, 202, func(r lambdatest.Result) bool { return r.Error.Type == "" && r.Error.Message == `{"errorMessage":7}` }},
		{"error", big + "x", nil, 413, func(r lambdatest.Result) bool { return r.Error.Type == "Function.ResponseSizeTooLarge" }},
	} {
		id := fmt.Sprint(i)
		if i > 0 {
			result = p.invoke(lambdatest.Invocation{RequestID: id})
		}
		p.taken(id)
		p.says(http.MethodPost, answerPath(id, c.how), c.body, c.status, "", c.header...)
		p.asks()
		if res := result(); res.Error == nil && !res.OK() || !c.check(res) {
			t.Errorf("%d, %s: %+v %v", i, c.how, res.Error, res.OK())
		}
	}
}

// TestTruncated: a response that breaks off is an error, and no answer.
func TestTruncated(t *testing.T) {
	t.Parallel()
	p, result := playing(t, lambdatest.Invocation{RequestID: "1"})
	p.taken("1")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", p.api)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", answerPath("1", "response")); err != nil {
		t.Fatal(err)
	}
	half, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatalf("the connection is a %T", conn)
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(conn); err != nil || !strings.Contains(string(text), `"errorType":"TruncatedHTTPRequest"`) {
		t.Errorf("%s %v", text, err)
	}
	conn.Close()
	p.asks()
	if res := result(); res.Error == nil || res.Error.Type != "Runtime.TruncatedResponse" || string(res.Payload) != "half" {
		t.Errorf("%+v", res)
	}
}

// TestInitErrorThenNext: whoever reported that it cannot start does not start.
func TestInitErrorThenNext(t *testing.T) {
	t.Parallel()
	p, result := playing(t, lambdatest.Invocation{})
	p.says(http.MethodPost, initError, "not json", http.StatusAccepted, "OK", "Lambda-Runtime-Function-Error-Type", "Pay.Broken")
	if res := result(); res.OK() || res.Error.Type != "Pay.Broken" || !res.Error.Init || res.Error.Message != "not json" {
		t.Errorf("%+v", res)
	}
}

// TestAnsweredThenStuck: the caller has its response, the invocation goes on to the
// deadline, and the environment does not outlive it.
func TestAnsweredThenStuck(t *testing.T) {
	t.Parallel()
	answered := make(chan lambdatest.Result, 1)
	p, result := playing(t, lambdatest.Invocation{RequestID: "1", Timeout: 300 * time.Millisecond, Answered: func(r lambdatest.Result) { answered <- r }})
	p.taken("1")
	p.says(http.MethodPost, answerPath("1", "response"), "done", http.StatusAccepted, "")
	if res := <-answered; string(res.Payload) != "done" || res.After.Duration != 0 {
		t.Errorf("the caller: %+v", res)
	}
	if res := result(); !res.OK() || !res.After.TimedOut || res.After.Duration < 100*time.Millisecond {
		t.Errorf("the end: %+v", res)
	}
}

// FuzzRuntimeAPI sends whatever: the API answers every request, and an invocation
// that is answered afterwards is not disturbed by it.
func FuzzRuntimeAPI(f *testing.F) {
	for _, seed := range [][4]string{
		{"POST", answerPath("x", "response"), "{}", "streaming"},
		{"POST", answerPath("x", "error"), `{"errorType":1}`, ""},
		{"POST", initError, "", ""},
		{"POST", "/2020-01-01/extension/register", `{"events":["SHUTDOWN"]}`, "n"},
		{"POST", "/2020-01-01/extension/init/error", "", "00000000-0000-0000-0000-000000000000"},
		{"GET", "/2020-01-01/extension/event/next", "", "no id"},
		{"PUT", "/2022-07-01/telemetry", `{"schemaVersion":"2022-07-01"}`, ""},
		{"DELETE", "/%2e%2e/x?y", "", "\x7f"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	p, result := playing(f, lambdatest.Invocation{RequestID: "first", Timeout: time.Hour})
	p.taken("first")
	n := 0
	var mu sync.Mutex
	f.Fuzz(func(t *testing.T, method, path, body, header string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(path, "/next") && method == "GET" && !strings.Contains(path, "extension") || strings.Contains(path, "first") {
			t.Skip("that is the runtime itself")
		}
		// A method or a path that no client sends is answered, too; the text is the server's.
		status, _, text := request(p.api, method, path, body, map[string]string{
			"Lambda-Extension-Name": header, "Lambda-Extension-Identifier": header, "Lambda-Runtime-Function-Response-Mode": header,
		})
		if status == 202 || status >= 500 {
			t.Fatalf("%s %q says %d %s", method, path, status, text)
		}
		if strings.HasPrefix(text, "{") && !json.Valid([]byte(text)) {
			t.Fatalf("%s", text)
		}
		if n++; n%50 == 0 {
			_, h, _ := request(p.api, http.MethodGet, nextPath, "", nil)
			if h.Get("Lambda-Runtime-Aws-Request-Id") != "first" {
				t.Fatal("the event is lost")
			}
		}
	})
	p.says(http.MethodPost, answerPath("first", "response"), "done", http.StatusAccepted, "")
	p.asks()
	if res := result(); string(res.Payload) != "done" && !res.TimedOut {
		f.Errorf("%+v", res)
	}
}
