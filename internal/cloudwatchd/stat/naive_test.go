package stat_test

import (
	"math/big"
	"slices"
)

// naive is the second computation: single samples in a sorted slice, bounds by
// comparison one by one, ranks as fractions.
type naive []float64

func newNaive(values []float64) naive {
	n := slices.Clone(values)
	slices.Sort(n)
	return n
}

func (n naive) sum() (s float64) {
	for _, v := range n {
		s += v
	}
	return s
}

// between keeps lo < v <= hi; nil is an open end.
func (n naive) between(lo, hi *float64) naive {
	var out naive
	for _, v := range n {
		if (lo == nil || v > *lo) && (hi == nil || v <= *hi) {
			out = append(out, v)
		}
	}
	return out
}

// drop says how many of the samples a share removes: floor(n * share / 100).
func (n naive) drop(share *big.Rat) int {
	r := new(big.Rat).Mul(share, big.NewRat(int64(len(n)), 100))
	return int(new(big.Int).Quo(r.Num(), r.Denom()).Int64())
}

// trim removes the lowest and the highest share, in percent.
func (n naive) trim(low, high *big.Rat) naive {
	from, to := n.drop(low), len(n)-n.drop(high)
	if from >= to {
		return nil
	}
	return n[from:to]
}

// winsorize sets what trim removes to the nearest value that stays.
func (n naive) winsorize(low, high *big.Rat) naive {
	inner := n.trim(low, high)
	if len(inner) == 0 {
		return nil
	}
	out := slices.Clone(n)
	for i := range out {
		switch {
		case i < n.drop(low):
			out[i] = inner[0]
		case i >= len(n)-n.drop(high):
			out[i] = inner[len(inner)-1]
		}
	}
	return out
}

// percentile is the greatest value that stays when the share above it goes.
func (n naive) percentile(p *big.Rat) float64 {
	rest := new(big.Rat).Sub(big.NewRat(100, 1), p)
	keep := len(n) - n.drop(rest)
	return n[max(keep-1, 0)]
}
