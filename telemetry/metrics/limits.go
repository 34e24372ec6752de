package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// What CloudWatch takes. (User guide: embedded metric format specification; API
// reference: PutMetricData, MetricDatum and Dimension.)
const (
	maxMetrics    = 100  // of a directive
	maxValues     = 100  // of a metric in a document
	maxDimensions = 30   // of a set
	maxNamespace  = 255  // the format's schema allows 1024, the API does not
	maxMetricName = 255  // likewise
	maxDimName    = 250  // the schema allows less than the API
	maxDimValue   = 1024 // characters
	largest       = 0x1p360

	oldest = 14 * 24 * time.Hour
	newest = 2 * time.Hour

	// A log event, and with it a document, was at most 256 KB, and is at most 1 MB
	// since 2025; 26 bytes are CloudWatch's own. The smaller one is kept unless
	// more is asked for: a document that is too long is split, which loses nothing.
	overhead     = 26
	defaultLimit = 256<<10 - overhead
	leastLimit   = 128 << 10
	mostLimit    = 1<<20 - overhead

	// maxBinding bounds what dimensions may take of a document, in bytes; a quarter
	// of the document is metadata at most. One metric with all its values then
	// always finds room.
	maxBinding = 64 << 10
)

// fault is what a name or a value is refused for, with what to do; "": nothing.
type fault string

// text checks what CloudWatch asks of all its texts.
func text(s string, longest int) fault {
	switch {
	case s == "":
		return "is empty; give it a name"
	case len(s) > longest:
		return fault(fmt.Sprintf("has %d bytes; shorten it to %d", len(s), longest))
	case s[0] == ':':
		return "begins with a colon, which CloudWatch refuses; begin with a letter"
	case strings.TrimSpace(s) == "":
		return "is blank; give it a letter"
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return fault(fmt.Sprintf("has the byte 0x%02x at %d; CloudWatch takes printable ASCII only", s[i], i))
		}
	}
	return ""
}

func namespaceFault(s string) fault {
	if f := text(s, maxNamespace); f != "" {
		return f
	}
	if strings.HasPrefix(s, "AWS/") {
		return `begins with "AWS/", which is Amazon's own; choose another`
	}
	for i := range len(s) {
		c := s[i]
		if letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'; !letter && strings.IndexByte(".-_/#: ", c) < 0 {
			return fault(fmt.Sprintf("has %q; CloudWatch takes letters, digits and . - _ / # : and space", c))
		}
	}
	return ""
}

func unitFault(u Unit) fault {
	if u == "" || slices.Contains(Units(), u) {
		return ""
	}
	for _, known := range Units() {
		if strings.EqualFold(string(known), string(u)) {
			return fault(fmt.Sprintf("is written %q", known))
		}
	}
	return "is none of CloudWatch's 27; use one of the constants, such as metrics.Count"
}

// number says why a value would be rejected; "": it would not.
func number(v float64) Reason {
	switch a := math.Abs(v); {
	case a <= largest:
		return ""
	case math.IsNaN(v) || math.IsInf(v, 0):
		return NotANumber
	default:
		return OutOfRange
	}
}

// inWindow says whether CloudWatch takes data of this instant, both in
// milliseconds since 1970.
func inWindow(at, now int64) bool {
	return at >= now-oldest.Milliseconds() && at <= now+newest.Milliseconds()
}
