package telemetry_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// The test's executable is also the function, with the library and without.
func TestMain(m *testing.M) {
	os.Exit(lambdatest.Main(m, map[string]func(){
		"wrapped": func() { lambda.Start(telemetry.Wrap(work)) },
		"bare":    func() { lambda.Start(work) },
		"guide":   main,
	}))
}

type task struct {
	Do    string `json:"do"`
	Sleep int    `json:"sleep"` // ms
}

func work(ctx context.Context, t task) (string, error) {
	_, s := trace.Start(ctx, "### "+t.Do)
	defer s.End()
	time.Sleep(time.Duration(t.Sleep) * time.Millisecond)
	switch t.Do {
	case "panic":
		panic("no way")
	case "fail":
		return "", &declined{"visa"}
	case "exit":
		os.Exit(3)
	case "flood":
		for range 2000 {
			fmt.Println(strings.Repeat("x", 100))
		}
	}
	return "did " + t.Do, nil
}

// collector takes spans and says when which came.
type collector struct {
	mu   sync.Mutex
	body bytes.Buffer
	hold chan struct{} // not nil: no answer until it is closed
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	b, _ := io.ReadAll(body)
	c.mu.Lock()
	c.body.Write(b)
	c.mu.Unlock()
	if c.hold != nil {
		<-c.hold
	}
	w.WriteHeader(http.StatusOK)
}

func (c *collector) has(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Contains(c.body.Bytes(), []byte(text))
}

func function(name, endpoint string) lambdatest.Function {
	return lambdatest.Function{
		Command: lambdatest.Self(name), Name: "pay", Timeout: 5 * time.Second, Freeze: true,
		Env: []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + endpoint, "POWERTOOLS_SERVICE_NAME=payment-service", "AWS_LAMBDA_LOG_FORMAT=JSON"},
	}
}

func invoke(t *testing.T, env *lambdatest.Environment, in lambdatest.Invocation) lambdatest.Result {
	t.Helper()
	if in.TraceID == "" {
		in.TraceID = "Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1"
	}
	res, err := env.Invoke(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func payload(do string) []byte { return fmt.Appendf(nil, `{"do":%q}`, do) }

// The caller has its answer while the endpoint has not even taken the spans; the
// process is not frozen before it has.
func TestSpansAreSentAfterTheAnswer(t *testing.T) {
	c := &collector{hold: make(chan struct{})}
	s := httptest.NewServer(c)
	defer s.Close()
	env := lambdatest.Start(function("wrapped", s.URL+"/v1/traces"))
	defer env.Close()
	answered := false
	res := invoke(t, env, lambdatest.Invocation{Payload: payload("pay"), Answered: func(lambdatest.Result) {
		answered = true
		close(c.hold)
	}})
	if !res.OK() || string(res.Payload) != `"did pay"` || !answered {
		t.Fatalf("%+v", res)
	}
	for _, text := range []string{"### pay", "## handler", "payment-service"} {
		if !c.has(text) {
			t.Errorf("the endpoint was not told of %q", text)
		}
	}
	for _, l := range res.Logs {
		if e := lambdatest.ReadLog(l); e.Time.IsZero() {
			t.Errorf("Lambda does not read the line: %s", l)
		}
	}
}

// An environment that is taken down sends what a busy second has left.
func TestSpansOfABusySecondAreSentAtTheEnd(t *testing.T) {
	c := &collector{}
	s := httptest.NewServer(c)
	defer s.Close()
	env := lambdatest.Start(function("wrapped", s.URL+"/v1/traces"))
	for i := range 5 {
		if res := invoke(t, env, lambdatest.Invocation{Payload: payload(fmt.Sprint("n", i))}); !res.OK() {
			t.Fatalf("%+v", res)
		}
	}
	env.Close()
	for i := range 5 {
		if !c.has(fmt.Sprint("### n", i)) {
			t.Errorf("the span of invocation %d is lost", i)
		}
	}
}

// Whatever becomes of the streams and of the endpoint, the function's result is
// that of the bare one: answer, error, panic, exit, timeout.
func TestTheResultIsThatOfTheBareFunction(t *testing.T) {
	silent := &collector{hold: make(chan struct{})}
	slow := httptest.NewServer(silent)
	t.Cleanup(func() {
		close(silent.hold)
		slow.Close()
	})
	for _, c := range []struct {
		name, endpoint string
		stdout         lambdatest.Stream
	}{
		{"slow endpoint", slow.URL + "/v1/traces", lambdatest.Read},
		{"full stdout", "http://127.0.0.1:1/v1/traces", lambdatest.Full},
		{"broken stdout", "http://127.0.0.1:1/v1/traces", lambdatest.Broken},
		{"stdout on a full disk, no endpoint", "not a URL", lambdatest.Failing},
		{"full stdout, slow endpoint", slow.URL + "/v1/traces", lambdatest.Full},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			compare(t, c.stdout, c.endpoint)
		})
	}
}

func compare(t *testing.T, stdout lambdatest.Stream, endpoint string) {
	t.Helper()
	results := map[string][]lambdatest.Result{}
	for _, name := range []string{"bare", "wrapped"} {
		fn := function(name, endpoint)
		fn.Stdout = stdout
		env := lambdatest.Start(fn)
		for _, do := range []string{"pay", "fail", "panic", "exit"} {
			results[name] = append(results[name], invoke(t, env, lambdatest.Invocation{Payload: payload(do)}))
		}
		results[name] = append(results[name], invoke(t, env, lambdatest.Invocation{Payload: []byte(`{"do":"late","sleep":900}`), Timeout: 300 * time.Millisecond}))
		env.Close()
	}
	for i, want := range results["bare"] {
		got := results["wrapped"][i]
		if !bytes.Equal(got.Payload, want.Payload) || got.TimedOut != want.TimedOut || got.Exited != want.Exited || told(got.Error) != told(want.Error) {
			t.Errorf("%d: got %+v (%v), bare %+v (%v)", i, got, got.Error, want, want.Error)
		}
		if d := got.Duration - want.Duration; d > 2*time.Second {
			t.Errorf("%d: the answer took %v longer", i, d)
		}
	}
}

func told(err *lambdatest.FunctionError) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A panic that Lambda reports has the handler's frames in its stack.
func TestLambdaSeesWhereAPanicBegan(t *testing.T) {
	env := lambdatest.Start(function("wrapped", "http://127.0.0.1:1/v1/traces"))
	defer env.Close()
	res := invoke(t, env, lambdatest.Invocation{Payload: payload("panic")})
	if res.Error == nil || !strings.Contains(string(res.Error.Body), "lambda_test.go") {
		t.Fatalf("%+v", res.Error)
	}
	line := slices.IndexFunc(res.Logs, func(l string) bool { return strings.Contains(l, `"outcome":"panic"`) })
	if line < 0 || lambdatest.ReadLog(res.Logs[line]).Level != "ERROR" {
		t.Errorf("%q", res.Logs)
	}
}

// Timeouts anywhere: the record of the invocation gets out before the process is
// killed, and the next invocation starts as if nothing had been.
func TestATimeoutIsWrittenDown(t *testing.T) {
	c := &collector{}
	s := httptest.NewServer(c)
	defer s.Close()
	env := lambdatest.Start(function("wrapped", s.URL+"/v1/traces"))
	defer env.Close()
	res := invoke(t, env, lambdatest.Invocation{Payload: []byte(`{"do":"late","sleep":3000}`), Timeout: 500 * time.Millisecond})
	if !res.TimedOut || !slices.ContainsFunc(res.Logs, func(l string) bool {
		return strings.Contains(l, `"outcome":"timeout"`) && lambdatest.ReadLog(l).Level == "ERROR"
	}) {
		t.Errorf("%+v", res)
	}
	if res = invoke(t, env, lambdatest.Invocation{Payload: payload("pay")}); !res.OK() || !res.Cold {
		t.Errorf("%+v", res)
	}
}

// A managed instance has several invocations at a time and no extension that hears
// of them: spans go out in the background.
func TestAManagedInstance(t *testing.T) {
	c := &collector{}
	s := httptest.NewServer(c)
	defer s.Close()
	fn := function("wrapped", s.URL+"/v1/traces")
	fn.Freeze, fn.Concurrency = false, 8
	env := lambdatest.Start(fn)
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for i := range 64 {
		all.Go(func() {
			res, err := env.Invoke(context.WithoutCancel(t.Context()), lambdatest.Invocation{
				Payload: payload(fmt.Sprintf("m%d.", i)),
				TraceID: fmt.Sprintf("Root=1-6742f1c0-%024x;Parent=53995c3f42cd8ad8;Sampled=1", i),
			})
			if err != nil || string(res.Payload) != fmt.Sprintf(`"did m%d."`, i) {
				mu.Lock()
				failed = errors.Join(failed, err, fmt.Errorf("%d: %s", i, res.Payload))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
	env.Close()
	for i := range 64 {
		if !c.has(fmt.Sprintf("### m%d.", i)) {
			t.Errorf("the span of invocation %d is lost", i)
		}
	}
}
