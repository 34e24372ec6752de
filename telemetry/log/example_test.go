package log_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry/log"
)

// still is a clock that stands, so that examples print the same every time.
func still() time.Time { return time.Date(2026, 11, 23, 7, 0, 0, 123e6, time.UTC) }

// invoked is the context of an invocation, as aws-lambda-go makes it.
func invoked() context.Context {
	return lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "2f1c", InvokedFunctionArn: "arn"})
}

// quiet has no environment: examples do not depend on yours.
func quiet(string) string { return "" }

func Example() {
	logger := slog.New(log.New(log.WithWriter(os.Stdout), log.WithService("checkout"), log.WithClock(still), log.WithEnvironment(quiet)))
	logger.InfoContext(invoked(), "order placed", slog.String("order_id", "o-123"), slog.Int("amount", 42))
	// Output:
	// {"level":"INFO","message":"order placed","timestamp":"2026-11-23T07:00:00.123Z","service":"checkout","function_arn":"arn","function_request_id":"2f1c","sampling_rate":0,"order_id":"o-123","amount":42}
}

func ExampleNew_settings() {
	settings := map[string]string{"POWERTOOLS_SERVICE_NAME": "payment-service", "LOG_LEVEL": "DEBUG", "POWERTOOLS_LOGGER_SAMPLE_RATE": "often"}
	handler := log.New(log.WithWriter(os.Stdout), log.WithClock(still), log.WithEnvironment(func(name string) string { return settings[name] }))
	slog.New(handler).Debug("cache miss")
	fmt.Println(handler.Problems())
	// Output:
	// {"level":"DEBUG","message":"cache miss","timestamp":"2026-11-23T07:00:00.123Z","service":"payment-service","sampling_rate":0}
	// [POWERTOOLS_LOGGER_SAMPLE_RATE is "often": want a number from 0 to 1; taken as 0]
}

func ExampleWith() {
	logger := slog.New(log.New(log.WithWriter(os.Stdout), log.WithClock(still), log.WithEnvironment(quiet))).With(slog.String("env", "prod"))
	ctx := log.With(context.Background(), slog.String("order_id", "o-123"))
	logger.InfoContext(ctx, "charging")
	logger.InfoContext(ctx, "charged", slog.String("env", "test"))
	// Output:
	// {"level":"INFO","message":"charging","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","sampling_rate":0,"env":"prod","order_id":"o-123"}
	// {"level":"INFO","message":"charged","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","sampling_rate":0,"order_id":"o-123","env":"test"}
}

// declinedError says where it was made.
type declinedError struct{ cause error }

func (*declinedError) Error() string    { return "charge: card declined" }
func (e *declinedError) Unwrap() error  { return e.cause }
func (*declinedError) Location() string { return "pay/charge.go:88" }

func ExampleErr() {
	logger := slog.New(log.New(log.WithWriter(os.Stdout), log.WithClock(still), log.WithEnvironment(quiet)))
	logger.Error("charge failed", log.Err(&declinedError{errors.New("card declined")}))
	// Output:
	// {"level":"ERROR","message":"charge failed","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","sampling_rate":0,"error":{"name":"*log_test.declinedError","message":"charge: card declined","location":"pay/charge.go:88","chain":[{"name":"*errors.errorString","message":"card declined"}]}}
}

func ExampleHandler_Direct() {
	direct := log.New(log.WithWriter(os.Stdout), log.WithClock(still), log.WithEnvironment(quiet)).Direct()
	direct.Info(context.Background()).Str("order_id", "o-123").Int("amount", 42).Dur("took", 3*time.Millisecond).Msg("order placed")
	// Output:
	// {"level":"INFO","message":"order placed","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","sampling_rate":0,"order_id":"o-123","amount":42,"took":3000000}
}

func ExampleWithBuffer() {
	handler := log.New(log.WithWriter(os.Stdout), log.WithClock(still), log.WithEnvironment(quiet), log.WithBuffer(0))
	logger := slog.New(handler)
	ctx := invoked()
	logger.DebugContext(ctx, "held")
	fmt.Println("nothing so far")
	logger.ErrorContext(ctx, "it failed")
	// Output:
	// nothing so far
	// {"level":"DEBUG","message":"held","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","function_arn":"arn","function_request_id":"2f1c","sampling_rate":0}
	// {"level":"ERROR","message":"it failed","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","function_arn":"arn","function_request_id":"2f1c","sampling_rate":0}
}

func ExampleHandler_FlushBuffer() {
	handler := log.New(log.WithWriter(os.Stdout), log.WithDev(true), log.WithClock(still), log.WithEnvironment(quiet), log.WithBuffer(4096))
	ctx := invoked()
	slog.New(handler).DebugContext(ctx, "asked the bank")
	handler.FlushBuffer(ctx) // the time is nearly up
	// Output:
	// 07:00:00.123 DEBUG asked the bank  function_request_id=2f1c
}

func ExampleWithRedact() {
	logger := slog.New(log.New(log.WithWriter(os.Stdout), log.WithClock(still), log.WithEnvironment(quiet), log.WithRedact("password", "card")))
	logger.Info("signed in", slog.Group("user", slog.String("name", "ada"), slog.String("password", "s3cret")), slog.Any("body", map[string]string{"card": "4111", "city": "Bonn"}))
	// Output:
	// {"level":"INFO","message":"signed in","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","sampling_rate":0,"user":{"name":"ada","password":"*****"},"body":{"card":"*****","city":"Bonn"}}
}

func ExampleWithDev() {
	logger := slog.New(log.New(log.WithWriter(os.Stdout), log.WithDev(true), log.WithClock(still), log.WithEnvironment(quiet)))
	logger.Info("order placed", slog.String("order_id", "o-123"))
	logger.Error("charge failed", log.Err(&declinedError{errors.New("card declined")}))
	// Output:
	// 07:00:00.123 INFO  order placed  order_id=o-123
	// 07:00:00.123 ERROR charge failed
	//              error: *log_test.declinedError: charge: card declined (pay/charge.go:88)
	//              wraps: *errors.errorString: card declined
}

func ExampleCorrelationFrom() {
	event := []byte(`{"requestContext":{"requestId":"c-77"},"headers":{"x-amzn-trace-id":"Root=1-5759e988-bd862e3fe1be46a994272793"}}`)
	fmt.Println(log.CorrelationFrom(event))
	fmt.Println(log.CorrelationFrom(event, log.PlaceLoadBalancer))
	// Output:
	// c-77
	// Root=1-5759e988-bd862e3fe1be46a994272793
}

func ExampleCorrelationOf() {
	fmt.Println(log.CorrelationOf(events.APIGatewayProxyRequest{RequestContext: events.APIGatewayProxyRequestContext{RequestID: "c-77"}}))
	fmt.Println(log.CorrelationOf(&events.EventBridgeEvent{ID: "e-1"}))
	// Output:
	// c-77
	// e-1
}

func ExampleHandler_Lost() {
	handler := log.New(log.WithWriter(failing{}), log.WithEnvironment(quiet))
	slog.New(handler).Info("nobody reads this", slog.String("service", "other"))
	lost := handler.Lost()
	fmt.Println(lost.Lines, "line,", lost.Renamed, "attribute renamed")
	// Output:
	// 1 line, 1 attribute renamed
}

func ExampleSetCorrelation() {
	logger := slog.New(log.New(log.WithWriter(os.Stdout), log.WithClock(still), log.WithEnvironment(quiet)))
	ctx := context.Background()
	// Within telemetry's wrapper this is enough; without it, the context carries the id.
	if !log.SetCorrelation(ctx, "c-77") {
		ctx = log.With(ctx, slog.String("correlation_id", "c-77"))
	}
	logger.InfoContext(ctx, "order placed")
	// Output:
	// {"level":"INFO","message":"order placed","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","sampling_rate":0,"correlation_id":"c-77"}
}
