package trace

import (
	"log/slog"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// X-Ray's limits of one OTLP request; others are as generous or more.
const (
	maxRequest  = 5_000_000
	maxSpans    = 10_000
	maxResource = 16 << 10
	maxSpanSize = 200 << 10
	maxAge      = 14 * 24 * time.Hour
	maxAhead    = 2 * time.Hour
)

const scopeName = "gitlab.com/nines-sre/nines/telemetry/trace"

// timely says whether X-Ray takes a record now.
func timely(r *Record, now time.Time) (Reason, bool) {
	switch {
	case r.End.Before(now.Add(-maxAge)):
		return TooOld, false
	case r.Start.After(now.Add(maxAhead)):
		return InFuture, false
	default:
		return 0, true
	}
}

// otlp encodes batches as requests. It keeps its room.
type otlp struct {
	head, spans, body []byte
}

// requests calls send with each request of the batch and how many spans it has.
// The bytes are valid until send returns.
func (o *otlp) requests(b *Batch, now time.Time, lost *tally, send func(body []byte, spans int)) {
	o.head = appendHead(o.head[:0], b.Resource, lost)
	o.spans = o.spans[:0]
	n := 0
	room := maxRequest - len(o.head) - 32 // what three lengths take
	flush := func() {
		if n > 0 {
			send(o.request(), n)
		}
		o.spans, n = o.spans[:0], 0
	}
	for _, r := range b.Records {
		if reason, ok := timely(r, now); !ok {
			lost.add(reason, 1)
			continue
		}
		at := len(o.spans)
		if o.spans = appendSpan(o.spans, r, true); len(o.spans)-at > maxSpanSize {
			lost.add(Shortened, 1)
			o.spans = appendSpan(o.spans[:at], r, false)
		}
		size := len(o.spans) - at
		if size > maxSpanSize {
			lost.add(TooLarge, 1)
			o.spans = o.spans[:at]
			continue
		}
		if len(o.spans) > room {
			last := append([]byte(nil), o.spans[at:]...)
			o.spans = o.spans[:at]
			flush()
			o.spans = append(o.spans, last...)
		}
		if n++; n == maxSpans {
			flush()
		}
	}
	flush()
}

// request is ExportTraceServiceRequest{ResourceSpans{Resource, ScopeSpans{scope, spans}}}.
func (o *otlp) request() []byte {
	scope, at := open(nil, 1)
	scope = shut(appendText(scope, 1, scopeName), at)
	b := o.body[:0]
	inner := appendLen(nil, len(scope)+len(o.spans))
	b = appendLen(appendTag(b, 1, wireLen), len(o.head)+1+len(inner)+len(scope)+len(o.spans))
	b = append(b, o.head...)
	b = append(appendTag(b, 2, wireLen), inner...)
	b = append(append(b, scope...), o.spans...)
	o.body = b
	return b
}

// appendHead appends the Resource, as much of it as X-Ray takes.
func appendHead(b []byte, attrs []slog.Attr, lost *tally) []byte {
	b, at := open(b, 1)
	for i, a := range attrs {
		before := len(b)
		if b = appendAttr(b, 1, a); len(b)-at > maxResource-len(scopeName)-16 {
			b = b[:before]
			lost.add(ResourceCut, len(attrs)-i)
			break
		}
	}
	return shut(b, at)
}

// appendSpan appends a Span of ScopeSpans; whole: with what may be left out.
func appendSpan(b []byte, r *Record, whole bool) []byte {
	b, at := open(b, 2)
	b = appendBytes(b, 1, r.Trace[:])
	b = appendBytes(b, 2, r.ID[:])
	if r.State != "" {
		b = appendText(b, 3, r.State)
	}
	if !r.Parent.IsZero() {
		b = appendBytes(b, 4, r.Parent[:])
	}
	b = appendText(b, 5, r.Name)
	b = appendUint(b, 6, uint64(r.Kind))
	b = appendInstant(b, 7, r.Start)
	b = appendInstant(b, 8, r.End)
	b = appendFacts(b, r, whole)
	if whole {
		for i := range r.Events {
			b = appendEvent(b, &r.Events[i])
		}
	}
	b = appendFailures(b, r, whole)
	for i := range r.Links {
		b = appendLink(b, &r.Links[i])
	}
	b = appendStatus(b, r)
	flags := uint32(0x101) // sampled; whether the parent is remote is known
	if r.RemoteParent {
		flags |= 0x200
	}
	return shut(appendFixed32(b, 16, flags), at)
}

// appendFacts appends attributes, annotations and metadata. X-Ray indexes those
// that aws.xray.annotations lists and shows aws.xray.metadata.* as metadata.
func appendFacts(b []byte, r *Record, whole bool) []byte {
	for _, a := range r.Attributes {
		b = appendAttr(b, 9, a)
	}
	for _, a := range r.Annotations {
		b = appendAttr(b, 9, a)
	}
	if len(r.Annotations) > 0 {
		b = appendKeys(b, r.Annotations)
	}
	if len(r.Metadata) > 0 && whole {
		b = appendAttr(b, 9, slog.String("aws.xray.metadata.default", string(appendMetadata(nil, r.Metadata))))
	}
	if r.Status == Throttle || r.Status == Error {
		// OTLP has one kind of error; this keeps whose it was.
		b = appendAttr(b, 9, slog.String("nines.status", r.Status.String()))
	}
	return b
}

func appendKeys(b []byte, attrs []slog.Attr) []byte {
	b, at := open(b, 9)
	b = appendText(b, 1, "aws.xray.annotations")
	b, value := open(b, 2)
	b = appendEach(b, len(attrs), func(b []byte, i int) []byte { return appendText(b, 1, attrs[i].Key) })
	return shut(shut(b, value), at)
}

// appendMetadata appends a JSON object.
func appendMetadata(b []byte, attrs []slog.Attr) []byte {
	b = append(b, '{')
	for _, a := range attrs {
		b = jsonx.AppendKey(b, a.Key)
		b = append(b, a.Value.String()...)
	}
	return append(b, '}')
}

func appendEvent(b []byte, e *Event) []byte {
	b, at := open(b, 11)
	b = appendInstant(b, 1, e.At)
	b = appendText(b, 2, e.Name)
	for _, a := range e.Attributes {
		b = appendAttr(b, 3, a)
	}
	return shut(b, at)
}

// appendFailures appends an "exception" event for each error that was recorded;
// what it wraps stands in it.
func appendFailures(b []byte, r *Record, whole bool) []byte {
	for i := 0; i < len(r.Failures); {
		f := &r.Failures[i]
		var chain []string
		for i++; i < len(r.Failures) && r.Failures[i-1].Wraps; i++ {
			chain = append(chain, r.Failures[i].Type+": "+r.Failures[i].Message)
		}
		b2, at := open(b, 11)
		b2 = appendInstant(b2, 1, f.At)
		b2 = appendText(b2, 2, "exception")
		b2 = appendAttr(b2, 3, slog.String("exception.type", f.Type))
		b2 = appendAttr(b2, 3, slog.String("exception.message", f.Message))
		if stack := f.text(); stack != "" && whole {
			b2 = appendAttr(b2, 3, slog.String("exception.stacktrace", stack))
		}
		if len(chain) > 0 {
			b2 = appendAttr(b2, 3, slog.Any("exception.chain", chain))
		}
		b = shut(b2, at)
	}
	return b
}

// text is the stack as Go prints one.
func (f *Failure) text() string {
	if f.Trace != "" || len(f.Stack) == 0 {
		return f.Trace
	}
	b := make([]byte, 0, 1024)
	for frame := range f.Frames {
		b = append(append(b, frame.Function...), "(...)\n\t"...)
		b = append(append(b, frame.File...), ':')
		b = append(strconv.AppendInt(b, int64(frame.Line), 10), '\n')
	}
	return string(b)
}

func appendLink(b []byte, l *Link) []byte {
	b, at := open(b, 13)
	b = appendBytes(b, 1, l.Header.Trace[:])
	b = appendBytes(b, 2, l.Header.Parent[:])
	if l.Header.State != "" {
		b = appendText(b, 3, l.Header.State)
	}
	for _, a := range l.Attributes {
		b = appendAttr(b, 4, a)
	}
	if l.Header.Sampled == Kept {
		b = appendFixed32(b, 6, 1)
	}
	return shut(b, at)
}

func appendStatus(b []byte, r *Record) []byte {
	if r.Status == Unset || r.Kind == Server && (r.Status == Error || r.Status == Throttle) {
		return b // OpenTelemetry: what the caller did wrong is no error of a server's
	}
	b, at := open(b, 15)
	code := uint64(1)
	if r.Status >= Error {
		code = 2
		if r.Message != "" {
			b = appendText(b, 2, r.Message)
		}
	}
	return shut(appendUint(b, 3, code), at)
}

// rejected reads an ExportTraceServiceResponse: how many spans were refused, and
// why. What is no such message refuses nothing.
func rejected(b []byte) (n uint64, why string) {
	partial, ok := field(b, 1)
	if !ok {
		return 0, ""
	}
	return partial.varint(1), string(partial.bytes(2))
}
