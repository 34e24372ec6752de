package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Defaults of a policy.
const (
	defaultAlpha    = 0.05
	defaultPrior    = 0.001
	defaultPass     = 95
	defaultMarginal = 75
	// defaultSlack is how far a canary without a margin may be worse and still be
	// let through, a percentage point: the finest that 400 requests can show.
	defaultSlack = 0.01
	// valueSlack is the same for values, as a ratio.
	valueSlack = 1.1
	// shapeSlack is that of quantiles of distributions, whose buckets are wide.
	shapeSlack = 1.25
	// remembered is how many of the baseline's requests make its expected rate: it
	// follows a change of both versions within that many.
	remembered = 50_000
)

// Normal returns the policy with what it leaves out.
func (p *Policy) Normal() Policy {
	q := *p
	if q.Method == "" {
		q.Method = EProcess
	}
	if q.Alpha == 0 {
		q.Alpha = defaultAlpha
	}
	if q.Beta == 0 {
		q.Beta = defaultAlpha
	}
	if q.Prior == 0 {
		q.Prior = defaultPrior
	}
	if q.Pass == 0 {
		q.Pass = defaultPass
	}
	if q.Marginal == 0 {
		q.Marginal = min(defaultMarginal, q.Pass)
	}
	return q
}

// Check says what is wrong with a policy, nil for nothing. Errors are
// fault.Invalid.
func (p *Policy) Check() error {
	q := p.Normal()
	if err := q.Method.check(); err != nil {
		return err
	}
	switch {
	case !(q.Alpha > 0 && q.Alpha <= .5):
		return invalid("alpha %v: it is above 0 and at most 0.5, 0.05 for one good canary of 20 that may fail", q.Alpha)
	case !(q.Beta > 0 && q.Beta <= .5):
		return invalid("beta %v: it is above 0 and at most 0.5", q.Beta)
	case !(q.Prior > 0 && q.Prior < .5):
		return invalid("prior %v: the expected rate of bad requests is above 0 and below 0.5", q.Prior)
	case !(q.Marginal >= 0 && q.Marginal <= q.Pass && q.Pass <= 100):
		return invalid("marginal %v and pass %v: scores are from 0 to 100, and marginal is not above pass", q.Marginal, q.Pass)
	case q.Least < 0:
		return invalid("least %d: a number of requests is not negative", q.Least)
	}
	if err := q.checkMargins(); err != nil {
		return err
	}
	if q.Limit != nil {
		if err := q.Limit.check(); err != nil {
			return err
		}
	}
	k := q.kayenta()
	return cmp.Or(q.checkWeights(), k.check())
}

func (p *Policy) checkMargins() error {
	if err := p.Margin.check("margin"); err != nil {
		return err
	}
	if err := p.Slack.check("slack"); err != nil {
		return err
	}
	if p.Bursts && (p.Margin.Ratio > 0 || p.Slack.Ratio > 0) {
		return errBursts()
	}
	return nil
}

func errBursts() error {
	return invalid("a ratio and bursts: a ratio is tested by the share of single errors, which bursts make meaningless; give a margin that is added")
}

func (p *Policy) checkWeights() error {
	sum := 0.0
	for _, group := range slices.Sorted(maps.Keys(p.Weights)) {
		w := p.Weights[group]
		if !(w >= 0 && w <= 100) {
			return invalid("weight %v of group %q: it is from 0 to 100, in per cent", w, group)
		}
		sum += w
	}
	if sum > 100+1e-9 {
		return invalid("the weights of groups come to %v: at most 100, in per cent", sum)
	}
	return nil
}

func (m *Margin) check(name string) error {
	if !(m.Add >= 0 && m.Add < 1) {
		return invalid("%s %v: a difference of rates is from 0 to below 1, 0.001 for a tenth of a percentage point", name, m.Add)
	}
	if m.Ratio != 0 && !(m.Ratio > 1 && m.Ratio <= 1e6) {
		return invalid("%s as a ratio, %v: it is above 1, or left out", name, m.Ratio)
	}
	return nil
}

func (l *Limit) check() error {
	switch {
	case !(l.Good >= 0 && l.Good < 1):
		return invalid("limit %v: the share of good requests is from 0 to below 1 (0.99 for 99 %%); every request good cannot be shown by any number of them", l.Good)
	case l.Value != nil && !finite(*l.Value):
		return invalid("limit %v: it is no number", *l.Value)
	case l.Count != nil && *l.Count < 0:
		return invalid("limit of %d bad requests: a number is not negative", *l.Count)
	case l.Good == 0 && l.Value == nil && l.Count == nil:
		return invalid("a limit limits nothing: give a share of good requests, a value or a count")
	}
	return nil
}

// invalid is what is wrong with what was asked; who asks adds where it stood.
func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "", fmt.Sprintf(format, args...), "")
}

// zero says whether a margin allows nothing.
func (m Margin) zero() bool { return m == Margin{} }

// margin is how much worse the canary may be in a metric, slack what lets it pass.
func (p *Policy) margin(m *Metric) Margin {
	if m.Margin != nil {
		return *m.Margin
	}
	return p.Margin
}

func (p *Policy) slack(m *Metric, otherwise Margin) Margin {
	switch margin := p.margin(m); {
	case !p.Slack.zero():
		return p.Slack
	case !margin.zero():
		return margin
	}
	return otherwise
}

// limit is what a metric is held against, nil for none.
func (p *Policy) limit(m *Metric) *Limit {
	if m.Limit != nil {
		return m.Limit
	}
	return p.Limit
}
