package trace

import (
	"encoding/hex"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// segments writes records as X-Ray's segment documents, schema v1.0.0.
type segments struct {
	service, version string
	lambda           bool
}

// describe takes from a resource what documents repeat.
func (s *segments) describe(resource []slog.Attr) {
	s.service, s.version = find(resource, "service.name"), find(resource, "service.version")
}

func find(attrs []slog.Attr, key string) string {
	for _, a := range attrs {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// root says whether a record is a segment of its own: the first of a trace, or of
// this process in it. A function has a segment already, which Lambda writes; there,
// spans are subsegments of that.
func (s *segments) root(r *Record) bool {
	return r.Parent.IsZero() || r.RemoteParent && !s.lambda
}

// append appends a document; whole: with metadata and stacks.
func (s *segments) append(b []byte, r *Record, whole bool) []byte {
	root := s.root(r)
	name := s.name(r, root)
	b = append(b, `{"name":`...)
	b = jsonx.AppendString(b, name)
	b = appendID(append(b, `,"id":`...), r.ID)
	b = append(b, `,"trace_id":"`...)
	b = r.Trace.append(b)
	b = append(b, `","start_time":`...)
	b = appendSeconds(b, r.Start)
	b = append(b, `,"end_time":`...)
	b = appendSeconds(b, r.End)
	if !r.Parent.IsZero() {
		b = appendID(append(b, `,"parent_id":`...), r.Parent)
	}
	if !root {
		b = append(b, `,"type":"subsegment"`...)
		if ns := namespace(r); ns != "" {
			b = append(append(append(b, `,"namespace":"`...), ns...), '"')
		}
	} else if s.version != "" {
		b = append(b, `,"service":{"version":`...)
		b = append(jsonx.AppendString(b, s.version), '}')
	}
	b = appendFlags(b, r)
	b = appendHTTP(b, r)
	b = appendAWS(b, r)
	b = appendCause(b, r, whole)
	b = appendAnnotations(b, r.Annotations)
	if whole {
		b = appendShown(b, r, name)
	}
	return append(b, '}')
}

// name is what X-Ray calls the node: a service's segments have the service's name.
func (s *segments) name(r *Record, root bool) string {
	name := r.Name
	if root && s.service != "" && s.service != "service_undefined" {
		name = s.service
	}
	return segmentName(name)
}

// segmentName keeps what X-Ray allows in a name: up to 200 letters, digits, spaces
// and _.:/%&#=+-@; everything else becomes "_".
func segmentName(name string) string {
	n := 0
	name = strings.Map(func(r rune) rune {
		if n++; n > 200 {
			return -1
		}
		if nameable(r) {
			return r
		}
		return '_'
	}, name)
	if strings.TrimSpace(name) == "" {
		return "unnamed"
	}
	return name
}

func nameable(r rune) bool {
	if r >= 0x80 {
		return unicode.IsLetter(r)
	}
	return r == ' ' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(`_.:/%&#=+\-@`, r)
}

// namespace says that a subsegment is a call of another service.
func namespace(r *Record) string {
	switch {
	case find(r.Attributes, "rpc.system") == "aws-api":
		return "aws"
	case r.Kind == Client || r.Kind == Producer:
		return "remote"
	default:
		return ""
	}
}

func appendID(b []byte, id SpanID) []byte {
	b = append(b, '"')
	b = hex.AppendEncode(b, id[:])
	return append(b, '"')
}

// appendSeconds appends seconds since 1970 with six decimals.
func appendSeconds(b []byte, t time.Time) []byte {
	us := max(0, t.UnixMicro())
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	frac := us % 1e6
	for d := int64(1e5); d > 0; d /= 10 {
		b = append(b, byte('0'+frac/d%10))
	}
	return b
}

func appendFlags(b []byte, r *Record) []byte {
	switch r.Status {
	case Fault:
		return append(b, `,"fault":true`...)
	case Throttle:
		return append(b, `,"error":true,"throttle":true`...)
	case Error:
		return append(b, `,"error":true`...)
	case Unset, OK:
	}
	return b
}

// mapped says where an attribute of OpenTelemetry stands in a document.
type mapped struct {
	key  string // of the document
	from string // the attribute
}

// appendBlock appends those of attrs that a block knows, as an object under key.
func appendBlock(b []byte, key string, attrs []slog.Attr, fields []mapped) []byte {
	at := len(b)
	b = jsonx.AppendKey(b, key)
	b = append(b, '{')
	empty := true
	for _, f := range fields {
		for i := range attrs {
			if attrs[i].Key == f.from {
				b = jsonx.AppendKey(b, f.key)
				b = appendJSON(b, attrs[i].Value)
				empty = false
				break
			}
		}
	}
	if empty {
		return b[:at]
	}
	return append(b, '}')
}

// appendJSON appends a value: numbers and booleans as they are, the rest as text of
// at most 250 characters, X-Ray's limit in these blocks.
func appendJSON(b []byte, v slog.Value) []byte {
	switch v.Kind() { //nolint:exhaustive // the rest are text
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindFloat64:
		return jsonx.AppendFloat(b, v.Float64())
	default:
		text := v.String()
		if list, ok := v.Any().([]string); ok && len(list) == 1 {
			text = list[0]
		}
		text, _ = shorten(text, 250)
		return jsonx.AppendString(b, text)
	}
}

func appendHTTP(b []byte, r *Record) []byte {
	at := len(b)
	b = append(b, `,"http":{`...)
	inner := len(b)
	b = appendBlock(b, "request", r.Attributes, []mapped{
		{"method", "http.request.method"},
		{"url", "url.full"},
		{"user_agent", "user_agent.original"},
		{"client_ip", "client.address"},
	})
	b = appendBlock(b, "response", r.Attributes, []mapped{
		{"status", "http.response.status_code"}, {"content_length", "http.response.body.size"},
	})
	if len(b) == inner {
		return b[:at]
	}
	return append(b, '}')
}

func appendAWS(b []byte, r *Record) []byte {
	return appendBlock(b, "aws", r.Attributes, []mapped{
		{"operation", "rpc.method"},
		{"region", "aws.region"},
		{"request_id", "aws.request_id"},
		{"retries", "aws.retries"},
		{"account_id", "cloud.account.id"},
		{"table_name", "aws.dynamodb.table_names"},
		{"queue_url", "aws.sqs.queue.url"},
		{"topic_arn", "aws.sns.topic.arn"},
		{"function_name", "aws.lambda.invoked_name"},
		{"bucket_name", "aws.s3.bucket"},
	})
}
