package eprocess

import "math"

// stakes are parts of what can be bet at most.
func stakes() [6]float64 { return [6]float64{.02, .1, .25, .5, .75, .95} }

// Minutes tests whether the canary's rate is at most the baseline's plus a margin
// on average, with the minute as its unit: it bets on the difference of the two
// rates. It takes nothing for granted about requests within a minute, which may
// be bad in bursts, and needs many more minutes for that.
type Minutes struct {
	margin float64
	below  bool
	logs   [6]float64
	n      int
}

// NewMinutes returns the test of harm before any minute; NewMinutesMirror the one
// that shows that the difference is below the margin.
func NewMinutes(margin float64) *Minutes { return &Minutes{margin: margin} }

// NewMinutesMirror is explained at [NewMinutes].
func NewMinutesMirror(margin float64) *Minutes { return &Minutes{margin: margin, below: true} }

// Add takes a minute, as [Margin.Add]. A minute in which a version had no request
// says nothing.
func (t *Minutes) Add(nb, xb, nc, xc int64) {
	if nb == 0 || nc == 0 {
		return
	}
	// The difference lies in [-1, 1], so the loss is below 1 + margin.
	win, most := float64(xc)/float64(nc)-float64(xb)/float64(nb)-t.margin, 1/(1+t.margin)
	if t.below {
		win, most = -win, 1/max(1-t.margin, 1e-9)
	}
	for i, part := range stakes() {
		t.logs[i] += math.Log1p(part * most * win)
	}
	t.n++
}

// Log returns the evidence so far.
func (t *Minutes) Log() float64 { return logMean(t.logs[:]) }

// Bound returns what Log is at most.
func (t *Minutes) Bound() float64 {
	top := math.Inf(-1)
	for _, l := range t.logs {
		top = max(top, l)
	}
	return top
}

// Dispersion is how far the bad requests of a version scatter from minute to
// minute, beside requests that are bad one by one at one rate: 1 for those, far
// above 1 for bursts, retries and drift. The zero value is before any minute.
type Dispersion struct {
	n, x    float64
	squares float64 // of x, by n
	minutes float64
}

// Add takes a minute of the version.
func (d *Dispersion) Add(n, x int64) {
	if n == 0 {
		return
	}
	d.n += float64(n)
	d.x += float64(x)
	d.squares += float64(x) * float64(x) / float64(n)
	d.minutes++
}

// Value returns Pearson's statistic by its degrees of freedom, and whether there
// is one: it takes ten minutes, and ten bad requests.
func (d *Dispersion) Value() (v float64, ok bool) {
	p := d.x / d.n
	if d.minutes < 10 || d.x < 10 || p >= 1 {
		return 0, false
	}
	// The sum of (x - np)^2 / np(1-p) over minutes, multiplied out.
	return max(0, (d.squares-d.x*p)/(p*(1-p))/(d.minutes-1)), true
}
