package slo

import "math/big"

// tier is a default condition on 28 days or more: it is true while the long
// window spends more than a share of the budget.
type tier struct {
	name     string
	severity Severity
	percent  int64
	long     Minute
}

// The tiers of the SRE Workbook, chapter 5.
func tiers() [4]tier {
	return [4]tier{
		{"page-fast", Page, 2, Hour},
		{"page-slow", Page, 5, 6 * Hour},
		{"ticket-fast", Ticket, 10, Day},
		{"ticket-slow", Ticket, 10, 3 * Day},
	}
}

// DefaultConditions returns the burn-rate pairs for an objective that names
// none: 2 % of the budget in 1 h and 5 % in 6 h page, 10 % in 1 d and 10 % in
// 3 d raise a ticket; the short window is a twelfth of the long one.
//
// The threshold is share x period / long, never below 1, to six decimals:
// 14.4, 6, 3, 1 on 30 days and 13.44, 5.6, 2.8, 1 on 28. A calendar month
// counts as 30 days, a quarter as 90, a year as 365. A period under 28 days
// keeps the thresholds of 28 and shrinks the windows in proportion, to whole
// minutes, not below one. Tiers that can never fire at the target are left out
// and named.
func DefaultConditions(w Window, target Decimal) (conditions []Condition, leftOut []string) {
	return paired(w, target, tiers())
}

// paired makes conditions of tiers.
func paired(w Window, target Decimal, all [4]tier) (conditions []Condition, leftOut []string) {
	const least = 28 * Day
	length := nominal(w)
	period := max(length, least)
	for _, t := range all {
		micros := halfUp(t.percent*int64(period)*10_000, int64(t.long))
		threshold := normal(max(micros, 1_000_000), 6)
		if !CanFire(threshold, target) {
			leftOut = append(leftOut, t.name)
			continue
		}
		conditions = append(conditions, Condition{
			Name: t.name, Severity: t.severity, Threshold: threshold,
			Long:  shrunk(int64(t.long), length, least),
			Short: shrunk(int64(t.long)/12, length, least),
		})
	}
	return conditions, leftOut
}

// shrunk scales a window to a period that is shorter than the least one.
func shrunk(window int64, length, least Minute) Minute {
	if length >= least {
		return Minute(window)
	}
	return max(1, Minute(halfUp(window*int64(length), int64(least))))
}

// halfUp is n/d rounded half up, for n >= 0 and d > 0.
func halfUp(n, d int64) int64 { return (2*n + d) / (2 * d) }

// CanFire says whether a burn rate can ever exceed a threshold at a target: in
// a total outage it is 1/(1-target) and no more. Exact.
func CanFire(threshold, target Decimal) bool {
	t := threshold.Rat()
	return t.Mul(t, target.Complement().Rat()).Cmp(new(big.Rat).SetInt64(1)) < 0
}

// Ceiling is the highest burn rate a target allows, 1/(1-target); 0 for a
// target of 1 or more, which leaves no budget to burn.
func Ceiling(target Decimal) float64 {
	budget := target.Complement()
	if budget.Sign() <= 0 {
		return 0
	}
	return quotient(pow10(budget.scale), budget.unscaled)
}

// RecommendedMinBad is how many bad events the long look-back must hold before a
// recommended condition is true: below that it is chance, not a trend.
const RecommendedMinBad = 5 * Unit

// Recommended returns the conditions that serve best where traffic swings by day
// and night: those of [DefaultConditions] in the count form, the slow page at
// 6 % of the budget instead of 5, each with at least [RecommendedMinBad] bad
// events behind it. At 6 % it takes three bad events in half an hour, and not
// two, to fire again behind an incident at ten events a minute. How good they
// are, and how that was found out, stands in doc/benchmarks.md.
func Recommended(w Window, target Decimal) (conditions []Condition, minBad Amount, leftOut []string) {
	all := tiers()
	all[1].percent = 6
	conditions, leftOut = paired(w, target, all)
	for i := range conditions {
		conditions[i].Weighted = true
	}
	return conditions, RecommendedMinBad, leftOut
}
