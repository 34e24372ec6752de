package trace

import (
	"log/slog"
	"slices"
	"strconv"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// appendCause appends the exceptions, each with the one that caused it.
func appendCause(b []byte, r *Record, whole bool) []byte {
	failures := slices.Concat(r.Failures, exceptions(r.Events))
	if len(failures) == 0 {
		return b
	}
	b = append(b, `,"cause":{"exceptions":[`...)
	for i := range failures {
		f := &failures[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = appendID(append(b, `{"id":`...), f.ID)
		b = jsonx.AppendString(append(b, `,"type":`...), f.Type)
		b = jsonx.AppendString(append(b, `,"message":`...), f.Message)
		if f.Remote {
			b = append(b, `,"remote":true`...)
		}
		if f.Wraps && i+1 < len(failures) {
			b = appendID(append(b, `,"cause":`...), failures[i+1].ID)
		}
		if whole {
			b = appendStack(b, f)
		}
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// exceptions are the errors that OpenTelemetry records as events.
func exceptions(events []Event) (out []Failure) {
	for _, e := range events {
		if e.Name == "exception" {
			out = append(out, Failure{
				ID: NewSpanID(), At: e.At, Type: find(e.Attributes, "exception.type"),
				Message: find(e.Attributes, "exception.message"), Trace: find(e.Attributes, "exception.stacktrace"),
			})
		}
	}
	return out
}

func appendStack(b []byte, f *Failure) []byte {
	if len(f.Stack) == 0 {
		return b
	}
	b = append(b, `,"stack":[`...)
	for frame := range f.Frames {
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = jsonx.AppendString(append(b, `{"path":`...), frame.File)
		b = strconv.AppendInt(append(b, `,"line":`...), int64(frame.Line), 10)
		b = jsonx.AppendString(append(b, `,"label":`...), frame.Function)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendAnnotations(b []byte, attrs []slog.Attr) []byte {
	if len(attrs) == 0 {
		return b
	}
	b = append(b, `,"annotations":{`...)
	for _, a := range attrs {
		b = jsonx.AppendKey(b, a.Key)
		switch a.Value.Kind() { //nolint:exhaustive // an annotation is a scalar
		case slog.KindString:
			b = jsonx.AppendString(b, a.Value.String())
		default:
			b = appendJSON(b, a.Value)
		}
	}
	return append(b, '}')
}

// inBlocks says whether an attribute stands in a block of the document already.
func inBlocks(key string) bool {
	switch key {
	case "http.request.method", "url.full", "user_agent.original", "client.address",
		"http.response.status_code", "http.response.body.size", "rpc.system", "rpc.method",
		"aws.region", "aws.request_id", "aws.retries", "cloud.account.id", "aws.dynamodb.table_names",
		"aws.sqs.queue.url", "aws.sns.topic.arn", "aws.lambda.invoked_name", "aws.s3.bucket":
		return true
	default:
		return false
	}
}

// appendShown appends metadata: the caller's under "default", and under "otel" the
// attributes that have no other place, the span's own name where the document has
// the service's, links and events.
func appendShown(b []byte, r *Record, name string) []byte {
	at := len(b)
	b = append(b, `,"metadata":{`...)
	inner := len(b)
	if len(r.Metadata) > 0 {
		b = append(b, `"default":`...)
		b = appendMetadata(b, r.Metadata)
	}
	other := len(b)
	b = append(jsonx.AppendKey(b, "otel"), '{')
	start := len(b)
	if r.Name != name {
		b = jsonx.AppendString(jsonx.AppendKey(b, "span.name"), r.Name)
	}
	for _, a := range r.Attributes {
		if !inBlocks(a.Key) {
			b = appendJSON(jsonx.AppendKey(b, a.Key), a.Value)
		}
	}
	b = appendLinks(b, r.Links)
	for i, e := range r.Events {
		if e.Name == "exception" {
			continue // a cause
		}
		b = jsonx.AppendKey(b, "event."+strconv.Itoa(i))
		b = append(jsonx.AppendString(append(b, `{"name":`...), e.Name), `,"time":`...)
		b = appendSeconds(b, e.At)
		for _, a := range e.Attributes {
			b = appendJSON(jsonx.AppendKey(b, a.Key), a.Value)
		}
		b = append(b, '}')
	}
	if len(b) == start {
		b = b[:other]
	} else {
		b = append(b, '}')
	}
	if len(b) == inner {
		return b[:at]
	}
	return append(b, '}')
}

// appendLinks appends the traces that a span is linked to. Schema v1.0.0 has no
// field for them.
func appendLinks(b []byte, links []Link) []byte {
	if len(links) == 0 {
		return b
	}
	b = append(jsonx.AppendKey(b, "links"), '[')
	for i := range links {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"trace_id":"`...)
		b = links[i].Header.Trace.append(b)
		b = appendID(append(b, `","id":`...), links[i].Header.Parent)
		b = append(b, '}')
	}
	return append(b, ']')
}
