// Package otel joins package trace to OpenTelemetry, for code that is traced by its
// SDK already: X-Ray's header as a propagator, trace ids that X-Ray takes, and a
// span exporter that sends straight to X-Ray, signed, or to its daemon.
//
//	x, err := trace.NewXRay("eu-west-1")
//	provider := sdktrace.NewTracerProvider(
//		sdktrace.WithBatcher(otel.NewExporter(x)),
//		sdktrace.WithIDGenerator(otel.IDGenerator{}),
//	)
//	otelapi.SetTextMapPropagator(otel.Propagator{})
package otel
