package mannwhitney

import (
	"fmt"
	"math"
	"slices"
)

// Least is how many points each side needs: with fewer the ranks cannot reach the
// usual confidence whatever they are (4 against 4: p is 0.029 at best).
const Least = 5

// suspect is the chance below which a longer tail keeps the answer open: too
// unlikely to be called nothing, too likely to be called sure. It has to have
// outer more points of the experiment, as a share, than the control has.
const (
	suspect = 0.1
	outer   = 0.15
)

// exact answers from sorted samples by two exact tests a side, each at its share
// of what the confidence leaves. It passes by the mirrored test alone: no evidence
// is no pass. Every step is monotone in the experiment: a higher point never makes
// an increase look smaller.
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
	found := o.sides(x, y, r.Effect)
	tests := float64(2 * len(found))
	level := 1 - o.Confidence
	r.P, r.PassP = chances(found)
	for _, s := range found {
		if s.counts && tests*s.p() <= level {
			r.Class, r.Critical, r.Reason = s.class, o.Critical && s.urgent, s.reason(level/tests)
			return r
		}
	}
	for _, s := range found { // what may be a tail is named before what is merely few
		if s.suspicious() {
			r.Class = Open
			r.Reason = "it may have a longer tail: " + s.reason(0)
			return r
		}
	}
	if r.PassP > level {
		r.Class, r.Reason = Open, fmt.Sprintf("the sample is too small to rule out what would matter (p %.2g)", r.PassP)
	}
	return r
}

// sides tests the directions that matter, an increase first.
func (o Options) sides(x, y []float64, effect float64) (found []side) {
	null := newNullU(len(x), len(y))
	if o.Direction != Decrease {
		s := o.side(x, y, null)
		s.class, s.counts, s.urgent = High, atLeast(effect, o.Allowed.Up), atLeast(effect, o.Urgent.Up)
		found = append(found, s)
	}
	if o.Direction != Increase {
		s := o.side(negated(x), negated(y), null)
		s.class, s.counts, s.urgent = Low, atMost(effect, o.Allowed.Down), atMost(effect, o.Urgent.Down)
		found = append(found, s)
	}
	return found
}

// chances are the p-values of all directions together: of being worse in one, of
// being no worse in all.
func chances(found []side) (p, pass float64) {
	p = 1
	for _, s := range found {
		if s.counts {
			p = min(p, float64(2*len(found))*s.p())
		}
		if pass = max(pass, s.pass); s.suspicious() {
			pass = 1
		}
	}
	return p, pass
}

// Test returns the p-values of a [Result] without what costs more: the interval.
func Test(experiment, control []float64, o Options) (p, pass float64) {
	o = o.withDefaults()
	x, y := o.prepare(experiment), o.prepare(control)
	if len(x) < Least || len(y) < Least {
		return 1, 1
	}
	return chances(o.sides(x, y, o.exactEffect(x, y)))
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

// side is what the tests of an increase say.
type side struct {
	class          Class // where it is sure
	counts, urgent bool  // the effect is large enough for that, and to decide alone

	shift, tail, pass float64 // p-values: of worse ranks, of a longer tail, of ranks that rule worse out
	above             int     // points of the experiment above the control's high quantile
	of, drawn         int     // points of the experiment; the quantile's place from the top
	share             float64 // how many more are above than the control has there
}

// side tests whether the experiment is higher than the control and its margin.
func (o Options) side(x, y []float64, null nullU) side {
	s := side{of: len(x), drawn: (len(y) + 9) / 10}
	limit := o.Margin.above(y)
	s.shift = null.upper(aboveHalf(x, limit))
	edge := limit[len(limit)-s.drawn]
	s.above = len(x) - countUpTo(x, edge)
	s.share = float64(s.above)/float64(len(x)) - float64(s.drawn)/float64(len(y))
	s.tail = exceedance(s.above, s.drawn, len(x), len(y))

	// A margin that is allowed passes too. The tolerance is of the median, so that it
	// does not stretch the sample.
	pass := max(o.Margin.Add, o.Slack.Add, max(o.Margin.Ratio-1, o.Slack.Ratio-1)*math.Abs(percentile(y, 0.5)))
	if o.Slack.Add == 0 && o.Slack.Ratio == 1 {
		pass = max(pass, o.Tolerance*math.Abs(percentile(y, 0.5)))
	}
	s.pass = null.upper(float64(upTo(x, y, pass)))
	return s
}

// above moves sorted points up by a margin. A ratio makes every point higher,
// also those below zero.
func (m Margin) above(y []float64) []float64 {
	if m.Add == 0 && m.Ratio == 1 {
		return y
	}
	out := slices.Clone(y)
	for i, v := range out {
		out[i] = max(v*m.Ratio, v/m.Ratio) + m.Add
	}
	return out
}

// countUpTo counts sorted points up to and with v.
func countUpTo(x []float64, v float64) int {
	at, _ := slices.BinarySearchFunc(x, v, func(a, v float64) int {
		if a <= v {
			return -1
		}
		return 1
	})
	return at
}

func (s side) p() float64 { return min(s.shift, s.tail) }

// suspicious says whether a tail that is not sure would matter.
func (s side) suspicious() bool { return s.tail < suspect && s.share >= outer }

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
		iv.low, iv.high = nthDifference(x, y, k), nthDifference(x, y, m*n+1-k)
	}
	return iv
}

// median2 is the median of all differences.
func median2(x, y []float64) float64 {
	n := len(x) * len(y)
	mid := nthDifference(x, y, n/2+1)
	if n%2 == 1 {
		return mid
	}
	lower := nthDifference(x, y, n/2)
	return lower + (mid-lower)/2
}

// nthDifference returns the k-th smallest of all x-y, exactly: it bisects the numbers
// themselves, which lie in the order of their bits, and counts along both samples.
func nthDifference(x, y []float64, k int) float64 {
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
