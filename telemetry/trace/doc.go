// Package trace records what a request did, as spans, and sends them to AWS X-Ray
// or to any OpenTelemetry endpoint. It has no dependency and does nothing before
// the first span: no connection, no credentials, no goroutine.
//
// A [Tracer] starts spans; a span in a context is the parent of the next:
//
//	t, err := trace.New()                        // exporter from the environment
//	ctx, span := t.Start(ctx, "## handler")      // continues what the caller began
//	defer span.End()
//	span.Annotate("tenant", "acme")              // X-Ray finds traces by it
//	ctx, child := trace.Start(ctx, "## charge")  // anywhere, without the tracer
//
// # Whether a span is recorded
//
// The caller's header decides ([Header], Sampled=1 or 0). When it does not say, or
// asks (Sampled=?), the first span of this process decides, once, for the whole
// trace; see [WithRate]. A span that is not recorded costs next to nothing, and the
// trace's id still travels on.
//
// # Where spans go
//
// [XRay] sends OTLP straight to X-Ray's own endpoint, signed, without a collector;
// [OTLP] to any other endpoint; [Daemon] writes segment documents to X-Ray's daemon,
// which every Lambda environment has. Without one of them the environment says:
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT (an address of X-Ray is signed), or
// AWS_XRAY_DAEMON_ADDRESS; else nothing is recorded and headers still pass.
//
// Spans wait in a queue of limited length that never holds the function up; what
// does not fit, cannot be sent or is beyond a limit of X-Ray is counted, with the
// reason: [Tracer.Lost].
//
// Every method of a nil [Span] and of a nil [Tracer] does nothing, so that code
// need not ask whether it is traced.
package trace
