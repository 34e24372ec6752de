package mannwhitney

import (
	"math"
	"slices"
)

// prepare returns the points that count, sorted. Infinity is no measurement: it
// is left out like NaN, except where answers have to be Kayenta's.
func (o Options) prepare(points []float64) []float64 {
	out := make([]float64, 0, len(points))
	for _, v := range points {
		switch {
		case math.IsNaN(v) && o.Replace:
			out = append(out, 0)
		case math.IsNaN(v), !o.Compatible && math.IsInf(v, 0):
		default:
			out = append(out, v)
		}
	}
	slices.Sort(out)
	if o.Trim {
		out = trim(out, o.Fence)
	}
	return out
}

// trim leaves out what lies beyond both the outer percentiles and the fences.
func trim(sorted []float64, fence float64) []float64 {
	if len(sorted) == 0 {
		return sorted
	}
	q1, q3 := percentile(sorted, 0.25), percentile(sorted, 0.75)
	low := min(percentile(sorted, 0.01), q1-fence*(q3-q1))
	high := max(percentile(sorted, 0.99), q3+fence*(q3-q1))
	return slices.DeleteFunc(sorted, func(v float64) bool { return v < low || v > high })
}

// percentile of sorted values as R's type 7: between the two neighbours of
// 1 + q(n-1).
func percentile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// jitter moves the points of a constant sample apart, which has no variance of
// ranks beside another one: normal noise of a 100,000th of the value. Kayenta
// draws it; here it is the noise's quantiles, so that the same question has the
// same answer. Zero stays.
func jitter(x []float64) {
	for i := range x {
		x[i] += 1e-5 * x[i] * quantile((float64(i)+0.5)/float64(len(x)))
	}
	slices.Sort(x)
}

// quantile of the standard normal distribution, 0 < p < 1.
func quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
