package mannwhitney

import "math"

// exactPairs is up to how many pairs the distribution of U is counted out; beyond
// it, and with more than exactFew points on both sides, the normal one is as good:
// its tails are the heavier ones.
const (
	exactPairs = 900
	exactFew   = 10
)

// nullU is the distribution of U where both samples come from one distribution
// without ties.
type nullU struct {
	pairs int
	below func(k int) float64 // the chance that U is at most k
}

func newNullU(m, n int) nullU { return nullU{m * n, cumulativeU(m, n)} }

// upper is the chance that U is u or more.
func (d nullU) upper(u float64) float64 {
	return min(1, d.below(int(math.Floor(float64(d.pairs)-u))))
}

// lowerRank returns the greatest k whose order statistic among the differences is
// above the shift with a chance of at most alpha; 0: there is none.
func lowerRank(m, n int, alpha float64) int {
	below := cumulativeU(m, n)
	low, high := 0, m*n/2+1 // below(low-1) <= alpha, and not at high
	for low+1 < high {
		if mid := (low + high) / 2; below(mid-1) <= alpha {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// cumulativeU returns the chances that U is at most k.
func cumulativeU(m, n int) func(k int) float64 {
	if few := min(m, n); m*n > exactPairs && few > exactFew {
		half := float64(m) * float64(n) / 2
		sigma := math.Sqrt(half * float64(m+n+1) / 6)
		return func(k int) float64 { return math.Erfc((half-float64(k)-0.5)/sigma/math.Sqrt2) / 2 }
	}
	ways := waysU(m, n)
	total := 0.0
	for i, w := range ways {
		total += w
		ways[i] = total
	}
	return func(k int) float64 {
		if k < 0 {
			return 0
		}
		return ways[min(k, len(ways)-1)] / total
	}
}

// waysU counts the orders of m and n points that have each U: the coefficients of
// the Gaussian binomial, by multiplying and dividing one factor (1-q^i) at a time.
func waysU(m, n int) []float64 {
	few, many := min(m, n), max(m, n)
	ways := make([]float64, m*n+1)
	ways[0] = 1
	for i := 1; i <= few; i++ {
		for k := len(ways) - 1; k >= many+i; k-- {
			ways[k] -= ways[k-many-i]
		}
		for k := i; k < len(ways); k++ {
			ways[k] += ways[k-i]
		}
	}
	return ways
}

// exceedance is the chance that k or more of m points are above the r-th highest
// of n, all from one distribution without ties: that among the highest k+r-1 of
// all, k or more are of the m.
func exceedance(k, r, m, n int) float64 {
	if k <= 0 {
		return 1
	}
	drawn := k + r - 1
	at := func(i int) float64 {
		return math.Exp(choose(m, i) + choose(n, drawn-i) - choose(m+n, drawn))
	}
	// From one number to the next the chance changes by a fraction. It is added up
	// from k to the side on which it falls, so that what is left out is too small.
	p := 0.0
	if k*(m+n) > drawn*m {
		for i, c := k, at(k); i <= min(m, drawn) && c > 0; i++ {
			p += c
			c *= float64(m-i) * float64(drawn-i) / (float64(i+1) * float64(n-drawn+i+1))
		}
		return min(1, p)
	}
	for i, c := k-1, at(k-1); i >= max(0, drawn-n) && c > 0; i-- {
		p += c
		c *= float64(i) * float64(n-drawn+i) / (float64(m-i+1) * float64(drawn-i+1))
	}
	return max(0, 1-p)
}

// choose is the logarithm of the number of ways to take k of n.
func choose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	return lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
}

func lgamma(n int) float64 {
	v, _ := math.Lgamma(float64(n))
	return v
}
