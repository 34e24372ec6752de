package trace

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Sampled is what a header says about whether the trace is recorded.
type Sampled uint8

// What a header can say.
const (
	Unsaid  Sampled = iota // no such field: whoever comes first decides
	Ask                    // Sampled=?: the receiver decides, and should answer
	Dropped                // Sampled=0
	Kept                   // Sampled=1
)

// Header is X-Ray's tracing header, X-Amzn-Trace-Id: which trace a request belongs
// to, which span sent it, and whether it is recorded. It is comparable; the zero
// value belongs to no trace.
type Header struct {
	Trace   TraceID
	Parent  SpanID // zero: the sender has no span (a load balancer)
	Sampled Sampled

	// Lineage is Lambda's, against endless loops. It must be passed on.
	Lineage string
	// Self is the id that a load balancer gave this hop. It is not passed on.
	Self string
	// Other are fields that are not known, "Key=value;Key=value", as they came.
	Other string
	// State is W3C's tracestate, passed on beside a traceparent.
	State string
}

// maxOther bounds what is carried for others, in bytes.
const maxOther = 512

// ParseHeader reads a header, in whatever order its fields come: what an
// Application Load Balancer sends (Root only, or Self before Root), with spaces
// after a semicolon, with fields that have no value or are not known.
//
// An error says that it names no trace. A field that cannot be understood beside a
// good Root counts as not said: half a header is better than none.
func ParseHeader(s string) (h Header, err error) {
	root := ""
	for s != "" {
		var field string
		field, s, _ = strings.Cut(s, ";")
		field = strings.TrimSpace(field)
		key, value, _ := strings.Cut(field, "=")
		switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); {
		case strings.EqualFold(key, "Root"):
			if root == "" {
				root = value
			}
		case strings.EqualFold(key, "Parent"):
			if h.Parent.IsZero() {
				h.Parent, _ = ParseSpanID(value)
			}
		case strings.EqualFold(key, "Sampled"):
			if h.Sampled == Unsaid {
				h.Sampled = parseSampled(value)
			}
		default:
			h.keep(key, value, field)
		}
	}
	if len(root) != 35 {
		return Header{}, fmt.Errorf("a tracing header without a trace: Root is %.64q, want 1-58406520-a006649127e371903a2de979", root)
	}
	if h.Trace, err = ParseTraceID(root); err != nil {
		return Header{}, fmt.Errorf("a tracing header without a trace: Root: %w", err)
	}
	return h, nil
}

// keep takes a field that does not concern us.
func (h *Header) keep(key, value, field string) {
	switch {
	case !passable(field):
	case strings.EqualFold(key, "Lineage") && h.Lineage == "":
		if len(value) <= maxOther {
			h.Lineage = value
		}
	case strings.EqualFold(key, "Self") && h.Self == "":
		if len(value) <= maxOther {
			h.Self = value
		}
	case strings.EqualFold(key, "Lineage"), strings.EqualFold(key, "Self"):
	case len(h.Other)+len(field) >= maxOther:
	case h.Other == "":
		h.Other = field
	default:
		h.Other += ";" + field
	}
}

// passable says whether a field may stand in a header again.
func passable(field string) bool {
	for i := range len(field) {
		if field[i] < ' ' || field[i] > '~' {
			return false
		}
	}
	return field != ""
}

func parseSampled(s string) Sampled {
	switch s {
	case "1":
		return Kept
	case "0":
		return Dropped
	case "?":
		return Ask
	default:
		return Unsaid
	}
}

// IsZero says that the header belongs to no trace.
func (h Header) IsZero() bool { return h.Trace.IsZero() }

// String is the header as it is sent; "" for none. [ParseHeader] reads it back.
func (h Header) String() string {
	if h.IsZero() {
		return ""
	}
	var room [192]byte
	return string(h.append(room[:0]))
}

func (h Header) append(b []byte) []byte {
	if h.Self != "" {
		b = append(append(append(b, "Self="...), h.Self...), ';')
	}
	b = append(b, "Root="...)
	b = h.Trace.append(b)
	if !h.Parent.IsZero() {
		b = append(b, ";Parent="...)
		b = hex.AppendEncode(b, h.Parent[:])
	}
	switch h.Sampled {
	case Kept:
		b = append(b, ";Sampled=1"...)
	case Dropped:
		b = append(b, ";Sampled=0"...)
	case Ask:
		b = append(b, ";Sampled=?"...)
	case Unsaid:
	}
	if h.Lineage != "" {
		b = append(append(b, ";Lineage="...), h.Lineage...)
	}
	if h.Other != "" {
		b = append(append(b, ';'), h.Other...)
	}
	return b
}
