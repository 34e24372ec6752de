package backtest

import (
	"fmt"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Spec is a policy that is not yet about an objective: thresholds may be shares
// of a budget.
type Spec struct {
	Name     string
	Weighted bool
	MinBad   slo.Amount
	Rules    []SpecRule
}

// SpecRule is a rule of a spec. Threshold counts where it is set, else the
// share of the period's budget, in hundredths of a percent.
type SpecRule struct {
	Name        string
	Severity    slo.Severity
	Share       int64
	Threshold   slo.Decimal
	Long, Short slo.Minute // Short 0: a twelfth of Long
	After       slo.Minute
}

// For is the policy for an objective. Rules that can never fire at its target
// are left out.
func (s *Spec) For(o *slo.Objective) Policy {
	p := Policy{Name: s.Name, MinBad: s.MinBad}
	step := stepOf(o)
	for i, r := range s.Rules {
		c := slo.Condition{Name: r.Name, Severity: r.Severity, Threshold: r.Threshold, Long: max(r.Long, step), Short: r.Short, Weighted: s.Weighted}
		if c.Name == "" {
			c.Name = fmt.Sprintf("%s-%d", r.Severity, i+1)
		}
		if c.Short == 0 {
			c.Short = c.Long / 12
		}
		c.Short = max(1, c.Short, step)
		if c.Threshold.IsZero() {
			c.Threshold = thresholdOf(r.Share, o.Window, c.Long)
		}
		if slo.CanFire(c.Threshold, o.Target) {
			p.Rules = append(p.Rules, Rule{Condition: c, After: r.After})
		}
	}
	return p
}

// thresholdOf is share x period / look-back, to six decimals, at least 1: below
// that a rule fires while the objective is kept.
func thresholdOf(share int64, w slo.Window, long slo.Minute) slo.Decimal {
	if w == nil || long <= 0 {
		return slo.MustDecimal("1")
	}
	const micro = 1_000_000
	micros := (share*int64(slo.NominalLength(w))*(micro/10_000)*2 + int64(long)) / (2 * int64(long))
	micros = max(micros, micro)
	return slo.MustDecimal(fmt.Sprintf("%d.%06d", micros/micro, micros%micro))
}
