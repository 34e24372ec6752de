package emf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// Limits of the specification.
const (
	maxMetrics    = 100 // of a directive
	maxDimensions = 30  // of a dimension set
	maxValues     = 100 // of an array
	maxName       = 255
	maxValue      = 1024
	largest       = 0x1p360
)

// Reader turns lines into data.
type Reader struct {
	// Now bounds the timestamps: two weeks back, two hours ahead.
	Now time.Time
	// AnyTime lifts the bounds: history is loaded.
	AnyTime bool
	// Unit says whether a text is a unit.
	Unit func(string) bool
}

// Result is what a line held.
type Result struct {
	Data     []store.Datum
	Problems []string // why something was left out
	Ignored  bool     // an ordinary log line
}

type root struct {
	AWS *struct {
		Timestamp         *json.Number    `json:"Timestamp"`
		CloudWatchMetrics json.RawMessage `json:"CloudWatchMetrics"`
	} `json:"_aws"`
}

type directive struct {
	Namespace  string     `json:"Namespace"`
	Dimensions [][]string `json:"Dimensions"`
	Metrics    []metric   `json:"Metrics"`
}

type metric struct {
	Name              string `json:"Name"`
	Unit              string `json:"Unit"`
	StorageResolution *int64 `json:"StorageResolution"`
}

// Line reads one line.
func (r Reader) Line(line []byte) Result {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' || !bytes.Contains(line, []byte(`"_aws"`)) {
		return Result{Ignored: true}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		return failed("the line is not JSON: %v", err)
	}
	if members["_aws"] == nil {
		return Result{Ignored: true}
	}
	var head root
	if err := json.Unmarshal(line, &head); err != nil || head.AWS == nil {
		return failed("_aws is not an object of the embedded metric format")
	}
	at, err := r.timestamp(head.AWS.Timestamp)
	if err != nil {
		return failed("%v", err)
	}
	var directives []directive
	if err := json.Unmarshal(head.AWS.CloudWatchMetrics, &directives); err != nil {
		return failed("_aws.CloudWatchMetrics is not a list of directives: %v", err)
	}
	var out Result
	for _, d := range directives {
		r.directive(&out, d, members, at)
	}
	if len(directives) == 0 {
		out.problem("_aws.CloudWatchMetrics is empty")
	}
	return out
}

func failed(format string, a ...any) Result {
	return Result{Problems: []string{fmt.Sprintf(format, a...)}}
}

func (r *Result) problem(format string, a ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, a...))
}

// timestamp reads milliseconds since 1970.
func (r Reader) timestamp(n *json.Number) (time.Time, error) {
	if n == nil {
		return time.Time{}, errors.New("_aws.Timestamp is missing")
	}
	ms, err := n.Float64()
	if err != nil || math.Abs(ms) > 1e15 {
		return time.Time{}, fmt.Errorf("_aws.Timestamp %q is not milliseconds since 1970", n.String())
	}
	at := time.UnixMilli(int64(ms))
	switch {
	case r.AnyTime:
	case at.Before(r.Now.Add(-14 * 24 * time.Hour)):
		return at, fmt.Errorf("_aws.Timestamp %s is more than two weeks old", at.UTC().Format(time.RFC3339))
	case at.After(r.Now.Add(2 * time.Hour)):
		return at, fmt.Errorf("_aws.Timestamp %s is more than two hours ahead", at.UTC().Format(time.RFC3339))
	}
	return at, nil
}

func (r Reader) directive(out *Result, d directive, members map[string]json.RawMessage, at time.Time) {
	switch {
	case !goodName(d.Namespace):
		out.problem("a Namespace is missing, too long or has control characters")
		return
	case len(d.Metrics) > maxMetrics:
		out.problem("a directive has %d metrics, more than %d", len(d.Metrics), maxMetrics)
		return
	}
	sets := d.Dimensions
	if len(sets) == 0 {
		sets = [][]string{nil}
	}
	var resolved [][]store.Dimension
	for _, names := range sets {
		dims, err := dimensions(names, members)
		if err != nil {
			out.problem("%v", err)
			continue
		}
		resolved = append(resolved, dims)
	}
	for _, m := range d.Metrics {
		set, err := r.metric(m, members)
		if err != nil {
			out.problem("%v", err)
			continue
		}
		step := int64(60)
		if m.StorageResolution != nil {
			step = *m.StorageResolution
		}
		unit := m.Unit
		if unit == "" {
			unit = "None"
		}
		for _, dims := range resolved {
			out.Data = append(out.Data, store.Datum{Metric: store.NewMetric(d.Namespace, m.Name, dims), Unit: unit, At: floor(at.Unix(), step), Set: set})
		}
	}
}

func floor(at, step int64) int64 { return at - ((at%step)+step)%step }

func goodName(s string) bool {
	return s != "" && len(s) <= maxName && s[0] != ':' && !control(s)
}

func control(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// dimensions resolves a dimension set: each name is a member of the line whose
// value is a text.
func dimensions(names []string, members map[string]json.RawMessage) ([]store.Dimension, error) {
	if len(names) > maxDimensions {
		return nil, fmt.Errorf("a dimension set has %d names, more than %d", len(names), maxDimensions)
	}
	dims := make([]store.Dimension, 0, len(names))
	for _, name := range names {
		raw, ok := members[name]
		if !ok || !goodName(name) {
			return nil, fmt.Errorf("the dimension %q is not a member of the line", name)
		}
		var value *string
		if err := json.Unmarshal(raw, &value); err != nil || value == nil || *value == "" || len(*value) > maxValue || control(*value) {
			return nil, fmt.Errorf("the dimension %q is not a text of 1 to %d characters", name, maxValue)
		}
		for _, d := range dims {
			if d.Name == name {
				return nil, fmt.Errorf("the dimension %q stands twice in a set", name)
			}
		}
		dims = append(dims, store.Dimension{Name: name, Value: *value})
	}
	return dims, nil
}

func (r Reader) metric(m metric, members map[string]json.RawMessage) (stat.Set, error) {
	raw, ok := members[m.Name]
	switch {
	case !goodName(m.Name):
		return stat.Set{}, errors.New("a metric's Name is missing, too long or has control characters")
	case !ok:
		return stat.Set{}, fmt.Errorf("the metric %q is not a member of the line", m.Name)
	case m.Unit != "" && !r.Unit(m.Unit):
		return stat.Set{}, fmt.Errorf("the metric %q has the unknown unit %q", m.Name, m.Unit)
	case m.StorageResolution != nil && *m.StorageResolution != 1 && *m.StorageResolution != 60:
		return stat.Set{}, fmt.Errorf("the metric %q has a StorageResolution of %d; 1 and 60 are possible", m.Name, *m.StorageResolution)
	}
	set, err := values(raw)
	if err != nil {
		return set, fmt.Errorf("the metric %q: %w", m.Name, err)
	}
	return set, nil
}

var errNotNumbers = errors.New("it is neither a number nor a list of numbers")

func values(raw json.RawMessage) (stat.Set, error) {
	switch raw[0] {
	case '{':
		return structured(raw)
	case '[':
		return list(raw)
	}
	var v *float64
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		return stat.Set{}, errNotNumbers
	}
	return samples([]float64{*v}, nil)
}

func list(raw json.RawMessage) (stat.Set, error) {
	var all []*float64
	if err := json.Unmarshal(raw, &all); err != nil {
		return stat.Set{}, errNotNumbers
	}
	numbers := make([]float64, 0, len(all))
	for _, v := range all {
		if v == nil {
			return stat.Set{}, errNotNumbers
		}
		numbers = append(numbers, *v)
	}
	return samples(numbers, nil)
}

// structured reads the two forms the agent writes.
func structured(raw json.RawMessage) (stat.Set, error) {
	var o struct {
		Values, Counts       []float64
		Min, Max, Sum, Count *float64
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return stat.Set{}, errNotNumbers
	}
	if len(o.Values) > 0 {
		if len(o.Counts) != len(o.Values) {
			return stat.Set{}, errors.New("its Values and Counts differ in length")
		}
		return samples(o.Values, o.Counts)
	}
	if o.Min == nil || o.Max == nil || o.Sum == nil || o.Count == nil || *o.Min > *o.Max || *o.Count <= 0 {
		return stat.Set{}, errors.New("an object needs Values and Counts, or Min, Max, Sum and Count")
	}
	for _, v := range []float64{*o.Min, *o.Max, *o.Sum, *o.Count} {
		if math.Abs(v) > largest {
			return stat.Set{}, fmt.Errorf("%v is out of range", v)
		}
	}
	return stat.FromStatistics(*o.Count, *o.Sum, *o.Min, *o.Max), nil
}

func samples(numbers, counts []float64) (stat.Set, error) {
	if len(numbers) == 0 || len(numbers) > maxValues {
		return stat.Set{}, fmt.Errorf("it has %d values; 1 to %d are possible", len(numbers), maxValues)
	}
	out := make([]stat.Sample, 0, len(numbers))
	for i, v := range numbers {
		n := 1.0
		if counts != nil {
			n = counts[i]
		}
		if math.Abs(v) > largest || n < 0 || n > largest {
			return stat.Set{}, fmt.Errorf("%v is out of range", v)
		}
		out = append(out, stat.Sample{Value: v, Count: n})
	}
	return stat.FromSamples(out), nil
}
