package expr

import "math"

// Series is a time series: values at ascending instants.
type Series struct {
	ID     string // of the query it came from; "" for results
	Label  string
	Period int64 // seconds
	Times  []int64
	Values []float64
}

// Kind is a value's type.
type Kind uint8

// The kinds. A one-element Array is not a Single.
const (
	Scalar Kind = iota
	Single
	Array
)

// Value is what an expression, or a part of one, comes to.
type Value struct {
	Kind   Kind
	Number float64  // of a Scalar; NaN where there is none, as the average of nothing
	Series []Series // one of a Single, any number of an Array
}

func scalar(v float64) Value   { return Value{Kind: Scalar, Number: v} }
func single(s Series) Value    { return Value{Kind: Single, Series: []Series{s}} }
func arrayOf(s []Series) Value { return Value{Kind: Array, Series: s} }
func finite(v float64) bool    { return !math.IsNaN(v) && !math.IsInf(v, 0) }
func (s *Series) one() Series  { return Series{ID: s.ID, Label: s.Label, Period: s.Period} }
func (s *Series) empty() bool  { return len(s.Times) == 0 }
func (v Value) describe() string {
	return [...]string{"a number", "a time series", "an array of time series"}[v.Kind]
}
func (v Value) isSeries() bool { return v.Kind != Scalar }

// add appends a point; what is not a finite number is dropped.
func (s *Series) add(at int64, v float64) {
	if finite(v) {
		s.Times = append(s.Times, at)
		s.Values = append(s.Values, v)
	}
}

// each maps the values of a series, keeping its label.
func (s *Series) each(f func(v float64) float64) Series {
	out := s.one()
	out.Times = make([]int64, 0, len(s.Times))
	out.Values = make([]float64, 0, len(s.Values))
	for i, at := range s.Times {
		out.add(at, f(s.Values[i]))
	}
	return out
}

// join visits the instants of either series, in order.
func join(a, b *Series, f func(at int64, x, y float64, hasX, hasY bool)) {
	i, j := 0, 0
	for i < len(a.Times) || j < len(b.Times) {
		switch {
		case j == len(b.Times) || i < len(a.Times) && a.Times[i] < b.Times[j]:
			f(a.Times[i], a.Values[i], 0, true, false)
			i++
		case i == len(a.Times) || b.Times[j] < a.Times[i]:
			f(b.Times[j], 0, b.Values[j], false, true)
			j++
		default:
			f(a.Times[i], a.Values[i], b.Values[j], true, true)
			i++
			j++
		}
	}
}

// across visits the instants of any of the series, in order, with the values
// that exist there. The slice is reused.
func across(all []Series, f func(at int64, values []float64)) {
	next := make([]int, len(all))
	values := make([]float64, 0, len(all))
	for {
		at, found := int64(math.MaxInt64), false
		for k := range all {
			if next[k] < len(all[k].Times) {
				at, found = min(at, all[k].Times[next[k]]), true
			}
		}
		if !found {
			return
		}
		values = values[:0]
		for k := range all {
			if i := next[k]; i < len(all[k].Times) && all[k].Times[i] == at {
				values = append(values, all[k].Values[i])
				next[k]++
			}
		}
		f(at, values)
	}
}

// finest is the smallest period of the series, 0 for none.
func finest(all []Series) (period int64) {
	for i := range all {
		if p := all[i].Period; p > 0 && (period == 0 || p < period) {
			period = p
		}
	}
	return period
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
