package stat

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Accumulator gathers sets and answers statistics over all of them. Its zero
// value is ready; Reset lets it be used for the next period without allocating.
type Accumulator struct {
	count, sum, min, max float64
	opaque               bool
	values               bool // keep the values
	sorted               bool
	samples              []Sample
}

// Reset empties the accumulator for a period; values says whether statistics of
// the percentile family will be asked of it.
func (a *Accumulator) Reset(values bool) {
	*a = Accumulator{values: values, samples: a.samples[:0]}
}

// Add takes in a set.
func (a *Accumulator) Add(s Set) {
	if s.Empty() {
		return
	}
	if a.count == 0 {
		a.min, a.max = s.Min, s.Max
	}
	a.count += s.Count
	a.sum += s.Sum
	a.min, a.max = min(a.min, s.Min), max(a.max, s.Max)
	a.opaque = a.opaque || s.Opaque
	if !a.values || a.opaque {
		return
	}
	a.sorted = false
	if s.Samples == nil {
		a.samples = append(a.samples, Sample{s.Min, s.Count})
		return
	}
	a.samples = append(a.samples, s.Samples...)
}

// Value answers a statistic; ok is false where there is none: no samples, the
// values are not known, or some are negative and the statistic does not allow it.
func (a *Accumulator) Value(st Statistic) (v float64, ok bool) {
	if a.count <= 0 {
		return 0, false
	}
	switch st.Kind {
	case SampleCount:
		return a.count, true
	case Sum:
		return a.sum, true
	case Average:
		return a.sum / a.count, true
	case Minimum:
		return a.min, true
	case Maximum:
		return a.max, true
	case Percentile, TrimmedMean, WinsorizedMean, TrimmedCount, TrimmedSum, PercentileRank:
	}
	if a.opaque || a.min < 0 || !a.values {
		return 0, false
	}
	if st.Lo.Percent || st.Hi.Percent {
		return a.byRank(st)
	}
	return a.byValue(st)
}

// byValue answers statistics with fixed bounds.
func (a *Accumulator) byValue(st Statistic) (float64, bool) {
	var count, sum, clamped float64
	for _, x := range a.samples {
		switch {
		case st.Lo.Set && x.Value <= st.Lo.Value:
			clamped += st.Lo.Value * x.Count
		case st.Hi.Set && x.Value > st.Hi.Value:
			clamped += st.Hi.Value * x.Count
		default:
			count += x.Count
			sum += x.Value * x.Count
		}
	}
	return a.answer(st, kept{count: count, sum: sum, clamped: clamped})
}

// kept is what lies inside a statistic's range, and what the rest comes to when
// it is set to the range's edges.
type kept struct{ count, sum, clamped float64 }

func (a *Accumulator) answer(st Statistic, k kept) (float64, bool) {
	switch st.Kind {
	case TrimmedCount:
		return k.count, true
	case TrimmedSum:
		return k.sum, true
	case PercentileRank:
		return 100 * k.count / a.count, true
	case TrimmedMean:
		return k.sum / k.count, k.count > 0
	case WinsorizedMean:
		return (k.sum + k.clamped) / a.count, true
	case SampleCount, Sum, Average, Minimum, Maximum, Percentile:
	}
	return 0, false
}

// byRank answers statistics with percentages: ranks in the sorted samples.
func (a *Accumulator) byRank(st Statistic) (float64, bool) {
	if !a.sorted {
		slices.SortFunc(a.samples, func(x, y Sample) int { return cmp.Compare(x.Value, y.Value) })
		a.sorted = true
	}
	lo, hi := 0.0, a.count
	if st.Lo.Set {
		lo, _ = ranks(a.count, st.Lo.Share)
	}
	if st.Hi.Set {
		_, hi = ranks(a.count, st.Hi.Share)
	}
	if st.Kind == Percentile {
		return a.at(hi), true
	}
	k := kept{}
	seen, first, last := 0.0, math.NaN(), math.NaN()
	for _, x := range a.samples {
		in := min(seen+x.Count, hi) - max(seen, lo)
		seen += x.Count
		if in <= 0 {
			continue
		}
		if math.IsNaN(first) {
			first = x.Value
		}
		last = x.Value
		k.count += in
		k.sum += x.Value * in
	}
	if k.count > 0 {
		k.clamped = first*lo + last*(a.count-hi)
	} else if st.Kind == WinsorizedMean {
		return 0, false
	}
	return a.answer(st, k)
}

// at returns the value of a rank, counted from 1; ranks below 1 mean the first.
func (a *Accumulator) at(rank float64) float64 {
	seen := 0.0
	for _, x := range a.samples {
		if seen += x.Count; seen >= rank {
			return x.Value
		}
	}
	return a.max
}

// ranks returns a share of n samples, rounded down and up. It is exact for
// whole numbers of samples; fractions of a sample (CloudWatch's counts are
// doubles) are kept as they are.
func ranks(n float64, share int64) (down, up float64) {
	if n != math.Trunc(n) || n >= 1<<53 {
		f := n * float64(share) / whole
		return f, f
	}
	high, low := bits.Mul64(uint64(n), uint64(share))
	q, r := bits.Div64(high, low, whole)
	down, up = float64(q), float64(q)
	if r > 0 {
		up++
	}
	return down, up
}
