package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// What the guides show is here, and is run. TestGuides holds their blocks of Go to
// this file, and their output to the examples'.

type payment struct {
	OrderID string `json:"order_id"`
	Amount  int    `json:"amount"`
}

func handle(ctx context.Context, p payment) (string, error) {
	slog.InfoContext(ctx, "charging", "amount", p.Amount)
	telemetry.Add(ctx, slog.String("order_id", p.OrderID))
	return "paid", nil
}

func main() {
	tel := telemetry.New()
	slog.SetDefault(tel.Log)
	lambda.Start(tel.Wrap(handle))
}

func TestPayment(t *testing.T) {
	env := lambdatest.Start(lambdatest.Function{
		Command: lambdatest.Self("guide"), // or lambdatest.Build(t, "./cmd/pay")
		Name:    "pay",
		Env:     []string{"POWERTOOLS_SERVICE_NAME=payment-service"},
	})
	defer env.Close()
	res, err := env.Invoke(t.Context(), lambdatest.Invocation{Payload: []byte(`{"order_id":"o-123","amount":42}`)})
	if err != nil || string(res.Payload) != `"paid"` {
		t.Fatalf("%s, %v", res.Payload, err)
	}
	var wide struct {
		Message string `json:"message"`
		OrderID string `json:"order_id"`
		Cold    bool   `json:"cold_start"`
	}
	last := res.Logs[len(res.Logs)-1]
	if err := json.Unmarshal([]byte(last), &wide); err != nil || wide.Message != "invocation" || wide.OrderID != "o-123" || !wide.Cold {
		t.Errorf("%s, %v", last, err)
	}
}

type declinedError struct{ Card string }

func (declinedError) Error() string { return "card declined" }

func Example_errors() {
	tel := telemetry.New(fixed()...)
	err := fmt.Errorf("charge: %w", declinedError{"visa"})
	tel.Log.Error("payment failed", log.Err(err))
	// Output:
	// {"level":"ERROR","message":"payment failed","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","sampling_rate":0,"error":{"name":"telemetry_test.declinedError","message":"charge: card declined","location":"telemetry/guide_test.go:76","chain":[{"name":"telemetry_test.declinedError","message":"card declined"}]}}
}

func Example_keys() {
	tel := telemetry.New(fixed()...)
	handle := func(ctx context.Context, p payment) {
		ctx = log.With(ctx, slog.String("order_id", p.OrderID)) // in every record of this context
		logger := tel.Log.With("currency", "EUR")               // in every record of this logger
		logger.InfoContext(ctx, "charging", "amount", p.Amount) // in this record
	}
	invokeOnce(tel.Wrap(handle), `{"order_id":"o-123","amount":42}`)
	// Output:
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","currency":"EUR","order_id":"o-123","amount":42}
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// null
}

func Example_correlation() {
	tel := telemetry.New(fixed()...) // the usual places are looked at unasked
	h := tel.Wrap(func(ctx context.Context, _ events.APIGatewayProxyRequest) {
		tel.Log.InfoContext(ctx, "charging")
	})
	invokeOnce(h, `{"resource":"/process","httpMethod":"POST","requestContext":{"requestId":"c-77"}}`)

	byOrder := telemetry.WithCorrelation(func(p payment) string { return p.OrderID }) // an option of telemetry.New
	tel = telemetry.New(fixed(byOrder)...)
	h = tel.Wrap(func(ctx context.Context, _ payment) {
		tel.Log.InfoContext(ctx, "charging")
	})
	invokeOnce(h, `{"order_id":"o-123"}`)
	// Output:
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","correlation_id":"c-77"}
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","correlation_id":"c-77","outcome":"ok","duration_ms":0,"version":"1.4.2","route":"/process","method":"POST","retry_count":0}
	// null
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","correlation_id":"o-123"}
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","correlation_id":"o-123","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// null
}

func Example_sampling() {
	all := telemetry.WithLog(log.WithSampleRate(1)) // an option of telemetry.New, or POWERTOOLS_LOGGER_SAMPLE_RATE
	tel := telemetry.New(fixed(all)...)
	h := tel.Wrap(func(ctx context.Context, p payment) {
		tel.Log.DebugContext(ctx, "looked up", "order_id", p.OrderID)
	})
	invokeOnce(h, `{"order_id":"o-123"}`)
	// Output:
	// {"level":"DEBUG","message":"looked up","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":1,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","order_id":"o-123"}
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":1,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// null
}

func Example_buffering() {
	held := telemetry.WithLog(log.WithBuffer(log.DefaultBuffer)) // an option of telemetry.New
	tel := telemetry.New(fixed(held)...)
	h := tel.Wrap(func(ctx context.Context, p payment) {
		tel.Log.DebugContext(ctx, "looked up", "order_id", p.OrderID)
		if p.Amount > 1000 {
			tel.Log.ErrorContext(ctx, "too much") // writes what is held, then itself
		}
	})
	invokeOnce(h, `{"order_id":"o-1","amount":42}`)
	invokeOnce(h, `{"order_id":"o-2","amount":4200}`)
	// Output:
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// null
	// {"level":"DEBUG","message":"looked up","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","order_id":"o-2"}
	// {"level":"ERROR","message":"too much","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810"}
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// null
}

func Example_direct() {
	tel := telemetry.New(fixed()...)
	ctx := context.Background()

	d := tel.Handler.Direct()
	d.Info(ctx).Str("order_id", "o-123").Int("amount", 42).Msg("charging")
	// Output:
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","sampling_rate":0,"order_id":"o-123","amount":42}
}

func Example_metrics() {
	tel := telemetry.New(fixed()...)
	orders := tel.Metrics.MustMetric("Orders", metrics.Count) // once, before lambda.Start
	latency := tel.Metrics.MustMetric("Latency", metrics.Milliseconds, metrics.HighResolution())
	route := tel.Metrics.MustDimensions("route")

	h := tel.Wrap(func(ctx context.Context, p payment) {
		orders.Add(ctx, 1)
		latency.With(route.Of("POST /process")).Add(ctx, 12.5)
		tel.Metrics.Metadata(ctx, "order_id", p.OrderID)
	})
	invokeOnce(h, `{"order_id":"o-123"}`)
	// Output:
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Orders","Unit":"Count"}]}]},"service":"payment-service","Orders":1,"order_id":"o-123"}
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service","route"]],"Metrics":[{"Name":"Latency","Unit":"Milliseconds","StorageResolution":1}]}]},"service":"payment-service","route":"POST /process","Latency":12.5,"order_id":"o-123"}
	// null
}

func Example_tracer() {
	tel := telemetry.New(fixed(telemetry.WithTrace(trace.ToExporter(printed{})))...)
	charge := func(ctx context.Context, p payment) error {
		_, span := trace.Start(ctx, "## charge") // the context is for the spans below it
		defer span.End()
		span.Annotate("order_id", p.OrderID) // found by it
		err := errors.New("card declined")   // whatever the work comes to
		span.RecordError(err)
		return err
	}
	invokeOnce(tel.Wrap(charge), `{"order_id":"o-123"}`)
	// Output:
	// {"level":"ERROR","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"error","duration_ms":0,"version":"1.4.2","retry_count":0,"error_type":"*errors.errorString","error":{"name":"*errors.errorString","message":"card declined"}}
	// span ## charge 1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810
	// span ## handler 1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810
	// card declined
}

func Example_client() {
	tel := telemetry.New(fixed()...)
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("the bank is in the trace:", strings.Contains(r.Header.Get("X-Amzn-Trace-Id"), root))
	}))
	defer bank.Close()
	client := &http.Client{Transport: tel.Trace.Transport(http.DefaultTransport)}
	h := tel.Wrap(func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, bank.URL, http.NoBody)
		if err != nil {
			return err
		}
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
	invokeOnce(h, `{}`)
	// Output:
	// the bank is in the trace: true
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// null
}

func Example_server() {
	tel := telemetry.New(fixed()...)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		telemetry.Add(r.Context(), slog.String("order_id", r.PathValue("id")))
		w.WriteHeader(http.StatusAccepted)
	})
	server := &http.Server{Handler: tel.Middleware(mux)}
	server.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/orders/o-123", http.NoBody))
	// Output:
	// {"level":"INFO","message":"request","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","sampling_rate":0,"outcome":"ok","duration_ms":0,"version":"1.4.2","route":"POST /orders/{id}","method":"POST","status":202,"retry_count":0,"order_id":"o-123","response_bytes":0}
}

// A daemon's settings come from its environment.
func TestGuideDaemon(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	daemon := func(ctx context.Context) {
		tel, stop := telemetry.Start(ctx)
		defer func() { _ = stop(context.WithoutCancel(ctx)) }()
		if slog.Default() != tel.Log {
			t.Error("slog writes elsewhere")
		}
	}
	daemon(t.Context())
}

var blocks = regexp.MustCompile("(?ms)^```(go|json)\n(.*?)^```$")

// TestGuides: each block of Go in the guides stands in this file, where it is
// compiled and run, and each line of JSON is one that an example printed.
func TestGuides(t *testing.T) {
	source, err := os.ReadFile("guide_test.go")
	if err != nil {
		t.Fatal(err)
	}
	here := plain(string(source))
	for _, name := range []string{"telemetry.md", "from-powertools.md"} {
		text, err := os.ReadFile(filepath.Join("..", "doc", "guide", name))
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("the guides are not here: they come with the repository")
		}
		if err != nil {
			t.Fatal(err)
		}
		found := blocks.FindAllStringSubmatch(string(text), -1)
		if len(found) < 3 {
			t.Errorf("%s has %d blocks", name, len(found))
		}
		for _, b := range found {
			want := plain(b[2])
			if b[1] == "json" {
				want = "// " + strings.ReplaceAll(strings.TrimSuffix(want, "\n"), "\n", "\n// ") + "\n"
			}
			if !strings.Contains(here, want) {
				t.Errorf("%s shows what is not in guide_test.go:\n%s", name, b[2])
			}
		}
	}
}

// plain is a text without its indentation, line by line.
func plain(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
