package lambdatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

func TestMain(m *testing.M) {
	os.Exit(lambdatest.Main(m, map[string]func(){
		"function": function,
		"sigterm": func() {
			lambda.StartWithOptions(handler(), lambda.WithEnableSIGTERM(func() { fmt.Println("told to end") }))
		},
		"hello": func() {
			lambda.Start(func(_ context.Context, name string) (string, error) {
				fmt.Println(`{"level":"INFO","timestamp":"2026-11-23T07:00:00.123Z","message":"greeting"}`)
				return "hello " + name, nil
			})
		},
		"broken":    func() { os.Exit(3) },
		"forever":   func() { select {} },
		"puppet":    puppet,
		"extension": extension,
		"initerror": func() {
			call(http.MethodPost, "/2018-06-01/runtime/init/error", `{"errorType":"Pay.NoTable","errorMessage":"no table"}`, nil)
			os.Exit(1)
		},
	}))
}

// puppet is a runtime that the test plays itself: it tells where the API is.
func puppet() {
	fmt.Println("api " + os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	select {}
}

func function() { lambda.Start(handler()) }

// handler does what the event says.
func handler() func(context.Context, map[string]any) (any, error) {
	calls := 0
	var together, background atomic.Int64
	number := func(in any) int64 {
		n, _ := in.(float64)
		return int64(n)
	}
	return func(ctx context.Context, in map[string]any) (any, error) {
		if lambdacontext.MaxConcurrency() == 1 {
			calls++
		}
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
			fmt.Println("hanging")
			select {}
		case "big":
			return map[string]any{"big": strings.Repeat("x", 7<<20)}, nil
		case "print":
			fmt.Println(in["line"])
			fmt.Fprintln(os.Stderr, "to stderr")
		case "long":
			fmt.Println(strings.Repeat("y", 200<<10))
		case "stream":
			return &pieces{reader: strings.NewReader("one two three")}, nil
		case "break":
			return &pieces{reader: io.MultiReader(strings.NewReader("one two"), failing{})}, nil
		case "together": // waits until all are there
			together.Add(1)
			for together.Load() < number(in["all"]) && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			return map[string]any{"id": lc.AwsRequestID, "tenant": lc.TenantID}, ctx.Err()
		case "slow":
			<-ctx.Done()
			time.Sleep(time.UnixMilli(number(in["more"])).Sub(time.UnixMilli(0)))
		case "background":
			if background.Add(1) == 1 {
				go func() {
					for {
						background.Add(1)
						time.Sleep(time.Millisecond)
					}
				}()
			}
			return background.Load(), nil
		}
		return map[string]any{
			"calls": calls, "left": time.Until(deadline).Milliseconds(), "id": lc.AwsRequestID, "tenant": lc.TenantID,
			"trace": ctx.Value("x-amzn-trace-id"), "arn": lc.InvokedFunctionArn, "name": lambdacontext.FunctionName,
			"memory": lambdacontext.MemoryLimitInMB, "own": os.Getenv("OWN"), "shell": os.Getenv("LAMBDATEST_SECRET"),
			"identity": lc.Identity.CognitoIdentityID, "client": lc.ClientContext.Client.AppTitle,
		}, nil
	}
}

// pieces is a response that is no JSON.
type pieces struct{ reader io.Reader }

func (p *pieces) Read(b []byte) (int, error) { return p.reader.Read(b[:min(len(b), 4)]) }
func (*pieces) ContentType() string          { return "text/plain" }
func (*pieces) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a stream is no JSON")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the source dried up") }

// extension registers, may subscribe, and prints the events it gets. SCRIPT says
// what it does besides.
func extension() {
	script := os.Getenv("SCRIPT")
	if strings.Contains(script, "mute") {
		os.Exit(4)
	}
	events := `["INVOKE","SHUTDOWN"]`
	if e := os.Getenv("EVENTS"); e != "" {
		events = e
	}
	_, head, body := call(http.MethodPost, "/2020-01-01/extension/register", `{"events":`+events+`}`,
		map[string]string{"Lambda-Extension-Name": "ext", "Lambda-Extension-Accept-Feature": "accountId"})
	fmt.Println("registered", strings.TrimSpace(body), os.Getenv("_HANDLER")+os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	id := map[string]string{"Lambda-Extension-Identifier": head.Get("Lambda-Extension-Identifier"), "Lambda-Extension-Function-Error-Type": "Ext.Failed"}
	if s := os.Getenv("SUBSCRIBE"); s != "" {
		status, _, body := call(http.MethodPut, "/2022-07-01/telemetry", s, id)
		fmt.Println("subscribed", status, strings.TrimSpace(body))
	}
	if strings.Contains(script, "init-error") {
		call(http.MethodPost, "/2020-01-01/extension/init/error", `{}`, id)
		os.Exit(1)
	}
	for {
		_, _, body := call(http.MethodGet, "/2020-01-01/extension/event/next", "", id)
		fmt.Print("event ", body)
		var e struct{ EventType string }
		if json.Unmarshal([]byte(body), &e) != nil || e.EventType == "SHUTDOWN" {
			if strings.Contains(script, "stay") {
				select {}
			}
			return
		}
		switch {
		case strings.Contains(script, "slow"):
			time.Sleep(150 * time.Millisecond)
		case strings.Contains(script, "crash"):
			os.Exit(5)
		case strings.Contains(script, "never"):
			select {}
		case strings.Contains(script, "exit-error"):
			call(http.MethodPost, "/2020-01-01/extension/exit/error", `{}`, id)
			select {}
		}
	}
}

// call is a request to the environment's APIs from one of its processes.
func call(method, path, body string, header map[string]string) (int, http.Header, string) {
	return request(os.Getenv("AWS_LAMBDA_RUNTIME_API"), method, path, body, header)
}

func request(api, method, path, body string, header map[string]string) (int, http.Header, string) {
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+api+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err.Error()
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return res.StatusCode, res.Header, string(text)
}
