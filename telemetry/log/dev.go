package log

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
)

// readable turns a record into a line for a person: the time of day, the level,
// the message and the attributes; an error gets lines of its own. What is the same
// in every record is left out.
func readable(record []byte) []byte {
	record = bytes.TrimSpace(record)
	var level, message, clock string
	var attrs, errors strings.Builder
	for _, s := range split(record, 1, nil) {
		key, value := unescape(record[s.key:s.keyEnd]), record[s.keyEnd+2:s.end]
		switch key {
		case "level":
			level = text(value)
		case "message":
			message = text(value)
		case "timestamp":
			clock = timeOfDay(text(value))
		case "service", "cold_start", "function_arn", "function_memory_size", "function_name", "sampling_rate", "xray_trace_id":
		default:
			if failure(&errors, key, value) {
				continue
			}
			attrs.WriteString(" " + harmless(key) + "=" + word(value))
		}
	}
	line := []byte(clock + " " + level + strings.Repeat(" ", max(0, 5-len(level))) + " " + harmless(message))
	if attrs.Len() > 0 {
		line = append(append(line, ' '), attrs.String()...)
	}
	line = append(line, '\n')
	return append(line, errors.String()...)
}

// timeOfDay is what stands between T and the zone.
func timeOfDay(timestamp string) string {
	_, after, _ := strings.Cut(timestamp, "T")
	return after[:min(len(after), len("15:04:05.000"))]
}

// text is a JSON string's, or the JSON of any other value.
func text(value []byte) string {
	if len(value) >= 2 && value[0] == '"' {
		return unescape(value[1 : len(value)-1])
	}
	return string(value)
}

// word is a value on one line; quotes are there only where they are needed.
func word(value []byte) string {
	t := text(value)
	if len(value) > 0 && value[0] == '"' && (t == "" || strings.ContainsAny(t, " =\"\n\t\r")) {
		return strconv.Quote(t)
	}
	return harmless(t)
}

// harmless keeps a text from moving the terminal's cursor; further lines of it are
// set in.
func harmless(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString("\n             ")
		case unicode.IsControl(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// failure writes an error's lines, if value is an error's object.
func failure(to *strings.Builder, key string, value []byte) bool {
	if !bytes.HasPrefix(value, []byte(`{"name":`)) {
		return false
	}
	errorLine(to, harmless(key), value)
	return true
}

// errorLine writes what, the error's type, text and place, and then what it wraps.
func errorLine(to *strings.Builder, what string, object []byte) {
	var name, message, location string
	var below [][]byte
	for _, s := range split(object, 1, nil) {
		value := object[s.keyEnd+2 : s.end]
		switch string(object[s.key:s.keyEnd]) {
		case "name":
			name = text(value)
		case "message":
			message = text(value)
		case "location":
			location = " (" + text(value) + ")"
		case "chain", "joined":
			below = append(below, elements(value)...)
		}
	}
	to.WriteString("             " + what + ": " + harmless(name) + ": " + harmless(message) + harmless(location) + "\n")
	for _, b := range below {
		errorLine(to, "wraps", b)
	}
}

// elements are the values of an array.
func elements(array []byte) (all [][]byte) {
	c := cursor{b: array, i: 1}
	for {
		v, ok := c.value()
		if !ok {
			return all
		}
		all = append(all, v)
		c.take(',')
	}
}
