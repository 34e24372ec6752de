package alarms

import (
	"fmt"
	"math/big"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// measured is how an objective's events are seen in CloudWatch: bad ones of all in
// a window, or a value that is judged once in each step.
type measured struct {
	queries []Query
	at      place
	exact   bool
	weighs  bool       // a ratio of a window is not the mean of its minutes'
	step    slo.Minute // of the data
	slice   slo.Minute // of what is counted; 0: events are
	// bad and total are formulas over the queries; of a ratio that is a series by
	// itself total is "".
	bad, total string
	// value is what is held against bound; it is bad where operator holds.
	value, operator, bound string
	sql                    bool
	of                     *Objective
}

const (
	above   = "GreaterThanThreshold"
	atLeast = "GreaterThanOrEqualToThreshold"
	below   = "LessThanThreshold"
	atMost  = "LessThanOrEqualToThreshold"
)

// measure reads what an objective measures; why says what no alarm can do.
func measure(o *Objective) (m *measured, why string) {
	switch {
	case len(o.Members) > 0:
		return nil, "it weighs several indicators, which no alarm does; its parts may have objectives of their own"
	case o.Type != CloudWatch:
		return nil, "its data come from a source of type " + o.Type + ", not from CloudWatch"
	case o.Budgeting == slo.RatioTimeslices:
		return nil, "no alarm takes the mean of the ratios of slices"
	}
	r := &reader{details: o.Details}
	m = &measured{of: o, exact: true}
	switch d := o.Measured.(type) {
	case slo.Ratio:
		m.ratio(r, d)
	case slo.RawRatio:
		m.raw(r, d)
	case slo.Threshold:
		m.judged(r, d)
	default:
		r.refuse("nothing is said about what it measures")
	}
	if r.why != "" {
		return nil, r.why
	}
	m.once()
	if m.step = max(m.step, 1); o.Period > 0 {
		m.step = o.Period
	}
	if m.slice > 0 || o.Budgeting == slo.Timeslices {
		return m, m.slices()
	}
	return m, ""
}

// add takes a series in.
func (m *measured) add(r *reader, q *slo.Query, id string) {
	if q == nil {
		return
	}
	s := r.read(q.Spec, id)
	if len(m.queries) > 0 && s.at != m.at {
		r.refuse("its metrics are in two places, and an alarm sees those of its own")
	}
	m.at, m.step, m.exact = s.at, max(m.step, s.period), m.exact && s.exact
	for _, q := range s.queries {
		m.sql = m.sql || q.SQL
	}
	m.queries = append(m.queries, s.queries...)
}

// once names each metric once, however many formulas read it: each name is billed.
func (m *measured) once() {
	seen, names := map[string]string{}, map[string]string{}
	kept := m.queries[:0:0]
	for _, q := range m.queries {
		if q.Metric == nil {
			q.Expression = rename(q.Expression, names)
		} else {
			key := fmt.Sprintf("%q %q", q.Account, *q.Metric)
			if first, ok := seen[key]; ok {
				names[q.ID] = first
				continue
			}
			seen[key] = q.ID
		}
		kept = append(kept, q)
	}
	m.queries, m.bad, m.total = kept, rename(m.bad, names), rename(m.total, names)
}

func (m *measured) ratio(r *reader, d slo.Ratio) {
	m.add(r, d.Total, "total")
	m.total = "total"
	if d.Bad != nil && d.Good == nil {
		m.add(r, d.Bad, "bad")
		m.bad = "FILL(bad, 0)"
	} else {
		m.add(r, d.Good, "good")
		m.bad = "(total - FILL(good, 0))"
	}
	switch {
	case d.Counter:
		r.refuse("its metrics are counters that only grow, and no alarm takes their differences over a window")
	case m.sql:
		r.refuse("an alarm has one Metrics Insights statement, and a ratio needs two")
	}
}

// raw reads a series of ratios: their average over a window is the ratio.
func (m *measured) raw(r *reader, d slo.RawRatio) {
	m.add(r, d.Raw, "ratio")
	m.bad = "(1 - ratio)"
	if d.Failure {
		m.bad = "ratio"
	}
	last := m.queries[len(m.queries)-1]
	if last.Metric == nil || last.Metric.Stat != "Average" {
		r.refuse("its ratios are no plain Average, and other statistics of a window are not those of its minutes")
	}
	m.weighs = true
}

func (m *measured) judged(r *reader, d slo.Threshold) {
	m.add(r, d.Metric, "value")
	m.value, m.bound, m.exact = "value", d.Bound.String(), true // it is judged step by step
	switch d.Op {
	case slo.LessThan:
		m.operator = atLeast
	case slo.LessOrEqual:
		m.operator = above
	case slo.GreaterThan:
		m.operator = atMost
	case slo.GreaterOrEqual:
		m.operator = below
	}
	m.slice = max(1, m.step)
	if m.of.Period > 0 {
		m.slice = m.of.Period
	}
}

// slices makes a value of a ratio that is judged slice by slice.
func (m *measured) slices() (why string) {
	o := m.of
	if m.value != "" {
		if o.Budgeting == slo.Timeslices && o.Slice != m.slice {
			return fmt.Sprintf("a slice of %s is judged by several values of %s", slo.FormatLength(o.Slice), slo.FormatLength(m.slice))
		}
		return ""
	}
	m.slice = o.Slice
	if m.slice%m.step != 0 {
		return fmt.Sprintf("a slice of %s does not hold whole steps of %s", slo.FormatLength(m.slice), slo.FormatLength(m.step))
	}
	m.value, m.operator, m.bound = "slice", above, "1"
	left := o.SliceTarget.Complement()
	formula := m.bad
	if left.Sign() > 0 {
		formula = Times(m.bad, m.total, left)
	} else { // every bad event makes a slice bad
		m.bound = "0"
	}
	if m.total != "" {
		formula = "IF(" + m.total + " > 0, " + formula + ", 0)"
	}
	m.queries = append(m.queries, Query{ID: "slice", Expression: formula})
	return ""
}

// window makes the alarm over one window of a condition.
func (m *measured) window(p *planned, c *slo.Condition, length slo.Minute, long bool) (Alarm, string) {
	if m.slice > 0 {
		return m.counted(p, c, length, long)
	}
	if whole := ceil(length, m.step); whole != length {
		p.note(c.Name, fmt.Sprintf("a window of %s does not hold whole steps of %s", slo.FormatLength(length), slo.FormatLength(m.step)), "it has "+slo.FormatLength(whole))
		length = whole
	}
	threshold := c.Threshold
	if length > farthest {
		scaled, err := threshold.Mul(slo.MustDecimal(strconv.FormatInt(int64(length/slo.Hour), 10)))
		if err != nil || length%slo.Hour != 0 {
			return Alarm{}, "an alarm looks back 7 days at most"
		}
		threshold = quotient(scaled, int64(farthest/slo.Hour))
		p.note(c.Name, fmt.Sprintf("an alarm looks back 7 days at most, not %s", slo.FormatLength(length)), "each of the last 7 days must burn above "+threshold.String()+", which spends as much of the budget")
		if !slo.CanFire(threshold, m.of.Target) {
			return Alarm{}, "in 7 days that much of the budget cannot be spent"
		}
		length = farthest
	} else if length > longest {
		days := "the last day"
		if n := length / longest; n > 1 {
			days = fmt.Sprintf("each of the last %d days", n)
		}
		p.note(c.Name, fmt.Sprintf("a period of an alarm is a day at most, so there is no sliding sum of %s, and an alarm of several days is evaluated once an hour", slo.FormatLength(length)),
			days+" must burn above "+threshold.String())
	}
	a := Alarm{Period: min(length, longest), Operator: above, Threshold: threshold.String()}
	a.Periods = int(length / a.Period)
	a.Datapoints = a.Periods
	a.Queries = append(a.Queries, m.queries...)
	a.Queries = append(a.Queries, Query{ID: "burn", Expression: m.burn(long), Label: "burn rate", Return: true})
	return a, ""
}

// burn is the formula of a burn rate. Without events it is 0; without data it is
// nothing.
func (m *measured) burn(long bool) string {
	out := Times(m.bad, m.total, m.of.Target.Complement())
	if m.total == "" {
		return out
	}
	if least := m.of.MinBad; long && least > 0 {
		out = "IF(" + m.bad + " >= " + strconv.FormatFloat(least.Float(), 'f', -1, 64) + ", " + out + ", 0)"
	}
	return "IF(" + m.total + " > 0, " + out + ", 0)"
}

// counted makes an alarm that counts bad slices in a window: so many of so many
// datapoints.
func (m *measured) counted(p *planned, c *slo.Condition, length slo.Minute, long bool) (Alarm, string) {
	length = ceil(length, m.slice)
	n := int64(length / m.slice)
	// More bad slices than threshold x budget x slices.
	most := new(big.Rat).Mul(c.Threshold.Rat(), m.of.Target.Complement().Rat())
	most.Mul(most, new(big.Rat).SetInt64(n))
	bad := new(big.Int).Quo(most.Num(), most.Denom()).Int64() + 1
	if least := int64(ceil(slo.Minute(m.of.MinBad), slo.Minute(slo.Unit))) / int64(slo.Unit); long {
		bad = max(bad, least)
	}
	reach := farthest
	if m.slice < slo.Hour {
		reach = slo.Day
	}
	if m.sql {
		reach = insights
	}
	if length > reach {
		p.note(c.Name, fmt.Sprintf("an alarm on steps of %s looks back %s at most, not %s", slo.FormatLength(m.slice), slo.FormatLength(reach), slo.FormatLength(length)),
			fmt.Sprintf("as many bad ones (%d) within %s", bad, slo.FormatLength(reach)))
		n = int64(reach / m.slice)
	}
	if bad > n {
		return Alarm{}, fmt.Sprintf("%d bad of %d can never be", bad, n)
	}
	a := Alarm{Period: m.slice, Operator: m.operator, Threshold: m.bound, Periods: int(n), Datapoints: int(bad)}
	for _, q := range m.queries {
		q.Return = q.ID == m.value
		a.Queries = append(a.Queries, q)
	}
	return a, ""
}

// ceil is the least multiple of step that is not less than n.
func ceil(n, step slo.Minute) slo.Minute { return (n + step - 1) / step * step }

// quotient is d/n to six decimals, rounded up: a threshold must not become lower.
func quotient(d slo.Decimal, n int64) slo.Decimal {
	micros := new(big.Rat).Mul(d.Rat(), big.NewRat(1_000_000, n))
	whole, rest := new(big.Int).QuoRem(micros.Num(), micros.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	out, err := slo.MustDecimal(whole.String()).Shift(-6)
	if err != nil {
		return d
	}
	return out
}
