package eprocess

import "math"

// Ratio tests whether the canary's rate is at most ratio times the baseline's, in
// every minute. It looks at the bad requests alone: which share of them is the
// canary's. So what hits both versions at once, however hard, is no evidence; it
// is exact where bad requests are few, and needs more requests than a margin.
type Ratio struct {
	ratio float64
	up    bool
	logs  [many]float64
	top   float64
}

// NewRatio returns the test of harm before any minute; NewRatioMirror the one
// that shows that the canary's rate is below ratio times the baseline's.
func NewRatio(ratio float64) *Ratio { return &Ratio{ratio: ratio, up: true} }

// NewRatioMirror is explained at [NewRatio].
func NewRatioMirror(ratio float64) *Ratio { return &Ratio{ratio: ratio} }

// Add takes a minute, as [Margin.Add].
func (t *Ratio) Add(nb, xb, nc, xc int64) {
	if nb == 0 || nc == 0 || xb+xc == 0 {
		return
	}
	theta := t.ratio * float64(nc) / (t.ratio*float64(nc) + float64(nb))
	t.top = math.Inf(-1)
	for i, psi := range tilts() {
		if !t.up {
			psi = 1 / psi
		}
		t.logs[i] += float64(xc)*math.Log(psi) - float64(xb+xc)*math.Log1p(theta*(psi-1))
		t.top = max(t.top, t.logs[i])
	}
}

// Log returns the evidence so far.
func (t *Ratio) Log() float64 { return logMean(t.logs[:]) }

// Bound returns what Log is at most.
func (t *Ratio) Bound() float64 { return t.top }
