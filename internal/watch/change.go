package watch

import (
	"math"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// mostStarts bounds the minutes from which a change is looked for. A watch of an
// hour looks from every second one.
const mostStarts = 30

// atOnce is the weight of a change at the deployment itself; the rest goes to the
// later starts, in equal parts.
const atOnce = 0.5

// race is the evidence against one reference: that from some minute of the watch on
// the share of bad requests lies above the reference's by more than the margin.
//
// Each start has a test of its own that begins at 1 and knows nothing of the
// minutes before; what is not bet yet stays in hand. The sum is an e-process: while
// the share is at most the reference's plus the margin in each minute, it reaches
// 1/alpha with a chance of at most alpha, however often one looks.
type race struct {
	open   func() *eprocess.Margin
	stride int
	total  int // starts in all
	temper float64
	tests  []*eprocess.Margin
}

// newRace begins a race over a watch of so many minutes. prior is the share of bad
// requests that is expected, from before the watch; dispersion above 1 says how
// much more minutes vary than independent requests would: the evidence shrinks by
// it. (E^(1/d) is an e-process where E is one, by Jensen's inequality.)
func newRace(horizon slo.Minute, prior, margin, dispersion float64) *race {
	stride := max(1, (int(horizon)+mostStarts-1)/mostStarts)
	return &race{
		open:   func() *eprocess.Margin { return eprocess.NewMargin(eprocess.Options{Margin: margin, Prior: prior}) },
		stride: stride, total: (int(horizon) + stride - 1) / stride,
		temper: 1 / max(1, dispersion),
	}
}

// add takes in the i-th minute of the watch.
func (r *race) add(i int, p pair) {
	for len(r.tests) < r.total && len(r.tests)*r.stride <= i {
		r.tests = append(r.tests, r.open())
	}
	if !p.ok {
		return
	}
	for _, t := range r.tests {
		t.Add(p.refTotal, p.refBad, p.total, p.bad)
	}
}

// log is the natural logarithm of the evidence, and the minute of the watch from
// which the change shows best.
func (r *race) log() (log float64, since int) {
	logs := []float64{math.Log(r.weight(len(r.tests), r.total))}
	best := math.Inf(-1)
	for j, t := range r.tests {
		l := t.Log() * r.temper
		if l > best {
			best, since = l, j*r.stride
		}
		logs = append(logs, l+math.Log(r.weight(j, j+1)))
	}
	return logSum(logs), since
}

// weight is the weight of the starts from one to another.
func (r *race) weight(from, to int) float64 {
	if r.total <= 1 {
		return float64(to - from)
	}
	later := float64(to-max(from, 1)) * (1 - atOnce) / float64(r.total-1)
	if from == 0 && to > 0 {
		later += atOnce
	}
	return later
}

// logSum is ln of the sum of e^x without overflow.
func logSum(xs []float64) float64 {
	top := math.Inf(-1)
	for _, x := range xs {
		top = max(top, x)
	}
	if math.IsInf(top, 0) {
		return top
	}
	sum := 0.0
	for _, x := range xs {
		sum += math.Exp(x - top)
	}
	return top + math.Log(sum)
}

// pair is a minute of the watch beside the one of a reference that belongs to it;
// ok says that both were measured.
type pair struct {
	total, bad, refTotal, refBad int64
	ok                           bool
}

// paired puts the i-th minutes side by side.
func paired(after, ref *Counts, i int) pair {
	p := pair{}
	var okA, okR bool
	p.total, p.bad, okA = after.arm(i)
	p.refTotal, p.refBad, okR = ref.arm(i)
	p.ok = okA && okR
	return p
}

// prior is the share of bad requests that is expected after a reference: its own,
// drawn a little towards one in a thousand so that it is never 0 or 1.
func prior(t Tally) float64 {
	const weight, usual = 200, 0.001
	return (float64(t.Bad) + weight*usual) / (float64(t.Total) + weight)
}

// dispersion is the variance of a reference's minutes beside that of independent
// requests, at least 1: requests that fail in flocks make an evidence that counts
// each for itself too sure. Few minutes with few bad requests tell nothing about it.
func dispersion(c *Counts) float64 {
	var d eprocess.Dispersion
	for i := range c.Total {
		if total, bad, ok := c.arm(i); ok {
			d.Add(total, bad)
		}
	}
	if v, ok := d.Value(); ok {
		return max(1, v)
	}
	return 1
}
