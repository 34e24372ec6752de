package backtest

import (
	"cmp"
	"fmt"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Grid is every policy that Sweep tries: two pages, of 1, 2, 3 or 5 % of the
// budget in 30 minutes to 2 hours and of 5, 6 or 10 % in 6 hours (or none), as
// burn rates and in the count form, with no least number of bad events, 5 or 10.
func Grid() []Spec {
	var out []Spec
	for _, weighted := range []bool{true, false} {
		for _, minBad := range []int64{0, 5, 10} {
			for _, long := range []slo.Minute{30, slo.Hour, 2 * slo.Hour} {
				for _, fast := range []int64{100, 200, 300, 500} {
					for _, slow := range []int64{0, 500, 600, 1000} {
						out = append(out, gridded(weighted, minBad, long, fast, slow))
					}
				}
			}
		}
	}
	return out
}

func gridded(weighted bool, minBad int64, long slo.Minute, fast, slow int64) Spec {
	s := Spec{Weighted: weighted, MinBad: slo.Events(minBad)}
	s.Rules = []SpecRule{{Name: "page-fast", Share: fast, Long: long}}
	s.Name = fmt.Sprintf("%d %% in %s", fast/100, slo.FormatLength(long))
	if slow > 0 {
		s.Rules = append(s.Rules, SpecRule{Name: "page-slow", Share: slow, Long: 6 * slo.Hour})
		s.Name += fmt.Sprintf(", %d %% in 6h", slow/100)
	}
	if minBad > 0 {
		s.Name += fmt.Sprintf(", %d bad", minBad)
	}
	if weighted {
		s.Name += ", weighted"
	}
	return s
}

// Sweep is a search for the best policy under a budget of pages.
type Sweep struct {
	Cases     []*Case
	Incidents []Incident
	Specs     []Spec
	// PerWeek is how many pages a week an objective may bring at most.
	PerWeek  float64
	Rotation Rotation
	Options  Options
}

// Swept is what a sweep found. Policies are compared on the training weeks
// alone; what the best one is worth is what it did on the others, which it was
// not chosen by.
type Swept struct {
	Train   slo.Span `json:"train"`
	Holdout slo.Span `json:"holdout"`
	Tried   int      `json:"tried"`
	Within  int      `json:"within_budget"`
	PerWeek float64  `json:"pages_per_week"`
	// Learnt is how many incidents the training weeks hold: with few of them a
	// choice is chance.
	Learnt int `json:"train_incidents"`
	// Best are the best few, best first; empty: none keeps the budget.
	Best []Candidate `json:"best"`
}

// Candidate is a policy with what it was worth.
type Candidate struct {
	Spec    Spec  `json:"-"`
	Train   Score `json:"train"`
	Holdout Score `json:"holdout"`
}

// Run tries every spec. The first two thirds of the whole weeks train.
func (s *Sweep) Run() Swept {
	scoring := Scoring{Cases: s.Cases, Incidents: s.Incidents, Rotation: s.Rotation}
	span := scoring.span()
	weeks := span.Len() / slo.Week
	cut := span.From + max(1, weeks*2/3)*slo.Week
	cut = min(cut, span.To)
	out := Swept{Train: slo.Span{From: span.From, To: cut}, Holdout: slo.Span{From: cut, To: span.To}, Tried: len(s.Specs), PerWeek: s.PerWeek}
	for i := range s.Specs {
		c := Candidate{Spec: s.Specs[i]}
		policies := make([]Policy, len(s.Cases))
		for k := range policies {
			policies[k] = c.Spec.For(s.Cases[k].Objective())
		}
		scoring.Replayed = Replay(s.Cases, policies, s.Options)
		scoring.Replayed.Policy = c.Spec.Name
		scoring.Within = out.Train
		c.Train = scoring.Evaluate()
		out.Learnt = c.Train.Recall.Of
		if s.PerWeek > 0 && c.Train.PerWeek > s.PerWeek {
			continue
		}
		out.Within++
		if !out.Holdout.Empty() {
			scoring.Within = out.Holdout
			c.Holdout = scoring.Evaluate()
		}
		out.Best = append(out.Best, c)
	}
	slices.SortStableFunc(out.Best, func(a, b Candidate) int { return -cmp.Or(better(&a.Train, &b.Train), 0) })
	out.Best = out.Best[:min(len(out.Best), 5)]
	return out
}

// better ranks by the harmonic mean of precision and recall, then by the delay
// of nine in ten, then by how few notices there were.
func better(a, b *Score) int {
	return cmp.Or(
		cmp.Compare(a.F1(), b.F1()),
		cmp.Compare(orNever(b.Delay.P90), orNever(a.Delay.P90)),
		cmp.Compare(b.Total, a.Total),
	)
}

// F1 is the harmonic mean of precision and recall; 0 where one of them is.
func (s *Score) F1() float64 {
	p, r := s.Precision.Value, s.Recall.Value
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

func orNever(v *float64) float64 {
	if v == nil {
		return 1e12
	}
	return *v
}
