package mannwhitney

import (
	"fmt"
	"math"
	"slices"
)

// Least is how many points each side needs: with fewer the ranks cannot reach the
// usual confidence whatever they are (4 against 4: p is 0.029 at best).
const Least = 5

// suspect is the chance below which a difference that would matter keeps the
// answer open: too unlikely to be called nothing, too likely to be called sure.
const suspect = 0.1

// exact answers from sorted samples by two exact tests a side, each at its share
// of what the confidence leaves. Every step is monotone in the experiment: a
// higher point never makes an increase look smaller.
func (o Options) exact(x, y []float64) Result {
	if len(x) == 0 || len(y) == 0 {
		r := unknown(Nodata, "no data")
		if o.MustHaveData {
			r.Class = NodataFail
		}
		r.Critical = o.Critical
		return r
	}
	if len(x) < Least || len(y) < Least {
		r := unknown(Open, fmt.Sprintf("%d and %d points, and it takes %d and %d", len(x), len(y), Least, Least))
		r.Shift, r.Effect = median2(x, y), o.exactEffect(x, y)
		return r
	}
	iv := orderInterval(x, y, o.Confidence)
	r := Result{Class: Pass, Low: iv.low, High: iv.high, Shift: iv.shift, Effect: o.exactEffect(x, y), P: 1}
	// An increase goes before a decrease, what is sure before what is open.
	var found []side
	if o.Direction != Decrease {
		s := o.side(x, y)
		s.class, s.counts, s.urgent = High, atLeast(r.Effect, o.Allowed.Up), atLeast(r.Effect, o.Urgent.Up)
		found = append(found, s)
	}
	if o.Direction != Increase {
		s := o.side(negated(x), negated(y))
		s.class, s.counts, s.urgent = Low, atMost(r.Effect, o.Allowed.Down), atMost(r.Effect, o.Urgent.Down)
		found = append(found, s)
	}
	tests := float64(2 * len(found))
	level := (1 - o.Confidence) / tests
	for _, s := range found {
		r.P = min(r.P, tests*s.p())
		if s.counts && s.p() <= level {
			r.Class, r.Critical, r.Reason = s.class, o.Critical && s.urgent, s.reason(level)
			return r
		}
	}
	for _, s := range found {
		if s.counts && s.open(o.Tolerance) {
			r.Class, r.Reason = Open, "looks different, and the sample is too small to tell: "+s.reason(suspect)
			return r
		}
	}
	return r
}

// exactEffect is like effect, but does not jump where a mean is zero, and a
// control that is not above zero has no ratio.
func (o Options) exactEffect(x, y []float64) float64 {
	if o.CLES {
		return o.effect(x, y)
	}
	if my := mean(y); my > 0 {
		return mean(x) / my
	}
	return math.NaN()
}

// side is what the two tests of an increase say.
type side struct {
	class          Class // where it is sure
	counts, urgent bool  // the effect is large enough for that, and to decide alone

	shift, tail float64 // p-values
	moved       float64 // the shift beside the control's median
	scale       float64 // that median
	above       int     // points of the experiment above the control's high quantile
	of, drawn   int     // points of the experiment; the quantile's place from the top
	share       float64 // how many more are above than the control has there
}

// side tests whether the experiment is higher than the control and its margin.
func (o Options) side(x, y []float64) side {
	if o.Margin.Add != 0 || o.Margin.Ratio != 1 {
		y = slices.Clone(y)
		for i, v := range y {
			// A margin makes every point higher, also those below zero.
			y[i] = max(v*o.Margin.Ratio, v/o.Margin.Ratio) + o.Margin.Add
		}
	}
	s := side{of: len(x), moved: median2(x, y), scale: math.Abs(percentile(y, 0.5))}
	s.shift = upperU(len(x), len(y), aboveHalf(x, y))
	s.drawn = (len(y) + 9) / 10
	edge := y[len(y)-s.drawn]
	at, _ := slices.BinarySearchFunc(x, edge, func(v, e float64) int {
		if v <= e {
			return -1
		}
		return 1
	})
	s.above = len(x) - at
	s.share = float64(s.above)/float64(len(x)) - float64(s.drawn)/float64(len(y))
	s.tail = exceedance(s.above, s.drawn, len(x), len(y))
	return s
}

func (s side) p() float64 { return min(s.shift, s.tail) }

// open says whether what is not sure would matter.
func (s side) open(tolerance float64) bool {
	return s.shift < suspect && s.moved > tolerance*s.scale || s.tail < suspect && s.share >= tolerance
}

func (s side) reason(level float64) string {
	if s.shift <= level {
		return fmt.Sprintf("the ranks are moved (p %.2g)", s.shift)
	}
	return fmt.Sprintf("%d of %d points are beyond the control's outer %d (p %.2g)", s.above, s.of, s.drawn, s.tail)
}

// negated returns the points with the other sign, still sorted.
func negated(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[len(x)-1-i] = -v
	}
	return out
}

// aboveHalf counts pairs in which x is above y, ties as half a pair: the U of
// Mann and Whitney. Mid-ranks are the mean over all ways to break the ties, so
// they spread less than the distribution without ties that they are held against.
func aboveHalf(x, y []float64) float64 {
	m := float64(len(x))
	return rankSum(x, y, 0).sum - m*(m+1)/2
}

// orderInterval holds the shift between order statistics of all differences, which
// needs no scale, no tolerance and no start: Hodges and Lehmann's estimate is their
// median.
func orderInterval(x, y []float64, confidence float64) interval {
	m, n := len(x), len(y)
	k := lowerRank(m, n, (1-confidence)/2)
	iv := interval{low: math.Inf(-1), high: math.Inf(1), shift: median2(x, y)}
	if k > 0 {
		iv.low, iv.high = difference(x, y, k), difference(x, y, m*n+1-k)
	}
	return iv
}

// median2 is the median of all differences.
func median2(x, y []float64) float64 {
	n := len(x) * len(y)
	mid := difference(x, y, n/2+1)
	if n%2 == 1 {
		return mid
	}
	lower := difference(x, y, n/2)
	return lower + (mid-lower)/2
}

// difference returns the k-th smallest of all x-y, exactly: it bisects the numbers
// themselves, which lie in the order of their bits, and counts along both samples.
func difference(x, y []float64, k int) float64 {
	low, high := ordered(x[0]-y[len(y)-1]), ordered(x[len(x)-1]-y[0])
	for low < high {
		mid := low + (high-low)/2
		if upTo(x, y, unordered(mid)) >= k {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return unordered(low)
}

// upTo counts differences up to and with v.
func upTo(x, y []float64, v float64) (count int) {
	j := 0
	for _, a := range x {
		for j < len(y) && a-y[j] > v {
			j++
		}
		count += len(y) - j
	}
	return count
}

const sign = 1 << 63

// ordered maps numbers to integers in the same order; unordered is its inverse.
func ordered(v float64) uint64 {
	if b := math.Float64bits(v); b < sign {
		return b | sign
	}
	return ^math.Float64bits(v)
}

func unordered(i uint64) float64 {
	if i >= sign {
		return math.Float64frombits(i &^ sign)
	}
	return math.Float64frombits(^i)
}
