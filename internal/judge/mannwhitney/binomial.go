package mannwhitney

import "math"

// BinomialTail is the chance of x or more among n, each with the chance p: the
// incomplete beta function I_p(x, n-x+1).
func BinomialTail(n, x int64, p float64) float64 {
	switch {
	case x <= 0:
		return 1
	case x > n, p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	return incompleteBeta(float64(x), float64(n-x+1), p)
}

// upperRate is the rate at which x or fewer among n have the chance alpha (Clopper
// and Pearson's upper end).
func upperRate(x, n int64, alpha float64) float64 {
	if x >= n {
		return 1
	}
	low, high := float64(x)/float64(n), 1.0
	for range 60 {
		if mid := (low + high) / 2; 1-BinomialTail(n, x+1, mid) > alpha {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// incompleteBeta is the regularised incomplete beta function by its continued
// fraction (DLMF 8.17.22), evaluated as Lentz does.
func incompleteBeta(a, b, x float64) float64 {
	if x > (a+1)/(a+b+2) {
		return 1 - incompleteBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := range 10_000 {
		m := float64(i / 2)
		var term float64
		switch {
		case i == 0:
			term = 1
		case i%2 == 0:
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + term*d; math.Abs(d) < tiny {
			d = tiny
		}
		d = 1 / d
		if c = 1 + term/c; math.Abs(c) < tiny {
			c = tiny
		}
		f *= c * d
		if math.Abs(1-c*d) < 1e-14 {
			break
		}
	}
	return min(1, front*(f-1))
}
