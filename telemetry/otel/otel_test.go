package otel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"gitlab.com/nines-sre/nines/telemetry/internal/collector"
	"gitlab.com/nines-sre/nines/telemetry/internal/xrayd"
	"gitlab.com/nines-sre/nines/telemetry/otel"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

const (
	root   = "1-5759e988-bd862e3fe1be46a994272793"
	parent = "53995c3f42cd8ad8"
)

// The forms that contrib's propagator rejects or misreads.
func TestPropagator(t *testing.T) {
	p := otel.Propagator{}
	provider := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(otel.IDGenerator{}), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())))
	for name, c := range map[string]struct {
		in      string
		parent  string
		sampled bool
	}{
		"whole":                 {"Root=" + root + ";Parent=" + parent + ";Sampled=1", parent, true},
		"not sampled":           {"Root=" + root + ";Parent=" + parent + ";Sampled=0", parent, false},
		"Root only":             {"Root=" + root, "", true},
		"Self before Root":      {"Self=1-67891234-12456789abcdef012345678a;Root=" + root, "", true},
		"spaces":                {"Root=" + root + "; Parent=" + parent + "; Sampled=1", parent, true},
		"a field without value": {"Root=" + root + ";Parent=" + parent + ";Sampled=1;Flag", parent, true},
		"RootX":                 {"Root=" + root + ";RootX=1-00000001-000000000000000000000001;Parent=" + parent + ";Sampled=1", parent, true},
		"asks":                  {"Root=" + root + ";Parent=" + parent + ";Sampled=?", "", true},
	} {
		ctx := p.Extract(t.Context(), propagation.MapCarrier{trace.HeaderName: c.in + ";Lineage=a:1"})
		ctx, span := provider.Tracer("t").Start(ctx, "x")
		ro, ok := span.(sdktrace.ReadOnlySpan)
		if !ok && c.sampled {
			t.Fatalf("%s: %T", name, span)
		}
		sc := span.SpanContext()
		if sc.TraceID().String() != strings.ReplaceAll(root[2:], "-", "") || sc.IsSampled() != c.sampled {
			t.Errorf("%s: %+v", name, sc)
		}
		if c.sampled && c.parent != "" && ro.Parent().SpanID().String() != c.parent {
			t.Errorf("%s: parent %s", name, ro.Parent().SpanID())
		}
		out := propagation.MapCarrier{}
		p.Inject(ctx, out)
		h, err := trace.ParseHeader(out[trace.HeaderName])
		if err != nil || h.Trace.String() != root || h.Parent.String() != sc.SpanID().String() || (h.Sampled == trace.Kept) != c.sampled || h.Lineage != "a:1" || h.Self != "" {
			t.Errorf("%s: sends %s, %v", name, out[trace.HeaderName], err)
		}
	}
	if ctx := p.Extract(t.Context(), propagation.MapCarrier{}); ctx != t.Context() {
		t.Error("a header that is not there is taken")
	}
	// In a function: aws-lambda-go's value.
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", "Root="+root+";Parent="+parent+";Sampled=1") //nolint:staticcheck // its key is a string
	if sc := oteltrace.SpanContextFromContext(p.Extract(ctx, propagation.MapCarrier{})); sc.SpanID().String() != parent || !sc.IsRemote() {
		t.Errorf("%+v", sc)
	}
	out := propagation.MapCarrier{}
	p.Inject(p.Extract(t.Context(), propagation.MapCarrier{trace.HeaderName: "Self=x;Root=" + root}), out)
	if out[trace.HeaderName] != "Root="+root {
		t.Errorf("without a span it becomes %v", out)
	}
	if got := p.Fields(); len(got) != 1 || got[0] != "X-Amzn-Trace-Id" {
		t.Errorf("%v", got)
	}
}

func TestIDs(t *testing.T) {
	before := time.Now().Unix()
	id, span := otel.IDGenerator{}.NewIDs(t.Context())
	if sec := int64(id[0])<<24 | int64(id[1])<<16 | int64(id[2])<<8 | int64(id[3]); sec < before || sec > time.Now().Unix() || !span.IsValid() {
		t.Errorf("%s begins at %d", id, sec)
	}
}

// Spans of OpenTelemetry's SDK arrive in a Collector through our signed exporter.
func TestExporter(t *testing.T) {
	c := collector.Start(t)
	keys := xrayd.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK", SessionToken: "TK"}
	endpoint := xrayd.Start(t, xrayd.Options{Credentials: keys, Region: "eu-west-1", Next: c.Endpoint})
	x, err := trace.NewXRay("eu-west-1", trace.Endpoint(endpoint.Endpoint()), trace.WithCredentials(func(context.Context) (trace.Credentials, error) {
		return trace.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: keys.SessionToken}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	exporter := otel.NewExporter(x)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithIDGenerator(otel.IDGenerator{}),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "pay"))))
	ctx, outer := provider.Tracer("lib").Start(t.Context(), "outer", oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	_, inner := provider.Tracer("lib").Start(ctx, "inner", oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithLinks(oteltrace.LinkFromContext(ctx)))
	inner.SetAttributes(attribute.Int("n", 7), attribute.Float64("f", 0.5), attribute.Bool("b", true), attribute.StringSlice("s", []string{"a", "b"}), attribute.Int64Slice("i", []int64{1, 2}))
	inner.RecordError(errors.New("boom"))
	inner.SetStatus(codes.Error, "boom")
	inner.End()
	outer.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := c.Spans(t, 2)
	if got[0].Name != "outer" || got[0].Kind != 2 || got[0].Resource["service.name"] != "pay" || got[0].ParentID != "" {
		t.Errorf("%+v", got[0])
	}
	in := got[1]
	if in.ParentID != got[0].SpanID || in.Kind != 3 || in.Status != 2 || in.StatusMessage != "boom" || len(in.Events) != 1 || in.Events[0].Attributes["exception.message"] != "boom" || len(in.Links) != 1 {
		t.Errorf("%+v", in)
	}
	if want := "map[b:true f:0.5 i:[1 2] n:7 otel.scope.name:lib s:[a b]]"; fmt.Sprint(in.Attributes) != want {
		t.Errorf("attributes %v, want %s", in.Attributes, want)
	}
	if err := exporter.ExportSpans(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

type failing struct{ calls int }

func (f *failing) Export(context.Context, *trace.Batch) error {
	f.calls++
	return errors.New("down")
}

func TestExporterThatFails(t *testing.T) {
	f := &failing{}
	e := otel.NewExporter(f)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(sdktrace.NewSimpleSpanProcessor(e)))
	_, s := provider.Tracer("x").Start(t.Context(), "x")
	s.End()
	ro, ok := s.(sdktrace.ReadOnlySpan)
	if !ok {
		t.Fatalf("%T", s)
	}
	if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{ro}); err == nil || f.calls != 2 {
		t.Errorf("%v after %d calls", err, f.calls)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{ro}); err != nil || f.calls != 2 {
		t.Errorf("after shutdown: %v, %d calls", err, f.calls)
	}
}
