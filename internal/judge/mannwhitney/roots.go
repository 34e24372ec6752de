package mannwhitney

import "math"

// interval is a shift between two samples and what holds it.
type interval struct{ low, high, shift float64 }

// ranks are the first sample's among both.
type ranks struct {
	sum  float64 // of the first sample's ranks, ties sharing theirs
	ties float64 // sum of t^3-t over groups of t equal values
}

// rankSum ranks two sorted samples together, the first moved down by mu. It is
// one walk along both: sorting again for every mu would cost all the time there is.
func rankSum(x, y []float64, mu float64) (r ranks) {
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		at := math.Inf(1)
		if i < len(x) {
			at = x[i] - mu
		}
		if j < len(y) {
			at = min(at, y[j])
		}
		before, fromX := i+j, i
		for i < len(x) && x[i]-mu <= at {
			i++
		}
		for j < len(y) && y[j] <= at {
			j++
		}
		if i+j == before { // not a number: nothing comes after it
			return ranks{sum: math.NaN()}
		}
		t := float64(i + j - before)
		r.sum += float64(i-fromX) * (float64(before) + (t+1)/2)
		r.ties += t*t*t - t
	}
	return r
}

// statistic is the normal deviate of the rank sum at a shift of mu, continuity
// corrected, less q; not ok where all values are one.
func statistic(x, y []float64, mu, q float64) (float64, bool) {
	m, n := float64(len(x)), float64(len(y))
	r := rankSum(x, y, mu)
	d := r.sum - m*(m+1)/2 - m*n/2
	correction := 0.0
	switch {
	case d > 0:
		correction = 0.5
	case d < 0:
		correction = -0.5
	}
	sigma := math.Sqrt(m * n / 12 * ((m + n + 1) - r.ties/((m+n)*(m+n-1))))
	if !(sigma > 0) {
		return 0, false
	}
	return (d-correction)/sigma - q, true
}

// rootTolerance is Kayenta's, and absolute: values of a scale near it are not
// told apart. That is one of the faults that are kept.
const rootTolerance = 1e-4

// rootInterval finds the shifts at which the statistic crosses the quantiles, as
// R's wilcox.test does without exact p-values.
func rootInterval(x, y []float64, confidence float64) (interval, bool) {
	low, high := x[0]-y[len(y)-1], x[len(x)-1]-y[0]
	z := -quantile((1 - confidence) / 2)
	sound := true
	root := func(q float64, guarded bool) float64 {
		f := func(mu float64) float64 {
			v, ok := statistic(x, y, mu, q)
			sound = sound && ok
			return v
		}
		atLow, atHigh := f(low), f(high)
		switch {
		case guarded && atLow <= 0:
			return low
		case guarded && atHigh >= 0:
			return high
		}
		return brent(bracket{low, high, atLow, atHigh}, f)
	}
	iv := interval{low: root(z, true), high: root(-z, true), shift: root(0, false)}
	return iv, sound
}

// bracket is two points and a function's values there.
type bracket struct{ a, b, fa, fb float64 }

// brent finds a root by Brent's method: inverse quadratic interpolation or a
// secant where they help, bisection where they do not. Step for step it does what
// R's zeroin does, because on tied data the function is a staircase and what is
// found depends on the way there.
func brent(k bracket, f func(float64) float64) float64 {
	switch {
	case k.fa == 0:
		return k.a
	case k.fb == 0:
		return k.b
	}
	const eps = 2.220446049250313e-16
	c, fc := k.a, k.fa // with b, the two ends around the root; a is the b before
	for range 1001 {
		before := k.b - k.a
		if math.Abs(fc) < math.Abs(k.fb) { // b is the best so far
			k.a, k.b, c = k.b, c, k.b
			k.fa, k.fb, fc = k.fb, fc, k.fb
		}
		near := 2*eps*math.Abs(k.b) + rootTolerance/2
		step := (c - k.b) / 2
		if math.Abs(step) <= near || k.fb == 0 {
			return k.b
		}
		if math.Abs(before) >= near && math.Abs(k.fa) > math.Abs(k.fb) {
			if s, ok := k.interpolate(c, fc, near); ok {
				step = s
			}
		}
		if math.Abs(step) < near {
			step = math.Copysign(near, step)
		}
		k.a, k.fa = k.b, k.fb
		k.b += step
		k.fb = f(k.b)
		if k.fb > 0 == (fc > 0) && k.fb < 0 == (fc < 0) {
			c, fc = k.a, k.fa
		}
	}
	return k.b
}

// interpolate returns the step to where a line (a is c) or an inverse parabola
// through the points crosses zero, if that is well inside.
func (k bracket) interpolate(c, fc, near float64) (float64, bool) {
	before, cb := k.b-k.a, c-k.b
	var p, q float64
	if k.a == c {
		t := k.fb / k.fa
		p, q = cb*t, 1-t
	} else {
		s, t, u := k.fa/fc, k.fb/fc, k.fb/k.fa
		p = u * (cb*s*(s-t) - (k.b-k.a)*(t-1))
		q = (s - 1) * (t - 1) * (u - 1)
	}
	if p > 0 {
		q = -q
	} else {
		p = -p
	}
	if p < 0.75*cb*q-math.Abs(near*q)/2 && p < math.Abs(before*q/2) {
		return p / q, true
	}
	return 0, false
}
