package oracle

import (
	"encoding/json"
	"fmt"
	"testing"
)

const (
	maxSegment     = 64 << 10 // bytes of one document
	maxAnnotations = 50       // that X-Ray indexes, per trace
)

// Segment fails the test unless doc is a segment document, or an independent
// subsegment, that X-Ray takes whole.
func Segment(tb testing.TB, doc []byte) {
	tb.Helper()
	if err := CheckSegment(doc); err != nil {
		tb.Fatalf("%v, in:\n%.2000s", err, doc)
	}
}

// CheckSegment says what X-Ray would refuse or drop of a document: by the schema,
// and by the limits that a schema cannot say.
func CheckSegment(doc []byte) error {
	if len(doc) > maxSegment {
		return fmt.Errorf("the document has %d bytes; %d is the most", len(doc), maxSegment)
	}
	if _, err := members(doc); err != nil {
		return err
	}
	if err := against("xray-segment", doc); err != nil {
		return err
	}
	var s segment
	if err := json.Unmarshal(doc, &s); err != nil {
		return fmt.Errorf("no segment: %w", err)
	}
	n, err := s.check()
	if err == nil && n > maxAnnotations {
		return fmt.Errorf("%d annotations; X-Ray indexes %d", n, maxAnnotations)
	}
	return err
}

// segment is what a schema cannot hold against each other.
type segment struct {
	Name        string         `json:"name"`
	Start       float64        `json:"start_time"`
	End         *float64       `json:"end_time"`
	Annotations map[string]any `json:"annotations"`
	Subsegments []segment      `json:"subsegments"`
}

// check returns how many annotations there are.
func (s segment) check() (annotations int, err error) {
	if s.End != nil && *s.End < s.Start {
		return 0, fmt.Errorf("%q ends before it starts", s.Name)
	}
	annotations = len(s.Annotations)
	for _, sub := range s.Subsegments {
		n, err := sub.check()
		if err != nil {
			return 0, err
		}
		annotations += n
	}
	return annotations, nil
}
