package trace

import (
	"context"
	"log/slog"
	"runtime"
	"time"
)

// Exporter sends spans somewhere. It is called by one goroutine at a time, must
// heed the context, and must not keep the batch or a record of it: they are used
// again. An error of type [*LossError] says how many spans were lost and why;
// after any other, all of the batch count as lost.
type Exporter interface {
	Export(ctx context.Context, b *Batch) error
}

// Batch is what is exported at once: spans of one process.
type Batch struct {
	// Resource describes the process, by OpenTelemetry's names: service.name,
	// cloud.region, faas.name ...
	Resource []slog.Attr
	Records  []*Record
}

// Record is a span that has ended. Attribute values are strings, booleans, numbers,
// durations, times, groups, and slices of bytes, strings, numbers, booleans or
// slog.Values.
type Record struct {
	Trace        TraceID
	ID, Parent   SpanID
	RemoteParent bool // the parent is another process's
	Name         string
	Kind         Kind
	Start, End   time.Time

	// Annotations are what X-Ray finds traces by; at most 50, scalars only.
	Annotations []slog.Attr
	// Attributes have OpenTelemetry's names: http.request.method, rpc.method ...
	Attributes []slog.Attr
	// Metadata are shown and not searched. Their values are JSON, as strings.
	Metadata []slog.Attr

	Status Status
	// Message says more about a status; "" is allowed.
	Message  string
	Failures []Failure
	Links    []Link
	Events   []Event
	State    string // W3C's tracestate

	tries uint8 // how often it was tried to send it
}

// Failure is an error that happened in a span: the first is what was recorded, those
// behind it are what it wraps.
type Failure struct {
	ID            SpanID
	Type, Message string
	At            time.Time
	Remote        bool // it came from another service
	// Wraps says that the next failure of the record is this one's cause.
	Wraps bool
	// Stack are program counters, of where it was recorded; see [Failure.Frames].
	Stack []uintptr
	// Trace is a stack as text, where that is what is known.
	Trace string
}

// Frames are the places of the stack, innermost first.
func (f *Failure) Frames(yield func(runtime.Frame) bool) {
	if len(f.Stack) == 0 {
		return
	}
	frames := runtime.CallersFrames(f.Stack)
	for {
		frame, more := frames.Next()
		if frame.PC == 0 || !yield(frame) || !more {
			return
		}
	}
}

// Link names another trace that a span has to do with: the producer of a message
// out of a batch.
type Link struct {
	Header     Header
	Attributes []slog.Attr
}

// Event is something that happened at a moment of a span.
type Event struct {
	Name       string
	At         time.Time
	Attributes []slog.Attr
}

// Kind is a span's role, numbered as OpenTelemetry numbers it.
type Kind uint8

// Kinds.
const (
	Internal Kind = 1 + iota
	Server        // answers a request
	Client        // asks another service and waits
	Producer      // sends a message
	Consumer      // works on a message
)

// Status is how a span went. X-Ray tells who is to blame.
type Status uint8

// Statuses, from good to bad. A later one replaces an earlier one, not the other
// way round.
const (
	Unset    Status = iota
	OK              // said to be good
	Error           // the caller's fault: 4xx
	Throttle        // too many requests: 429
	Fault           // ours: 5xx, a panic
)

// String names the status as X-Ray's flags are named.
func (s Status) String() string {
	switch s {
	case OK:
		return "ok"
	case Error:
		return "error"
	case Throttle:
		return "throttle"
	case Fault:
		return "fault"
	case Unset:
	}
	return "unset"
}

// reset empties a record, keeping its room.
func (r *Record) reset() {
	clear(r.Annotations)
	clear(r.Attributes)
	clear(r.Metadata)
	clear(r.Failures)
	clear(r.Links)
	clear(r.Events)
	*r = Record{
		Annotations: r.Annotations[:0], Attributes: r.Attributes[:0], Metadata: r.Metadata[:0],
		Failures: r.Failures[:0], Links: r.Links[:0], Events: r.Events[:0],
	}
}

// set replaces the attribute of that key, or appends it if there is room.
func set(list []slog.Attr, a slog.Attr, room int) ([]slog.Attr, bool) {
	for i := range list {
		if list[i].Key == a.Key {
			list[i].Value = a.Value
			return list, true
		}
	}
	if len(list) >= room {
		return list, false
	}
	return append(list, a), true
}
