package bench_test

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/otel"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// What our encoder writes by hand is what OpenTelemetry's own exporter writes by
// generated code, for any spans.
func TestTraceSameAsOTel(t *testing.T) {
	mine, other := &drop{}, &drop{}
	x, err := trace.NewOTLP("http://127.0.0.1/v1/traces", trace.WithoutGzip(), trace.WithHTTPClient(&http.Client{Transport: mine}))
	if err != nil {
		t.Fatal(err)
	}
	ours := otel.NewExporter(x)
	theirs, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL("http://127.0.0.1/v1/traces"), otlptracehttp.WithHTTPClient(&http.Client{Transport: other}))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		spans := rapid.SliceOfN(rapid.Custom(anySpan), 1, 6).Draw(t, "spans")
		snapshots := tracetest.SpanStubs(spans).Snapshots()
		for _, e := range []sdktrace.SpanExporter{ours, theirs} {
			if err := e.ExportSpans(t.Context(), snapshots); err != nil {
				t.Fatal(err)
			}
		}
		got, want := normal(t, mine.body), normal(t, other.body)
		if diff := gocmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Fatalf("-theirs +ours:\n%s", diff)
		}
	})
}

// normal decodes a request and puts its spans in one order.
func normal(t *rapid.T, body []byte) *tracepb.ResourceSpans {
	var r collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &r); err != nil {
		t.Fatalf("%v: %x", err, body)
	}
	if len(r.GetResourceSpans()) != 1 {
		t.Fatalf("%d resources", len(r.GetResourceSpans()))
	}
	rs := r.GetResourceSpans()[0]
	out := &tracepb.ResourceSpans{Resource: rs.GetResource(), ScopeSpans: []*tracepb.ScopeSpans{{}}}
	for _, ss := range rs.GetScopeSpans() {
		out.ScopeSpans[0].Spans = append(out.ScopeSpans[0].Spans, ss.GetSpans()...)
	}
	for _, s := range out.GetScopeSpans()[0].GetSpans() {
		for _, l := range s.GetLinks() {
			l.Flags &= 0xff   // whether a link is remote is not carried
			l.TraceState = "" // theirs leaves it out
		}
		if s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_UNSET {
			s.Status = nil // theirs says that nothing is said
		}
	}
	slices.SortStableFunc(out.GetScopeSpans()[0].GetSpans(), func(a, b *tracepb.Span) int {
		return cmp.Or(bytes.Compare(a.GetSpanId(), b.GetSpanId()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return out
}

var same = resource.NewSchemaless(attribute.String("service.name", "pay"), attribute.Int("n", 1))

func anySpan(t *rapid.T) tracetest.SpanStub {
	start := time.Now().Add(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "ago")))
	s := tracetest.SpanStub{
		Name: rapid.String().Draw(t, "name"), SpanContext: anyContext(t, false), SpanKind: oteltrace.SpanKind(rapid.IntRange(1, 5).Draw(t, "kind")),
		StartTime: start, EndTime: start.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "took"))),
		Attributes: anyAttributes(t), Resource: same,
	}
	if rapid.Bool().Draw(t, "child") {
		s.Parent = anyContext(t, rapid.Bool().Draw(t, "remote"))
	}
	switch rapid.IntRange(0, 2).Draw(t, "status") {
	case 1:
		s.Status = sdktrace.Status{Code: codes.Ok}
	case 2:
		s.Status = sdktrace.Status{Code: codes.Error, Description: rapid.String().Draw(t, "message")}
	}
	for range rapid.IntRange(0, 3).Draw(t, "events") {
		s.Events = append(s.Events, sdktrace.Event{Name: rapid.String().Draw(t, "event"), Time: start, Attributes: anyAttributes(t)})
	}
	for range rapid.IntRange(0, 3).Draw(t, "links") {
		s.Links = append(s.Links, sdktrace.Link{SpanContext: anyContext(t, false), Attributes: anyAttributes(t)})
	}
	return s
}

func anyContext(t *rapid.T, remote bool) oteltrace.SpanContext {
	var c oteltrace.SpanContextConfig
	copy(c.TraceID[:], rapid.SliceOfN(rapid.ByteRange(1, 255), 16, 16).Draw(t, "trace"))
	copy(c.SpanID[:], rapid.SliceOfN(rapid.ByteRange(1, 255), 8, 8).Draw(t, "span"))
	if rapid.Bool().Draw(t, "state") {
		c.TraceState, _ = oteltrace.ParseTraceState("a=1,b=2") //nolint:errcheck // it is one
	}
	c.TraceFlags, c.Remote = oteltrace.FlagsSampled, remote
	return oteltrace.NewSpanContext(c)
}

func anyAttributes(t *rapid.T) (out []attribute.KeyValue) {
	for range rapid.IntRange(0, 5).Draw(t, "attributes") {
		key := rapid.StringN(1, 20, -1).Draw(t, "key")
		out = append(out, rapid.OneOf(
			rapid.Map(rapid.String(), func(v string) attribute.KeyValue { return attribute.String(key, v) }),
			rapid.Map(rapid.Int64(), func(v int64) attribute.KeyValue { return attribute.Int64(key, v) }),
			rapid.Map(rapid.Float64(), func(v float64) attribute.KeyValue { return attribute.Float64(key, v) }),
			rapid.Map(rapid.Bool(), func(v bool) attribute.KeyValue { return attribute.Bool(key, v) }),
			rapid.Map(rapid.SliceOf(rapid.String()), func(v []string) attribute.KeyValue { return attribute.StringSlice(key, v) }),
			rapid.Map(rapid.SliceOf(rapid.Int64()), func(v []int64) attribute.KeyValue { return attribute.Int64Slice(key, v) }),
			rapid.Map(rapid.SliceOf(rapid.Float64()), func(v []float64) attribute.KeyValue { return attribute.Float64Slice(key, v) }),
			rapid.Map(rapid.SliceOf(rapid.Bool()), func(v []bool) attribute.KeyValue { return attribute.BoolSlice(key, v) }),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(v []byte) attribute.KeyValue { return attribute.ByteSlice(key, v) }),
			rapid.Map(rapid.String(), func(v string) attribute.KeyValue {
				return attribute.Map(key, attribute.String("inner", v), attribute.Int("n", 1))
			}),
		).Draw(t, "attribute"))
	}
	return out
}
