package alert

import "gitlab.com/nines-sre/nines/internal/slo"

// hushed says why a rule that fires is not told of; "" when nothing keeps it
// back.
func (x *step) hushed(g *group, i int) string {
	r := &x.in.Set.rules[i]
	if r.Mute || !r.Breaching {
		return "its policy, which tells nobody"
	}
	if s := x.in.silenced(r.ID); s != nil {
		return "silence " + s.ID
	}
	if g.over >= 0 {
		if why := x.hushedBy(g.over, r.Short, "the page "); why != "" {
			return why
		}
	}
	for _, j := range g.above {
		if why := x.hushedBy(j, r.Short, "its dependency: "); why != "" {
			return why
		}
	}
	return ""
}

// hushedBy says whether the incident of another group keeps a rule back: one
// that was told, and is open, or fired so shortly ago that it is still in the
// rule's short look-back.
func (x *step) hushedBy(other int, short slo.Minute, what string) string {
	inc := x.s.Incidents[x.in.Set.groups[other].key]
	if inc.Told == 0 || !inc.Open() && x.in.At-inc.Last >= short {
		return ""
	}
	return what + inc.ID
}
