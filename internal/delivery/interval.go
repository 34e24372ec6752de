package delivery

import (
	"fmt"
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/judge/confseq"
)

// tail is the chance that each side of an interval leaves out.
const tail = 0.025

// share is a part of a whole with Wilson's interval.
func share(n, of int) Measure {
	m := Measure{Unit: "ratio", Count: n, Of: of}
	if of > 0 {
		i := confseq.Wilson(float64(n), float64(of), confseq.Quantile(1-tail))
		m.Value, m.Low, m.High = new(float64(n)/float64(of)), &i.Low, &i.High
	}
	return m
}

// Poisson is the exact 95 % interval for the expected number where n were counted
// (Garwood 1936).
func Poisson(n int) (low, high float64) {
	k := float64(n)
	// Beyond ten standard deviations and some nothing is left to find.
	top := k + 10*math.Sqrt(k+1) + 10
	if n > 0 {
		low = bisect(0, k, func(mean float64) bool { return 1-poissonBelow(n-1, mean) < tail })
	}
	high = bisect(k, top, func(mean float64) bool { return poissonBelow(n, mean) > tail })
	return low, high
}

// bisect finds where a condition that holds from the left ends.
func bisect(low, high float64, holds func(float64) bool) float64 {
	for range 100 {
		mid := (low + high) / 2
		if holds(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// poissonBelow is the chance of n or fewer.
func poissonBelow(n int, mean float64) float64 {
	if mean <= 0 {
		return 1
	}
	sum, log := 0.0, -mean
	for i := 0; ; i++ {
		sum += math.Exp(log)
		if i == n {
			return min(1, sum)
		}
		log += math.Log(mean) - math.Log(float64(i+1))
	}
}

// median fills in the median, and the interval between two order statistics, which
// needs no assumption about how the values are distributed. Fewer than six values
// have none.
func (m *Measure) median(values []float64) {
	n := len(values)
	m.Count = n
	if n == 0 {
		return
	}
	slices.Sort(values)
	m.Value = new((values[(n-1)/2] + values[n/2]) / 2)
	if rank := medianRank(n); rank > 0 {
		m.Low, m.High = new(values[rank-1]), new(values[n-rank])
	}
}

// medianRank is the largest rank whose value lies above the median with a chance of
// at most 2.5 %; 0: there is none.
func medianRank(n int) int {
	sum, log := 0.0, -float64(n)*math.Ln2 // ln of the chance of 0 of n
	rank := 0
	for k := range n {
		if sum += math.Exp(log); sum > tail {
			break
		}
		rank = k + 1
		log += math.Log(float64(n-k)) - math.Log(float64(k+1))
	}
	return rank
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word + " is"
	}
	return fmt.Sprintf("%d %ss are", n, word)
}
