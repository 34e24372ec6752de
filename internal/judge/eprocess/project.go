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
// is halved instead. start is a first guess; the last step is within a part of what
// lies between the rates and their ends, and what is left of the square of that.
func project(a arms, gap, lo, hi, start, within float64) float64 {
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
		if step <= within*min(b, 1-s) || hi-lo <= 1e-15 {
			break
		}
	}
	return s
}

// near is how close minutes look: evidence is off by less than a millionth for it,
// and its mean, which is flat at the root, by nothing that could be written down.
const near = 2e-5

// bet is one effect that is bet on: its evidence so far, and where its last
// projection lay within its bracket.
type bet struct {
	log float64
	// odds are how much further it lay from the line's other end than from the
	// bet, by the requests of the versions. They change slowly.
	odds float64
}

// project looks for the projection of a bet where the last one lay, and remembers
// it. The bracket is from lo to hi; more requests of the canary pull towards pc,
// which lies at or beyond one of the ends.
func (b *bet) project(a arms, gap, lo, hi float64) float64 {
	share, end := a.nc/a.nb, hi-lo
	if a.pc <= lo {
		share = 1 / share
	}
	var s float64
	if b.odds > 0 {
		x := b.odds * share
		s = lo + end*x/(1+x)
	} else {
		s = guess(a, gap)
	}
	s = project(a, gap, lo, hi, s, near)
	if to := (s - lo) / (hi - s); to > 0 && to < 1e15 {
		b.odds = to / share
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
	s := project(a, gap, lo, hi, guess(a, gap), 1e-6)
	return Rates{Pb: max(s-gap, 1e-300), Pc: s}
}

// Divergence is that of Kullback and Leibler: the mean evidence of one request at
// rate p, 0 to 1, against the rate q.
func Divergence(p, q float64) float64 {
	out := 0.0
	if p > 0 {
		out += p * math.Log(p/q)
	}
	if p < 1 {
		out += (1 - p) * math.Log((1-p)/(1-q))
	}
	return out
}
