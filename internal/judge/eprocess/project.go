package eprocess

import "math"

// arms is a minute's bet: what each version is expected to do, and how often.
type arms struct {
	nb, pb float64 // requests and expected rate of the baseline
	nc, pc float64 // of the canary
}

// project returns the rate s of the canary, and s-gap of the baseline, on the
// line canary = baseline + gap that is hardest to tell from the bet: the root of
//
//	nc (s-pc)/(s(1-s)) + nb (b-pb)/(b(1-b)) = 0, b = s-gap
//
// between lo and hi, where it changes its sign once. Multiplied out that is a
// cubic, so a step of Newton costs one division; a step that leaves the bracket
// is halved instead. start is a first guess.
func project(a arms, gap, lo, hi, start float64) float64 {
	s := start
	if !(s > lo && s < hi) {
		s = (lo + hi) / 2
	}
	for range 100 {
		b := s - gap
		ca, cb := a.nc*(s-a.pc), a.nb*(b-a.pb)
		vb, vs := b*(1-b), s*(1-s)
		g := ca*vb + cb*vs
		if g > 0 {
			hi = s
		} else {
			lo = s
		}
		d := a.nc*vb + ca*(1-2*b) + a.nb*vs + cb*(1-2*s)
		next := s - g/d
		if !(next >= lo && next <= hi) {
			next = (lo + hi) / 2
		}
		step := math.Abs(next - s)
		s = next
		// A step so small leaves an error of its square. And so does evidence: on the
		// line it is flat at the root.
		if step <= 1e-6*min(b, 1-s) || hi-lo <= 1e-15 {
			break
		}
	}
	return s
}

// Arms are what each version is expected to do: requests, and a rate of 0 to 1.
type Arms struct{ Nb, Pb, Nc, Pc float64 }

// Rates are one of each version.
type Rates struct{ Pb, Pc float64 }

// Hardest returns the rates on the line canary = baseline + gap that are hardest to
// tell from what is expected: a floor for how many requests a test needs. The
// expected rates have to lie on one side of the line; on it they are returned.
func Hardest(e Arms, gap float64) Rates {
	pb, pc := min(max(e.Pb, 1e-12), 1-1e-12), min(max(e.Pc, 1e-12), 1-1e-12)
	lo, hi := min(pc, pb+gap), max(pc, pb+gap)
	lo, hi = max(lo, gap), min(hi, 1)
	if hi-lo < 1e-14 {
		return Rates{Pb: pb, Pc: pc}
	}
	a := arms{nb: e.Nb, pb: pb, nc: e.Nc, pc: pc}
	s := project(a, gap, lo, hi, guess(a, gap))
	return Rates{Pb: max(s-gap, 1e-300), Pc: s}
}
