package stat

import (
	"cmp"
	"slices"
)

// Sample is a value and how often it occurred.
type Sample struct {
	Value float64 // in the metric's unit
	Count float64 // occurrences, above zero
}

// Set is what is known of the samples of one instant or period.
type Set struct {
	Count, Sum, Min, Max float64
	// Samples lists the distinct values, ascending. It is nil where one value
	// makes up the whole set, and where Opaque.
	Samples []Sample
	// Opaque: some of the samples came as a statistic set with a spread, so
	// their values are lost.
	Opaque bool
}

// Single is n occurrences of one value.
func Single(value, n float64) Set {
	return Set{Count: n, Sum: value * n, Min: value, Max: value}
}

// FromSamples builds a set from values in any order; equal ones are joined.
// Samples without occurrences are dropped.
func FromSamples(samples []Sample) Set {
	s := slices.DeleteFunc(slices.Clone(samples), func(x Sample) bool { return x.Count <= 0 })
	slices.SortFunc(s, func(a, b Sample) int { return cmp.Compare(a.Value, b.Value) })
	return fromSorted(join(s))
}

// FromStatistics builds a set from a published statistic set. Only where it
// can stand for its values (one value all along) is it not opaque.
func FromStatistics(count, sum, lowest, highest float64) Set {
	uniform := lowest == highest && sum == lowest*count
	return Set{Count: count, Sum: sum, Min: lowest, Max: highest, Opaque: !uniform}
}

// Empty says whether the set has no samples.
func (s Set) Empty() bool { return s.Count == 0 }

// Merge returns the set of both sets' samples.
func (s Set) Merge(o Set) Set {
	switch {
	case s.Empty():
		return o
	case o.Empty():
		return s
	case s.Opaque || o.Opaque || s.Samples == nil && o.Samples == nil && s.Min == o.Min:
		return Set{
			Count: s.Count + o.Count, Sum: s.Sum + o.Sum,
			Min: min(s.Min, o.Min), Max: max(s.Max, o.Max), Opaque: s.Opaque || o.Opaque,
		}
	}
	merged := make([]Sample, 0, len(s.Samples)+len(o.Samples)+2)
	merged = append(append(merged, s.samples()...), o.samples()...)
	slices.SortFunc(merged, func(a, b Sample) int { return cmp.Compare(a.Value, b.Value) })
	return fromSorted(join(merged))
}

// samples lists the values, also where one value is the whole set.
func (s Set) samples() []Sample {
	if s.Samples == nil && !s.Opaque && s.Count > 0 {
		return []Sample{{s.Min, s.Count}}
	}
	return s.Samples
}

// join adds up neighbours of equal value, in place.
func join(s []Sample) []Sample {
	out := s[:0]
	for _, x := range s {
		if n := len(out); n > 0 && out[n-1].Value == x.Value {
			out[n-1].Count += x.Count
			continue
		}
		out = append(out, x)
	}
	return out
}

func fromSorted(s []Sample) Set {
	switch len(s) {
	case 0:
		return Set{}
	case 1:
		return Single(s[0].Value, s[0].Count)
	}
	set := Set{Min: s[0].Value, Max: s[len(s)-1].Value, Samples: s}
	for _, x := range s {
		set.Count += x.Count
		set.Sum += x.Value * x.Count
	}
	return set
}
