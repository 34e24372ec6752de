package trace

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// ParseTraceparent reads W3C's header of the same purpose, "00-TRACE-SPAN-FLAGS",
// also of a later version, as its specification asks.
func ParseTraceparent(s string) (h Header, err error) {
	s = strings.TrimSpace(s)
	bad := func(why string) (Header, error) {
		return Header{}, fmt.Errorf("traceparent %.64q: %s; want 00-<32 digits>-<16 digits>-<2 digits>", s, why)
	}
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return bad("not of that form")
	}
	// W3C wants small letters, and nothing else says that bytes are hexadecimal.
	if strings.ContainsAny(s[:55], "ABCDEF") {
		return bad("capital letters")
	}
	var version, flags [1]byte
	if !unhex(version[:], s[:2]) || version[0] == 0xff || !unhex(flags[:], s[53:55]) {
		return bad("the version or the flags are not valid")
	}
	if len(s) > 55 && (version[0] == 0 || s[55] != '-') {
		return bad("something stands behind it")
	}
	if h.Trace, err = ParseTraceID(s[3:35]); err != nil {
		return bad("no trace id")
	}
	if h.Parent, err = ParseSpanID(s[36:52]); err != nil {
		return bad("no span id")
	}
	h.Sampled = Dropped
	if flags[0]&1 != 0 {
		h.Sampled = Kept
	}
	return h, nil
}

// Traceparent is the header in W3C's form; "" when there is no span to name, which
// that form requires.
func (h Header) Traceparent() string {
	if h.IsZero() || h.Parent.IsZero() {
		return ""
	}
	b := make([]byte, 0, 55)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, h.Trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, h.Parent[:])
	if h.Sampled == Kept {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}
