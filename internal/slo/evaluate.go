package slo

import "slices"

// forecastLooks are the look-backs from which exhaustion is foreseen.
func forecastLooks() [2]Minute { return [2]Minute{Hour, 6 * Hour} }

// Evaluate computes everything that is known about an objective. The spans it
// returns are stretches whose points would make the answer more exact (when a
// budget runs out inside a day on which old errors leave the window; which bad
// slices members of a composite share): load them and evaluate again. A second
// answer asks for nothing new.
//
// What cannot be computed is nil or unknown, never a guess: an objective
// without a window, a view or a target below 1 has the level Unknown and the
// flag InsufficientData.
func Evaluate(in Input) (Status, []Span) {
	st := Status{Objective: in.Objective, At: in.At, Frontier: in.At}
	var m model
	if !m.load(in) {
		st.Flags = []Flag{InsufficientData}
		return st, nil
	}
	st.Frontier, st.Window = m.at, m.window
	looks := m.looks()
	// One array holds every rate, so that a status costs few allocations.
	values := make([]float64, 0, len(looks)+2)
	m.budget(&st, &values)
	m.burn(&st, looks, &values)
	m.conditions(&st, looks)
	m.exhaustion(&st, looks)
	m.flags(&st, looks, in)
	return st, m.asked()
}

// keep stores a value whose address a status holds.
func keep(values *[]float64, v float64) *float64 {
	*values = append(*values, v)
	return &(*values)[len(*values)-1]
}

// looks sums every look-back.
func (m *model) looks() []look {
	lengths := lookbacks(m.o)
	n := len(m.tracks)
	out := make([]look, len(lengths))
	sums := make([]Stretch, len(lengths)*n)
	for i, length := range lengths {
		out[i] = look{length: length, tracks: sums[i*n : (i+1)*n]}
		for j := range m.tracks {
			out[i].tracks[j] = m.tracks[j].view.Sum(m.lookback(length))
		}
	}
	return out
}

// find returns the look-back of a length that lookbacks listed.
func find(looks []look, length Minute) *look {
	i, _ := slices.BinarySearchFunc(looks, length, func(l look, m Minute) int { return int(l.length - m) })
	return &looks[i]
}

// budget fills in the window's sums, the budget and the level.
func (m *model) budget(st *Status, values *[]float64) {
	for i := range m.tracks {
		st.Stretch = st.Stretch.Add(m.tracks[i].sum)
	}
	st.Stretch = m.shown(st.Stretch)
	var room [4]term
	ts := m.spent(room[:0])
	if plain := len(m.o.Members) == 0 || m.any != nil; plain {
		t := term{base: m.tracks[0].base, budget: m.tracks[0].budget}
		st.Budget.Allowed = allowance(t, m.unit)
		st.Budget.Spent = quotient(int64(m.tracks[0].sum.Bad()), int64(m.unit))
	} else if m.budgeted() {
		st.Budget.Allowed, st.Budget.Spent = 1, sum(ts)
	}
	if !m.known() {
		return
	}
	m.sli(st, ts, values)
	st.Budget.Remaining = keep(values, rest(ts))
	st.Level = level(ts)
}

// sli fills in the indicator's value; a composite of events has none.
func (m *model) sli(st *Status, ts []term, values *[]float64) {
	t := &m.tracks[0]
	switch {
	case len(m.tracks) == 1:
		st.SLI = keep(values, quotient(int64(t.sum.Good), int64(t.sum.Total)))
	case m.o.Budgeting == RatioTimeslices:
		var misses float64
		for _, x := range ts {
			misses += x.weight.Float() * float64(x.bad) / float64(x.base.total)
		}
		st.SLI = keep(values, 1-misses)
	}
}

// level ranks what is left: remaining > 0.25, > 0.10, > 0, decided exactly.
func level(spent []term) Level {
	switch {
	case compare(spent, Decimal{75, 2}, 1, 1) < 0:
		return Healthy
	case compare(spent, Decimal{9, 1}, 1, 1) < 0:
		return Caution
	case compare(spent, one(), 1, 1) < 0:
		return Critical
	}
	return Exhausted
}

// shown turns sums of RatioTimeslices back into slices, for printing.
func (m *model) shown(s Stretch) Stretch {
	if scale := m.unit / Unit; scale > 1 {
		s.Good, s.Total = (s.Good+scale/2)/scale, (s.Total+scale/2)/scale
	}
	return s
}

// burn fills in the burn rates.
func (m *model) burn(st *Status, looks []look, values *[]float64) {
	st.Burns = make([]BurnRate, len(looks))
	for i := range looks {
		l := &looks[i]
		var room [4]term
		ts := m.burning(room[:0], l, false)
		if len(ts) > 0 && m.budgeted() {
			l.rate = keep(values, sum(ts))
		}
		b := BurnRate{Lookback: l.length, Rate: l.rate}
		for _, s := range l.tracks {
			b.Stretch = b.Stretch.Add(s)
		}
		b.Stretch = m.shown(b.Stretch)
		st.Burns[i] = b
	}
}

// budgeted says whether every target leaves a budget to burn.
func (m *model) budgeted() bool {
	for i := range m.tracks {
		if m.tracks[i].budget.Sign() <= 0 {
			return false
		}
	}
	return true
}

// conditions fills in the conditions' truth.
func (m *model) conditions(st *Status, looks []look) {
	st.Conditions = make([]ConditionState, len(m.o.Conditions))
	for i := range m.o.Conditions {
		c := &m.o.Conditions[i]
		long, short := find(looks, c.Long), find(looks, c.Short)
		s := ConditionState{Condition: *c, Long: long.rate, Short: short.rate}
		if m.budgeted() {
			s.Truth = m.holds(c, long, short)
		}
		st.Conditions[i] = s
	}
}

// exhaustion fills in when the budget runs out.
func (m *model) exhaustion(st *Status, looks []look) {
	lengths := forecastLooks()
	st.Exhausts = make([]Exhaustion, len(lengths))
	for i, length := range lengths {
		st.Exhausts[i] = Exhaustion{Lookback: length, In: m.exhausts(find(looks, length))}
	}
}

// flags fills in the circumstances, in the order in which they are defined.
func (m *model) flags(st *Status, looks []look, in Input) {
	add := func(is bool, f Flag) {
		if is {
			st.Flags = append(st.Flags, f)
		}
	}
	add(m.fires(st, Page), FastBurn)
	add(m.fires(st, Ticket), SlowBurn)
	add(m.insufficient(looks), InsufficientData)
	add(m.o.MaxAge > 0 && in.At-m.newest > m.o.MaxAge, Stale)
	add(m.silent(looks), Silent)
	add(m.noTraffic(), NoTraffic)
	young := false
	for i := range m.tracks {
		young = young || m.tracks[i].young
	}
	add(young, New)
	changed := slices.ContainsFunc(in.Lineages, func(l Minute) bool {
		return m.window.From < l && l < m.window.To
	})
	add(changed, Relineaged)
}

func (*model) fires(st *Status, severity Severity) bool {
	return slices.ContainsFunc(st.Conditions, func(c ConditionState) bool {
		return c.Severity == severity && c.Truth == True
	})
}

// insufficient says whether a stretch that something is decided by has too
// little coverage: the window, the conditions' look-backs, the forecasts'. A
// window in which nothing was ever measured has none.
func (m *model) insufficient(looks []look) bool {
	for i := range m.tracks {
		if s := m.tracks[i].sum; s.Measured <= 0 || !m.enough(s) {
			return true
		}
	}
	for i := range looks {
		if m.used(looks[i].length) && slices.ContainsFunc(looks[i].tracks, func(s Stretch) bool { return !m.enough(s) }) {
			return true
		}
	}
	return false
}

// used says whether a decision rests on a look-back.
func (m *model) used(length Minute) bool {
	forecast := forecastLooks()
	return slices.Contains(forecast[:], length) ||
		slices.ContainsFunc(m.o.Conditions, func(c Condition) bool { return c.Long == length || c.Short == length })
}

// silenceWeeks is how many earlier weeks are asked whether they had traffic.
const silenceWeeks = 4

// silent says whether a track is measured without traffic over the last hour,
// in which at least one of the earlier weeks had some.
func (m *model) silent(looks []look) bool {
	hour := find(looks, Hour)
	for i := range m.tracks {
		if s := hour.tracks[i]; s.Total != 0 || !m.trusted(s) {
			continue
		}
		for k := range Minute(silenceWeeks) {
			span := m.lookback(Hour)
			shift := ceil((k+1)*Week, m.step)
			if m.tracks[i].view.Sum(Span{span.From - shift, span.To - shift}).Total > 0 {
				return true
			}
		}
	}
	return false
}

// noTraffic says whether the whole window is measured without any event.
func (m *model) noTraffic() bool {
	for i := range m.tracks {
		if s := m.tracks[i].sum; s.Total > 0 || s.Measured <= 0 {
			return false
		}
	}
	return true
}
