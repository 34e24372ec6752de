package trace_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// kept is an exporter that keeps copies of what it is given.
type kept struct {
	mu      sync.Mutex
	records []trace.Record
	res     []slog.Attr
	fail    func(ctx context.Context, n int) error
}

func (k *kept) Export(ctx context.Context, b *trace.Batch) error {
	if k.fail != nil {
		if err := k.fail(ctx, len(b.Records)); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.res = b.Resource
	for _, r := range b.Records {
		c := *r
		c.Annotations, c.Attributes, c.Metadata = slices.Clone(r.Annotations), slices.Clone(r.Attributes), slices.Clone(r.Metadata)
		c.Failures, c.Links, c.Events = slices.Clone(r.Failures), slices.Clone(r.Links), slices.Clone(r.Events)
		k.records = append(k.records, c)
	}
	return nil
}

func (k *kept) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.records)
}

func (k *kept) named(t testing.TB, name string) trace.Record {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.records {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no span %q among %d", name, len(k.records))
	return trace.Record{}
}

func noEnv(string) string { return "" }

// tracer records everything and exports when it is flushed.
func tracer(t testing.TB, k trace.Exporter, opts ...trace.Option) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(append([]trace.Option{
		trace.ToExporter(k), trace.WithRate(1), trace.WithInterval(0), trace.WithEnvironment(noEnv), trace.WithService("payment"),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func flush(t testing.TB, tr *trace.Tracer) {
	t.Helper()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func lost(tr *trace.Tracer) map[string]uint64 {
	m := map[string]uint64{}
	for _, l := range tr.Lost() {
		m[l.Reason.String()] = l.Count
	}
	return m
}

func TestSpansOfAnInvocation(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	in := "Root=" + root + ";Parent=" + parent + ";Sampled=1;Lineage=a:1"
	ctx := context.WithValue(t.Context(), "x-amzn-trace-id", in) //nolint:staticcheck // aws-lambda-go's key is a string
	ctx, handler := tr.Start(ctx, "## handler")
	handler.Annotate("ColdStart", true)
	_, child := trace.Start(ctx, "## charge", trace.WithKind(trace.Client))
	child.End()
	child.Annotate("late", 1) // after its end: nothing
	child.End()
	handler.End()
	flush(t, tr)
	if len(k.records) != 2 {
		t.Fatalf("%d spans, want 2", len(k.records))
	}
	h, c := k.named(t, "## handler"), k.named(t, "## charge")
	id, span := ids(t)
	if h.Trace != id || h.Parent != span || !h.RemoteParent || h.Kind != trace.Internal {
		t.Errorf("handler: %+v", h)
	}
	if c.Trace != id || c.Parent != h.ID || c.RemoteParent || c.Kind != trace.Client || len(c.Annotations) != 0 {
		t.Errorf("charge: %+v", c)
	}
	if got, want := child.Header().String(), "Root="+root+";Parent="+c.ID.String()+";Sampled=1;Lineage=a:1"; got != want {
		t.Errorf("the child sends %s, want %s", got, want)
	}
	if len(tr.Lost()) != 0 {
		t.Errorf("lost %v", tr.Lost())
	}
}

// A rate keeps that share of traces, exactly as an id says, whoever asks.
func TestNil(t *testing.T) {
	var tr *trace.Tracer
	ctx, s := tr.Start(t.Context(), "x")
	_, c := trace.Start(ctx, "y")
	for _, s := range []*trace.Span{s, c, nil} {
		s.Annotate("a", 1)
		s.Metadata("a", 1)
		s.SetAttributes(slog.Int("a", 1))
		s.RecordError(errors.New("x"))
		s.RecordRemote(errors.New("x"))
		s.RecordPanic("x")
		s.SetStatus(trace.Fault, "")
		s.SetName("")
		s.SetRequest(nil)
		s.SetResponse(500, 1)
		s.Link(trace.Header{})
		s.End()
		if s.Recording() || s.TraceID() != "" || !s.Header().IsZero() || !s.ID().IsZero() {
			t.Error("nothing is something")
		}
	}
	if err := errors.Join(tr.Flush(ctx), tr.Shutdown(ctx)); err != nil || tr.Lost() != nil || tr.Enabled() || tr.Waiting() != 0 {
		t.Error("a tracer that is none does something")
	}
}

func TestAnnotations(t *testing.T) {
	type tenant string
	type count uint16
	k := &kept{}
	tr := tracer(t, k)
	_, s := tr.Start(t.Context(), "x")
	s.Annotate("string", "a")
	s.Annotate("string", "b") // the second replaces the first
	s.Annotate("service.version", tenant("acme"))
	s.Annotate("größe", count(7))
	s.Annotate("bool", true)
	s.Annotate("float", 1.5)
	s.Annotate("took", 1500*time.Microsecond)
	s.Annotate("long", strings.Repeat("ü", 1001))
	s.Annotate("", 1)
	s.Annotate("struct", struct{}{})
	s.Annotate("nil", nil)
	s.Annotate("nan", nan())
	s.End()
	flush(t, tr)
	got := map[string]any{}
	for _, a := range k.records[0].Annotations {
		got[a.Key] = a.Value.Any()
	}
	want := map[string]any{
		"string": "b", "service_version": "acme", "gr____e": uint64(7), "bool": true, "float": 1.5, "took": 1.5, "long": strings.Repeat("ü", 1000),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]uint64{"annotation": 4, "shortened": 1}, lost(tr)); diff != "" {
		t.Error(diff)
	}
	_, s = tr.Start(t.Context(), "many")
	for i := range 60 {
		s.Annotate(fmt.Sprintf("k%d", i), i)
	}
	s.End()
	flush(t, tr)
	if n := len(k.named(t, "many").Annotations); n != 50 || lost(tr)["annotation"] != 14 {
		t.Errorf("%d annotations kept, %v", n, lost(tr))
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func (hostile) Error() string { panic("no") }

func (endless) Error() string                { return "endless" }
func (badJSON) MarshalJSON() ([]byte, error) { panic("no") }

// A first span of an invocation is found without a context where there is only one
// invocation at a time, and only there.
func TestWithoutContext(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	ctx, inv := scope.Begin(t.Context(), scope.Start{RequestID: "r1"})
	_, handler := tr.Start(ctx, "## handler")
	_, far := trace.Start(context.Background(), "far away")
	if far.Header().Trace != handler.Header().Trace {
		t.Error("the invocation's span is not found")
	}
	far.End()
	handler.End()
	inv.End()
	if _, s := trace.Start(context.Background(), "later"); s != nil {
		t.Error("an invocation that is over is found")
	}
	ctx, inv = scope.Begin(t.Context(), scope.Start{RequestID: "r2", Concurrent: true})
	defer inv.End()
	_, s := tr.Start(ctx, "## handler")
	defer s.End()
	if _, s := trace.Start(context.Background(), "far away"); s != nil {
		t.Error("another's invocation is found")
	}
}

func TestResource(t *testing.T) {
	k := &kept{}
	env := map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME": "pay", "AWS_LAMBDA_FUNCTION_VERSION": "17", "AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_LOG_STREAM_NAME": "s", "OTEL_RESOURCE_ATTRIBUTES": "team=pay%2Cments,service.version=1.2", "POWERTOOLS_SERVICE_NAME": "payment-service",
	}
	tr, err := trace.New(trace.ToExporter(k), trace.WithEnvironment(func(n string) string { return env[n] }), trace.WithRate(1), trace.WithResource(slog.String("zone", "b")))
	if err != nil {
		t.Fatal(err)
	}
	_, s := tr.Start(t.Context(), "x")
	s.End()
	flush(t, tr)
	got := map[string]string{}
	for _, a := range k.res {
		got[a.Key] = a.Value.String()
	}
	want := map[string]string{
		"team": "pay,ments", "service.version": "1.2", "service.name": "payment-service", "cloud.provider": "aws", "cloud.platform": "aws_lambda",
		"cloud.region": "eu-west-1", "faas.name": "pay", "faas.version": "17", "faas.instance": "s", "faas.max_memory": "268435456",
		"telemetry.sdk.name": "nines", "telemetry.sdk.language": "go", "zone": "b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// OpenTelemetry's variables say which traces are kept where no header does.
// A span is taken into a context that does not descend from its own.
func TestInto(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	_, s := tr.Start(t.Context(), "request")
	ctx := trace.Into(context.Background(), s)
	_, c := trace.Start(ctx, "later")
	c.End()
	s.End()
	flush(t, tr)
	if k.named(t, "later").Parent != s.ID() || trace.Into(ctx, nil) != ctx {
		t.Error("it is not the parent")
	}
}

// What a loss was about is found in the error, and said in one line.
