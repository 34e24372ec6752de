package otel_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"gitlab.com/nines-sre/nines/telemetry/otel"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

func ExampleNewExporter() {
	// trace.NewXRay("eu-west-1") sends straight to X-Ray, signed.
	x, err := trace.NewOTLP("http://localhost:4318/v1/traces")
	if err != nil {
		fmt.Println(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(otel.NewExporter(x)), sdktrace.WithIDGenerator(otel.IDGenerator{}))
	fmt.Println(provider.Shutdown(context.Background()))
	// Output: <nil>
}

func ExamplePropagator() {
	p := otel.Propagator{}
	ctx := p.Extract(context.Background(), propagation.MapCarrier{"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"})
	out := propagation.MapCarrier{}
	p.Inject(ctx, out)
	fmt.Println(out["X-Amzn-Trace-Id"])
	// Output: Root=1-5759e988-bd862e3fe1be46a994272793
}

func ExampleIDGenerator() {
	provider := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(otel.IDGenerator{}))
	_, span := provider.Tracer("example").Start(context.Background(), "x")
	span.End()
	fmt.Println(len(trace.TraceID(span.SpanContext().TraceID()).String()))
	// Output: 35
}
