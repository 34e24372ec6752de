package judge

import (
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// settle says which metrics fail. Critical ones decide alone, so the chance that
// any good one of them fails is bounded: alpha is split among them. Of the rest it
// is the share of good ones among those that fail (e-BH at every look). Where
// there are both, each part has half of alpha. What is muted decides nothing and
// is held against alpha by itself.
func settle(outs []outcome, alpha float64) {
	var critical, rest []*outcome
	for i := range outs {
		switch o := &outs[i]; {
		case o.Muted:
			failFirst(o, math.Log(1/alpha))
		case o.Critical:
			critical = append(critical, o)
		default:
			rest = append(rest, o)
		}
	}
	if len(critical) > 0 && len(rest) > 0 {
		alpha /= 2
	}
	for _, o := range critical {
		failFirst(o, math.Log(float64(len(critical))/alpha))
	}
	falseDiscovery(rest, alpha)
}

// failFirst fails a metric at the first look with enough evidence.
func failFirst(o *outcome, need float64) {
	for _, l := range o.track {
		if l.log >= need {
			o.fail(l.at)
			return
		}
	}
}

// fail fails a metric at a minute, unless it has before.
func (o *outcome) fail(at slo.Minute) {
	if !o.byE || o.Verdict == decision.Fail && o.Decided != 0 {
		return
	}
	o.Verdict, o.Class, o.Decided, o.Missing = decision.Fail, ClassHigh, at, 0
	if o.Effect != nil && *o.Effect < 0 && o.EffectUnit != "ratio" {
		o.Class = ClassLow // a value that got worse downwards
	}
}

// falseDiscovery goes through the looks of all metrics together, and at each fails
// the k metrics with the most evidence, for the largest k for which the least of
// them has at least K/(k alpha) (Wang and Ramdas, JRSS-B 84, 2022). What has
// failed stays failed.
func falseDiscovery(outs []*outcome, alpha float64) {
	type event struct {
		look
		metric int
	}
	var events []event
	for i, o := range outs {
		for _, l := range o.track {
			events = append(events, event{l, i})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	now := map[int]float64{} // what has enough evidence to matter
	failed := map[int]bool{}
	for i, e := range events {
		if now[e.metric] = e.log; math.IsInf(e.log, -1) {
			delete(now, e.metric)
		}
		if i+1 < len(events) && events[i+1].at == e.at {
			continue // the look is not complete
		}
		need, ok := enough(now, len(outs), alpha)
		for metric, log := range now {
			if ok && log >= need && !failed[metric] {
				failed[metric] = true
				outs[metric].fail(e.at)
			}
		}
		if len(failed) == len(outs) {
			return
		}
	}
}

// enough is how much evidence fails a metric at a look.
func enough(now map[int]float64, all int, alpha float64) (need float64, ok bool) {
	logs := make([]float64, 0, len(now))
	for _, l := range now {
		logs = append(logs, l)
	}
	slices.Sort(logs)
	slices.Reverse(logs)
	for k := len(logs); k > 0; k-- {
		if least := math.Log(float64(all) / (float64(k) * alpha)); logs[k-1] >= least {
			return least, true
		}
	}
	return 0, false
}
