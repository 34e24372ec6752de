package gate

import (
	"cmp"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
)

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
		for _, c := range s.Conditions {
			out = append(out,
				decision.Evidence{Name: name + " burn " + c.Name + " " + cmp.Or(c.LongWindow, "long"), Value: c.Long, Unit: "x"},
				decision.Evidence{Name: name + " burn " + c.Name + " " + cmp.Or(c.ShortWindow, "short"), Value: c.Short, Unit: "x"})
		}
	}
	return out
}
