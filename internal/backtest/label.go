package backtest

import (
	"cmp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Incident is a stretch in which somebody should have been told.
type Incident struct {
	ID string `json:"id,omitempty"`
	// Subject is a service, service/slo or service/slo/objective.
	Subject string     `json:"subject"`
	From    slo.Minute `json:"from"`
	To      slo.Minute `json:"to"`
	// Spent is the share of the period's budget that was lost in it, the largest
	// among the objectives it is about.
	Spent float64 `json:"spent"`
}

// Span is the incident's minutes.
func (i *Incident) Span() slo.Span { return slo.Span{From: i.From, To: i.To} }

// about says whether an incident concerns an objective.
func about(subject, objective string) bool {
	return subject == "*" || subject == objective || strings.HasPrefix(objective, subject+"/")
}

// Derivation says what counts as an incident where nobody wrote them down.
type Derivation struct {
	// Share is the least share of a period's budget that it spends; 0: 0.02.
	Share float64
	// Gap is the longest stretch of steps within the budget inside of it; 0: five
	// minutes.
	Gap slo.Minute
}

// The defaults of a Derivation.
const (
	DerivedShare = 0.02
	DerivedGap   = 5 * slo.Minute(1)
)

// Derive finds the incidents in a history: stretches of steps that burn faster
// than the budget allows (a burn rate above 1), with gaps of up to Gap between
// them, that spend Share of the budget or more. It is how nines status finds
// where budget was lost. A budget is that of a whole period at the rate of
// traffic of the period before the stretch's end, as in the count form: the
// definition favours rules that count.
//
// Composites have none: their incidents are those of their members.
func (c *Case) Derive(d Derivation) []Incident {
	l := c.book
	if l == nil {
		return nil
	}
	if d.Share <= 0 {
		d.Share = DerivedShare
	}
	if d.Gap <= 0 {
		d.Gap = DerivedGap
	}
	var out []Incident
	var now slo.Span
	end := func() {
		if spent := l.spent(now); !now.Empty() && spent >= d.Share {
			out = append(out, Incident{Subject: c.s.Objective.Key(), From: now.From, To: now.To, Spent: spent})
		}
	}
	for i := range l.losses {
		at := l.losses[i].at
		if !l.losses[i].over || at < c.s.Span.From {
			continue
		}
		if now.Empty() || at-now.To > d.Gap {
			end()
			now.From = at
		}
		now.To = at + l.step
	}
	end()
	return out
}

// Measure fills in what incidents spent, from the histories they are about.
func Measure(cases []*Case, incidents []Incident) {
	for _, c := range cases {
		key := c.s.Objective.Key()
		for k := range incidents {
			if i := &incidents[k]; c.book != nil && about(i.Subject, key) {
				i.Spent = max(i.Spent, c.book.spent(i.Span()))
			}
		}
	}
}

// book says what stretches of a history spent. It is small, so that a year of a
// hundred histories can be kept: the steps in which something was bad, and the
// traffic by the hour.
type book struct {
	step   slo.Minute
	losses []loss
	first  slo.Minute // of the first hour
	hours  []cell     // running sums up to the end of each hour
	budget float64
	period slo.Minute
}

// loss is a step in which something was bad.
type loss struct {
	at   slo.Minute
	sum  int64 // of what was bad before it
	over bool  // more was bad than the budget allows
}

// newBook is nil where a history has no budget of its own.
func newBook(b *bench) *book {
	o, t := b.s.Objective, b.track
	if t == nil || o.Target.Complement().Sign() <= 0 {
		return nil
	}
	l := &book{
		step: t.step, first: floor(t.first, slo.Hour), budget: o.Target.Complement().Float(),
		period: o.Window.Period(b.s.Span.To).Len(), hours: []cell{{}},
	}
	for i := range len(t.cells) - 1 {
		at, c, before := t.first+slo.Minute(i)*t.step, &t.cells[i+1], &t.cells[i]
		if bad := c.bad - before.bad; bad > 0 {
			l.losses = append(l.losses, loss{at, before.bad, float64(bad) > l.budget*float64(c.total-before.total)})
		}
		for at >= l.first+slo.Minute(len(l.hours))*slo.Hour {
			l.hours = append(l.hours, *before)
		}
	}
	l.hours = append(l.hours, t.cells[len(t.cells)-1])
	l.losses = append(l.losses, loss{at: b.s.Span.To + slo.Week, sum: t.cells[len(t.cells)-1].bad})
	return l
}

// before is what was bad in the steps that begin before an instant.
func (l *book) before(at slo.Minute) int64 {
	i, _ := slices.BinarySearchFunc(l.losses, at, func(x loss, m slo.Minute) int { return cmp.Compare(x.at, m) })
	return l.losses[min(i, len(l.losses)-1)].sum
}

// hour is the traffic up to the hour that an instant lies in, that hour
// included.
func (l *book) hour(at slo.Minute) cell {
	i := ceil(at-l.first, slo.Hour) / slo.Hour
	return l.hours[min(max(i, 0), slo.Minute(len(l.hours)-1))]
}

// spent is a stretch's share of the budget of a period; 0 without traffic.
func (l *book) spent(s slo.Span) float64 {
	end, begin := l.hour(s.To), l.hour(s.To-l.period)
	total, measured := end.total-begin.total, end.measured-begin.measured
	if total <= 0 || measured <= 0 || s.Empty() {
		return 0
	}
	allowed := l.budget * float64(total) / float64(measured) * float64(l.period/l.step)
	return float64(l.before(s.To)-l.before(s.From)) / allowed
}

// Concerns says whether an incident is about an objective, by its key.
func (i *Incident) Concerns(objective string) bool { return about(i.Subject, objective) }

// About says whether a notice is about the incident: told while it was going on,
// or within Grace of its end.
func (i *Incident) About(n *Notice) bool {
	return i.Concerns(n.Objective) && i.From < n.At && n.At <= i.To+Grace
}
