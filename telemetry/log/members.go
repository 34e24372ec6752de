package log

import (
	"bytes"
	"slices"
)

// span is one member of an object: where its key stands (without quotes), and
// where its value ends.
type span struct{ key, keyEnd, end int }

// unique makes the keys of the members b[from:] unique: the last of equal ones
// stays. With final, members that say nothing (null and "") go, too. The members
// are ours: compact, and escaped the same way, so that equal keys are equal bytes.
func unique(b []byte, from int, spans []span, final bool) ([]byte, []span) {
	spans = split(b, from, spans[:0])
	last := lastOnes(b, spans)
	to := from
	for i, s := range spans {
		if last != nil && !last[i] || last == nil && repeated(b, spans[i:]) || final && isNothing(b[s.keyEnd+2:s.end]) {
			continue
		}
		if to > from {
			b[to] = ','
			to++
		}
		to += copy(b[to:], b[s.key-1:s.end])
	}
	return b[:to], spans
}

// split finds the members.
func split(b []byte, from int, spans []span) []span {
	c := cursor{b: b, i: from}
	for {
		key, ok := c.next()
		if !ok {
			return spans
		}
		keyEnd := c.i - 2
		if !c.skip() {
			return spans
		}
		spans = append(spans, span{key: keyEnd - len(key), keyEnd: keyEnd, end: c.i})
	}
}

// repeated says whether the first key comes again.
func repeated(b []byte, spans []span) bool {
	key := b[spans[0].key:spans[0].keyEnd]
	return slices.ContainsFunc(spans[1:], func(s span) bool { return bytes.Equal(key, b[s.key:s.keyEnd]) })
}

// lastOnes does the same for records so wide that comparing all with all would
// take long; nil for others.
func lastOnes(b []byte, spans []span) []bool {
	if len(spans) <= 128 {
		return nil
	}
	at := make(map[string]int, len(spans))
	for i, s := range spans {
		at[string(b[s.key:s.keyEnd])] = i
	}
	last := make([]bool, len(spans))
	for _, i := range at {
		last[i] = true
	}
	return last
}

// isNothing says whether an encoded value is one that records leave out at the top.
func isNothing(v []byte) bool { return string(v) == "null" || string(v) == `""` }

// hidden stands where a value was redacted.
const hidden = `"*****"`

// redact copies the JSON of src to dst with the values of secret keys hidden, at
// any depth. It goes over the bytes once and keeps no stack: a key is a string
// that a colon follows.
func redact(dst, src []byte, secret func(key string) bool) []byte {
	c := cursor{b: src}
	from := 0
	for c.i < len(src) {
		if src[c.i] != '"' {
			c.i++
			continue
		}
		key, ok := c.text()
		if !ok {
			break
		}
		if !c.take(':') || !secret(unescape(key)) {
			continue
		}
		dst = append(dst, src[from:c.i]...)
		dst = append(dst, hidden...)
		if !c.skip() {
			return dst
		}
		from = c.i
	}
	return append(dst, src[from:]...)
}
