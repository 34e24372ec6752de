package metrics

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// Metric is a registered metric. Make it with [Registry.Metric].
type Metric struct {
	reg        *Registry
	id         int
	name       string
	unit       Unit
	high       bool
	definition []byte // `{"Name":"Orders","Unit":"Count"}`
	member     []byte // `,"Orders":`
	bad        bool   // its registration failed
}

// MetricOption changes what [Registry.Metric] registers.
type MetricOption func(*Metric)

// HighResolution keeps a metric by the second, for three hours, instead of by the
// minute. CloudWatch's price is the same; alarms on it may cost more.
func HighResolution() MetricOption { return func(m *Metric) { m.high = true } }

// Metric registers a metric: 1 to 255 printable ASCII characters, a unit of this
// package ("" is [None]). The same metric may be registered again; with another
// unit or resolution it is an error, as is a name that is a dimension's.
//
// The metric that comes with an error may be used: its values are dropped and
// counted ([BadMetric]).
func (r *Registry) Metric(name string, unit Unit, opts ...MetricOption) (*Metric, error) {
	m := &Metric{reg: r, name: strings.Clone(name), unit: unit}
	if unit == "" {
		m.unit = None
	}
	for _, opt := range opts {
		if opt != nil {
			opt(m)
		}
	}
	if err := r.register(m); err != nil {
		m.bad = true
		return m, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.names[name], nil
}

// MustMetric is [Registry.Metric] for names that are written in the program: it
// panics where that returns an error.
func (r *Registry) MustMetric(name string, unit Unit, opts ...MetricOption) *Metric {
	m, err := r.Metric(name, unit, opts...)
	if err != nil {
		panic(err)
	}
	return m
}

func (r *Registry) register(m *Metric) error {
	if f := text(m.name, maxMetricName); f != "" {
		return fmt.Errorf("metrics: the metric name %.60q %s", m.name, f)
	}
	if m.name == envelope {
		return fmt.Errorf("metrics: the metric name %q is the format's own; choose another", m.name)
	}
	if f := unitFault(m.unit); f != "" {
		return fmt.Errorf("metrics: the unit %q of metric %q %s", m.unit, m.name, f)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old, ok := r.names[m.name]
	switch {
	case ok && old == nil:
		return fmt.Errorf("metrics: %q is a dimension already, and a document has one member of a name; choose another for the metric", m.name)
	case ok && old.unit != m.unit:
		return fmt.Errorf("metrics: metric %q has the unit %s already, not %s; give the other one a name of its own", m.name, old.unit, m.unit)
	case ok && old.high != m.high:
		return fmt.Errorf("metrics: metric %q is registered with another resolution already; use one for both", m.name)
	case ok:
		return nil
	}
	m.encode()
	m.id = r.metrics
	r.metrics++
	r.names[m.name] = m
	return nil
}

func (m *Metric) encode() {
	m.definition = jsonx.AppendString([]byte(`{"Name":`), m.name)
	m.definition = append(m.definition, `,"Unit":"`...)
	m.definition = append(m.definition, m.unit...)
	m.definition = append(m.definition, '"')
	if m.high {
		m.definition = append(m.definition, `,"StorageResolution":1`...)
	}
	m.definition = append(m.definition, '}')
	m.member = jsonx.AppendString([]byte(`,`), m.name)
	m.member = append(m.member, ':')
}

// Add adds a value, with the default dimensions. It is written at the next
// [Registry.Flush], or when the metric has 100 values.
func (m *Metric) Add(ctx context.Context, value float64) { Series{m: m}.Add(ctx, value) }

// With gives a metric other dimensions; it costs nothing.
func (m *Metric) With(d Dimensions) Series { return Series{m: m, b: d.b} }

// At dates what is added: it has the default dimensions otherwise. See
// [Series.At].
func (m *Metric) At(t time.Time) Series { return Series{m: m}.At(t) }

// Emit writes a value at once, in a document of its own; see [Series.Emit].
func (m *Metric) Emit(ctx context.Context, value float64) { Series{m: m}.Emit(ctx, value) }

// Series is a metric with dimensions, and possibly an instant. The zero value
// takes values and does nothing with them.
type Series struct {
	m  *Metric
	b  *binding // nil: the defaults
	at int64    // milliseconds since 1970; 0: when it is written
}

// With gives it other dimensions.
func (s Series) With(d Dimensions) Series {
	s.b = d.b
	return s
}

// At dates what is added, where it did not happen now: CloudWatch takes two weeks
// back to two hours ahead. What is outside when it is written is dropped and
// counted ([BadTimestamp]).
func (s Series) At(t time.Time) Series {
	s.at = 1 // outside, as is all that milliseconds cannot say
	if y := t.Year(); y > 1970 && y < 10000 {
		s.at = t.UnixMilli()
	}
	return s
}

// Add adds a value. NaN, infinities and what is beyond 2^360 are dropped and
// counted.
func (s Series) Add(ctx context.Context, value float64) {
	if s.m == nil || s.m.reg.off {
		return
	}
	r := s.m.reg
	if s.b == nil {
		s.b = r.base
	}
	rec := r.recorder(ctx)
	if reason := s.refuse(value); reason != "" {
		rec.drop(reason, 1, s.m.name)
		return
	}
	if out := rec.add(s, value); out != nil {
		rec.writeBack(out)
	}
}

// Emit writes a value at once, in a document of its own without metadata: for one
// whose fate must not hang on the invocation's.
func (s Series) Emit(ctx context.Context, value float64) {
	if s.m == nil || s.m.reg.off {
		return
	}
	r := s.m.reg
	if s.b == nil {
		s.b = r.base
	}
	rec := r.recorder(ctx)
	reason, now := s.refuse(value), r.now().UnixMilli()
	if reason == "" && s.at != 0 && !inWindow(s.at, now) {
		reason = BadTimestamp
	}
	if reason != "" {
		rec.drop(reason, 1, s.m.name)
		return
	}
	if s.at != 0 {
		now = s.at
	}
	out := r.output()
	out.single(r, s, now, value)
	rec.writeBack(out)
}

// refuse says why a value is not taken; "": it is.
func (s Series) refuse(value float64) Reason {
	switch {
	case s.m.bad:
		return BadMetric
	case s.b.reg != s.m.reg: // another registry's, or refused
		return BadDimensions
	default:
		return number(value)
	}
}
