package eprocess

import "math"

// Options are of the tests on two versions.
type Options struct {
	// Margin is how much higher the canary's rate may be, 0 to 1.
	Margin float64
	// Prior is the rate that is expected before anything was counted, above 0 and
	// below 1; PriorRequests is how many requests it is worth. 0: 2000.
	Prior         float64
	PriorRequests float64
	// Unit is the size of the effects that are bet on. 0: the larger of Margin and
	// Prior.
	Unit float64
	// Relative takes the baseline's rate for the unit where that is larger.
	Relative bool
	// Memory is how many of the baseline's requests are remembered for its expected
	// rate, so that it follows after a change of both. 0: all.
	Memory float64
}

func (o Options) normal() Options {
	if o.PriorRequests <= 0 {
		o.PriorRequests = 2000
	}
	o.Prior = min(max(o.Prior, 1e-9), .9)
	o.Margin = min(max(o.Margin, 0), 1)
	if o.Unit <= 0 {
		o.Unit = max(o.Margin, o.Prior)
	}
	return o
}

// past is what the baseline did before this minute.
type past struct{ n, x float64 }

func (p *past) add(n, x int64, memory float64) {
	p.n += float64(n)
	p.x += float64(x)
	if memory > 0 && p.n > memory {
		p.x *= memory / p.n
		p.n = memory
	}
}

// rate is what the baseline is expected to do, above 0 and below 1.
func (p *past) rate(o *Options) float64 {
	r := (p.x + o.Prior*o.PriorRequests) / (p.n + o.PriorRequests)
	return min(max(r, 1e-12), 1-1e-9)
}

// hopeless is how far behind a bet on a smaller effect a bet is given up: for it to
// matter again the smaller one would have shown harm long before. Giving up a bet
// never makes evidence. Only larger ones are given up, which more bad requests
// bring back, so that these never lower the evidence.
const hopeless = 60

// Margin tests whether the canary's rate is at most the baseline's plus a margin,
// in every minute. Evidence against that is evidence of harm. It never falls when
// more of the canary's requests are bad.
type Margin struct {
	o    Options
	past past
	bets [8]bet
	top  float64 // the largest evidence of a bet
}

// NewMargin returns the test before any minute.
func NewMargin(o Options) *Margin { return &Margin{o: o.normal()} }

// Add takes a minute: requests and bad ones of the baseline, then of the canary.
// 0 <= x <= n each.
func (t *Margin) Add(nb, xb, nc, xc int64) {
	if nc > 0 && nb > 0 { // else the projection is the bet itself: the factor is 1
		t.bet(nb, xb, nc, xc)
	}
	t.past.add(nb, xb, t.o.Memory)
}

func (t *Margin) bet(nb, xb, nc, xc int64) {
	pb := t.past.rate(&t.o)
	unit := t.o.Unit
	if t.o.Relative {
		unit = max(unit, pb)
	}
	a := arms{nb: float64(nb), pb: pb, nc: float64(nc)}
	lo, top, before := pb+t.o.Margin, math.Inf(-1), math.Inf(-1)
	if lo >= .9 {
		return // nothing is left to bet on
	}
	for i, g := range grid() {
		b := &t.bets[i]
		if b.log < before-hopeless {
			b.log = math.Inf(-1)
			continue
		}
		before = max(before, b.log)
		a.pc = min(lo+g*unit, .9)
		s := b.project(a, t.o.Margin, lo, a.pc)
		b.log += a.log(s, s-t.o.Margin, xb, xc)
		top = max(top, b.log)
	}
	t.top = top
}

// Log returns the evidence of harm so far.
func (t *Margin) Log() float64 {
	var logs [8]float64
	for i := range t.bets {
		logs[i] = t.bets[i].log
	}
	return logMean(logs[:])
}

// Bound returns what Log is at most, and costs nothing.
func (t *Margin) Bound() float64 { return t.top }

// guess is where the projection would be if the weights of the versions did not
// change on the way.
func guess(a arms, gap float64) float64 {
	wc, wb := a.nc/(a.pc*(1-a.pc)), a.nb/(a.pb*(1-a.pb))
	return (wc*a.pc + wb*(a.pb+gap)) / (wc + wb)
}

// log is the evidence of a minute for the bet against rates s of the canary and b
// of the baseline.
func (a *arms) log(s, b float64, xb, xc int64) float64 {
	out := (a.nc-float64(xc))*logRatio(1-a.pc, 1-s) + (a.nb-float64(xb))*logRatio(1-a.pb, 1-b)
	if xc > 0 {
		out += float64(xc) * logRatio(a.pc, s)
	}
	if xb > 0 {
		out += float64(xb) * logRatio(a.pb, b)
	}
	return out
}
