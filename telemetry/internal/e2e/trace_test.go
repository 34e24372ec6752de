package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/internal/collector"
	"gitlab.com/nines-sre/nines/telemetry/internal/xrayd"
	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// TestMain makes the test's executable two functions, one of which calls the other.
func TestMain(m *testing.M) {
	os.Exit(lambdatest.Main(m, map[string]func(){"front": front, "back": back}))
}

// front calls what BACK_URL names and returns its answer.
func front() {
	tel := telemetry.New()
	client := &http.Client{Transport: tel.Trace.Transport(nil)}
	lambda.Start(tel.Wrap(func(ctx context.Context) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("BACK_URL"), nil)
		if err != nil {
			return "", err
		}
		resp, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		return string(said), err
	}))
}

// back has a span of its own.
func back() {
	lambda.Start(telemetry.Wrap(func(ctx context.Context) (string, error) {
		_, span := trace.Start(ctx, "### work")
		defer span.End()
		span.Annotate("tenant", "acme")
		return "done", nil
	}))
}

// keys are the functions' credentials: temporary ones, as Lambda's are.
var keys = xrayd.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: "session/+="}

// backend is X-Ray's endpoint with a Collector behind it.
type backend struct {
	collector *collector.Collector
	xray      *xrayd.Server
}

func start(t *testing.T) backend {
	t.Helper()
	c := collector.Start(t)
	return backend{c, xrayd.Start(t, xrayd.Options{Credentials: keys, Region: "eu-west-1", Next: c.Endpoint})}
}

// env makes a function send its spans to X-Ray's own address, signed. A proxy
// leads there, so that the function is none that was made for a test.
func (b backend) env(service string) []string {
	return []string{
		"POWERTOOLS_SERVICE_NAME=" + service, "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=" + keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey, "AWS_SESSION_TOKEN=" + keys.SessionToken,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://xray.eu-west-1.amazonaws.com/v1/traces", "HTTP_PROXY=" + b.xray.URL,
	}
}

// accepted fails the test unless X-Ray's endpoint took all that it was sent.
func (b backend) accepted(t *testing.T) {
	t.Helper()
	requests := b.xray.Requests()
	for _, r := range requests {
		if r.Status != http.StatusOK {
			t.Errorf("%d: %s", r.Status, r.Reason)
		}
	}
	t.Logf("%d signed requests, all taken", len(requests))
}

const parent = "53995c3f42cd8ad8"

// header is X-Ray's, of a trace that begins now: an old one is refused.
func header(sampled string) (h, id string) {
	now := trace.NewTraceID(time.Now())
	return "Root=" + now.String() + ";Parent=" + parent + ";Sampled=" + sampled, now.W3C()
}

// TestOneTraceOfTwoFunctions: a trace goes from its caller through two functions,
// each a process under Lambda's runtime; each sends its spans to X-Ray's address,
// signed, without a collector of its own; a Collector behind that reads them.
func TestOneTraceOfTwoFunctions(t *testing.T) {
	t.Parallel()
	b := start(t)
	second := lambdatest.Start(lambdatest.Function{Command: lambdatest.Self("back"), Name: "back", Env: b.env("back"), Freeze: true})
	t.Cleanup(second.Close)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, err := second.Invoke(r.Context(), lambdatest.Invocation{Payload: []byte("{}"), TraceID: r.Header.Get("X-Amzn-Trace-Id")})
		if err != nil || !res.OK() {
			t.Errorf("the second function: %v, %+v", err, res)
		}
		_, _ = w.Write(res.Payload)
	}))
	t.Cleanup(gateway.Close)
	first := lambdatest.Start(lambdatest.Function{Command: lambdatest.Self("front"), Name: "front", Env: append(b.env("front"), "BACK_URL="+gateway.URL), Freeze: true})
	t.Cleanup(first.Close)

	// What is not sampled leaves no span and makes no request.
	h, _ := header("0")
	if res, err := first.Invoke(t.Context(), lambdatest.Invocation{Payload: []byte("{}"), TraceID: h}); err != nil || !res.OK() {
		t.Fatalf("%v, %+v", err, res)
	}
	if n := len(b.xray.Requests()); n != 0 {
		t.Errorf("%d requests for a trace that is not sampled", n)
	}
	// Nor does it keep the next one's spans waiting, although that comes at once.
	h, id := header("1")
	res, err := first.Invoke(t.Context(), lambdatest.Invocation{Payload: []byte("{}"), TraceID: h})
	if err != nil || string(res.Payload) != `"\"done\""` {
		t.Fatalf("%v, %s, %+v", err, res.Payload, res)
	}
	follow(t, b.collector.Spans(t, 4), id, []hop{
		{"front", "## handler", 1}, {"front", "", 3}, {"back", "## handler", 1}, {"back", "### work", 1},
	})
	first.Close()
	second.Close()
	b.accepted(t)
}

// hop is a span that is expected: its service, its name unless empty, and its kind
// (1 internal, 3 client).
type hop struct {
	service, name string
	kind          int
}

// follow holds spans to one trace, each the parent of the next, and no others.
func follow(t *testing.T, spans []collector.Span, id string, hops []hop) {
	t.Helper()
	above := parent
	for _, want := range hops {
		i := slices.IndexFunc(spans, func(s collector.Span) bool {
			return s.TraceID == id && s.ParentID == above && s.Resource["service.name"] == want.service && s.Kind == want.kind && (want.name == "" || s.Name == want.name)
		})
		if i < 0 {
			t.Fatalf("no span %+v below %s of trace %s in %+v", want, above, id, spans)
		}
		above = spans[i].SpanID
	}
	if len(spans) != len(hops) {
		t.Errorf("%d spans, want %d: %+v", len(spans), len(hops), spans)
	}
}
