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
	"strconv"
	"time"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// plain says of each byte below 0x80 whether it stands for itself in a string.
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
	b = append(b, '"')
	b = AppendText(b, s)
	return append(b, '"')
}

// AppendText appends s escaped as inside of a JSON string, without the quotes.
func AppendText(b []byte, s string) []byte {
	from, i := 0, plainPrefix(s)
	for i < len(s) {
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

// plainPrefix is how many bytes at the beginning of s certainly stand for
// themselves, looking at eight at a time: most texts of logs are plain all through.
func plainPrefix(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if !plainWord(w) {
			break
		}
	}
	return i
}

// plainWord says whether none of eight bytes is above 0x7e, below a space, a quote
// or a backslash. A borrow can make it say no wrongly, never yes.
func plainWord(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return (w|(w+ones)|(w-ones*' ')|(quote-ones)|(slash-ones))&tops == 0
}

// Plain says whether s as a JSON string is s in quotes.
func Plain(s string) bool {
	for i := plainPrefix(s); i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || !plain[c] {
			return false
		}
	}
	return true
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
