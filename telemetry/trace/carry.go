package trace

import (
	"context"
	"net/http"
	"os"
	"strconv"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// Names of the headers, as net/http spells them.
const (
	// HeaderName is X-Ray's.
	HeaderName  = "X-Amzn-Trace-Id"
	traceparent = "Traceparent"
	tracestate  = "Tracestate"
)

// lambdaKey is where aws-lambda-go puts the header of an invocation.
const lambdaKey = "x-amzn-trace-id"

// maxState is how long a tracestate W3C asks everybody to pass on.
const maxState = 512

// Inject writes the header into an outgoing request, in X-Ray's form and in W3C's.
// A header of no trace changes nothing.
func (h Header) Inject(to http.Header) {
	if h.IsZero() {
		return
	}
	h.Self = ""
	to[HeaderName] = []string{h.String()}
	p := h.Traceparent()
	if p == "" {
		return
	}
	to[traceparent] = []string{p}
	if h.State != "" {
		to[tracestate] = []string{h.State}
	}
}

// Extract finds the header of an incoming request. X-Ray's wins, except where it
// names no sender and a traceparent does: a load balancer in between begins a trace
// of its own for a caller that knows only W3C's. false: the request is the first.
func Extract(from http.Header) (Header, bool) {
	x, err := ParseHeader(from.Get(HeaderName))
	if err == nil && !x.Parent.IsZero() {
		return x, true
	}
	if p := from.Get(traceparent); p != "" {
		if w, bad := ParseTraceparent(p); bad == nil {
			if state := from.Get(tracestate); len(state) <= maxState && passable(state) {
				w.State = state
			}
			return w, true
		}
	}
	return x, err == nil
}

// FromContext finds the header that ctx carries: of its span, or of the invocation
// (what aws-lambda-go puts there). The environment variable _X_AMZN_TRACE_ID is
// asked only where a process has one invocation at a time. false: there is none.
func FromContext(ctx context.Context) (Header, bool) {
	if s := SpanFrom(ctx); s != nil {
		return s.header, true
	}
	return invocation(ctx)
}

// invocation is the header that the runtime gave.
func invocation(ctx context.Context) (Header, bool) {
	s, _ := ctx.Value(lambdaKey).(string)
	if s == "" {
		if n, err := strconv.Atoi(os.Getenv("AWS_LAMBDA_MAX_CONCURRENCY")); err == nil && n > 1 {
			return Header{}, false // several invocations: it could be another's
		}
		if s = os.Getenv("_X_AMZN_TRACE_ID"); s == "" {
			return Header{}, false
		}
	}
	h, err := ParseHeader(s)
	return h, err == nil
}

// spanKey is where a context has its span.
type spanKey struct{}

// SpanFrom is the span of ctx; nil when it has none. Where a process has one
// invocation at a time, that invocation's first span is found without a context
// too.
func SpanFrom(ctx context.Context) *Span {
	if s, ok := ctx.Value(spanKey{}).(*Span); ok {
		return s
	}
	if inv := scope.From(ctx); inv != nil {
		if s, ok := inv.Held(scope.Trace).(*Span); ok {
			return s
		}
	}
	return nil
}

// Into puts a span into a context: for work that goes on in another one.
func Into(ctx context.Context, s *Span) context.Context {
	if s == nil {
		return ctx
	}
	return context.WithValue(ctx, spanKey{}, s)
}
