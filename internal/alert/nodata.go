package alert

import (
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// blinded follows the objectives of which something asked for cannot be judged.
func (x *step) blinded() {
	set := x.in.Set
	done := map[string]bool{}
	for i := range set.groups {
		objective := set.groups[i].objective
		if !x.fresh[i] || done[objective] {
			continue
		}
		done[objective] = true
		x.blind(objective)
	}
}

// blind is the life of one objective's blindness.
func (x *step) blind(objective string) {
	unknown := x.unknown(objective)
	was, ok := x.s.Blind[objective]
	if len(unknown) == 0 {
		if ok && was.Told > 0 {
			x.seeing(objective, &was)
		}
		delete(x.s.Blind, objective)
		return
	}
	if !ok {
		was.Since = x.in.At
	}
	was.Minutes++
	if was.Told == 0 && was.Minutes >= x.in.noDataAfter() && x.in.silenced(objective) == nil {
		x.blindness(objective, &was, unknown)
	}
	x.s.Blind[objective] = was
}

// unknown are the rules of an objective that want to be told of as unknown, and
// are.
func (x *step) unknown(objective string) (out []int) {
	for _, severity := range []slo.Severity{slo.Page, slo.Ticket} {
		at, ok := x.in.Set.byKey[incidentKey(objective, severity)]
		if !ok {
			continue
		}
		for _, i := range x.in.Set.groups[at].rules {
			r, s := &x.in.Set.rules[i], x.sample(i)
			if r.NoData && !r.Mute && s.Evaluated && truth(r, s) == slo.Undetermined {
				out = append(out, i)
			}
		}
	}
	return out
}

// blindness tells that an objective cannot be judged.
func (x *step) blindness(objective string, b *Blind, unknown []int) {
	var names, targets []string
	for _, i := range unknown {
		r := &x.in.Set.rules[i]
		names, targets = append(names, r.Name), append(targets, r.Targets...)
	}
	b.Told, b.Targets = x.in.At, distinct(targets)
	e := x.event(NoData, unknown[0])
	e.Severity = slo.Ticket
	e.Incident, e.Since, e.Targets = blindID(objective, b), b.Since, slices.Clone(b.Targets)
	e.Reasons = []decision.Reason{{Code: "no_data", Text: fmt.Sprintf("%s cannot be judged: too little was measured for %d minutes", strings.Join(names, ", "), b.Minutes)}}
	x.out = append(x.out, e)
}

// seeing tells that it can be judged again.
func (x *step) seeing(objective string, b *Blind) {
	var targets []string
	at := -1
	for i := range x.in.Set.rules {
		r := &x.in.Set.rules[i]
		if r.Of() != objective || !r.NoData {
			continue
		}
		if at < 0 {
			at = i
		}
		if r.Resolved {
			targets = append(targets, r.Targets...)
		}
	}
	if at < 0 {
		return
	}
	e := x.event(DataBack, at)
	e.Severity = slo.Ticket
	e.Incident, e.Since, e.Ended = blindID(objective, b), b.Since, x.in.At
	e.Targets = distinct(slices.DeleteFunc(targets, func(t string) bool { return !slices.Contains(b.Targets, t) }))
	e.Reasons = []decision.Reason{{Code: "data_back", Text: "enough is measured again"}}
	x.out = append(x.out, e)
}

func blindID(objective string, b *Blind) string {
	return objective + "/no-data@" + b.Since.Time().Format("2006-01-02T15:04Z")
}
