// Package publish holds the vocabulary of numbers that Nines gives away, and the
// port to where they go: dashboards and alarms that are there already.
package publish

import (
	"context"
	"math"
	"strings"
	"time"
)

// Sample is one number at one instant.
type Sample struct {
	Name       string // "BudgetRemaining"
	Dimensions []Dimension
	Value      float64
	Unit       Unit
	At         time.Time
}

// Dimension is a part of a metric's identity. Order matters.
type Dimension struct{ Name, Value string }

// Unit is what a value is counted in. The zero value is a plain number.
type Unit string

// The units that are used, in CloudWatch's words.
const (
	Plain   Unit = "None"
	Percent Unit = "Percent"
	Seconds Unit = "Seconds"
)

// Receipt is what became of samples.
type Receipt struct {
	Published int `json:"published"`
	Requests  int `json:"requests"`
	// Dropped says what could not be published, and why, once for each reason.
	Dropped []string `json:"dropped,omitempty"`
}

// Add returns both together.
func (r Receipt) Add(o Receipt) Receipt {
	r.Published += o.Published
	r.Requests += o.Requests
	r.Dropped = append(r.Dropped, o.Dropped...)
	return r
}

// Sink takes samples. A sample it cannot take is dropped with a reason; the
// others are published all the same. Its error, of package fault, means that
// the sink as a whole failed, and what the receipt counts was published before.
// It is safe for concurrent use. Implementations pass the suite in publishtest.
type Sink interface {
	Publish(ctx context.Context, samples []Sample) (Receipt, error)
}

// Limits of CloudWatch's metrics. (API reference, MetricDatum and Dimension.)
const (
	maxName  = 255
	maxValue = 1024
	// A value's magnitude must be below.
	largest = 0x1p360
)

// Check says why CloudWatch would not take a sample; "": it would.
func Check(s Sample) string {
	switch {
	case math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || math.Abs(s.Value) >= largest:
		return s.Name + ": not a finite number"
	case s.Name == "" || len(s.Name) > maxName:
		return s.Name + ": a name has 1 to 255 letters"
	case s.At.IsZero():
		return s.Name + ": no time"
	}
	for _, d := range s.Dimensions {
		if v := Clean(d.Value); d.Name == "" || strings.TrimSpace(v) == "" || len(v) > maxValue {
			return s.Name + ": the dimension " + d.Name + " has 1 to 1,024 letters"
		}
	}
	return ""
}

// Clean writes a dimension's value as CloudWatch takes it: printable ASCII that
// does not begin with a colon. Other bytes become %XX, so that names which
// differ still do.
func Clean(value string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if c < ' ' || c > '~' || c == ':' && i == 0 {
			b.WriteString("%" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
