package backtest

import (
	"cmp"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Rotation is whose sleep it is: when nights are, and how much one may be
// disturbed.
type Rotation struct {
	// From and To are minutes of the civil day in Zone; the night may cross
	// midnight. Both 0: 22:00 to 06:00.
	From, To slo.Minute
	Zone     *time.Location // nil: UTC
	// PerShift is how many notifications a shift may bring; 0: 2, as the SRE book
	// has it.
	PerShift float64
}

// Distribution is a list of numbers, by nearest rank; nil pointers for none.
type Distribution struct {
	N   int      `json:"n"`
	P50 *float64 `json:"p50"`
	P90 *float64 `json:"p90"`
}

// Score says how good a policy would have been.
type Score struct {
	Policy string `json:"policy"`
	// Objectives and Weeks are what was gone through; Weeks are calendar time.
	Objectives int     `json:"objectives"`
	Weeks      float64 `json:"weeks"`
	// Precision is notices about an incident, of all; Recall is incidents that
	// were told of, of all.
	Precision Share `json:"precision"`
	Recall    Share `json:"recall"`
	// BudgetPrecision and BudgetRecall weigh by budget: of what was lost while
	// notices fired, how much was lost in incidents; of what was lost in
	// incidents, how much in those told of. Nil: nothing was lost.
	BudgetPrecision *float64 `json:"budget_precision"`
	BudgetRecall    *float64 `json:"budget_recall"`
	// Delay is minutes from an incident's first minute to its first notice, Spent
	// the share of the period's budget gone by then, Reset minutes from its end
	// until nothing fired any more.
	Delay Distribution `json:"delay_minutes"`
	Spent Distribution `json:"budget_spent_at_fire"`
	Reset Distribution `json:"reset_minutes"`
	// PerWeek is notices a week and objective, Total all of them.
	Total   int     `json:"notifications"`
	PerWeek float64 `json:"notifications_per_week"`
	Nights  Nights  `json:"nights"`
	// Duplicates are notices about an incident that had been told of already.
	Duplicates Share `json:"duplicates"`
	// HeldBack is how many notices a page or a dependency kept back.
	HeldBack int `json:"held_back"`
	// Silent is the share of minutes at which a condition could not be judged.
	Silent float64 `json:"silent_share"`
}

// Nights counts what would have woken somebody.
type Nights struct {
	Shifts        int     `json:"shifts"`
	Notifications int     `json:"notifications"`
	PerShift      float64 `json:"per_shift"`
	Worst         int     `json:"worst"`
	// Over is how many shifts brought more than Budget.
	Budget float64 `json:"budget"`
	Over   int     `json:"over_budget"`
}

// Scoring is what is scored.
type Scoring struct {
	Cases     []*Case
	Incidents []Incident
	Replayed  Replayed
	// Severity limits it to pages or tickets; All counts both.
	Severity slo.Severity
	All      bool
	Rotation Rotation
	// Within counts only notices and incidents that begin in it; empty: the
	// subjects' spans.
	Within slo.Span
}

// Grace is for how long after an incident's end a notice is still about it: its
// errors are in the look-backs until then.
const Grace = alert.Hold

// Evaluate scores notices against incidents.
func (s *Scoring) Evaluate() Score {
	span := s.span()
	out := Score{Policy: s.Replayed.Policy, Objectives: len(s.Cases), Weeks: float64(span.Len()) / float64(slo.Week), HeldBack: s.Replayed.Quiet}
	if s.Replayed.Minutes > 0 {
		out.Silent = float64(s.Replayed.Blind) / float64(s.Replayed.Minutes)
	}
	notices := slices.DeleteFunc(slices.Clone(s.Replayed.Notices), func(n Notice) bool {
		return !s.All && n.Severity != s.Severity || n.At <= span.From || n.At > span.To
	})
	incidents := slices.DeleteFunc(slices.Clone(s.Incidents), func(i Incident) bool { return !span.Contains(i.From) })
	m := match(notices, incidents)
	out.Total = len(notices)
	if out.Objectives > 0 && out.Weeks > 0 {
		out.PerWeek = float64(out.Total) / out.Weeks / float64(out.Objectives)
	}
	out.Nights = s.Rotation.nights(notices, span)
	m.shares(&out)
	s.times(&out, m)
	return out
}

func (s *Scoring) span() slo.Span {
	if !s.Within.Empty() {
		return s.Within
	}
	var out slo.Span
	for i, x := range s.Cases {
		if i == 0 {
			out = x.s.Span
		}
		out = slo.Span{From: min(out.From, x.s.Span.From), To: max(out.To, x.s.Span.To)}
	}
	return out
}

// matching says which notices are about which incidents.
type matching struct {
	notices   []Notice
	incidents []Incident
	of        []int   // notice -> incident; -1: none
	told      [][]int // incident -> its notices, in their order
}

// match finds, for each notice, the incident it is about: one of its objective
// that had begun when it was told, and that was going on, or over for less than
// Grace; the newest of several.
func match(notices []Notice, incidents []Incident) matching {
	m := matching{notices: notices, incidents: incidents, of: make([]int, len(notices)), told: make([][]int, len(incidents))}
	byObjective := map[string][]int{}
	for k := range notices {
		n := &notices[k]
		candidates, ok := byObjective[n.Objective]
		if !ok {
			for i := range incidents {
				if about(incidents[i].Subject, n.Objective) {
					candidates = append(candidates, i)
				}
			}
			byObjective[n.Objective] = candidates
		}
		m.of[k] = -1
		for _, i := range candidates {
			if incidents[i].About(n) && (m.of[k] < 0 || incidents[i].From > incidents[m.of[k]].From) {
				m.of[k] = i
			}
		}
		if i := m.of[k]; i >= 0 {
			m.told[i] = append(m.told[i], k)
		}
	}
	return m
}

// shares fills in what is counted.
func (m *matching) shares(out *Score) {
	matched, detected, again := 0, 0, 0
	var lost, seen float64
	for i, told := range m.told {
		matched += len(told)
		lost += m.incidents[i].Spent
		if len(told) > 0 {
			detected++
			again += len(told) - 1
			seen += m.incidents[i].Spent
		}
	}
	out.Precision = ShareOf(matched, len(m.notices))
	out.Recall = ShareOf(detected, len(m.incidents))
	out.Duplicates = ShareOf(again, len(m.notices))
	if lost > 0 {
		out.BudgetRecall = new(seen / lost)
	}
}

// times fills in what is measured in minutes and in budget.
func (s *Scoring) times(out *Score, m matching) {
	var t tally
	for _, x := range s.Cases {
		key := x.s.Objective.Key()
		for k := range m.notices {
			if m.notices[k].Objective == key {
				t.add(x, &m, k)
			}
		}
	}
	if t.during > 0 {
		out.BudgetPrecision = new(t.rightly / t.during)
	}
	out.Delay, out.Spent, out.Reset = distribution(t.delay), distribution(t.spent), distribution(t.reset)
}

// tally gathers what notices took and cost.
type tally struct {
	delay, spent, reset []float64
	during, rightly     float64
}

// add takes in a notice; only the first about an incident has a delay.
func (t *tally) add(x *Case, m *matching, k int) {
	n, l, i := &m.notices[k], x.book, m.of[k]
	if l != nil {
		lost := l.spent(slo.Span{From: n.Since - n.Long, To: ended(n, x.s)})
		t.during += lost
		if i >= 0 {
			t.rightly += lost
		}
	}
	if i < 0 || m.told[i][0] != k {
		return
	}
	c := &m.incidents[i]
	t.delay = append(t.delay, float64(n.At-c.From))
	if l != nil {
		t.spent = append(t.spent, l.spent(slo.Span{From: c.From, To: n.At}))
	}
	if n.Ended > 0 {
		t.reset = append(t.reset, float64(max(0, n.Ended-c.To)))
	}
}

// ended is when a notice's incident ended, or where the history does.
func ended(n *Notice, s *Subject) slo.Minute { return cmp.Or(n.Ended, s.Span.To) }

func distribution(values []float64) Distribution {
	d := Distribution{N: len(values)}
	if d.N == 0 {
		return d
	}
	slices.Sort(values)
	rank := func(percent int) *float64 { return new(values[max(0, (d.N*percent+99)/100-1)]) }
	d.P50, d.P90 = rank(50), rank(90)
	return d
}

// nights counts the notices that fall into each night that a span touches.
func (r Rotation) nights(notices []Notice, span slo.Span) Nights {
	if r.From == 0 && r.To == 0 {
		r.From, r.To = 22*slo.Hour, 6*slo.Hour
	}
	out := Nights{Budget: r.PerShift}
	if out.Budget == 0 {
		out.Budget = 2
	}
	zone := cmp.Or(r.Zone, time.UTC)
	first := span.From.Time().In(zone)
	var shifts []slo.Span
	for day := -1; ; day++ {
		at := func(m slo.Minute, more int) slo.Minute {
			return slo.MinuteOf(time.Date(first.Year(), first.Month(), first.Day()+day+more, 0, int(m), 0, 0, zone))
		}
		night := slo.Span{From: at(r.From, 0), To: at(r.To, 0)}
		if r.To <= r.From {
			night.To = at(r.To, 1)
		}
		if night.From >= span.To {
			break
		}
		if !night.Intersect(span).Empty() {
			shifts = append(shifts, night)
		}
	}
	out.Shifts = len(shifts)
	for _, night := range shifts {
		n := 0
		for i := range notices {
			if night.Contains(notices[i].At) {
				n++
			}
		}
		out.Notifications += n
		out.Worst = max(out.Worst, n)
		if float64(n) > out.Budget {
			out.Over++
		}
	}
	if out.Shifts > 0 {
		out.PerShift = float64(out.Notifications) / float64(out.Shifts)
	}
	return out
}
