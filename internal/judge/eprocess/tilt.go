package eprocess

import "math"

const many = 9

// tilts are how much more often than the null says an event is bet on, each and
// its inverse; many is how many there are.
func tilts() [many]float64 { return [many]float64{1, 1.06, 1.12, 1.25, 1.6, 2.2, 3.2, 5, 9} }

// Above returns the evidence that of n outcomes, x of which were hits, more than
// the share s are hits in the long run: a mixture over tilts.
func Above(x, n, s float64) float64 { return tilted(x, n, s, false) }

// Below returns the evidence that fewer than the share s are hits.
func Below(x, n, s float64) float64 { return tilted(x, n, s, true) }

func tilted(x, n, s float64, inverse bool) float64 {
	var logs [many]float64
	for i, psi := range tilts() {
		if inverse {
			psi = 1 / psi
		}
		logs[i] = x*math.Log(psi) - n*math.Log1p(s*(psi-1))
	}
	return logMean(logs[:])
}
