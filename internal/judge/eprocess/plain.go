package eprocess

import "math"

// Plain tests whether both versions have the same rate in every minute, which may
// drift (Turner, Ly and Grünwald, JSPI 230, 2024): what each is expected to do is
// learned from what both did, and only a canary that looks worse is bet on. It
// has no margin and no effect that is bet on beforehand.
type Plain struct {
	nb, xb, nc, xc float64
	log            float64
}

// NewPlain returns the test before any minute.
func NewPlain() *Plain { return &Plain{} }

// Add takes a minute, as [Margin.Add].
func (t *Plain) Add(nb, xb, nc, xc int64) {
	n, x, m, y := float64(nb), float64(xb), float64(nc), float64(xc)
	if pb, pc := (t.xb+.5)/(t.nb+1), (t.xc+.5)/(t.nc+1); t.nb > 0 && t.nc > 0 && pc > pb && n > 0 && m > 0 {
		p := (n*pb + m*pc) / (n + m)
		t.log += x*math.Log(pb/p) + (n-x)*math.Log((1-pb)/(1-p)) + y*math.Log(pc/p) + (m-y)*math.Log((1-pc)/(1-p))
	}
	t.nb, t.xb, t.nc, t.xc = t.nb+n, t.xb+x, t.nc+m, t.xc+y
}

// Log returns the evidence of harm so far.
func (t *Plain) Log() float64 { return t.log }
