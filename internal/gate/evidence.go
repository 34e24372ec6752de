package gate

import (
	"cmp"
	"fmt"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
	detector "gitlab.com/nines-sre/nines/internal/evidence"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// proven lets a burn of which the evidence may be chance count at most as warn,
// where the policy asks for evidence.
func (p *Policy) proven(f finding, s *BudgetState) finding {
	if p.Evidence <= 0 || f.row != RowFastBurn && f.row != RowSlowBurn {
		return f
	}
	asked := slo.FormatLength(p.Evidence)
	switch {
	case s.Evidence == nil:
		f.text += "; the policy asks for evidence of once in " + asked + ", and none is known, so the burn counts as it stands"
	case *s.Evidence >= detector.Limit(p.Evidence):
		f.text += fmt.Sprintf("; an objective that is kept shows so much evidence against itself once in %s (asked for: %s)", detector.Seldom(*s.Evidence), asked)
	default:
		f.text += fmt.Sprintf("; an objective that is kept shows as much evidence against itself once in %s, and %s is asked for", detector.Seldom(*s.Evidence), asked)
		if f.verdict.WorseThan(decision.Warn) {
			f.verdict, f.policy = decision.Warn, true
		}
	}
	return f
}

// evidence lists the numbers of every state, sorted by objective. Names are
// stable: "SERVICE/SLO/OBJECTIVE" and what it is.
func evidence(r *Request) []decision.Evidence {
	states := make([]*BudgetState, len(r.States))
	for i := range r.States {
		states[i] = &r.States[i]
	}
	slices.SortStableFunc(states, func(a, b *BudgetState) int { return cmp.Compare(a.Key(), b.Key()) })
	var out []decision.Evidence
	for _, s := range states {
		name := s.Key()
		if s.Dependency {
			name = "dependency " + name
		}
		out = append(out,
			decision.Evidence{Name: name + " remaining", Value: s.Remaining, Unit: "ratio"},
			decision.Evidence{Name: name + " spent", Value: new(s.Spent), Unit: s.Unit()},
			decision.Evidence{Name: name + " allowed", Value: new(s.Allowed), Unit: s.Unit()},
			decision.Evidence{Name: name + " coverage", Value: new(s.Coverage), Unit: "ratio"})
		if !s.Frontier.IsZero() {
			out = append(out, decision.Evidence{Name: name + " age", Value: new(r.At.Sub(s.Frontier).Seconds()), Unit: "s"})
		}
		if s.Evidence != nil {
			out = append(out, decision.Evidence{Name: name + " evidence", Value: s.Evidence, Unit: "log(minutes)"})
		}
		for _, c := range s.Conditions {
			out = append(out,
				decision.Evidence{Name: name + " burn " + c.Name + " " + cmp.Or(c.LongWindow, "long"), Value: c.Long, Unit: "x"},
				decision.Evidence{Name: name + " burn " + c.Name + " " + cmp.Or(c.ShortWindow, "short"), Value: c.Short, Unit: "x"})
		}
	}
	return out
}
