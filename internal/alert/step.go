package alert

import (
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Step decides one minute. A sample of an objective that was decided up to this
// minute already is not looked at, so a minute can be given twice; a rule that
// is in the state and not in the set any more is taken out, and its incident
// closed.
func Step(s State, in Input) (State, []Event) {
	next := s.Clone()
	return next, Advance(&next, in)
}

// Advance is [Step] in place, for whoever goes through years.
func Advance(s *State, in Input) []Event {
	s.ready()
	set := in.Set
	x := step{s: s, in: &in, fresh: make([]bool, len(set.groups))}
	x.withdraw()
	for i := range set.groups {
		x.fresh[i] = x.evaluated(&set.groups[i])
	}
	for i := range set.groups {
		if x.fresh[i] {
			x.move(&set.groups[i])
		}
	}
	for i := range set.groups {
		if x.fresh[i] {
			x.incident(&set.groups[i])
		}
	}
	x.blinded()
	for i := range set.groups {
		if x.fresh[i] {
			s.Seen[set.groups[i].objective] = in.At
		}
	}
	if len(s.Seen) > len(set.objectives) {
		maps.DeleteFunc(s.Seen, func(o string, _ slo.Minute) bool { return !set.objectives[o] })
	}
	return x.out
}

// step is one minute on its way.
type step struct {
	s     *State
	in    *Input
	fresh []bool // which groups are decided in it
	out   []Event
}

// evaluated says whether a group has samples that are not decided yet.
func (x *step) evaluated(g *group) bool {
	if seen, ok := x.s.Seen[g.objective]; ok && x.in.At <= seen {
		return false
	}
	for _, i := range g.rules {
		if x.sample(i).Evaluated {
			return true
		}
	}
	return false
}

// sample is a rule's; one that is missing was not evaluated.
func (x *step) sample(i int) *Sample {
	if i >= len(x.in.Samples) {
		return &Sample{}
	}
	return &x.in.Samples[i]
}

// truth is whether a rule's condition holds, its evidence included.
func truth(r *Rule, s *Sample) slo.Truth {
	switch {
	case s.Truth != slo.True || r.Evidence <= 0:
		return s.Truth
	case s.Evidence == nil:
		return slo.Undetermined
	case *s.Evidence < r.Evidence:
		return slo.False
	}
	return slo.True
}

// move moves the rules of a group through their phases.
func (x *step) move(g *group) {
	for _, i := range g.rules {
		s := x.sample(i)
		if !s.Evaluated {
			continue
		}
		r := &x.in.Set.rules[i]
		a := x.s.Alerts[r.ID]
		a.move(truth(r, s), r.After, x.in.At)
		if a == (Alert{}) {
			delete(x.s.Alerts, r.ID)
		} else {
			x.s.Alerts[r.ID] = a
		}
	}
}

// move is the life of one rule.
func (a *Alert) move(t slo.Truth, after, at slo.Minute) {
	switch t {
	case slo.Undetermined:
		if a.Frozen == 0 {
			a.Frozen = at
		}
		return
	case slo.False:
		*a = Alert{}
		return
	case slo.True:
	}
	switch a.Phase {
	case Inactive:
		*a = Alert{Phase: Pending, Since: at}
	case Pending:
		a.Held++
	case Firing:
	}
	a.Frozen, a.Last = 0, at
	if a.Phase == Pending && a.Held >= after {
		a.Phase, a.Fired = Firing, at
	}
}

// withdraw takes out what has no rule any more.
func (x *step) withdraw() {
	set := x.in.Set
	for id := range x.s.Alerts {
		if _, ok := set.byID[id]; !ok {
			delete(x.s.Alerts, id)
		}
	}
	for objective := range x.s.Blind {
		if !set.objectives[objective] {
			delete(x.s.Blind, objective)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(x.s.Incidents)) {
		if _, ok := set.byKey[key]; ok {
			continue
		}
		inc := x.s.Incidents[key]
		delete(x.s.Incidents, key)
		if inc.Open() && inc.Told > 0 {
			service, _, _ := strings.Cut(inc.Objective, "/")
			x.out = append(x.out, Event{
				Kind: Resolved, Incident: inc.ID, Objective: inc.Objective, Service: service, Severity: inc.Severity(),
				At: x.in.At, Since: inc.Since, Fired: inc.Opened, Ended: x.in.At, Targets: inc.Targets,
				Reasons: []decision.Reason{{Code: "withdrawn", Text: "the documents have no such rule any more"}},
			})
		}
	}
}
