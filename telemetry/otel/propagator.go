package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// Propagator carries X-Ray's header, in every form that AWS's services send: Root
// only, as a load balancer does; Self before it; spaces; fields that are not known,
// and Lambda's Lineage, which are passed on. For W3C's header beside it, compose it
// with propagation.TraceContext, this one last.
type Propagator struct{}

var _ propagation.TextMapPropagator = Propagator{}

// headerKey is where a context has the header that came in.
type headerKey struct{}

// Extract reads the header of a carrier, or else what aws-lambda-go put into ctx. A
// header without a span, or without a decision, is no parent to OpenTelemetry: its
// trace id is taken up by [IDGenerator], and the sampler decides.
func (Propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	h, err := trace.ParseHeader(carrier.Get(trace.HeaderName))
	if err != nil {
		var ok bool
		if h, ok = trace.FromContext(ctx); !ok {
			return ctx
		}
	}
	ctx = context.WithValue(ctx, headerKey{}, h)
	if sc := spanContext(h); sc.IsValid() && h.Sampled != trace.Unsaid && h.Sampled != trace.Ask {
		return oteltrace.ContextWithRemoteSpanContext(ctx, sc)
	}
	return ctx
}

func spanContext(h trace.Header) oteltrace.SpanContext {
	c := oteltrace.SpanContextConfig{TraceID: oteltrace.TraceID(h.Trace), SpanID: oteltrace.SpanID(h.Parent), Remote: true}
	if h.Sampled == trace.Kept {
		c.TraceFlags = oteltrace.FlagsSampled
	}
	if state, err := oteltrace.ParseTraceState(h.State); err == nil {
		c.TraceState = state
	}
	return oteltrace.NewSpanContext(c)
}

// Inject writes the header of the span of ctx.
func (Propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	in, _ := ctx.Value(headerKey{}).(trace.Header)
	sc := oteltrace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		if !in.IsZero() { // nobody made a span: it passes as it came
			in.Self = ""
			carrier.Set(trace.HeaderName, in.String())
		}
		return
	}
	h := trace.Header{Trace: trace.TraceID(sc.TraceID()), Parent: trace.SpanID(sc.SpanID()), Sampled: trace.Dropped}
	if sc.IsSampled() {
		h.Sampled = trace.Kept
	}
	if in.Trace == h.Trace {
		h.Lineage, h.Other = in.Lineage, in.Other
	}
	carrier.Set(trace.HeaderName, h.String())
}

// Fields are the headers that are set.
func (Propagator) Fields() []string { return []string{trace.HeaderName} }

// IDGenerator makes ids that X-Ray takes, whose first four bytes are the time. The
// first span of a trace that a load balancer began gets that trace's id.
type IDGenerator struct{}

// NewIDs makes the ids of a trace's first span.
func (IDGenerator) NewIDs(ctx context.Context) (oteltrace.TraceID, oteltrace.SpanID) {
	if h, ok := ctx.Value(headerKey{}).(trace.Header); ok {
		return oteltrace.TraceID(h.Trace), oteltrace.SpanID(trace.NewSpanID())
	}
	id := trace.NewTraceID(time.Now())
	return oteltrace.TraceID(id), oteltrace.SpanID(trace.NewSpanID())
}

// NewSpanID makes the id of another span.
func (IDGenerator) NewSpanID(context.Context, oteltrace.TraceID) oteltrace.SpanID {
	return oteltrace.SpanID(trace.NewSpanID())
}
