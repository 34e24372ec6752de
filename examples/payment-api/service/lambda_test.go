package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

const body = `{"amount":1999,"currency":"EUR","card":"tok_1","idempotency_key":"k-1"}`

// rest and httpAPI are events of API Gateway's two kinds.
func rest(method, path, body string) []byte {
	return event(map[string]any{
		"resource": path, "path": path, "httpMethod": method, "body": body, "headers": map[string]string{"Content-Type": "application/json"},
		"requestContext": map[string]any{"requestId": "gateway-1", "stage": "live"},
	})
}

func httpAPI(method, path, body string) []byte {
	return event(map[string]any{
		"version": "2.0", "routeKey": method + " " + path, "rawPath": path, "body": body, "headers": map[string]string{"content-type": "application/json"},
		"requestContext": map[string]any{"requestId": "gateway-2", "stage": "$default", "http": map[string]any{"method": method, "path": path}},
	})
}

func event(e map[string]any) []byte {
	out, _ := json.Marshal(e) // texts always can be
	return out
}

// answer is what API Gateway gets.
type answer struct {
	Status  int                 `json:"statusCode"`
	Headers map[string][]string `json:"multiValueHeaders"`
	Body    string              `json:"body"`
}

func invoke(t *testing.T, env *lambdatest.Environment, in lambdatest.Invocation) (lambdatest.Result, answer) {
	t.Helper()
	res, err := env.Invoke(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if res.OK() {
		if err := json.Unmarshal(res.Payload, &a); err != nil {
			t.Fatalf("%v in %s", err, res.Payload)
		}
	}
	return res, a
}

func function(t *testing.T, bootstrap func() *exec.Cmd, name string, env ...string) *lambdatest.Environment {
	t.Helper()
	e := lambdatest.Start(lambdatest.Function{Command: bootstrap, Name: name, Env: append(env, "_HANDLER="+name, "AWS_LAMBDA_LOG_FORMAT=JSON"), Timeout: 20 * time.Second})
	t.Cleanup(e.Close)
	return e
}

// The bootstrap answers both kinds of events, and each invocation leaves a metric
// line and a wide record behind.
func TestFunction(t *testing.T) {
	bootstrap := lambdatest.Build(t, ".")
	good := function(t, bootstrap, "payment-api", "VERSION=2.0.0")
	bad := function(t, bootstrap, "payment-api", "VERSION=2.0.1", "FAULT=errors:1")
	for _, tc := range []struct {
		name    string
		env     *lambdatest.Environment
		event   []byte
		status  int
		said    string
		metrics string
		outcome string
	}{
		{"REST API", good, rest("POST", "/process", body), 201, `"approved"`, `"version":"2.0.0","function_version":"$LATEST","Requests":1,"Errors":0`, "ok"},
		{"HTTP API, the same again", good, httpAPI("POST", "/process", body), 200, `"approved"`, `"Requests":1,"Errors":0`, "ok"},
		{"invalid", good, rest("POST", "/process", `{"amount":1}`), 400, "card is no token", `"Requests":1,"Errors":0`, "rejected"},
		{"key of another payment", good, rest("POST", "/process", strings.ReplaceAll(body, "tok_1", "tok_declined")), 409, "another payment", `"Errors":0`, "rejected"},
		{"health", good, httpAPI("GET", "/health", ""), 200, `"2.0.0"`, "", "ok"},
		{"no such path", good, rest("GET", "/", ""), 404, "", "", "rejected"},
		{"errors", bad, rest("POST", "/process", body), 500, `"failed"`, `"version":"2.0.1","function_version":"$LATEST","Requests":1,"Errors":1`, "error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, a := invoke(t, tc.env, lambdatest.Invocation{Payload: tc.event})
			declined := tc.said == `"approved"` && a.Status == 402 // by chance, as one card in 50 is
			if !declined && (a.Status != tc.status || !strings.Contains(a.Body, tc.said)) {
				t.Errorf("%d %s, %v", a.Status, a.Body, res.Error)
			}
			told(t, res.Logs, tc.metrics, tc.outcome)
		})
	}
	if res, _ := invoke(t, good, lambdatest.Invocation{Payload: []byte(`{"Records":[]}`)}); res.Error == nil {
		t.Errorf("an event of another kind is answered: %s", res.Payload)
	}
	typo := function(t, bootstrap, "payment-api", "FAULT=chaos")
	if res, err := typo.Invoke(t.Context(), lambdatest.Invocation{Payload: rest("GET", "/health", "")}); err != nil || !res.Exited {
		t.Errorf("a fault that there is not: %+v, %v", res, err)
	}
}

// told looks for one metric line, if there has to be one, and for the record of
// the invocation.
func told(t *testing.T, logs []string, metrics, outcome string) {
	t.Helper()
	lines, records := 0, 0
	for _, l := range logs {
		var rec struct {
			AWS     map[string]any `json:"_aws"`
			Message string         `json:"message"`
			Outcome string         `json:"outcome"`
			Version string         `json:"version"`
		}
		if err := json.Unmarshal([]byte(l), &rec); err != nil {
			t.Errorf("%v: %s", err, l)
		}
		switch {
		case rec.AWS != nil:
			lines++
			if !strings.Contains(l, metrics) {
				t.Errorf("no %s in %s", metrics, l)
			}
		case rec.Message == "invocation":
			records++
			if rec.Outcome != outcome || !strings.HasPrefix(rec.Version, "2.0.") {
				t.Errorf("want %s: %s", outcome, l)
			}
		}
		if strings.Contains(l, "tok_1") {
			t.Errorf("a card's token is logged: %s", l)
		}
	}
	if records != 1 || lines == 1 != (metrics != "") {
		t.Errorf("%d metric lines and %d records in\n%s", lines, records, strings.Join(logs, "\n"))
	}
}

// One trace goes through two functions: from who calls the payment API through
// its request to the card network into the card network's function.
func TestTraceSpansTwoFunctions(t *testing.T) {
	bootstrap, collector := lambdatest.Build(t, "."), collect(t)
	otlp := "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.url
	cards := function(t, bootstrap, "card-network", otlp)
	// What API Gateway is between the two: an address on one side, events on the
	// other. It passes the trace's header on.
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		res, err := cards.Invoke(t.Context(), lambdatest.Invocation{Payload: rest(r.Method, r.URL.Path, string(text)), TraceID: r.Header.Get("X-Amzn-Trace-Id")})
		var a answer
		if err == nil {
			err = json.Unmarshal(res.Payload, &a)
		}
		if err != nil {
			t.Errorf("the card network: %v, %+v", err, res)
			a.Status = http.StatusBadGateway
		}
		w.WriteHeader(a.Status)
		io.WriteString(w, a.Body) //nolint:errcheck // the client may be gone
	}))
	t.Cleanup(gateway.Close)
	api := function(t, bootstrap, "payment-api", otlp, "CARD_NETWORK_URL="+gateway.URL, "VERSION=2.0.0")

	const trace, parent = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
	header := fmt.Sprintf("Root=1-%s-%s;Parent=%s;Sampled=1", trace[:8], trace[8:], parent)
	if res, a := invoke(t, api, lambdatest.Invocation{Payload: rest("POST", "/process", body), TraceID: header}); a.Status != 201 && a.Status != 402 {
		t.Fatalf("%d %s, %v", a.Status, a.Body, res.Error)
	}
	spans := collector.spans()
	find := func(service, parent string) span {
		t.Helper()
		for _, s := range spans {
			if s.service == service && s.parent == parent && s.trace == trace {
				return s
			}
		}
		t.Fatalf("no span of %s below %s in %+v", service, parent, spans)
		return span{}
	}
	payment := find("payment-api", parent)
	request := find("payment-api", payment.id)
	network := find("card-network", request.id)
	if payment.name != "## handler" || network.name != "## handler" || len(spans) != 3 {
		t.Errorf("%+v", spans)
	}
	// A caller that does not keep the trace decides for both.
	if _, a := invoke(t, api, lambdatest.Invocation{Payload: rest("POST", "/process", strings.ReplaceAll(body, "k-1", "k-2")), TraceID: strings.ReplaceAll(header, "Sampled=1", "Sampled=0")}); a.Status != 201 && a.Status != 402 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if n := len(collector.spans()); n != 3 {
		t.Errorf("%d spans, though the second trace is not kept", n)
	}
}
