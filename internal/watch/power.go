package watch

import "math"

// detectable is the least share of bad requests that so many requests would show
// against a reference: the share at which the expected evidence of the whole
// stretch reaches the bar. nil: not even an outage would show.
func detectable(requests int64, r *reference, p *Policy) *float64 {
	if requests <= 0 || r.tally.Total <= 0 {
		return nil
	}
	base := prior(r.tally)
	nc := float64(requests) / r.spread
	nb := float64(r.tally.Total) / r.spread
	// A change at the deployment itself has half of the bets.
	bar := math.Log(1/p.Alpha) - math.Log(atOnce)
	low, high := base+p.Margin, 1-1e-9
	if low >= high || growth(nb, base, nc, high, p.Margin) < bar {
		return nil
	}
	for range 50 {
		mid := (low + high) / 2
		if growth(nb, base, nc, mid, p.Margin) < bar {
			low = mid
		} else {
			high = mid
		}
	}
	return &high
}

// growth is the expected evidence of a bet that knows both shares: the distance of
// the truth from the nearest point at which the new version is worse by exactly the
// margin.
func growth(nb, pb, nc, pc, margin float64) float64 {
	lo, hi := max(margin, pb+margin), pc
	if lo >= hi {
		return 0
	}
	for range 40 {
		s := (lo + hi) / 2
		b := s - margin
		if nc*(s-pc)/(s*(1-s))+nb*(b-pb)/(b*(1-b)) > 0 {
			hi = s
		} else {
			lo = s
		}
	}
	s := (lo + hi) / 2
	return nc*divergence(pc, s) + nb*divergence(pb, s-margin)
}

// divergence is that of Kullback and Leibler between two shares.
func divergence(p, q float64) float64 {
	out := 0.0
	if p > 0 {
		out += p * math.Log(p/q)
	}
	if p < 1 {
		out += (1 - p) * math.Log((1-p)/(1-q))
	}
	return out
}
