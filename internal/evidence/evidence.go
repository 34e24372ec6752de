// Package evidence says how sure it is that an objective is being missed,
// whenever one looks: an e-detector against the budget, after Shin, Ramdas and
// Rinaldo (E-detectors, 2022).
//
// The hypothesis is that each minute's events are bad with a probability of at
// most the budget, 1 - target, given what came before. Against it stand burns
// from 1.5 to 300; each bets on its own rate, and they are mixed with equal
// weights. The detector of Shiryaev and Roberts adds up the bets placed at each
// earlier minute:
//
//	R = sum over j of R_j / n,  R_j <- (R_j + 1) x psi_j^bad / (1 - b + b psi_j)^total
//
// While the hypothesis holds, R - (minutes with traffic) goes nowhere on
// average, so that R reaches A once in A minutes or more rarely: nothing has to
// be fixed beforehand, neither when to look nor how bad it is. It answers
// whether it is worse than the budget, not whether that is worth waking anybody.
package evidence

import (
	"fmt"
	"math"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// ARL is the default average run length: one false alarm in five weeks at the
// very edge of the budget.
const ARL = 5 * slo.Week

// burns are the rates bet on, as multiples of the budget.
func burns() [10]float64 { return [10]float64{1.5, 2, 3, 5, 10, 20, 50, 100, 200, 300} }

// Detector is the evidence so far. The zero value, and that of a target that
// leaves no budget, never has any.
type Detector struct {
	bets []bet
}

// bet is one alternative: what a bad event multiplies by, what any event
// divides by, and the logarithm of R_j.
type bet struct{ perBad, perEvent, log float64 }

// New begins without evidence against a target.
func New(target slo.Decimal) Detector {
	budget := target.Complement().Float()
	var d Detector
	if budget <= 0 || budget >= 1 {
		return d
	}
	for _, k := range burns() {
		p := k * budget
		if p >= 1 {
			break // a total outage is bet on by the one before, nearly
		}
		psi := p * (1 - budget) / (budget * (1 - p))
		d.bets = append(d.bets, bet{math.Log(psi), math.Log1p(budget * (psi - 1)), math.Inf(-1)})
	}
	return d
}

// Add takes in a measured minute, or a slice. One without traffic tells
// nothing, and so does one with an impossible count.
func (d *Detector) Add(c slo.Count) {
	total, bad := c.Total.Float(), c.Bad().Float()
	if total <= 0 || bad < 0 || bad > total || c.Saturated() {
		return
	}
	for i := range d.bets {
		b := &d.bets[i]
		b.log = log1pExp(b.log) + bad*b.perBad - total*b.perEvent
	}
}

// Log is the natural logarithm of R: of how many minutes with traffic go by, on
// average and at least, until an objective that is kept shows as much. Negative
// infinity for none.
func (d *Detector) Log() float64 {
	top := math.Inf(-1)
	for i := range d.bets {
		top = max(top, d.bets[i].log)
	}
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for i := range d.bets {
		sum += math.Exp(d.bets[i].log - top)
	}
	return top + math.Log(sum/float64(len(d.bets)))
}

// Limit is the evidence that comes up once in an average run length at most.
func Limit(arl slo.Minute) float64 { return math.Log(float64(max(1, arl))) }

// Of is the evidence in a stretch of a view.
func Of(v slo.View, target slo.Decimal, span slo.Span) float64 {
	d := New(target)
	for _, c := range v.Points(span) {
		d.Add(c)
	}
	return d.Log()
}

// Seldom writes evidence as the time in which it comes up once by chance.
func Seldom(log float64) string {
	minutes := math.Exp(min(log, 700))
	const day, year = 24 * 60, 365.25 * 24 * 60
	switch {
	case log <= 0:
		return "a minute"
	case minutes < 2*60:
		return fmt.Sprintf("%.0f minutes", minutes)
	case minutes < 2*day:
		return fmt.Sprintf("%.0f hours", minutes/60)
	case minutes < 2*year:
		return fmt.Sprintf("%.0f days", minutes/day)
	case minutes < 1e6*year:
		return fmt.Sprintf("%.0f years", minutes/year)
	}
	return "a million years"
}

// log1pExp is ln(1 + e^x) without overflow.
func log1pExp(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}
