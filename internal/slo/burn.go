package slo

import "slices"

// standard are the look-backs that every status shows.
func standard() [7]Minute {
	return [7]Minute{5, 30, Hour, 2 * Hour, 6 * Hour, Day, 3 * Day}
}

// lookbacks are the standard look-backs and those of the conditions, ascending.
func lookbacks(o *Objective) []Minute {
	std := standard()
	out := make([]Minute, 0, len(std)+2*len(o.Conditions))
	out = append(out, std[:]...)
	for i := range o.Conditions {
		out = append(out, o.Conditions[i].Long, o.Conditions[i].Short)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// look is one look-back: what each track holds of it.
type look struct {
	length Minute
	tracks []Stretch
	rate   *float64 // nil without traffic
}

// enough says whether a stretch has the coverage that decisions need. Nothing
// being expected yet is no gap.
func (m *model) enough(s Stretch) bool {
	if s.Expected <= 0 || s.Measured >= s.Expected {
		return true
	}
	least := m.o.Coverage
	if least.IsZero() {
		least = Decimal{9, 1}
	}
	return !below(s.Measured, s.Expected, least)
}

// burning appends the terms of a look-back's burn rate. With strict, tracks that
// are not known well enough are left out.
func (m *model) burning(ts []term, l *look, strict bool) []term {
	for i := range m.tracks {
		s := &l.tracks[i]
		if s.Total <= 0 || (strict && !m.trusted(*s)) {
			continue
		}
		t := &m.tracks[i]
		ts = append(ts, term{bad: s.Bad(), base: base{total: s.Total}, budget: t.budget, weight: t.weight})
	}
	return ts
}

// trusted says whether a stretch can decide a condition by itself.
func (m *model) trusted(s Stretch) bool {
	return s.Measured > 0 && m.enough(s) && !impossible(s.Count)
}

// holds says whether a condition is true: both of its windows over the
// threshold. One window that is surely not over it makes the condition false,
// whatever is unknown about the other.
func (m *model) holds(c *Condition, long, short *look) Truth {
	l, s := m.over(c, long), m.over(c, short)
	if l == True && c.enoughBad(m, long) == False {
		l = False
	}
	switch {
	case l == False || s == False:
		return False
	case l == True && s == True:
		return True
	}
	return Undetermined
}

// enoughBad is False when fewer events were bad than the objective asks for.
func (*Condition) enoughBad(m *model, l *look) Truth {
	var bad Amount
	for i := range l.tracks {
		bad += l.tracks[i].Bad()
	}
	if m.o.MinBad > 0 && bad/(m.unit/Unit) < m.o.MinBad {
		return False
	}
	return True
}

// over says whether a look-back exceeds a condition's threshold, strictly.
//
// A window measured without traffic does not. One with too little coverage is
// unknown, except where the missing minutes cannot matter: a composite whose
// known members exceed the threshold by themselves, and time slices, of which
// each missing one can only be good or bad.
func (m *model) over(c *Condition, l *look) Truth {
	var room [4]term
	if c.Weighted {
		return m.overWeighted(c, l, room[:0])
	}
	if compare(m.burning(room[:0], l, true), c.Threshold, 1, 1) > 0 {
		return True
	}
	for i := range l.tracks {
		if !m.trusted(l.tracks[i]) {
			return m.decidedSlices(c, l)
		}
	}
	return False
}

// decidedSlices decides a look-back of one track with missing slices, if
// neither all of them good nor all of them bad could change the answer.
func (m *model) decidedSlices(c *Condition, l *look) Truth {
	s := l.tracks[0]
	if len(l.tracks) > 1 || m.o.Budgeting == Occurrences || s.Expected <= 0 || impossible(s.Count) {
		return Undetermined
	}
	missing := Amount(max(0, s.Expected-s.Measured)) * m.unit
	t := term{bad: s.Bad(), base: base{total: s.Total + missing}, budget: m.tracks[0].budget, weight: one()}
	if t.base.total <= 0 || t.budget.Sign() <= 0 {
		return Undetermined
	}
	if compare([]term{t}, c.Threshold, 1, 1) > 0 {
		return True
	}
	// The worst case for slices that are missing is that all are bad, and that
	// the others are as few as they are.
	t.bad += missing
	if compare([]term{t}, c.Threshold, 1, 1) <= 0 {
		return False
	}
	return Undetermined
}

// overWeighted decides the count form: bad > threshold x look-back/period x the
// budget of the whole period. The period's traffic is taken at its rate per
// measured minute, so that a young or patchy window is not a small budget.
func (m *model) overWeighted(c *Condition, l *look, ts []term) Truth {
	length := int64(m.period.Len())
	for i := range m.tracks {
		t, s := &m.tracks[i], &l.tracks[i]
		if !m.trusted(*s) || !m.trusted(t.sum) {
			return Undetermined
		}
		b := t.base
		if b.per == 0 {
			b = base{rate: t.sum.Total, rest: length / int64(m.step), per: t.sum.Measured}
		}
		if s.Total > 0 && b.positive() && t.budget.Sign() > 0 {
			ts = append(ts, term{bad: s.Bad(), base: b, budget: t.budget, weight: t.weight})
		}
	}
	if compare(ts, c.Threshold, int64(l.length), length) > 0 {
		return True
	}
	return False
}
