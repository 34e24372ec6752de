package slo

// model is one objective with its evidence, made ready for arithmetic. A plain
// objective has one track; a composite has one for each member, or a single one
// over slices that are bad when any member's is.
type model struct {
	o      *Objective
	step   Minute
	unit   Amount
	at     Minute // where windows end
	newest Minute // the oldest frontier among the views
	window Span   // whole steps of the window so far
	period Span   // the whole period, not aligned
	tracks []track
	any    *anyBad // set for a composite of Timeslices
	parts  []part  // the window by UTC days; filled on demand
	wanted []Span  // points that would sharpen an answer
}

// track is one history whose bad events burn the budget.
type track struct {
	view           View
	name           string
	budget, weight Decimal
	sum            Stretch // over the window
	base           base    // what bad is held against over the window
	young          bool    // too little is known to project a total
}

// impossible says whether a count cannot be right: more good events than events.
func impossible(c Count) bool { return c.Good < 0 || c.Good > c.Total || c.Saturated() }

// load fills m from an input; ok is false when there is nothing to compute from.
func (m *model) load(in Input) (ok bool) {
	o := in.Objective
	if o == nil || o.Window == nil {
		return false
	}
	m.o, m.step, m.unit = o, o.step(), o.unit()
	if !m.follow(in) {
		return false
	}
	m.newest = m.tracks[0].view.Frontier()
	for i := range m.tracks {
		m.newest = min(m.newest, m.tracks[i].view.Frontier())
	}
	m.at = min(in.At, m.newest)
	m.period = o.Window.Period(m.at)
	m.window = whole(o.Window.Bounds(m.at), m.step)
	for i := range m.tracks {
		m.measure(&m.tracks[i])
	}
	return true
}

// follow sets up the tracks.
func (m *model) follow(in Input) bool {
	o := m.o
	if len(o.Members) == 0 {
		m.tracks = []track{{view: in.View, budget: o.Target.Complement(), weight: one()}}
		return in.View != nil
	}
	if len(in.Members) != len(o.Members) {
		return false
	}
	for i, v := range in.Members {
		if v == nil || o.Members[i].Objective == nil {
			return false
		}
	}
	if o.Budgeting == Timeslices {
		m.any = &anyBad{views: in.Members, step: m.step}
		m.tracks = []track{{view: m.any, budget: o.target().Complement(), weight: one()}}
		return true
	}
	m.tracks = make([]track, len(o.Members))
	for i, p := range o.Members {
		t := &m.tracks[i]
		t.view, t.name, t.weight = in.Members[i], p.Objective.Key(), p.weight()
		t.budget = p.Objective.Target.Complement()
		if o.Budgeting == RatioTimeslices {
			t.budget = o.target().Complement()
		}
	}
	return true
}

// measure sums a track over the window and finds what its budget is a part of.
func (m *model) measure(t *track) {
	t.sum = t.view.Sum(m.window)
	_, calendar := m.o.Window.(Calendar)
	switch {
	case m.o.Budgeting == Occurrences && calendar:
		m.project(t)
	case m.o.Budgeting == Occurrences:
		t.base.total = t.sum.Total
	case calendar:
		all := whole(m.period, m.step)
		t.base.total = Amount(steps(all, m.step)-excluded(t.view, all)) * m.unit
	default:
		t.base.total = Amount(t.sum.Expected) * m.unit
	}
}

// predecessorShare is the least part (1/n) of a period that must be measured
// before a total is projected from it: the first 5 % are too young.
const predecessorShare = 20

// project sets the base of a calendar budget of events: the total so far, and
// for what is left of the period the rate of the previous one per measured
// minute, or else the rate so far.
func (m *model) project(t *track) {
	rest := Span{m.at, m.period.To}
	t.base = base{total: t.sum.Total, rest: int64(rest.Len()) - excluded(t.view, rest)}
	last, _ := previous(m.o.Window, m.at)
	if p := t.view.Sum(last); p.Measured*predecessorShare >= int64(last.Len()) && !impossible(p.Count) {
		t.base.rate, t.base.per = p.Total, p.Measured
	} else {
		t.base.rate, t.base.per = t.sum.Total, t.sum.Measured
		t.young = t.sum.Expected*predecessorShare < int64(m.period.Len())
	}
	if t.base.rest <= 0 {
		t.base.rest, t.base.rate, t.base.per = 0, 0, 0
	}
}

// known says whether a budget can be computed: something happened, what is
// counted is possible, and every target leaves a budget.
func (m *model) known() bool {
	traffic := false
	for i := range m.tracks {
		t := &m.tracks[i]
		if impossible(t.sum.Count) || t.budget.Sign() <= 0 || t.weight.Sign() <= 0 {
			return false
		}
		traffic = traffic || (t.sum.Total > 0 && t.base.positive())
	}
	return traffic
}

// spent appends the terms of the spent share of the budget.
func (m *model) spent(ts []term) []term {
	for i := range m.tracks {
		t := &m.tracks[i]
		if t.sum.Total > 0 && t.base.positive() {
			ts = append(ts, term{bad: t.sum.Bad(), base: t.base, budget: t.budget, weight: t.weight})
		}
	}
	return ts
}

// lookback is the span of the whole steps in the last minutes before the end:
// it ends with the newest whole step and holds at least one.
func (m *model) lookback(length Minute) Span { return lookback(m.at, length, m.step) }

func lookback(at, length, step Minute) Span {
	if step <= 1 {
		return Span{at - length, at}
	}
	end := floor(at, step)
	return Span{min(ceil(end-length, step), end-step), end}
}

// part is a stretch of the window inside one UTC day, with what each track
// holds of it. The first one may be longer: nothing was expected in it yet.
type part struct {
	span   Span
	ask    Span // what a view answers for: the day, as far as it is in the window
	tracks []portion
}

// portion is a track's share of a stretch.
type portion struct {
	bad      Amount
	expected int64
}

// days cuts the window at the first birth and at each midnight.
func (m *model) days() []part {
	if m.parts != nil || m.window.Empty() {
		return m.parts
	}
	first := m.window.To
	for i := range m.tracks {
		if b, ok := m.tracks[i].view.Birth(); ok {
			first = max(m.window.From, min(first, ceil(b, m.step)))
		}
	}
	n := len(m.tracks)
	most := int(m.window.Len()/Day) + 3
	m.parts = make([]part, 0, most)
	portions := make([]portion, most*n)
	if first > m.window.From {
		unborn := Span{m.window.From, first}
		m.parts = append(m.parts, part{unborn, unborn, portions[:n]})
		portions = portions[n:]
	}
	for from := first; from < m.window.To; {
		day := floor(from, Day)
		p := part{span: Span{from, m.midnight(day + Day)}, tracks: portions[:n]}
		p.ask = Span{max(m.window.From, m.midnight(day)), p.span.To}
		for i := range m.tracks {
			t := &m.tracks[i]
			p.tracks[i] = portion{t.view.Sum(p.ask).Bad(), expected(t.view, p.span, m.step)}
		}
		m.parts = append(m.parts, p)
		from, portions = p.span.To, portions[n:]
	}
	return m.parts
}

// midnight is the first step of a day, or the end of the window before it.
func (m *model) midnight(day Minute) Minute { return min(m.window.To, ceil(day, m.step)) }

// want asks for the points of a stretch.
func (m *model) want(s Span) { m.wanted = append(m.wanted, s) }

// asked returns the stretches whose points would sharpen the answer, merged.
func (m *model) asked() []Span {
	if m.any != nil {
		m.wanted = append(m.wanted, m.any.wanted...)
	}
	if len(m.wanted) == 0 {
		return nil
	}
	return merge(m.wanted, 1)
}

// loaded says whether every track can yield the points of a stretch.
func (m *model) loaded(s Span) bool {
	for i := range m.tracks {
		if !m.tracks[i].view.Loaded(s) {
			return false
		}
	}
	return true
}
