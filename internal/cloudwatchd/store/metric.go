package store

import (
	"cmp"
	"slices"
	"strings"
)

// Dimension is a name and value that tell a metric from others of its name.
type Dimension struct{ Name, Value string }

// Metric identifies a metric inside an account and region. Dimensions are in
// order of their names; [NewMetric] sees to it.
type Metric struct {
	Namespace, Name string
	Dimensions      []Dimension
}

// NewMetric returns a metric with its dimensions in order: their order does not
// tell metrics apart.
func NewMetric(namespace, name string, dims []Dimension) Metric {
	d := slices.Clone(dims)
	slices.SortFunc(d, func(a, b Dimension) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return Metric{Namespace: namespace, Name: name, Dimensions: d}
}

// Key is the metric's identity as one string. Control characters, which no part
// may contain, stand between the parts.
func (m Metric) Key() string {
	var b strings.Builder
	b.WriteString(m.Namespace)
	b.WriteByte(0)
	b.WriteString(m.Name)
	for _, d := range m.Dimensions {
		b.WriteByte(1)
		b.WriteString(d.Name)
		b.WriteByte(2)
		b.WriteString(d.Value)
	}
	return b.String()
}

// Dimension returns the value of a dimension.
func (m Metric) Dimension(name string) (value string, ok bool) {
	for _, d := range m.Dimensions {
		if d.Name == name {
			return d.Value, true
		}
	}
	return "", false
}
