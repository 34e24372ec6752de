package eprocess

import (
	"math"
	"slices"
)

// Quantile tests whether a quantile of the canary is at most the baseline's, on
// counts in shared buckets. For every bucket in which the common quantile could
// lie, the canary has too many requests beyond it or the baseline too few; the
// bucket that explains best what was seen is what counts. Edges are taken against
// the finding, so a shift below two widths of a bucket is not seen.
//
// It takes the quantile of each version to stay where it is while it is measured;
// [Margin] on requests above a bound does not.
type Quantile struct {
	q      float64
	base   []int64
	canary []int64
	nb, nc int64
}

// NewQuantile returns the test of the quantile q (0.99: the 99th percentile) with
// a number of buckets, before any minute.
func NewQuantile(q float64, buckets int) *Quantile {
	return &Quantile{q: q, base: make([]int64, buckets), canary: make([]int64, buckets)}
}

// Add takes a minute: requests of each version by bucket. More buckets than there
// are count to the last.
func (t *Quantile) Add(base, canary []int64) {
	if len(t.base) == 0 {
		return
	}
	last := len(t.base) - 1
	for i, n := range base {
		t.base[min(i, last)] += n
		t.nb += n
	}
	for i, n := range canary {
		t.canary[min(i, last)] += n
		t.nc += n
	}
}

// Log returns the evidence so far that the canary's quantile is higher.
func (t *Quantile) Log() float64 {
	log, _ := t.search(math.Inf(-1))
	return log
}

// Exceeds returns the evidence if it is above a floor, and whether it is; it stops
// as soon as it is known not to be.
func (t *Quantile) Exceeds(floor float64) (log float64, above bool) { return t.search(floor) }

// search looks for the bucket with the least evidence. It begins where the
// quantile of both together lies and goes outwards: to the left the canary's part
// only grows, to the right the baseline's, and the other part is never below
// [lowest]. So it can end early, and what it has not looked at cannot be the least.
func (t *Quantile) search(floor float64) (log float64, above bool) {
	if t.nb == 0 || t.nc == 0 {
		return 0, 0 > floor
	}
	start, tail, below := t.middle()
	at := func(tail, below int64) (up, down float64) {
		return Above(float64(tail), float64(t.nc), 1-t.q), Below(float64(t.nb-below), float64(t.nb), 1-t.q)
	}
	up, down := at(tail, below)
	best := up + down
	for i, c, b := start, tail, below; i > 0 && best > floor; {
		c, b, i = c+t.canary[i], b-t.base[i-1], i-1
		up, down = at(c, b)
		if best = min(best, up+down); up+lowest() >= best {
			break
		}
	}
	for i, c, b := start, tail, below; i < len(t.base)-1 && best > floor; {
		c, b, i = c-t.canary[i+1], b+t.base[i], i+1
		up, down = at(c, b)
		if best = min(best, up+down); down+lowest() >= best {
			break
		}
	}
	return best, best > floor
}

// Below returns the evidence that the canary's quantile is below the baseline's
// times a ratio: the mirrored test, by which a canary passes. edges are the upper
// edges of the buckets. For every bucket in which the baseline's quantile could lie
// the baseline has too many requests beyond it, or the canary too few from its
// lower edge times the ratio on. Edges are taken against the finding again.
func (t *Quantile) Below(edges []float64, ratio float64) float64 {
	if t.nb == 0 || t.nc == 0 {
		return 0
	}
	least, tail, from, at := math.Inf(1), t.nb, t.nc, 0
	for i := range t.base {
		tail -= t.base[i]
		// The canary's requests in buckets that end at the limit or below it are
		// surely not beyond it.
		for i > 0 && at < len(edges) && edges[at] <= edges[i-1]*ratio {
			from -= t.canary[at]
			at++
		}
		least = min(least, Above(float64(tail), float64(t.nb), 1-t.q)+Below(float64(from), float64(t.nc), 1-t.q))
	}
	return least
}

// lowest is what evidence of a mixture over tilts is at least: the first of the
// nine tilts bets on nothing.
func lowest() float64 { return -math.Log(many) }

// middle returns the bucket of the quantile of both versions together, the
// canary's requests beyond it and the baseline's below it.
func (t *Quantile) middle() (bucket int, tail, below int64) {
	want := t.q * float64(t.nb+t.nc)
	var seen, canary int64
	for i := range t.base {
		canary += t.canary[i]
		seen += t.base[i] + t.canary[i]
		if float64(seen) >= want || i == len(t.base)-1 {
			return i, t.nc - canary, below
		}
		below += t.base[i]
	}
	return 0, 0, 0
}

// At returns the upper edge of the bucket in which a version's quantile lies, and
// whether there is one: the last bucket has none.
func At(buckets []int64, edges []float64, q float64) (edge float64, ok bool) {
	var n, seen int64
	for _, c := range buckets {
		n += c
	}
	i := slices.IndexFunc(buckets, func(c int64) bool {
		seen += c
		return float64(seen) >= q*float64(n)
	})
	if n == 0 || i < 0 || i >= len(edges) {
		return 0, false
	}
	return edges[i], true
}
