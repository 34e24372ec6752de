package judge

import (
	"gitlab.com/nines-sre/nines/internal/judge/confseq"
	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// tally is what both versions did over all minutes.
type tally struct {
	nb, xb, nc, xc int64
	// paired are minutes in which both had requests: what the baseline's rate would
	// be for the canary's requests, minute by minute, and how many requests of the
	// baseline that rests on. A share of the traffic that grows while rates drift
	// would show a difference where there is none.
	n, k   float64 // the canary's requests and bad ones in such minutes
	base   float64 // bad ones of them at the baseline's rates
	spread float64 // of the weights, see standard
	db, dc eprocess.Dispersion
}

func (t *tally) add(s *Sample) {
	b, c := &s.Baseline, &s.Canary
	t.nb, t.xb, t.nc, t.xc = t.nb+b.Total, t.xb+b.Bad, t.nc+c.Total, t.xc+c.Bad
	t.db.Add(b.Total, b.Bad)
	t.dc.Add(c.Total, c.Bad)
	if b.Total > 0 && c.Total > 0 {
		n, m := float64(c.Total), float64(b.Total)
		t.n += n
		t.k += float64(c.Bad)
		t.base += n * float64(b.Bad) / m
		t.spread += n * n / m
	}
}

// canary is what the canary did in minutes in which both had requests.
func (t *tally) canary() confseq.Count {
	if t.n == 0 {
		return confseq.Count{K: float64(t.xc), N: float64(t.nc)}
	}
	return confseq.Count{K: t.k, N: t.n}
}

// standard is the baseline's rate for the canary's requests, as a count of the
// size that has the same scatter. Where the share of the canary is the same in
// every minute it is the plain count.
func (t *tally) standard() confseq.Count {
	if t.n == 0 {
		return confseq.Count{K: float64(t.xb), N: float64(t.nb)}
	}
	n := t.n * t.n / t.spread
	return confseq.Count{K: t.base / t.n * n, N: n}
}

func (t *tally) tallies() (baseline, canary Tally) { return count(t.nb, t.xb), count(t.nc, t.xc) }

func count(n, x int64) Tally {
	out := Tally{Total: n, Bad: x}
	if n > 0 {
		rate := float64(x) / float64(n)
		out.Rate = &rate
	}
	return out
}

// rate is what the baseline is expected to do from here on.
func (t *tally) rate(p *Policy) float64 {
	const worth = 100 // of the prior, in requests: it only keeps the rate off zero
	return (float64(t.xb) + p.Prior*worth) / (float64(t.nb) + worth)
}

// dispersion is the worse of both versions'.
func (t *tally) dispersion() (float64, bool) {
	b, okb := t.db.Value()
	c, okc := t.dc.Value()
	return max(b, c), okb || okc
}

// nobody says which version had no request.
func (t *tally) nobody() string {
	switch {
	case t.nb == 0 && t.nc == 0:
		return "Neither version had a request that was measured."
	case t.nc == 0:
		return "The canary had no request that was measured; " + plural(t.nb, "request", "requests") + " went to the version beside it."
	}
	return "The version beside the canary had no request that was measured; " + plural(t.nc, "request", "requests") + " went to the canary."
}
