package trace

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// X-Ray's limits of one span, and ours.
const (
	maxAnnotations = 50
	maxKey         = 500  // bytes of an annotation's key
	maxValue       = 1000 // characters of an annotation's value
	maxAttributes  = 128
	maxLinks       = 128
	maxMetadata    = 64 << 10 // bytes of one value
)

// Span is a piece of work with a beginning and an end. Its methods may be called
// from any number of goroutines; after End, and on a nil Span, they do nothing.
type Span struct {
	tracer   *Tracer
	header   Header // what is sent to others; its Parent is this span
	recorded bool

	mu  sync.Mutex
	rec *Record // nil: not recorded, or ended
}

// Header is what another process must be sent to continue the trace.
func (s *Span) Header() Header {
	if s == nil {
		return Header{}
	}
	return s.header
}

// TraceID is the id of the span's trace, in X-Ray's form; "" for a nil span.
func (s *Span) TraceID() string {
	if s == nil {
		return ""
	}
	return s.header.Trace.String()
}

// ID is the span's own.
func (s *Span) ID() SpanID {
	if s == nil {
		return SpanID{}
	}
	return s.header.Parent
}

// Recording says whether what is added to the span will be seen.
func (s *Span) Recording() bool {
	if s == nil || !s.recorded {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rec != nil
}

// live locks a span that is recorded. The caller must unlock it if it is not nil.
func (s *Span) live() *Record {
	if s == nil || !s.recorded {
		return nil
	}
	s.mu.Lock()
	if s.rec == nil {
		s.mu.Unlock()
		return nil
	}
	return s.rec
}

// Annotate adds what X-Ray finds traces by, a string, a boolean or a number (or a
// type made of one; a duration becomes milliseconds). Characters of the key that
// X-Ray does not allow become "_". A second value of a key replaces the first. What
// has no place, beyond 50 of a span, and what is no scalar is counted as lost.
func (s *Span) Annotate(key string, value any) {
	r := s.live()
	if r == nil {
		return
	}
	defer s.mu.Unlock()
	v, ok := scalar(value)
	if !ok || key == "" {
		s.tracer.lost.add(AnnotationLost, 1)
		return
	}
	if v.Kind() == slog.KindString {
		if short, cut := shorten(v.String(), maxValue); cut {
			v = slog.StringValue(short)
			s.tracer.lost.add(Shortened, 1)
		}
	}
	if r.Annotations, ok = set(r.Annotations, slog.Attr{Key: annotationKey(key), Value: v}, maxAnnotations); !ok {
		s.tracer.lost.add(AnnotationLost, 1)
	}
}

// scalar is what an annotation may be. The value itself does not escape, so that
// the caller's conversion to any costs nothing.
func scalar(value any) (slog.Value, bool) {
	switch v := value.(type) {
	case string:
		return slog.StringValue(v), true
	case bool:
		return slog.BoolValue(v), true
	case int:
		return slog.IntValue(v), true
	case int64:
		return slog.Int64Value(v), true
	case float64:
		return slog.Float64Value(v), finite(v)
	case time.Duration:
		return slog.Float64Value(float64(v) / float64(time.Millisecond)), true
	case nil:
		return slog.Value{}, false
	}
	switch v := reflect.ValueOf(value); v.Kind() { //nolint:exhaustive // the rest are no scalars
	case reflect.String:
		return slog.StringValue(v.String()), true
	case reflect.Bool:
		return slog.BoolValue(v.Bool()), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return slog.Int64Value(v.Int()), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return slog.Uint64Value(v.Uint()), true
	case reflect.Float32, reflect.Float64:
		return slog.Float64Value(v.Float()), finite(v.Float())
	default:
		return slog.Value{}, false
	}
}

func finite(f float64) bool { return f-f == 0 }

// annotationKey makes a key that X-Ray allows: letters, digits and "_".
func annotationKey(key string) string {
	allowed := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
	}
	key = key[:min(len(key), maxKey)]
	for i := range len(key) {
		if !allowed(key[i]) {
			b := []byte(key)
			for j := i; j < len(b); j++ {
				if !allowed(b[j]) {
					b[j] = '_'
				}
			}
			return string(b)
		}
	}
	return key
}

// shorten cuts s to at most n characters.
func shorten(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	count := 0
	for i := range s {
		if count == n {
			return s[:i], true
		}
		count++
	}
	return s, false
}

// Metadata adds what X-Ray shows with the span and does not search: any value that
// encoding/json takes, at most 64 KB of it.
func (s *Span) Metadata(key string, value any) {
	if !s.Recording() {
		return
	}
	data := jsonx.AppendAny(nil, value) // without the lock: a MarshalJSON may be anybody's
	r := s.live()
	if r == nil {
		return
	}
	defer s.mu.Unlock()
	ok := key != "" && len(data) <= maxMetadata
	if ok {
		r.Metadata, ok = set(r.Metadata, slog.String(key, string(data)), maxAttributes)
	}
	if !ok {
		s.tracer.lost.add(AttributeLost, 1)
	}
}

// SetAttributes adds facts by OpenTelemetry's names, from which X-Ray makes the http,
// aws and sql parts of a segment. They are not searched; see [Span.Annotate].
func (s *Span) SetAttributes(attrs ...slog.Attr) {
	r := s.live()
	if r == nil {
		return
	}
	defer s.mu.Unlock()
	for _, a := range attrs {
		ok := a.Key != ""
		if ok {
			r.Attributes, ok = set(r.Attributes, a, maxAttributes)
		}
		if !ok {
			s.tracer.lost.add(AttributeLost, 1)
		}
	}
}

// SetName renames the span: a route is known later than the request.
func (s *Span) SetName(name string) {
	if r := s.live(); r != nil {
		r.Name = name
		s.mu.Unlock()
	}
}

// SetStatus says how it went, with a message that may be empty. A worse status
// replaces a better one.
func (s *Span) SetStatus(status Status, message string) {
	if r := s.live(); r != nil {
		if status >= r.Status && status <= Fault {
			r.Status, r.Message = status, message
		}
		s.mu.Unlock()
	}
}

// Link names another trace that the span has to do with.
func (s *Span) Link(h Header) {
	r := s.live()
	if r == nil || h.IsZero() {
		if r != nil {
			s.mu.Unlock()
		}
		return
	}
	defer s.mu.Unlock()
	if len(r.Links) >= maxLinks {
		s.tracer.lost.add(AttributeLost, 1)
		return
	}
	r.Links = append(r.Links, Link{Header: h})
}

// End ends the span and queues it for export. A second call does nothing.
func (s *Span) End() { s.EndAt(time.Time{}) }

// EndAt is End at an instant that is known; zero: now.
func (s *Span) EndAt(t time.Time) {
	r := s.live()
	if r == nil {
		return
	}
	s.rec = nil
	s.mu.Unlock()
	if t.IsZero() {
		t = s.tracer.now()
	}
	r.End = t
	if r.End.Before(r.Start) {
		r.End = r.Start
	}
	s.tracer.finish(r)
}

// Start starts a child of the span that ctx carries, and returns a context that
// carries the child. Without a span, it returns ctx and nil.
func Start(ctx context.Context, name string, opts ...StartOption) (context.Context, *Span) {
	parent := SpanFrom(ctx)
	if parent == nil {
		return ctx, nil
	}
	return parent.tracer.start(ctx, parent, name, opts)
}
