package mannwhitney

import "slices"

// RootInterval is the compatible interval without anything around it.
func RootInterval(x, y []float64, confidence float64) (low, high, shift float64, ok bool) {
	x, y = slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))
	iv, ok := rootInterval(x, y, confidence)
	return iv.low, iv.high, iv.shift, ok
}

// Statistic is the normal deviate of the rank sum.
func Statistic(x, y []float64, mu, q float64) (float64, bool) {
	return statistic(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)), mu, q)
}

// Quantile and Percentile are what their names say.
var (
	Quantile   = quantile
	Percentile = percentile
)
