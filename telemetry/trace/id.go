package trace

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"
)

// TraceID identifies a trace. X-Ray writes it as 1-58406520-a006649127e371903a2de979
// (its first four bytes are the second of its beginning), W3C and OpenTelemetry as
// 58406520a006649127e371903a2de979. Zero is none.
type TraceID [16]byte //nolint:revive // as OpenTelemetry names it

// SpanID identifies a span (X-Ray: a segment or subsegment). Zero is none.
type SpanID [8]byte

// NewTraceID makes an id of a trace that begins at t.
func NewTraceID(t time.Time) (id TraceID) {
	binary.BigEndian.PutUint32(id[:4], uint32(t.Unix())) //nolint:gosec // X-Ray has 32 bits for it
	binary.BigEndian.PutUint32(id[4:8], rand.Uint32())   //nolint:gosec // an id is no secret
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())    //nolint:gosec // an id is no secret
	return id
}

// NewSpanID makes an id.
func NewSpanID() (id SpanID) {
	for id.IsZero() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64()) //nolint:gosec // an id is no secret
	}
	return id
}

// ParseTraceID reads X-Ray's form or W3C's.
func ParseTraceID(s string) (id TraceID, err error) {
	switch {
	case len(s) == 35 && s[:2] == "1-" && s[10] == '-':
		if unhex(id[:4], s[2:10]) && unhex(id[4:], s[11:]) && !id.IsZero() {
			return id, nil
		}
	case len(s) == 32:
		if unhex(id[:], s) && !id.IsZero() {
			return id, nil
		}
	}
	return TraceID{}, fmt.Errorf("%.64q is no trace id: want 1-58406520-a006649127e371903a2de979 or 32 hexadecimal digits that are not all 0", s)
}

// ParseSpanID reads 16 hexadecimal digits.
func ParseSpanID(s string) (id SpanID, err error) {
	if len(s) == 16 && unhex(id[:], s) && !id.IsZero() {
		return id, nil
	}
	return SpanID{}, fmt.Errorf("%.64q is no span id: want 16 hexadecimal digits that are not all 0", s)
}

// IsZero says that there is none.
func (id TraceID) IsZero() bool { return id == TraceID{} }

// IsZero says that there is none.
func (id SpanID) IsZero() bool { return id == SpanID{} }

// String is X-Ray's form; "" for none.
func (id TraceID) String() string {
	if id.IsZero() {
		return ""
	}
	var b [35]byte
	return string(id.append(b[:0]))
}

// W3C is the form of W3C and OpenTelemetry; "" for none.
func (id TraceID) W3C() string {
	if id.IsZero() {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// String is 16 hexadecimal digits; "" for none.
func (id SpanID) String() string {
	if id.IsZero() {
		return ""
	}
	return hex.EncodeToString(id[:])
}

func (id TraceID) append(b []byte) []byte {
	b = append(b, '1', '-')
	b = hex.AppendEncode(b, id[:4])
	b = append(b, '-')
	return hex.AppendEncode(b, id[4:])
}

// unhex decodes s, of exactly twice dst's length.
func unhex(dst []byte, s string) bool {
	for i := range dst {
		hi, lo := nibble(s[2*i]), nibble(s[2*i+1])
		if hi > 15 || lo > 15 {
			return false
		}
		dst[i] = hi<<4 | lo
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	default:
		return 255
	}
}
