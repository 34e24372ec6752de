package bench_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// nospans is an exporter of both kinds that drops what it gets.
type nospans struct{}

func (nospans) Export(context.Context, *trace.Batch) error                 { return nil }
func (nospans) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nospans) Shutdown(context.Context) error                             { return nil }
func (nospans) ForceFlush(context.Context) error                           { return nil }

// drop is a transport that answers 200 to everything.
type drop struct{ body []byte }

func (d *drop) RoundTrip(r *http.Request) (*http.Response, error) {
	var err error
	if d.body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	return httptest.NewRecorder().Result(), nil
}

func ours(b testing.TB, rate float64) *trace.Tracer {
	b.Helper()
	t, err := trace.New(trace.ToExporter(nospans{}), trace.WithRate(rate), trace.WithInterval(0), trace.WithEnvironment(func(string) string { return "" }))
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func theirs(s sdktrace.Sampler) (*sdktrace.TracerProvider, oteltrace.Tracer) {
	p := sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithBatcher(nospans{}))
	return p, p.Tracer("bench")
}

// A span with two annotations and its end. Queues are emptied every 200 spans.
func BenchmarkSpan(b *testing.B) {
	for _, c := range []struct {
		name string
		rate float64
		rule sdktrace.Sampler
	}{{"sampled", 1, sdktrace.AlwaysSample()}, {"unsampled", 0, sdktrace.NeverSample()}} {
		b.Run(c.name+"/nines", func(b *testing.B) {
			t := ours(b, c.rate)
			ctx, root := t.Start(b.Context(), "root")
			defer root.End()
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				_, s := trace.Start(ctx, "charge")
				s.Annotate("tenant", "acme")
				s.Annotate("amount", n)
				s.End()
				if n%200 == 0 {
					_ = t.Flush(ctx) //nolint:errcheck // it goes nowhere
				}
			}
		})
		b.Run(c.name+"/otel", func(b *testing.B) {
			p, t := theirs(c.rule)
			ctx, root := t.Start(b.Context(), "root")
			defer root.End()
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				_, s := t.Start(ctx, "charge")
				s.SetAttributes(attribute.String("tenant", "acme"), attribute.Int("amount", n))
				s.End()
				if n%200 == 0 {
					_ = p.ForceFlush(ctx) //nolint:errcheck // it goes nowhere
				}
			}
		})
	}
}

// The first span of a request: header in, decision, span, header out.
func BenchmarkRequest(b *testing.B) {
	in := http.Header{"X-Amzn-Trace-Id": {"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"}}
	t := ours(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		h, _ := trace.Extract(in)
		_, s := t.Start(b.Context(), "x", trace.WithParent(h))
		if s.Header().String() == "" {
			b.Fatal("no header")
		}
		s.End()
	}
}

// Encoding and handing over of 100 spans with four attributes, uncompressed.
func BenchmarkExport100(b *testing.B) {
	now := time.Now()
	b.Run("nines", func(b *testing.B) {
		d := &drop{}
		e, err := trace.NewOTLP("http://127.0.0.1/v1/traces", trace.WithoutGzip(), trace.WithHTTPClient(&http.Client{Transport: d}))
		if err != nil {
			b.Fatal(err)
		}
		batch := &trace.Batch{Resource: []slog.Attr{slog.String("service.name", "pay")}}
		for range 100 {
			batch.Records = append(batch.Records, &trace.Record{
				Trace: trace.NewTraceID(now), ID: trace.NewSpanID(), Parent: trace.NewSpanID(), Name: "charge", Kind: trace.Client, Start: now, End: now.Add(time.Millisecond),
				Attributes: []slog.Attr{slog.String("tenant", "acme"), slog.Int("amount", 42), slog.Bool("cold", false), slog.Float64("ratio", 0.5)},
			})
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := e.Export(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(d.body)), "bytes/request")
	})
	b.Run("otel", func(b *testing.B) {
		d := &drop{}
		e, err := otlptracehttp.New(b.Context(), otlptracehttp.WithEndpointURL("http://127.0.0.1/v1/traces"), otlptracehttp.WithHTTPClient(&http.Client{Transport: d}))
		if err != nil {
			b.Fatal(err)
		}
		var stubs tracetest.SpanStubs
		for range 100 {
			sc := func() oteltrace.SpanContext {
				return oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: oteltrace.TraceID(trace.NewTraceID(now)), SpanID: oteltrace.SpanID(trace.NewSpanID()), TraceFlags: oteltrace.FlagsSampled})
			}
			stubs = append(stubs, tracetest.SpanStub{
				Name: "charge", SpanKind: oteltrace.SpanKindClient, SpanContext: sc(), Parent: sc(), StartTime: now, EndTime: now.Add(time.Millisecond),
				Attributes: []attribute.KeyValue{attribute.String("tenant", "acme"), attribute.Int("amount", 42), attribute.Bool("cold", false), attribute.Float64("ratio", 0.5)},
			})
		}
		spans := stubs.Snapshots()
		b.ReportAllocs()
		for b.Loop() {
			if err := e.ExportSpans(b.Context(), spans); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(d.body)), "bytes/request")
	})
}

// An error with what it wraps, and where it was.
func BenchmarkRecordError(b *testing.B) {
	t := ours(b, 1)
	err := errors.Join(errors.New("a"), errors.New("b"))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_, s := t.Start(b.Context(), "x")
		s.RecordError(err)
		s.End()
		if n%200 == 0 {
			_ = t.Flush(b.Context()) //nolint:errcheck // it goes nowhere
		}
	}
}
