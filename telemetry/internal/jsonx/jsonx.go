// Package jsonx appends JSON to a buffer: what encoding/json would write, without
// reflection and without allocating. Logs, metrics and traces share it.
//
// Every function takes a buffer and returns it, longer. What is appended is always
// one whole JSON value: a string with bytes that are no UTF-8 gets U+FFFD for
// them, a number that JSON has no word for becomes a string (see [AppendFloat]).
package jsonx

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// plain says of each byte below 0x80 whether it stands for itself in a string.
//
//nolint:gochecknoglobals // a table
var plain = func() (t [utf8.RuneSelf]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\' && c != 0x7f
	}
	return t
}()

// AppendString appends s as a JSON string. Unlike encoding/json it does not
// escape for HTML; like it, it escapes U+2028 and U+2029, which some readers take
// for the end of a line.
func AppendString(b []byte, s string) []byte {
	if !Plain(s) {
		b = append(b, '"')
		b = AppendText(b, s)
		return append(b, '"')
	}
	// In one step: most of what a record costs is checks for room.
	i := len(b)
	b = slices.Grow(b, len(s)+2)[:i+len(s)+2]
	b[i] = '"'
	copy(b[i+1:], s)
	b[len(b)-1] = '"'
	return b
}

// AppendText appends s escaped as inside of a JSON string, without the quotes.
func AppendText(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if plain[c] {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			b = appendEscape(b, c)
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, s[from:i]...)
			b = append(b, `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			b = append(b, s[from:i]...)
			b = append(b, `\u202`...)
			b = append(b, hex[r&0xf])
		default:
			i += n
			continue
		}
		i += n
		from = i
	}
	return append(b, s[from:]...)
}

// Plain says whether s as a JSON string is s in quotes. It looks at eight bytes at
// a time, some of them twice: most texts of logs are plain all through.
func Plain(s string) bool {
	n := len(s)
	switch {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			if !plainWord(word(s[i:])) {
				return false
			}
		}
		return plainWord(word(s[n-8:]))
	case n >= 4:
		return plainWord(uint64(half(s)) | uint64(half(s[n-4:]))<<32)
	default:
		for i := range n {
			if c := s[i]; c >= utf8.RuneSelf || !plain[c] {
				return false
			}
		}
		return true
	}
}

// word and half are the first eight and four bytes of s; the compiler makes one
// load of each.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func half(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// plainWord says whether none of eight bytes is above 0x7e, below a space, a quote
// or a backslash. A borrow or a carry can make it say no wrongly, never yes.
func plainWord(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return (w|(w+ones)|(w-ones*' ')|(quote-ones)|(slash-ones))&tops == 0
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}

// AppendKey appends `,"key":`, or without the comma at the beginning of an object.
func AppendKey(b []byte, key string) []byte {
	if len(b) > 0 && b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = AppendString(b, key)
	return append(b, ':')
}

// AppendFloat appends f as encoding/json does. NaN and the infinities, which JSON
// cannot say, become the strings "NaN", "+Inf" and "-Inf": a reader sees what was
// meant, and the line stays JSON. (Metrics never get that far: they count them.)
func AppendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		b = append(b, '"')
		b = strconv.AppendFloat(b, f, 'g', -1, 64)
		return append(b, '"')
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		if f == 0 && math.Signbit(f) {
			return append(b, '-', '0')
		}
		return strconv.AppendInt(b, int64(f), 10)
	}
	format := byte('f')
	if a := math.Abs(f); a < 1e-6 || a >= 1e21 {
		format = 'e'
	}
	b = strconv.AppendFloat(b, f, format, -1, 64)
	if format == 'e' {
		// As ECMAScript has it: e-9, not e-09.
		if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
			b[n-2] = b[n-1]
			b = b[:n-1]
		}
	}
	return b
}

// AppendTime appends t as an RFC 3339 string with milliseconds, in t's own zone:
// "2026-11-23T07:00:00.123Z".
func AppendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	return append(b, '"')
}

// AppendAny appends v by encoding/json: the slow way, for what has no other. A
// value that cannot be encoded becomes a string that says why.
func AppendAny(b []byte, v any) (out []byte) {
	at := len(b)
	defer func() {
		// A MarshalJSON that panics must not take the function with it.
		if p := recover(); p != nil {
			out = AppendString(b[:at], "!PANIC in MarshalJSON")
		}
	}()
	data, err := json.Marshal(v)
	if err != nil {
		return AppendString(b, "!ERROR: "+err.Error())
	}
	return append(b, data...)
}
