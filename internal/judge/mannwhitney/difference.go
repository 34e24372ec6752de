package mannwhitney

import "math"

// difference is of two rates, over minutes in which both versions had requests.
type difference struct {
	bad, of      float64 // the canary's
	base, ofBase float64 // what the baseline's are worth
}

// newDifference weighs the baseline's minutes as the canary's, so that a share of
// the traffic that changes while rates move makes no difference by itself. The
// weighted rate is as sure as a count of a smaller size.
func newDifference(minutes []Minute) difference {
	var d difference
	var spread float64
	for _, m := range minutes {
		if m.Canary <= 0 || m.Baseline <= 0 {
			continue
		}
		nc, nb := float64(m.Canary), float64(m.Baseline)
		d.of += nc
		d.bad += float64(m.CanaryBad)
		d.base += nc * float64(m.BaselineBad) / nb
		spread += nc * nc / nb
	}
	d.ofBase = d.of * d.of / spread
	d.base *= d.ofBase / d.of
	return d
}

// newcombe is the difference and its interval by his tenth method (1998): the root
// of the squared distances to the ends of both Wilson intervals.
func (d difference) newcombe(z float64) (diff, low, high float64) {
	pc, lc, uc := wilson(d.bad, d.of, z)
	pb, lb, ub := wilson(d.base, d.ofBase, z)
	diff = pc - pb
	return diff, diff - math.Hypot(pc-lc, ub-pb), diff + math.Hypot(uc-pc, pb-lb)
}

func wilson(x, n, z float64) (p, low, high float64) {
	p = x / n
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z * math.Sqrt(max(0, p*(1-p)/n+z*z/(4*n*n))) / (1 + z*z/n)
	return p, max(0, centre-half), min(1, centre+half)
}

// ruledOut is the least p at which the interval's upper end stays within what is
// allowed. Where the baseline is so bad that nothing could be worse, nothing is
// ruled out.
func (d difference) ruledOut(allowed float64) float64 {
	within := func(z float64) bool {
		_, _, high := d.newcombe(z)
		return high <= allowed
	}
	low, high := 0.0, 8.0
	if !within(low) || d.base/d.ofBase+allowed >= 1 {
		return 1
	}
	for range 40 {
		if mid := (low + high) / 2; within(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Erfc(low/math.Sqrt2) / 2
}

// missing is how many more requests of the canary, with as many more of the
// baseline as it had, would rule out what is allowed if the rates stay.
func (d difference) missing(allowed, z float64) int64 {
	within := func(times float64) bool {
		more := difference{d.bad * times, d.of * times, d.base * times, d.ofBase * times}
		_, _, high := more.newcombe(z)
		return high <= allowed
	}
	const most = 1e6
	low, high := 1.0, 2.0
	for !within(high) {
		if low, high = high, 2*high; high > most {
			return 0
		}
	}
	for range 40 {
		if mid := (low + high) / 2; within(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return int64(math.Ceil(d.of * (high - 1)))
}
