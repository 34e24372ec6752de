package oracle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// Limits are the bounds of one edition of the embedded metric format.
type Limits string

// The editions. What fits into the older one is taken everywhere; the newer one is
// what CloudWatch takes today: 30 dimensions instead of 9, resolution, longer names.
const (
	Limits2021 Limits = "2021"
	Limits2024 Limits = "2024"
)

// maxLine is the most bytes of one event in CloudWatch Logs, by edition.
func (l Limits) maxLine() int {
	if l == Limits2021 {
		return 256 << 10
	}
	return 1 << 20
}

// EMF fails the test unless line is a document of the embedded metric format that
// CloudWatch takes whole, within the limits of 2024 or those that are named.
// A newline at its end is part of the stream, not of the document.
func EMF(tb testing.TB, line []byte, limits ...Limits) {
	tb.Helper()
	if len(limits) == 0 {
		limits = []Limits{Limits2024}
	}
	for _, l := range limits {
		if err := CheckEMF(line, l); err != nil {
			tb.Fatalf("%v, in:\n%.2000s", err, line)
		}
	}
}

// CheckEMF says what CloudWatch would refuse or drop of a line: by the schema, by
// the rest of the specification (one object and nothing else, targets at the root,
// at most 100 values), and by what PutMetricData documents for dimensions and
// values.
func CheckEMF(line []byte, limits Limits) error {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if bytes.ContainsAny(line, "\r\n") {
		return errors.New("the document is on several lines")
	}
	if len(line) > limits.maxLine() {
		return fmt.Errorf("the line has %d bytes; an event has at most %d", len(line), limits.maxLine())
	}
	fields, err := members(line)
	if err != nil {
		return err
	}
	if err := against("emf-"+string(limits), line); err != nil {
		return err
	}
	var doc struct {
		AWS struct {
			CloudWatchMetrics []directive
		} `json:"_aws"`
	}
	if err := json.Unmarshal(line, &doc); err != nil {
		return fmt.Errorf("no metric document: %w", err)
	}
	root := map[string]json.RawMessage{}
	for _, f := range fields {
		root[f.Key] = f.Value
	}
	for _, d := range doc.AWS.CloudWatchMetrics {
		if err := d.check(root); err != nil {
			return err
		}
	}
	return nil
}

// directive is what of a MetricDirective refers to the root.
type directive struct {
	Dimensions [][]string
	Metrics    []struct{ Name string }
}

func (d directive) check(root map[string]json.RawMessage) error {
	seen := map[string]bool{}
	for _, m := range d.Metrics {
		if seen[m.Name] {
			return fmt.Errorf("metric %q is defined twice", m.Name)
		}
		seen[m.Name] = true
		if err := checkValues(root[m.Name]); err != nil {
			return fmt.Errorf("metric %q: %w", m.Name, err)
		}
	}
	for _, set := range d.Dimensions {
		for _, name := range set {
			if err := checkDimension(name, root[name]); err != nil {
				return fmt.Errorf("dimension %q: %w", name, err)
			}
		}
	}
	return nil
}

// maxMagnitude is the largest value that PutMetricData documents.
const maxMagnitude = 0x1p360

// checkValues checks a metric's target: a number, or up to 100.
func checkValues(raw json.RawMessage) error {
	if raw == nil {
		return errors.New("no such member at the root")
	}
	if raw[0] != '[' {
		raw = append(append([]byte{'['}, raw...), ']')
	}
	var values []*float64
	if err := json.Unmarshal(raw, &values); err != nil {
		return fmt.Errorf("is no number and no array of numbers: %w", err)
	}
	if len(values) == 0 || len(values) > 100 {
		return fmt.Errorf("has %d values, not 1 to 100", len(values))
	}
	for _, v := range values {
		if v == nil {
			return errors.New("null is no number")
		}
		if math.Abs(*v) > maxMagnitude {
			return fmt.Errorf("%g is beyond 2^360", *v)
		}
	}
	return nil
}

// checkDimension checks a dimension's target: a string that CloudWatch takes.
func checkDimension(name string, raw json.RawMessage) error {
	if raw == nil {
		return errors.New("no such member at the root")
	}
	var value string
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		return fmt.Errorf("%.40s is no string", raw)
	}
	switch {
	case strings.HasPrefix(name, ":"):
		return errors.New("a name does not start with a colon")
	case len(value) > 1024:
		return fmt.Errorf("has %d characters; 1024 is the most", len(value))
	case strings.TrimSpace(value) == "":
		return errors.New("has nothing but space")
	}
	for _, r := range name + value {
		if r < ' ' || r > '~' {
			return fmt.Errorf("has %q; printable ASCII is what CloudWatch takes", r)
		}
	}
	return nil
}
