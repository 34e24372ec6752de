package slo

import "iter"

// A composite objective has members, each with an indicator and a target of its
// own, and burns when any of them does. OpenSLO v1 defines it in a few lines,
// one for each budgeting method; this is how they are read here. Weights
// multiply and are not normalised: a weight of 0.5 halves what a member burns,
// 100 makes it a hundred times as heavy, and two members of weight 1 add up.
//
//	Occurrences      burn = sum of weight x burn(member), each member's burn
//	                 measured against its own target; and the same for the
//	                 spent share of the budget.
//	Timeslices       a slice is bad when it is bad for any member; weights say
//	                 nothing. The composite's target is the strictest member's,
//	                 unless it has one.
//	RatioTimeslices  misses add up: sli = 1 - sum of weight x (1 - sli(member)),
//	                 held against the composite's target as above.
//
// Example. Search has a target of 99.5 %, checkout of 99.9 % with weight 3. In
// 30 days search had 1,000,000 requests and 1,000 failed: its burn is
// (1000/1000000)/0.005 = 0.2. Checkout had 200,000 and 40 failed: burn
// (40/200000)/0.001 = 0.2. The composite burns 1 x 0.2 + 3 x 0.2 = 0.8: 80 % of
// its budget is spent and remaining is 0.2. With RatioTimeslices, two members
// at 95 % make a composite at 90 %; at a target of 80 % half of its budget is
// spent.
//
// A budget of several members is not a number of events, so a composite's
// Allowed is 1 and its Spent the share; with Timeslices both are slices. The
// SLI of an Occurrences composite is nil. A member without traffic burns
// nothing; one without data makes the composite's data insufficient.

// weight is the member's weight, 1 unless said.
func (m Member) weight() Decimal {
	if m.Weight.IsZero() {
		return one()
	}
	return m.Weight
}

// target is the objective's own, or for a composite without one the strictest
// of its members'.
func (o *Objective) target() Decimal {
	t := o.Target
	if !t.IsZero() {
		return t
	}
	for _, m := range o.Members {
		if m.Objective != nil && m.Objective.Target.Cmp(t) > 0 {
			t = m.Objective.Target
		}
	}
	return t
}

// anyBad is the history of a composite of Timeslices. Sums of members do not say
// which slices they share, so a day on which more than one member was bad is
// answered from points; until these are loaded it is taken at its worst.
type anyBad struct {
	views  []View
	step   Minute
	wanted []Span
}

// Sum adds up the composite's slices.
func (a *anyBad) Sum(s Span) Stretch {
	var out Stretch
	for from := s.From; from < s.To; {
		to := min(s.To, max(from+a.step, ceil(floor(from, Day)+Day, a.step)))
		out = out.Add(a.piece(Span{from, to}))
		from = to
	}
	return out
}

// piece sums a stretch inside one day.
func (a *anyBad) piece(s Span) Stretch {
	worst, plain := a.bounds(s)
	if plain {
		return worst
	}
	if !a.Loaded(s) {
		a.wanted = append(a.wanted, s)
		return worst
	}
	out := Stretch{Expected: worst.Expected}
	for _, c := range a.Points(s) {
		out.Measured++
		out.Count = out.Add(Stretch{Count: c}).Count
	}
	return out
}

// bounds is the worst that the members' sums allow. plain says that it is also
// the only thing they allow: everything measured, and at most one member bad.
func (a *anyBad) bounds(s Span) (worst Stretch, plain bool) {
	var bad Amount
	burning := 0
	plain = true
	for i, v := range a.views {
		x := v.Sum(s)
		if x.Bad() > 0 {
			burning++
		}
		bad += x.Bad()
		plain = plain && x.Measured == x.Expected && x.Total == Amount(x.Expected)*Unit &&
			(i == 0 || x.Expected == worst.Expected)
		worst.Expected = max(worst.Expected, x.Expected)
		worst.Total = max(worst.Total, x.Total)
		if i == 0 || x.Measured < worst.Measured {
			worst.Measured = x.Measured
		}
	}
	worst.Total = min(max(worst.Total, bad), Amount(worst.Expected)*Unit)
	worst.Good = worst.Total - min(bad, worst.Total)
	return worst, plain && burning <= 1
}

// Points merges the members' slices: bad when any is bad, unmeasured when none
// is bad and one is unmeasured, good when any had traffic.
func (a *anyBad) Points(s Span) iter.Seq2[Minute, Count] {
	return func(yield func(Minute, Count) bool) {
		n := int(steps(s, a.step))
		seen := make([]int, n)
		merged := make([]Count, n)
		for _, v := range a.views {
			for m, c := range v.Points(s) {
				i := int((m - s.From) / a.step)
				seen[i]++
				merged[i].Total = max(merged[i].Total, c.Total)
				merged[i].Good -= c.Bad() // collects what is bad, for now
			}
		}
		for i, c := range merged {
			at := s.From + Minute(i)*a.step
			bad := c.Good < 0
			if seen[i] == 0 || (!bad && seen[i] < a.due(at)) {
				continue
			}
			c.Good = c.Total
			if bad {
				c.Good = 0
			}
			if !yield(at, c) {
				return
			}
		}
	}
}

// due is how many members a slice is expected of.
func (a *anyBad) due(at Minute) int {
	n := 0
	for _, v := range a.views {
		n += int(expected(v, Span{at, at + a.step}, a.step))
	}
	return n
}

// Loaded says whether every member can yield the points of a span.
func (a *anyBad) Loaded(s Span) bool {
	for _, v := range a.views {
		if !v.Loaded(s) {
			return false
		}
	}
	return true
}

// Birth is the earliest of the members'.
func (a *anyBad) Birth() (first Minute, ok bool) {
	for _, v := range a.views {
		if b, born := v.Birth(); born && (!ok || b < first) {
			first, ok = b, true
		}
	}
	return first, ok
}

// Frontier is the oldest of the members'.
func (a *anyBad) Frontier() Minute {
	f := a.views[0].Frontier()
	for _, v := range a.views {
		f = min(f, v.Frontier())
	}
	return f
}

// excluded counts the slices that are taken out of every member.
func (a *anyBad) excluded(s Span) int64 {
	n := excluded(a.views[0], s)
	for _, v := range a.views {
		n = min(n, excluded(v, s))
	}
	return n
}
