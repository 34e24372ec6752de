// Package confseq holds intervals for rates. A confidence sequence holds the true
// rate at every look at once; [Wilson] and [Newcombe] hold it at one look that was
// chosen before.
package confseq

import "math"

// Interval is from Low to High.
type Interval struct{ Low, High float64 }

// Rate returns a confidence sequence for a rate after n requests, k of them bad:
// with a chance of at least 1-alpha it holds the rate after every request
// (Howard, Ramdas, McAuliffe and Sekhon, Ann. Statist. 49, 2021: the sub-Bernoulli
// beta-binomial mixture). It is narrowest around best requests, which must not be
// chosen by what was seen. k and n need not be whole.
func Rate(k, n, alpha, best float64) Interval {
	if n <= 0 {
		return Interval{0, 1}
	}
	p, limit := k/n, math.Log(1/alpha)
	out := Interval{0, 1}
	over := func(x float64) float64 { return mixture(x, p, n, best) - limit }
	if p > 0 && over(tiny) >= 0 {
		out.Low = solve(tiny, p, over)
	}
	if p < 1 && over(1-tiny) >= 0 {
		out.High = solve(1-tiny, p, over)
	}
	return out
}

// tiny keeps rates inside of (0, 1).
const tiny = 1e-12

// solve returns where f ends to be positive between out, where it is, and in: by
// secants, and by halves where these are slow (Illinois). It ends on the outside,
// so an interval is never too narrow.
func solve(out, in float64, f func(float64) float64) float64 {
	fo, fi := f(out), f(min(max(in, tiny), 1-tiny))
	for i := 0; i < 200 && math.Abs(out-in) > 1e-10*(1e-3+math.Abs(in)); i++ {
		m := (out*fi - in*fo) / (fi - fo)
		if i%3 == 2 || !(m > min(out, in) && m < max(out, in)) {
			m = (out + in) / 2
		}
		if fm := f(m); fm >= 0 {
			out, fo, fi = m, fm, fi/2
		} else {
			in, fi, fo = m, fm, fo/2
		}
	}
	return out
}

// mixture is the evidence against the rate p where the share hat of n was bad.
func mixture(p, hat, n, best float64) float64 {
	g, h := p, 1-p
	r := max(rho(p*h*best, tuned)-g*h, 1e-3*g*h)
	s, v := (hat-p)*n, p*h*n
	return -(v+h*s)/h*math.Log(g) - (v-g*s)/g*math.Log(h) +
		logBeta((r+v-g*s)/g, (r+v+h*s)/h) - logBeta(r/g, r/h)
}

// tuned is the alpha for which the mixture is narrowest around its best size; the
// sequence holds for any other too.
const tuned = 0.05

func rho(v, alpha float64) float64 {
	l := 2 * math.Log(1/alpha)
	return v / (l + math.Log(1+l))
}

func logBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return la + lb - lab
}

// Difference returns a confidence sequence for the rate of c minus that of b, each
// at half of alpha: k bad ones of n. See [Rate].
func Difference(c, b Count, alpha, best float64) Interval {
	ic, ib := Rate(c.K, c.N, alpha/2, best), Rate(b.K, b.N, alpha/2, best)
	return Interval{ic.Low - ib.High, ic.High - ib.Low}
}

// Count is K bad ones of N.
type Count struct{ K, N float64 }

// Wilson returns the score interval for a rate at one look. z is the quantile of
// the normal distribution (1.96 for 95 %).
func Wilson(k, n, z float64) Interval {
	if n <= 0 {
		return Interval{0, 1}
	}
	p, q := k/n, z*z/n
	centre := (p + q/2) / (1 + q)
	half := z * math.Sqrt(p*(1-p)/n+q/(4*n)) / (1 + q)
	return Interval{max(0, centre-half), min(1, centre+half)}
}

// Newcombe returns the interval for the rate of c minus that of b at one look
// (Newcombe, Stat. Med. 17, 1998, method 10).
func Newcombe(c, b Count, z float64) Interval {
	if c.N <= 0 || b.N <= 0 {
		return Interval{-1, 1}
	}
	ic, ib := Wilson(c.K, c.N, z), Wilson(b.K, b.N, z)
	pc, pb := c.K/c.N, b.K/b.N
	return Interval{
		pc - pb - math.Hypot(pc-ic.Low, ib.High-pb),
		pc - pb + math.Hypot(ic.High-pc, pb-ib.Low),
	}
}

// Quantile is the standard normal's: Quantile(0.975) is 1.96.
func Quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
