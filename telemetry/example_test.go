package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"gitlab.com/nines-sre/nines/telemetry"
	"gitlab.com/nines-sre/nines/telemetry/log"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// fixed are the options that make output the same each day; a function needs none
// of them. An environment that Lambda started ahead of time has no cold start.
func fixed(more ...telemetry.Option) []telemetry.Option {
	return append([]telemetry.Option{
		telemetry.WithClock(func() time.Time { return time.UnixMilli(1_795_417_241_955) }),
		telemetry.WithWriter(os.Stdout),
		telemetry.WithVersion("1.4.2"),
		telemetry.WithEnvironment(environment("AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=")),
	}, more...)
}

// invokeOnce does what lambda.Start does with a handler when an event comes.
func invokeOnce(handler any, event string) {
	ctx := context.WithValue(context.Background(), "x-amzn-trace-id", "Root="+root+";Parent=53995c3f42cd8ad8;Sampled=1") //nolint:staticcheck // the key that aws-lambda-go has
	answer, err := lambda.NewHandler(handler).Invoke(ctx, []byte(event))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(answer))
}

func ExampleWrap() {
	handle := func(ctx context.Context, o order) (string, error) {
		telemetry.Add(ctx, slog.String("order_id", o.ID))
		return "paid", nil
	}
	h := telemetry.Wrap(handle, fixed()...) // lambda.Start(telemetry.Wrap(handle))
	invokeOnce(h, `{"id":"o-123"}`)
	// Output:
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0,"order_id":"o-123"}
	// "paid"
}

func ExampleNew() {
	tel := telemetry.New(fixed(telemetry.WithService("checkout"))...)
	slog.New(tel.Handler).Info("ready", "port", 8080) // or slog.SetDefault(tel.Log)
	// Output:
	// {"level":"INFO","message":"ready","timestamp":"2026-11-23T07:00:41.955Z","service":"checkout","sampling_rate":0,"port":8080}
}

func ExampleTelemetry_Wrap() {
	tel := telemetry.New(fixed()...)
	orders := tel.Metrics.MustMetric("Orders", metrics.Count)
	h := tel.Wrap(func(ctx context.Context) error {
		orders.Add(ctx, 1)
		tel.Log.InfoContext(ctx, "charging")
		return errors.New("card declined")
	})
	invokeOnce(h, `{}`) // lambda.Start(h)
	// Output:
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810"}
	// {"level":"ERROR","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"error","duration_ms":0,"version":"1.4.2","retry_count":0,"error_type":"*errors.errorString","error":{"name":"*errors.errorString","message":"card declined"}}
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Orders","Unit":"Count"}]}]},"service":"payment-service","Orders":1}
	// card declined
}

func ExampleTelemetry_Middleware() {
	tel := telemetry.New(fixed()...)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		telemetry.Add(r.Context(), slog.String("order_id", r.PathValue("id")))
		w.WriteHeader(http.StatusAccepted)
	})
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/orders/o-123", http.NoBody)
	r.Header.Set("X-Request-Id", "r-1")
	r.Header.Set("X-Amzn-Trace-Id", "Root="+root) // as a load balancer sends it
	w := httptest.NewRecorder()
	tel.Middleware(mux).ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("X-Amzn-Trace-Id"))
	// Output:
	// {"level":"INFO","message":"request","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","request_id":"r-1","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","route":"POST /orders/{id}","method":"POST","status":202,"retry_count":0,"order_id":"o-123","response_bytes":0}
	// 202 Root=1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810
}

func ExampleStart() {
	defer slog.SetDefault(slog.Default())
	ctx, cancel := context.WithCancel(context.Background()) // signal.NotifyContext(...)
	defer cancel()
	tel, stop := telemetry.Start(ctx, fixed(telemetry.WithEnvironment(environment("AWS_LAMBDA_FUNCTION_NAME=", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=")))...)
	jobs := tel.Metrics.MustMetric("Jobs", metrics.Count)
	for range 3 {
		jobs.Add(ctx, 1)
	}
	slog.Info("done")
	fmt.Println(stop(context.WithoutCancel(ctx))) // writes the metrics, sends the spans
	// Output:
	// {"level":"INFO","message":"done","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","sampling_rate":0}
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service"]],"Metrics":[{"Name":"Jobs","Unit":"Count"}]}]},"service":"payment-service","Jobs":[1,1,1]}
	// <nil>
}

// A later value replaces an earlier one: what is known better is said again.
func ExampleAdd() {
	h := telemetry.Wrap(func(ctx context.Context) {
		telemetry.Add(ctx, slog.String("cache", "unknown"), slog.Int("items", 3))
		telemetry.Add(ctx, slog.String("cache", "hit"))
	}, fixed()...)
	invokeOnce(h, `{}`)
	// Output:
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0,"cache":"hit","items":3}
	// null
}

func ExampleRetried() {
	h := telemetry.Wrap(func(ctx context.Context) {
		telemetry.Retried(ctx, 2) // a call succeeded at its third attempt
	}, fixed()...)
	invokeOnce(h, `{}`)
	// Output:
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":2}
	// null
}

// The id is in every record of the invocation.
func ExampleWithCorrelation() {
	tel := telemetry.New(fixed(telemetry.WithCorrelation(func(o order) string { return o.ID }))...)
	h := tel.Wrap(func(ctx context.Context, _ order) { tel.Log.InfoContext(ctx, "charging") })
	invokeOnce(h, `{"id":"o-123"}`)
	// Output:
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","correlation_id":"o-123"}
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","correlation_id":"o-123","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// null
}

func ExampleWithLog() {
	tel := telemetry.New(fixed(telemetry.WithLog(log.WithRedact("card_number")))...)
	tel.Log.Info("charging", "card_number", "4111 1111 1111 1111", "amount", 42)
	// Output:
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","sampling_rate":0,"card_number":"*****","amount":42}
}

func ExampleWithMetrics() {
	tel := telemetry.New(fixed(telemetry.WithMetrics(metrics.WithDimension("stage", "prod")))...)
	tel.Metrics.MustMetric("Orders", metrics.Count).Emit(context.Background(), 1)
	// Output:
	// {"_aws":{"Timestamp":1795417241955,"CloudWatchMetrics":[{"Namespace":"PaymentAPI","Dimensions":[["service","stage"]],"Metrics":[{"Name":"Orders","Unit":"Count"}]}]},"service":"payment-service","stage":"prod","Orders":1}
}

// printed prints spans instead of sending them.
type printed struct{}

func (printed) Export(_ context.Context, b *trace.Batch) error {
	for _, r := range b.Records {
		fmt.Println("span", r.Name, r.Trace)
	}
	return nil
}

func ExampleWithTrace() {
	h := telemetry.Wrap(func(ctx context.Context) {
		_, span := trace.Start(ctx, "## charge")
		defer span.End()
		span.Annotate("card", "visa")
	}, fixed(telemetry.WithTrace(trace.ToExporter(printed{})))...)
	invokeOnce(h, `{}`)
	// Output:
	// {"level":"INFO","message":"invocation","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","cold_start":false,"function_name":"pay","sampling_rate":0,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810","outcome":"ok","duration_ms":0,"version":"1.4.2","retry_count":0}
	// span ## charge 1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810
	// span ## handler 1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810
	// null
}

// A typo costs the setting, not the function.
func ExampleTelemetry_Problems() {
	tel := telemetry.New(fixed(telemetry.WithEnvironment(environment("POWERTOOLS_LOG_LEVEL=LOUD")))...)
	fmt.Println(tel.Problems())
	// Output:
	// {"level":"WARN","message":"telemetry","timestamp":"2026-11-23T07:00:41.955Z","service":"payment-service","sampling_rate":0,"problem":"POWERTOOLS_LOG_LEVEL is \"LOUD\": want TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or SILENT; taken as INFO"}
	// [POWERTOOLS_LOG_LEVEL is "LOUD": want TRACE, DEBUG, INFO, WARN, ERROR, CRITICAL or SILENT; taken as INFO]
}
