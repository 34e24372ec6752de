package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// environment is that of a function, with what a test adds to it.
func environment(pairs ...string) func(string) string {
	m := map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME": "pay", "AWS_LAMBDA_FUNCTION_VERSION": "7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_REGION": "eu-west-1", "POWERTOOLS_SERVICE_NAME": "payment-service", "POWERTOOLS_METRICS_NAMESPACE": "PaymentAPI",
	}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		m[k] = v
	}
	return func(name string) string { return m[name] }
}

// spans keeps what a tracer sends.
type spans struct {
	mu  sync.Mutex
	got []span
}

type span struct {
	name, trace, parent string
	err                 bool
}

func (s *spans) Export(_ context.Context, b *trace.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range b.Records {
		s.got = append(s.got, span{r.Name, r.Trace.String(), r.Parent.String(), r.Status == trace.Fault})
	}
	return nil
}

func (s *spans) all() []span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

type rig struct {
	*telemetry.Telemetry
	out   *safe
	spans *spans
}

// safe is a buffer that several goroutines write to.
type safe struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func newRig(opts ...telemetry.Option) *rig {
	r := &rig{out: &safe{}, spans: &spans{}}
	base := []telemetry.Option{telemetry.WithEnvironment(environment()), telemetry.WithWriter(r.out), telemetry.WithTrace(trace.ToExporter(r.spans))}
	r.Telemetry = telemetry.New(append(base, opts...)...)
	return r
}

// records are the lines written, each as JSON.
func (r *rig) records(t *testing.T) (out []map[string]any) {
	t.Helper()
	r.out.mu.Lock()
	defer r.out.mu.Unlock()
	for l := range strings.Lines(r.out.buf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		out = append(out, m)
	}
	return out
}

// wide is the record that ends an invocation; there must be one.
func (r *rig) wide(t *testing.T, message string) map[string]any {
	t.Helper()
	var found map[string]any
	for _, m := range r.records(t) {
		if m["message"] == message {
			if found != nil {
				t.Errorf("two records %q", message)
			}
			found = m
		}
	}
	if found == nil {
		t.Fatalf("no record %q in %v", message, r.records(t))
	}
	return found
}

const root = "1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810"

// invocation is a context as aws-lambda-go makes it.
func invocation(ctx context.Context, id string) context.Context {
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       id,
		InvokedFunctionArn: "arn:aws:lambda:eu-west-1:111122223333:function:pay", TenantID: "acme",
	})
	return context.WithValue(ctx, "x-amzn-trace-id", "Root="+root+";Parent=53995c3f42cd8ad8;Sampled=1") //nolint:staticcheck // the key that aws-lambda-go has
}

type order struct {
	ID string `json:"id"`
}

type oddContext interface{ context.Context }

type doer struct{}

func (doer) Invoke(_ context.Context, p []byte) ([]byte, error) {
	return append([]byte("got "), p...), nil
}

// Whatever lambda.Start takes is answered as without the wrapper, and whatever it
// refuses is refused in its words.
func TestAnswersPassThrough(t *testing.T) {
	boom := errors.New("boom")
	for name, h := range map[string]any{
		"nothing":            func() {},
		"error":              func() error { return boom },
		"event":              func(o order) error { return nil },
		"event, error":       func(o order) (string, error) { return "got " + o.ID, nil },
		"context":            func(ctx context.Context) error { return ctx.Err() },
		"context, event":     func(_ context.Context, o order) (*order, error) { return &o, nil },
		"own context type":   func(_ oddContext, o order) (order, error) { return o, boom },
		"any":                func(v any) (any, error) { return v, nil },
		"pointer":            func(o *order) (order, error) { return *o, nil },
		"raw":                func(_ context.Context, m json.RawMessage) (json.RawMessage, error) { return m, nil },
		"reader":             func(order) (io.Reader, error) { return strings.NewReader("streamed"), nil },
		"nil map":            func(order) (map[string]int, error) { return nil, nil },
		"lambda.Handler":     doer{},
		"lambda.NewHandler":  lambda.NewHandler(func(o order) (order, error) { return o, nil }),
		"no function":        42,
		"nil":                nil,
		"three arguments":    func(context.Context, order, order) error { return nil },
		"three results":      func() (int, int, error) { return 1, 2, nil },
		"no error at end":    func() (error, int) { return nil, 1 }, //nolint:staticcheck // it is wrong on purpose
		"first no context":   func(order, order) error { return nil },
		"result that is bad": func() (chan int, error) { return nil, nil },
	} {
		for _, payload := range []string{`{"id":"o-1"}`, `[1]`, `nonsense`} {
			r := newRig()
			want, wantErr := lambda.NewHandler(h).Invoke(invocation(t.Context(), "r"), []byte(payload))
			got, gotErr := lambda.NewHandler(r.Wrap(h)).Invoke(invocation(t.Context(), "r"), []byte(payload))
			if !bytes.Equal(got, want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Errorf("%s, %s: got %q, %v; without the wrapper %q, %v", name, payload, got, gotErr, want, wantErr)
			}
		}
	}
}

func TestTheWideRecord(t *testing.T) {
	r := newRig(telemetry.WithVersion("2.1"))
	h := r.Wrap(func(ctx context.Context, e events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
		telemetry.Add(ctx, slog.String("card", "visa"), slog.Int("amount", 1), slog.Int("amount", 42))
		telemetry.Retried(ctx, 2)
		r.Log.InfoContext(ctx, "charging")
		return events.APIGatewayProxyResponse{StatusCode: 402}, nil
	})
	ctx, cancel := context.WithTimeout(invocation(t.Context(), "r-1"), time.Minute)
	defer cancel()
	event := `{"resource":"/process","httpMethod":"POST","path":"/process","requestContext":{"requestId":"c-77"}}`
	if _, err := lambda.NewHandler(h).Invoke(ctx, []byte(event)); err != nil {
		t.Fatal(err)
	}
	got := r.wide(t, "invocation")
	want := map[string]any{
		"level": "INFO", "service": "payment-service", "function_name": "pay", "function_request_id": "r-1", "xray_trace_id": root,
		"tenant_id": "acme", "correlation_id": "c-77", "outcome": "rejected", "version": "2.1", "route": "/process", "method": "POST", "status": 402.,
		"retry_count": 2., "card": "visa", "amount": 42., "function_memory_size": 256.,
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if left, ok := got["remaining_ms"].(float64); !ok || left < 50_000 || left > 60_000 {
		t.Errorf("remaining_ms %v", got["remaining_ms"])
	}
	if first := r.records(t)[0]; first["message"] != "charging" || first["correlation_id"] != "c-77" {
		t.Errorf("the handler's own record: %v", first)
	}
	if len(r.spans.got) != 1 || r.spans.got[0] != (span{"## handler", root, "53995c3f42cd8ad8", false}) {
		t.Errorf("spans %+v", r.spans.got)
	}
}

type declined struct{ card string }

func (d *declined) Error() string { return d.card + ": declined" }

func TestErrorsAreRecordsOfLevelError(t *testing.T) {
	r := newRig()
	h := r.Wrap(func(ctx context.Context) error {
		r.Log.DebugContext(ctx, "held back")
		return fmt.Errorf("charge: %w", &declined{"visa"})
	})
	_, err := lambda.NewHandler(h).Invoke(invocation(t.Context(), "r"), []byte(`{}`))
	if err == nil || err.Error() != "charge: visa: declined" {
		t.Fatal(err)
	}
	got := r.wide(t, "invocation")
	if got["level"] != "ERROR" || got["outcome"] != "error" || got["error_type"] != "*telemetry_test.declined" {
		t.Errorf("%v", got)
	}
	if e, _ := got["error"].(map[string]any); e["message"] != "charge: visa: declined" {
		t.Errorf("error %v", got["error"])
	}
	if !r.spans.got[0].err {
		t.Error("the span knows of no error")
	}
}

// A handler may take its event undecoded, and say the type that its caller gets.
func TestUndecodedEventsAndSaidErrors(t *testing.T) {
	r := newRig()
	h := r.Wrap(func(context.Context, json.RawMessage) error {
		return messages.InvokeResponse_Error{Type: "Pay.Declined", Message: "no"}
	})
	event := `{"resource":"/process","httpMethod":"POST","requestContext":{"requestId":"c-77"}}`
	if _, err := lambda.NewHandler(h).Invoke(invocation(t.Context(), "r"), []byte(event)); err == nil {
		t.Fatal("no error")
	}
	got := r.wide(t, "invocation")
	for k, want := range map[string]any{"correlation_id": "c-77", "route": "/process", "method": "POST", "error_type": "Pay.Declined", "outcome": "error"} {
		if got[k] != want {
			t.Errorf("%s is %v, want %v", k, got[k], want)
		}
	}
}

// The panic that comes out is the one that went in; the runtime reports it as
// without the wrapper, with the frames of the handler in its stack.
func TestPanicsPassThrough(t *testing.T) {
	for _, value := range []any{"text", errors.New("an error"), 42, &declined{"visa"}} {
		r := newRig()
		h, _ := r.Wrap(func(context.Context) error { panic(value) }).(func(context.Context) error)
		func() {
			defer func() {
				if p := recover(); p != value {
					t.Errorf("panicked with %v, want %v", p, value)
				}
			}()
			_ = h(invocation(t.Context(), "r"))
		}()
		got := r.wide(t, "invocation")
		if got["outcome"] != "panic" || got["level"] != "ERROR" || got["error_type"] != fmt.Sprintf("%T", value) {
			t.Errorf("%v", got)
		}
		if s := fmt.Sprint(got["error"]); !strings.Contains(s, "TestPanicsPassThrough") {
			t.Errorf("the stack does not say where: %v", s)
		}
		if len(r.spans.got) != 1 || !r.spans.got[0].err {
			t.Errorf("the span was not sent before the process ends: %+v", r.spans.got)
		}
	}
}

// What is known gets out before the deadline, and the handler may still finish.
func TestTimeoutsAreSeen(t *testing.T) {
	for _, finishes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(telemetry.WithLog(log.WithLevel(slog.LevelInfo), log.WithBuffer(log.DefaultBuffer)))
			m := r.Metrics.MustMetric("Charges", metrics.Count)
			h, _ := r.Wrap(func(ctx context.Context) error {
				r.Log.DebugContext(ctx, "step one")
				m.Add(ctx, 1)
				_, s := trace.Start(ctx, "### charge")
				s.End()
				time.Sleep(2*time.Second + 900*time.Millisecond) // margin of 3 s: 150 ms
				if !finishes {
					<-ctx.Done()
					time.Sleep(time.Hour) // Lambda would have ended the process
				}
				return nil
			}).(func(context.Context) error)
			ctx, cancel := context.WithTimeout(invocation(t.Context(), "r"), 3*time.Second)
			defer cancel()
			go func() { _ = h(ctx) }()
			time.Sleep(2*time.Second + 870*time.Millisecond)
			synctest.Wait()
			var seen []string
			for _, rec := range r.records(t) {
				seen = append(seen, fmt.Sprint(rec["message"], " ", rec["Charges"]))
			}
			if want := "step one <nil>,the invocation is about to time out <nil>,<nil> 1"; strings.Join(seen, ",") != want {
				t.Errorf("before the deadline: %q, want %q", seen, want)
			}
			if got := r.spans.all(); len(got) != 1 || got[0].name != "### charge" {
				t.Errorf("spans sent: %+v", got)
			}
			time.Sleep(2 * time.Hour)
		})
	}
}

// 1,000 invocations at a time, each with its own keys, dimensions and trace:
// every line and every span belongs to one of them as a whole.
func TestConcurrentInvocationsDoNotMix(t *testing.T) {
	const n = 1000
	r := newRig(telemetry.WithEnvironment(environment("AWS_LAMBDA_MAX_CONCURRENCY=64", "LOG_LEVEL=DEBUG")),
		telemetry.WithCorrelation(func(o order) string { return "c-" + o.ID }), telemetry.WithTrace(trace.WithQueue(10*n)))
	m := r.Metrics.MustMetric("Charges", metrics.Count)
	set := r.Metrics.MustDimensions("order")
	h := lambda.NewHandler(r.Wrap(func(ctx context.Context, o order) (order, error) {
		telemetry.Add(ctx, slog.String("order", o.ID))
		r.Log.InfoContext(ctx, "charging", slog.String("order", o.ID))
		ctx, s := trace.Start(ctx, "### "+o.ID)
		defer s.End()
		m.With(set.Of(o.ID)).Add(ctx, 1)
		r.Handler.Direct().Info(ctx).Str("order", o.ID).Msg("charged")
		return o, nil
	}))
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			id := fmt.Sprint(i)
			ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-" + id, TenantID: "t-" + id})
			ctx = context.WithValue(ctx, "x-amzn-trace-id", fmt.Sprintf("Root=1-6742f1c0-%024x;Parent=53995c3f42cd8ad8;Sampled=1", i)) //nolint:staticcheck // aws-lambda-go's
			if _, err := h.Invoke(ctx, fmt.Appendf(nil, `{"id":%q}`, id)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]int{}
	for _, rec := range r.records(t) {
		id, _ := rec["order"].(string)
		seen[id]++
		if _, metric := rec["_aws"]; metric {
			if rec["Charges"] != 1. {
				t.Errorf("mixed: %v", rec)
			}
			continue
		}
		var i int
		_, _ = fmt.Sscan(id, &i)
		if rec["function_request_id"] != "r-"+id || rec["tenant_id"] != "t-"+id || rec["correlation_id"] != "c-"+id ||
			rec["xray_trace_id"] != fmt.Sprintf("1-6742f1c0-%024x", i) {
			t.Errorf("mixed: %v", rec)
		}
	}
	// Two records of its own, the wide one, and a document of metrics each.
	if len(seen) != n {
		t.Errorf("%d orders seen", len(seen))
	}
	for id, k := range seen {
		if k != 4 {
			t.Errorf("order %s is in %d lines, want 4", id, k)
		}
	}
	if err := r.Trace.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.spans.got {
		var i int
		if k, _ := fmt.Sscanf(s.name, "### %d", &i); k == 1 && s.trace != fmt.Sprintf("1-6742f1c0-%024x", i) {
			t.Errorf("mixed: %+v", s)
		}
	}
	if len(r.spans.got) != 2*n {
		t.Errorf("%d spans, want %d", len(r.spans.got), 2*n)
	}
}

type faulty struct{}

func (faulty) Write([]byte) (int, error) { return 0, errors.New("closed") }

type hostile struct{}

func (hostile) LogValue() slog.Value { panic("in LogValue") }

type failing struct{}

func (failing) Export(context.Context, *trace.Batch) error { panic("in the exporter") }

// A stream that is closed, an attribute that panics, an exporter that panics: the
// function's answer is what it would have been, and the loss is counted.
func TestDefectsAreNotTheFunctions(t *testing.T) {
	r := newRig(telemetry.WithWriter(faulty{}), telemetry.WithTrace(trace.ToExporter(failing{})))
	h := lambda.NewHandler(r.Wrap(func(ctx context.Context, o order) (order, error) {
		telemetry.Add(ctx, slog.Any("bad", hostile{}))
		return o, nil
	}))
	for range 3 {
		got, err := h.Invoke(invocation(t.Context(), "r"), []byte(`{"id":"o"}`))
		if err != nil || string(got) != `{"id":"o"}` {
			t.Errorf("%s, %v", got, err)
		}
	}
	quiet := newRig()
	h = lambda.NewHandler(quiet.Wrap(func(ctx context.Context) error {
		telemetry.Add(ctx, slog.Any("bad", hostile{}))
		return nil
	}))
	if _, err := h.Invoke(invocation(t.Context(), "r"), []byte(`{}`)); err != nil {
		t.Error(err)
	}
	quiet.wide(t, "invocation")
}

func TestLossIsReported(t *testing.T) {
	out := &switchable{}
	r := newRig(telemetry.WithWriter(out))
	h := lambda.NewHandler(r.Wrap(func(ctx context.Context) error {
		r.Log.InfoContext(ctx, "hello")
		return nil
	}))
	out.broken = true
	_, _ = h.Invoke(invocation(t.Context(), "a"), []byte(`{}`))
	out.broken = false
	_, _ = h.Invoke(invocation(t.Context(), "b"), []byte(`{}`))
	if !strings.Contains(out.String(), `"telemetry_lost":2`) {
		t.Errorf("two lines were lost, and nobody says so: %s", out.String())
	}
}

type switchable struct {
	bytes.Buffer
	broken bool
}

func (s *switchable) Write(p []byte) (int, error) {
	if s.broken {
		return 0, io.ErrClosedPipe
	}
	return s.Buffer.Write(p)
}

func TestSettingsThatMakeNoSenseAreSaid(t *testing.T) {
	r := newRig(telemetry.WithEnvironment(environment("LOG_LEVEL=loud", "POWERTOOLS_LOGGER_SAMPLE_RATE=2")))
	if got := r.Problems(); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if recs := r.records(t); len(recs) != 2 || recs[0]["level"] != "WARN" || !strings.Contains(fmt.Sprint(recs), "LOG_LEVEL") {
		t.Errorf("%v", recs)
	}
}

func TestEventsAreLoggedWhenAsked(t *testing.T) {
	r := newRig(telemetry.WithEnvironment(environment("POWERTOOLS_LOGGER_LOG_EVENT=true")))
	_, _ = lambda.NewHandler(r.Wrap(doer{})).Invoke(invocation(t.Context(), "r"), []byte(`{"id":"o-1"}`))
	if got := fmt.Sprint(r.wide(t, "event")["event"]); got != "map[id:o-1]" {
		t.Errorf("event %s", got)
	}
}

func TestColdOnlyOnce(t *testing.T) {
	r := newRig()
	h := lambda.NewHandler(r.Wrap(func() error { return nil }))
	for range 2 {
		_, _ = h.Invoke(invocation(t.Context(), "r"), []byte(`{}`))
	}
	recs := r.records(t)
	cold := 0
	for _, rec := range recs {
		if rec["cold_start"] == true {
			cold++
		}
	}
	if cold > 1 {
		t.Errorf("%d cold starts", cold)
	}
}
