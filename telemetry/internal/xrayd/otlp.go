package xrayd

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The documented bounds of one request.
const (
	maxRequest  = 5 << 20 // bytes
	maxSpans    = 10_000
	maxResource = 16 << 10  // bytes of a resource and a scope
	maxSpan     = 200 << 10 // bytes of one span
	maxPast     = 14 * 24 * time.Hour
	maxFuture   = 2 * time.Hour
)

// batch is what the bounds are about: what came, not yet understood. A real
// Collector understands it, later.
type batch struct {
	spans []spanSize
	// resource is the most bytes that a resource and a scope have together.
	resource int
}

type spanSize struct {
	bytes int
	start time.Time
}

// check says which bound a batch breaks.
func (b batch) check(now time.Time) error {
	if len(b.spans) > maxSpans {
		return fmt.Errorf("%d spans; %d is the most", len(b.spans), maxSpans)
	}
	if b.resource > maxResource {
		return fmt.Errorf("resource and scope have %d bytes; %d is the most", b.resource, maxResource)
	}
	for i, s := range b.spans {
		switch {
		case s.bytes > maxSpan:
			return fmt.Errorf("span %d has %d bytes; %d is the most", i, s.bytes, maxSpan)
		case s.start.Before(now.Add(-maxPast)):
			return fmt.Errorf("span %d started %s, more than 14 days ago", i, s.start.UTC().Format(time.RFC3339))
		case s.start.After(now.Add(maxFuture)):
			return fmt.Errorf("span %d starts %s, more than 2 hours ahead", i, s.start.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// readJSON measures a request in OTLP's JSON form.
func readJSON(body []byte) (b batch, err error) {
	var request struct {
		ResourceSpans []struct {
			Resource   json.RawMessage `json:"resource"`
			ScopeSpans []struct {
				Scope json.RawMessage   `json:"scope"`
				Spans []json.RawMessage `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return b, fmt.Errorf("no OTLP in JSON: %w", err)
	}
	for _, rs := range request.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			b.resource = max(b.resource, len(rs.Resource)+len(ss.Scope))
			for _, raw := range ss.Spans {
				var span struct {
					Start json.RawMessage `json:"startTimeUnixNano"`
				}
				if err := json.Unmarshal(raw, &span); err != nil {
					return b, fmt.Errorf("no span in JSON: %w", err)
				}
				nanos, err := strconv.ParseInt(trimQuotes(span.Start), 10, 64)
				if err != nil {
					return b, fmt.Errorf("startTimeUnixNano %s is no number", span.Start)
				}
				b.spans = append(b.spans, spanSize{bytes: len(raw), start: time.Unix(0, nanos)})
			}
		}
	}
	return b, nil
}

func trimQuotes(raw json.RawMessage) string {
	if len(raw) >= 2 && raw[0] == '"' {
		raw = raw[1 : len(raw)-1]
	}
	return string(raw)
}

// The numbers of the fields that bounds are about, in OTLP's protobuf.
const (
	fieldResourceSpans = 1 // of ExportTraceServiceRequest
	fieldResource      = 1 // of ResourceSpans
	fieldScopeSpans    = 2
	fieldScope         = 1 // of ScopeSpans
	fieldSpans         = 2
	fieldStart         = 7 // of Span
)

// readBinary measures a request in OTLP's binary form.
func readBinary(body []byte) (b batch, err error) {
	err = each(body, func(field int, rs []byte, _ uint64) error {
		if field != fieldResourceSpans {
			return nil
		}
		var resource int
		if err := each(rs, func(field int, v []byte, _ uint64) error {
			if field == fieldResource {
				resource = len(v)
			}
			return nil
		}); err != nil {
			return err
		}
		return each(rs, func(field int, ss []byte, _ uint64) error {
			if field != fieldScopeSpans {
				return nil
			}
			return b.scope(ss, resource)
		})
	})
	return b, err
}

// scope measures the spans of one scope.
func (b *batch) scope(ss []byte, resource int) error {
	return each(ss, func(field int, v []byte, _ uint64) error {
		switch field {
		case fieldScope:
			b.resource = max(b.resource, resource+len(v))
		case fieldSpans:
			b.resource = max(b.resource, resource)
			span := spanSize{bytes: len(v)}
			if err := each(v, func(field int, _ []byte, n uint64) error {
				if field == fieldStart {
					span.start = time.Unix(0, int64(n)) //nolint:gosec // an instant far off is refused
				}
				return nil
			}); err != nil {
				return err
			}
			b.spans = append(b.spans, span)
		}
		return nil
	})
}

// errBinary is what is no protobuf.
var errBinary = errors.New("no OTLP in protobuf")

// each calls do for each field of a message, with its bytes or its number.
func each(message []byte, do func(field int, v []byte, n uint64) error) error {
	for len(message) > 0 {
		tag, size := binary.Uvarint(message)
		if size <= 0 {
			return errBinary
		}
		message = message[size:]
		var v []byte
		var n uint64
		switch tag & 7 {
		case 0: // varint
			n, size = binary.Uvarint(message)
		case 1: // 64 bits
			if size = 8; len(message) >= size {
				n = binary.LittleEndian.Uint64(message)
			}
		case 2: // bytes
			length, lead := binary.Uvarint(message)
			if lead <= 0 || length > maxRequest || int(length) > len(message)-lead {
				return errBinary
			}
			v, size = message[lead:lead+int(length)], lead+int(length)
		case 5: // 32 bits
			size = 4
		default:
			return errBinary
		}
		if size <= 0 || size > len(message) {
			return errBinary
		}
		message = message[size:]
		if err := do(int(tag>>3), v, n); err != nil {
			return err
		}
	}
	return nil
}
