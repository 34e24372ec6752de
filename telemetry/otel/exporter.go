package otel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// Exporter sends spans of OpenTelemetry's SDK through one of package trace.
type Exporter struct {
	to trace.Exporter

	mu     sync.Mutex
	closed bool
}

var _ sdktrace.SpanExporter = (*Exporter)(nil)

// NewExporter sends to e: trace.NewXRay, trace.NewOTLP, trace.NewDaemon.
func NewExporter(e trace.Exporter) *Exporter { return &Exporter{to: e} }

// ExportSpans sends spans, those of one resource at a time.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil // as the interface asks
	}
	var batches []*trace.Batch
	of := map[attribute.Distinct]*trace.Batch{}
	for _, s := range spans {
		key := s.Resource().Equivalent()
		b := of[key]
		if b == nil {
			b = &trace.Batch{Resource: attrs(s.Resource().Attributes())}
			of[key], batches = b, append(batches, b)
		}
		b.Records = append(b.Records, record(s))
	}
	var errs []error
	for _, b := range batches {
		if err := e.to.Export(ctx, b); err != nil {
			errs = append(errs, fmt.Errorf("export: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Shutdown ends exporting; later spans are dropped.
func (e *Exporter) Shutdown(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return nil
}

func record(s sdktrace.ReadOnlySpan) *trace.Record {
	sc, parent := s.SpanContext(), s.Parent()
	r := &trace.Record{
		Trace: trace.TraceID(sc.TraceID()), ID: trace.SpanID(sc.SpanID()), Parent: trace.SpanID(parent.SpanID()), RemoteParent: parent.IsRemote(),
		Name: s.Name(), Kind: trace.Kind(max(1, s.SpanKind())), //nolint:gosec // both are numbered as OTLP is, 1 to 5
		Start: s.StartTime(), End: s.EndTime(), Attributes: attrs(s.Attributes()), State: sc.TraceState().String(),
	}
	if scope := s.InstrumentationScope(); scope.Name != "" {
		r.Attributes = append(r.Attributes, slog.String("otel.scope.name", scope.Name))
		if scope.Version != "" {
			r.Attributes = append(r.Attributes, slog.String("otel.scope.version", scope.Version))
		}
	}
	r.Status, r.Message = status(s), s.Status().Description
	for _, e := range s.Events() {
		r.Events = append(r.Events, trace.Event{Name: e.Name, At: e.Time, Attributes: attrs(e.Attributes)})
	}
	for _, l := range s.Links() {
		h := trace.Header{Trace: trace.TraceID(l.SpanContext.TraceID()), Parent: trace.SpanID(l.SpanContext.SpanID()), State: l.SpanContext.TraceState().String()}
		if h.Sampled = trace.Dropped; l.SpanContext.IsSampled() {
			h.Sampled = trace.Kept
		}
		r.Links = append(r.Links, trace.Link{Header: h, Attributes: attrs(l.Attributes)})
	}
	return r
}

// status says whose fault an error is, where the answer's status does.
func status(s sdktrace.ReadOnlySpan) trace.Status {
	switch s.Status().Code {
	case codes.Ok:
		return trace.OK
	case codes.Unset:
		return trace.Unset
	case codes.Error:
	}
	for _, a := range s.Attributes() {
		if a.Key != "http.response.status_code" || trace.Kind(max(1, s.SpanKind())) == trace.Server { //nolint:gosec // 1 to 5
			continue
		}
		switch code := a.Value.AsInt64(); {
		case code == 429:
			return trace.Throttle
		case code >= 400 && code < 500:
			return trace.Error
		}
	}
	return trace.Fault
}

func attrs(in []attribute.KeyValue) []slog.Attr {
	if len(in) == 0 {
		return nil
	}
	out := make([]slog.Attr, len(in))
	for i, a := range in {
		out[i] = slog.Attr{Key: string(a.Key), Value: value(a.Value)}
	}
	return out
}

func value(v attribute.Value) slog.Value {
	switch v.Type() {
	case attribute.EMPTY:
		return slog.AnyValue(nil)
	case attribute.BOOL:
		return slog.BoolValue(v.AsBool())
	case attribute.INT64:
		return slog.Int64Value(v.AsInt64())
	case attribute.FLOAT64:
		return slog.Float64Value(v.AsFloat64())
	case attribute.STRING:
		return slog.StringValue(v.AsString())
	case attribute.BOOLSLICE:
		return slog.AnyValue(v.AsBoolSlice())
	case attribute.INT64SLICE:
		return slog.AnyValue(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		return slog.AnyValue(v.AsFloat64Slice())
	case attribute.STRINGSLICE:
		return slog.AnyValue(v.AsStringSlice())
	case attribute.BYTESLICE:
		return slog.AnyValue(v.AsByteSlice())
	case attribute.SLICE:
		list := make([]slog.Value, 0, len(v.AsSlice()))
		for _, one := range v.AsSlice() {
			list = append(list, value(one))
		}
		return slog.AnyValue(list)
	case attribute.MAP:
		return slog.GroupValue(attrs(v.AsMap())...)
	default: // a type of a later version
		return slog.StringValue(v.String())
	}
}
