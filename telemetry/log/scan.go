package log

import (
	"bytes"
	"encoding/json"
)

// cursor walks over JSON without building anything from it. It follows the
// structure only; it does not judge scalars. What is no JSON ends the walk: no
// method panics, loops or recurses, whatever the bytes are.
type cursor struct {
	b []byte
	i int
}

func (c *cursor) space() {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\t', '\n', '\r':
			c.i++
		default:
			return
		}
	}
}

// take consumes one byte that must come next.
func (c *cursor) take(want byte) bool {
	c.space()
	if c.i >= len(c.b) || c.b[c.i] != want {
		return false
	}
	c.i++
	return true
}

// text consumes a string and returns what stands between its quotes.
func (c *cursor) text() ([]byte, bool) {
	if !c.take('"') {
		return nil, false
	}
	from := c.i
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case '"':
			c.i++
			return c.b[from : c.i-1], true
		case '\\':
			c.i++
		}
		c.i++
	}
	c.i = len(c.b)
	return nil, false
}

// next consumes the key of an object's next member and its colon. The value must
// be consumed before the next call. At the end of the object it says false.
func (c *cursor) next() ([]byte, bool) {
	c.space()
	if c.i < len(c.b) && c.b[c.i] == ',' {
		c.i++
	}
	key, ok := c.text()
	if !ok || !c.take(':') {
		return nil, false
	}
	return key, true
}

// skip consumes a value of any kind.
func (c *cursor) skip() bool {
	c.space()
	from := c.i
	depth := 0
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case '"':
			if _, ok := c.text(); !ok {
				return false
			}
		case '{', '[':
			depth++
			c.i++
		case '}', ']':
			if depth == 0 {
				return c.i > from
			}
			depth--
			c.i++
		case ',':
			if depth == 0 {
				return c.i > from
			}
			c.i++
			continue
		default:
			c.i++
			continue
		}
		if depth == 0 {
			return true
		}
	}
	return depth == 0 && c.i > from
}

// value consumes a value and returns its bytes.
func (c *cursor) value() ([]byte, bool) {
	c.space()
	from := c.i
	if !c.skip() {
		return nil, false
	}
	return bytes.TrimRight(c.b[from:c.i], " \t\r\n"), true
}

// unescape turns what stands between a string's quotes into text.
func unescape(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var s string
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	if json.Unmarshal(quoted, &s) != nil {
		return ""
	}
	return s
}
