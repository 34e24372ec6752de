package bench_test

import (
	"context"
	"testing"

	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// TestPropagator shows what TestDefectHeaderForms of the library claims: headers
// that OpenTelemetry's propagator for X-Ray does not read, or reads wrong, and ours
// does. When it reads them, the claim has to go.
func TestPropagator(t *testing.T) {
	const trc, parent = "1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810", "53995c3f42cd8ad8"
	read := func(header string) string {
		ctx := xray.Propagator{}.Extract(context.Background(), propagation.MapCarrier{"X-Amzn-Trace-Id": header})
		if sc := oteltrace.SpanContextFromContext(ctx); sc.TraceID().IsValid() {
			return sc.TraceID().String()
		}
		return ""
	}
	const want = "6742f1c05a0d3c1e9b7f48e2a6c4d810"
	if got := read("Root=" + trc + ";Parent=" + parent + ";Sampled=1"); got != want {
		t.Fatalf("what both read: %q", got)
	}
	for name, header := range map[string]string{
		"Root only":                "Root=" + trc,
		"Self before Root":         "Self=1-67891234-12456789abcdef012345678;Root=" + trc,
		"spaces after semicolons":  "Root=" + trc + "; Parent=" + parent + "; Sampled=1",
		"a field without a value":  "Root=" + trc + ";Parent=" + parent + ";Sampled=1;Flag",
		"a name that begins alike": "Root=" + trc + ";Parent=" + parent + ";Sampled=1;RootX=1-11111111-111111111111111111111111",
	} {
		if read(header) == want {
			t.Errorf("%s: OpenTelemetry's propagator reads %q now", name, header)
		}
		if h, err := trace.ParseHeader(header); err != nil || h.Trace.W3C() != want {
			t.Errorf("%s: ours reads %v, %v", name, h, err)
		}
	}
}
