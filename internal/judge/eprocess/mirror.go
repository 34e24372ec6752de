package eprocess

import "math"

// shares are the canary's rates that are bet on when it is to be shown that it is
// no worse, as parts of the way from the baseline's rate to the limit; and the
// last one a canary with half of the baseline's errors.
func shares() [3]float64 { return [3]float64{0, .5, -1} }

// Mirror tests whether the canary's rate is at least the baseline's plus a margin,
// in every minute. Evidence against that lets it pass. It never grows when more
// of the canary's requests are bad.
type Mirror struct {
	o    Options
	past past
	bets [3]bet
	top  float64
}

// NewMirror returns the test before any minute. Without a margin nothing can be
// shown by a canary that is as good as the baseline.
func NewMirror(o Options) *Mirror { return &Mirror{o: o.normal()} }

// Add takes a minute, as [Margin.Add].
func (t *Mirror) Add(nb, xb, nc, xc int64) {
	if nc > 0 && nb > 0 {
		t.bet(nb, xb, nc, xc)
	}
	t.past.add(nb, xb, t.o.Memory)
}

func (t *Mirror) bet(nb, xb, nc, xc int64) {
	gap := t.o.Margin
	a := arms{nb: float64(nb), pb: t.past.rate(&t.o), nc: float64(nc)}
	hi := a.pb + gap
	if hi >= 1 {
		return // no rate is that high: nothing to show
	}
	t.top = math.Inf(-1)
	for i, share := range shares() {
		b := &t.bets[i]
		a.pc = a.pb + share*gap
		if share < 0 {
			a.pc = a.pb / 2
		}
		lo := max(a.pc, gap)
		if hi-lo > 1e-14 {
			s := b.project(a, gap, lo, hi)
			b.log += a.log(s, max(s-gap, 1e-300), xb, xc)
		}
		t.top = max(t.top, b.log)
	}
}

// Log returns the evidence so far that the canary is no worse than the limit.
func (t *Mirror) Log() float64 {
	return logMean([]float64{t.bets[0].log, t.bets[1].log, t.bets[2].log})
}

// Bound returns what Log is at most.
func (t *Mirror) Bound() float64 { return t.top }
