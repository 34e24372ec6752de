package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// paymentAPI builds the example's service, which is a module of its own, as the
// bootstrap that is deployed.
func paymentAPI(t *testing.T) func() *exec.Cmd {
	t.Helper()
	dir := filepath.FromSlash("../../../examples/payment-api/service")
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Skip("the example is not here: ", err)
	}
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "-C", dir, "build", "-tags", "lambda.norpc", "-trimpath", "-o", bootstrap, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func() *exec.Cmd { return exec.Command(bootstrap) } //nolint:noctx // the environment ends it
}

// event is one of API Gateway.
func event(t *testing.T, method, path, body string) []byte {
	t.Helper()
	e, err := json.Marshal(map[string]any{
		"resource": path, "path": path, "httpMethod": method, "body": body, "headers": map[string]string{"Content-Type": "application/json"},
		"requestContext": map[string]any{"requestId": "gateway-1", "stage": "live"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestPaymentAPI: the bootstrap of the example's payment API, untouched, sends its
// spans to X-Ray's address, signed; the function it calls continues its trace; a
// Collector reads the spans of both.
func TestPaymentAPI(t *testing.T) {
	t.Parallel()
	b := start(t)
	bootstrap := paymentAPI(t)
	function := func(name string, env ...string) *lambdatest.Environment {
		e := lambdatest.Start(lambdatest.Function{
			Command: bootstrap, Name: name, Freeze: true, Timeout: 20 * time.Second,
			Env: append(append(b.env(name), "_HANDLER="+name, "AWS_LAMBDA_LOG_FORMAT=JSON"), env...),
		})
		t.Cleanup(e.Close)
		return e
	}
	cards := function("card-network")
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		res, err := cards.Invoke(r.Context(), lambdatest.Invocation{Payload: event(t, r.Method, r.URL.Path, string(body)), TraceID: r.Header.Get("X-Amzn-Trace-Id")})
		var answer struct {
			Status int    `json:"statusCode"`
			Body   string `json:"body"`
		}
		if err == nil {
			err = json.Unmarshal(res.Payload, &answer)
		}
		if err != nil {
			t.Errorf("the card network: %v, %+v", err, res)
			answer.Status = http.StatusBadGateway
		}
		w.WriteHeader(answer.Status)
		_, _ = io.WriteString(w, answer.Body)
	}))
	t.Cleanup(gateway.Close)
	payments := function("payment-api", "CARD_NETWORK_URL="+gateway.URL, "VERSION=2.0.0")

	h, id := header("1")
	payment := `{"amount":1999,"currency":"EUR","card":"tok_1","idempotency_key":"k-1"}`
	res, err := payments.Invoke(t.Context(), lambdatest.Invocation{Payload: event(t, "POST", "/process", payment), TraceID: h})
	if err != nil || !res.OK() {
		t.Fatalf("%v, %+v", err, res)
	}
	follow(t, b.collector.Spans(t, 3), id, []hop{
		{"payment-api", "## handler", 1}, {"payment-api", "", 3}, {"card-network", "## handler", 1},
	})
	b.accepted(t)
}
