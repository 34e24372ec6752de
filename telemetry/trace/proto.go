package trace

import (
	"encoding/binary"
	"log/slog"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// What OTLP needs of protobuf, by appending. Binary rather than JSON, because a
// span is a third of the size and takes a third of the time: ids are bytes, numbers
// are no text, strings are not escaped; and both of X-Ray's and every other
// endpoint take it.

const (
	wireVarint = 0
	wireI64    = 1
	wireLen    = 2
	wireI32    = 5
)

func appendTag(b []byte, field, wire int) []byte {
	return binary.AppendUvarint(b, uint64(field<<3|wire)) //nolint:gosec // both are small and positive
}

func appendLen(b []byte, n int) []byte {
	return binary.AppendUvarint(b, uint64(n)) //nolint:gosec // a length
}

func appendUint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(appendTag(b, field, wireVarint), v)
}

func appendFixed64(b []byte, field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(appendTag(b, field, wireI64), v)
}

func appendFixed32(b []byte, field int, v uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendTag(b, field, wireI32), v)
}

func appendInstant(b []byte, field int, t time.Time) []byte {
	return appendFixed64(b, field, uint64(max(0, t.UnixNano())))
}

func appendBytes(b []byte, field int, v []byte) []byte {
	return append(appendLen(appendTag(b, field, wireLen), len(v)), v...)
}

// appendText appends a string. One that is no UTF-8 would make a receiver refuse
// the whole request.
func appendText(b []byte, field int, v string) []byte {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\ufffd")
	}
	return append(appendLen(appendTag(b, field, wireLen), len(v)), v...)
}

// open begins a message inside of another; shut ends it.
func open(b []byte, field int) (out []byte, at int) {
	b = append(appendTag(b, field, wireLen), 0)
	return b, len(b)
}

// shut writes the length in front, moving the message when that takes more than
// the one byte that was kept for it.
func shut(b []byte, at int) []byte {
	n := len(b) - at
	if n < 0x80 {
		b[at-1] = byte(n) //nolint:gosec // below 128
		return b
	}
	var length [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(length[:], uint64(n))
	b = append(b, length[:k-1]...)
	copy(b[at+k-1:], b[at:at+n])
	copy(b[at-1:], length[:k])
	return b
}

// appendAttr appends a KeyValue.
func appendAttr(b []byte, field int, a slog.Attr) []byte {
	b, at := open(b, field)
	b = appendText(b, 1, a.Key)
	b, value := open(b, 2)
	b = appendValue(b, a.Value)
	return shut(shut(b, value), at)
}

// appendValue appends what stands in an AnyValue.
func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendText(b, 1, v.String())
	case slog.KindBool:
		n := uint64(0)
		if v.Bool() {
			n = 1
		}
		return appendUint(b, 2, n)
	case slog.KindInt64:
		return appendUint(b, 3, uint64(v.Int64())) //nolint:gosec // two's complement, as protobuf has it
	case slog.KindUint64:
		if v.Uint64() > math.MaxInt64 {
			return appendText(b, 1, v.String())
		}
		return appendUint(b, 3, v.Uint64())
	case slog.KindFloat64:
		return appendFixed64(b, 4, math.Float64bits(v.Float64()))
	case slog.KindDuration:
		return appendText(b, 1, v.Duration().String())
	case slog.KindTime:
		return appendText(b, 1, v.Time().Format(time.RFC3339Nano))
	case slog.KindGroup:
		b, at := open(b, 6)
		for _, a := range v.Group() {
			b = appendAttr(b, 1, a)
		}
		return shut(b, at)
	case slog.KindLogValuer:
		return appendValue(b, v.Resolve())
	case slog.KindAny:
	}
	return appendList(b, v.Any())
}

// appendList appends slices, and everything else as text.
func appendList(b []byte, v any) []byte {
	switch v := v.(type) {
	case []byte:
		return appendBytes(b, 7, v)
	case []string:
		return appendEach(b, len(v), func(b []byte, i int) []byte { return appendText(b, 1, v[i]) })
	case []bool:
		return appendEach(b, len(v), func(b []byte, i int) []byte { return appendValue(b, slog.BoolValue(v[i])) })
	case []int64:
		return appendEach(b, len(v), func(b []byte, i int) []byte { return appendValue(b, slog.Int64Value(v[i])) })
	case []int:
		return appendEach(b, len(v), func(b []byte, i int) []byte { return appendValue(b, slog.IntValue(v[i])) })
	case []slog.Value:
		return appendEach(b, len(v), func(b []byte, i int) []byte { return appendValue(b, v[i]) })
	case []float64:
		return appendEach(b, len(v), func(b []byte, i int) []byte { return appendValue(b, slog.Float64Value(v[i])) })
	case nil:
		return b // an AnyValue without a value
	default:
		return appendText(b, 1, describe(v))
	}
}

func appendEach(b []byte, n int, one func([]byte, int) []byte) []byte {
	b, list := open(b, 5)
	for i := range n {
		var at int
		b, at = open(b, 1)
		b = shut(one(b, i), at)
	}
	return shut(b, list)
}
