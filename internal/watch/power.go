package watch

import (
	"math"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

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
	if pc <= pb+margin {
		return 0
	}
	h := eprocess.Hardest(eprocess.Arms{Nb: nb, Pb: pb, Nc: nc, Pc: pc}, margin)
	return nc*eprocess.Divergence(pc, h.Pc) + nb*eprocess.Divergence(pb, h.Pb)
}
