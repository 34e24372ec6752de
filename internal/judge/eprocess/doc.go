// Package eprocess holds anytime-valid tests on counts of two versions: each is a
// number that starts at 1, is a product of a factor a minute, and has a mean of at
// most 1 as long as what it tests is true. So it passes 1/alpha with a chance of
// at most alpha, at whatever look and however often one looks (Ville 1939), and
// it says so in words that need no table: "by chance that comes once in 4,000
// canaries at most".
//
// The factors of a minute are made of what was counted before that minute. So
// rates may drift, and shares of the traffic may change. What they need is that
// requests of one version within one minute are bad one by one; [Dispersion]
// tells how well that fits, and [Minutes] is the test that does not need it.
//
// Everything is in natural logarithms. The package knows numbers only.
package eprocess

import "math"

// grid are the sizes of the effects that are bet on, in units: a mixture over
// them needs no effect that is chosen in advance.
func grid() [8]float64 { return [8]float64{.5, 1, 2, 4, 8, 16, 32, 64} }

// logMean returns the logarithm of the mean of e to the power of each.
func logMean(logs []float64) float64 {
	top := math.Inf(-1)
	for _, l := range logs {
		top = max(top, l)
	}
	if math.IsInf(top, 0) || len(logs) == 0 {
		return top
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum/float64(len(logs)))
}

// Mean averages e-values that are given as logarithms: the average is an e-value
// however they depend on each other. 0 (no evidence) for none.
func Mean(logs ...float64) float64 {
	if len(logs) == 0 {
		return 0
	}
	return logMean(logs)
}

// logRatio is ln(a/b) for positive a and b. Rates of versions lie close to each
// other, and so do shares of good requests: there a short series does.
func logRatio(a, b float64) float64 {
	z := (a - b) / (a + b)
	if z > .1 || z < -.1 {
		return math.Log(a / b)
	}
	q := z * z
	if q < 1e-4 {
		return 2 * z * (1 + q*(1./3+q*(1./5+q*(1./7))))
	}
	return 2 * z * (1 + q*(1./3+q*(1./5+q*(1./7+q*(1./9+q*(1./11))))))
}
