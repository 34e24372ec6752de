package watch

import "math"

// test is a sequential test of two shares, minute by minute.
type test interface {
	// Add takes in a minute: requests and bad ones of the reference, then of the
	// new version.
	Add(nb, xb, nc, xc int64)
	// Log is the natural logarithm of the evidence.
	Log() float64
}

// bets is the test of math-and-economics...
type bets struct {
	prior, margin float64
	nb, xb        float64
	logs          [8]float64
}

func newTest(prior, margin float64) test { return &bets{prior: prior, margin: margin} }

func (b *bets) Add(nb, xb, nc, xc int64) {
	const weight = 2000
	pb := (b.xb + b.prior*weight) / (b.nb + weight)
	u := max(b.margin, b.prior)
	for j := range b.logs {
		pc := min(pb+b.margin+0.5*math.Pow(2, float64(j))*u, 0.9)
		if pc <= pb+b.margin {
			continue
		}
		lo, hi := pb+b.margin, pc
		for range 40 {
			s := (lo + hi) / 2
			q := s - b.margin
			if float64(nc)*(s-pc)/(s*(1-s))+float64(nb)*(q-pb)/(q*(1-q)) > 0 {
				hi = s
			} else {
				lo = s
			}
		}
		s := (lo + hi) / 2
		q := s - b.margin
		b.logs[j] += float64(xc)*math.Log(pc/s) + float64(nc-xc)*math.Log((1-pc)/(1-s)) +
			float64(xb)*math.Log(pb/q) + float64(nb-xb)*math.Log((1-pb)/(1-q))
	}
	b.nb, b.xb = b.nb+float64(nb), b.xb+float64(xb)
}

func (b *bets) Log() float64 { return logSum(b.logs[:]) - math.Log(float64(len(b.logs))) }
