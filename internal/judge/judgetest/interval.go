package judgetest

import "gitlab.com/nines-sre/nines/internal/judge/mannwhitney"

// Share is how many of some runs came out one way.
type Share struct{ N, Of int64 }

// Rate is the share itself.
func (s Share) Rate() float64 { return float64(s.N) / float64(s.Of) }

// Interval holds the chance with the confidence given, two-sided and exact
// (Clopper and Pearson 1934).
func (s Share) Interval(confidence float64) (low, high float64) {
	alpha := (1 - confidence) / 2
	low, high = 0, 1
	if s.N > 0 {
		low = solve(func(p float64) bool { return mannwhitney.BinomialTail(s.Of, s.N, p) > alpha })
	}
	if s.N < s.Of {
		high = solve(func(p float64) bool { return 1-mannwhitney.BinomialTail(s.Of, s.N+1, p) < alpha })
	}
	return low, high
}

// solve returns where above begins to hold.
func solve(above func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 50 {
		if mid := (low + high) / 2; above(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}
