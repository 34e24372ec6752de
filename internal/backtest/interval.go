package backtest

import "math"

// FewIncidents is below how many a share is not worth a percentage: counts are
// shown.
const FewIncidents = 10

// Share is n of all, with Wilson's 95 % interval. It is nil-like when All is 0:
// Value is then 0, and the interval everything.
type Share struct {
	N     int     `json:"n"`
	Of    int     `json:"of"`
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Few says that counts should be shown, not percentages.
func (s Share) Few() bool { return s.Of < FewIncidents }

// ShareOf is n of all with Wilson's score interval (1927) without continuity
// correction: it covers close to its 95 % for small numbers and shares near 0
// and 1, and stays inside of [0, 1].
func ShareOf(n, all int) Share {
	s := Share{N: n, Of: all, High: 1}
	if all <= 0 {
		return s
	}
	const z = 1.959963984540054
	m, p := float64(all), float64(n)/float64(all)
	mid := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	scale := 1 + z*z/m
	s.Value = p
	s.Low, s.High = max(0, (mid-half)/scale), min(1, (mid+half)/scale)
	// At the ends rounding would leave a trace where there is exactly nothing.
	if n == 0 {
		s.Low = 0
	}
	if n == all {
		s.High = 1
	}
	return s
}

// Mean is the mean of a few values, and half of its 95 % interval by Student's
// distribution; NaN where there is nothing to tell it from.
func Mean(values []float64) (mean, half float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	if len(values) < 2 {
		return mean, math.NaN()
	}
	var squares float64
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	// The 97.5 % quantiles for 1 to 9 degrees of freedom; the normal one is close
	// enough above.
	quantiles := [...]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262}
	t := 1.96
	if i := len(values) - 2; i < len(quantiles) {
		t = quantiles[i]
	}
	return mean, t * math.Sqrt(squares/(n-1)/n)
}
