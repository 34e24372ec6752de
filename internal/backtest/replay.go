package backtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Notice is one notification that would have gone out.
type Notice struct {
	Objective string // service/slo/objective
	Severity  slo.Severity
	Rule      string     // the condition's name
	At        slo.Minute // the instant at which it was told
	Since     slo.Minute // since when its condition held
	// Ended is the first instant at which nothing of its incident fired any more;
	// 0: it did to the end.
	Ended slo.Minute
	// Long is the look-back of its condition.
	Long slo.Minute
	// Incident names the incident it is told of.
	Incident string
}

// Replayed is what a policy would have done with some objectives.
type Replayed struct {
	Policy  string
	Notices []Notice
	// Minutes is how many instants were gone through, over all objectives, and
	// Blind at how many of them a condition could not be judged.
	Minutes, Blind int64
	// Quiet is how many notices were held back, by a page or a dependency.
	Quiet int
}

// Options steer Replay.
type Options struct {
	// Hold is how long an incident must have ended before another can begin; 0:
	// alert.Hold.
	Hold slo.Minute
	// Silences keep notices back, as they do live.
	Silences []alert.Silence
}

// Replay leads policies through history: policies[i] is that of cases[i].
// Objectives that depend on one another are led together.
func Replay(cases []*Case, policies []Policy, opt Options) Replayed {
	var out Replayed
	for _, group := range related(cases) {
		w := walk{opt: opt}
		for _, i := range group {
			out.Policy = policies[i].Name
			runs := make([][]Run, len(policies[i].Rules))
			for k, r := range policies[i].Rules {
				runs[k] = cases[i].of(r.Condition, policies[i].MinBad)
			}
			out.Minutes += int64(max(0, cases[i].s.Span.Len()))
			out.Blind += int64(blind(runs))
			w.take(cases[i].s, &policies[i], runs)
		}
		w.run()
		out.Notices = append(out.Notices, w.notices...)
		out.Quiet += w.quiet
	}
	slices.SortStableFunc(out.Notices, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Objective, b.Objective))
	})
	return out
}

// blind counts the instants at which at least one condition is unknown.
func blind(runs [][]Run) slo.Minute {
	var spans []slo.Span
	for _, rs := range runs {
		for _, r := range rs {
			if r.Unknown {
				spans = append(spans, r.Span)
			}
		}
	}
	return length(spans)
}

// length is how many minutes spans cover together.
func length(spans []slo.Span) (n slo.Minute) {
	slices.SortFunc(spans, func(a, b slo.Span) int { return int(a.From - b.From) })
	end := slo.Minute(0)
	for i, s := range spans {
		if i == 0 || s.From > end {
			end = s.From
		}
		if s.To > end {
			n += s.To - end
			end = s.To
		}
	}
	return n
}

// related groups cases by what depends on what.
func related(cases []*Case) [][]int {
	group := make([]int, len(cases))
	for i := range group {
		group[i] = i
	}
	for i, c := range cases {
		for _, name := range c.s.Objective.DependsOn {
			for j, o := range cases {
				if about(name, o.s.Objective.Key()) {
					join(group, group[j], group[i])
				}
			}
		}
	}
	byGroup := map[int][]int{}
	for i, g := range group {
		byGroup[g] = append(byGroup[g], i)
	}
	out := make([][]int, 0, len(byGroup))
	for _, g := range slices.Sorted(maps.Keys(byGroup)) {
		out = append(out, byGroup[g])
	}
	return out
}

// join makes two groups one.
func join(group []int, from, to int) {
	for k := range group {
		if group[k] == from {
			group[k] = to
		}
	}
}

// walk is related objectives on their way through time. Where nothing holds and
// nothing is remembered, time is skipped: a step would change nothing.
type walk struct {
	opt     Options
	rules   []alert.Rule
	runs    [][]Run
	at      []int // the run of each rule that ends next
	spans   []slo.Span
	span    slo.Span
	state   alert.State
	notices []Notice
	open    map[string][]int // incident -> its notices
	quiet   int
}

func (w *walk) take(s *Subject, p *Policy, runs [][]Run) {
	w.rules = append(w.rules, p.alerts(s.Objective)...)
	w.runs = append(w.runs, runs...)
	for range runs {
		w.spans = append(w.spans, s.Span)
	}
	if w.span.Empty() {
		w.span = s.Span
	}
	w.span = slo.Span{From: min(w.span.From, s.Span.From), To: max(w.span.To, s.Span.To)}
}

func (w *walk) run() {
	if len(w.rules) == 0 {
		return
	}
	in := alert.Input{
		Set: alert.NewSet(w.rules), Samples: make([]alert.Sample, len(w.rules)), Silences: w.opt.Silences, Hold: w.opt.Hold,
	}
	w.at, w.open = make([]int, len(w.rules)), map[string][]int{}
	for at := w.span.From + 1; at <= w.span.To; at++ {
		if w.state.AtRest() {
			next, ok := w.next(at)
			if !ok {
				return
			}
			at = next
		}
		in.At = at
		for i := range w.rules {
			in.Samples[i] = alert.Sample{Evaluated: w.spans[i].From < at && at <= w.spans[i].To, Truth: w.truth(i, at)}
		}
		for _, e := range alert.Advance(&w.state, in) {
			w.note(&e)
		}
	}
}

// next is the first instant from at on at which something does not simply not
// hold.
func (w *walk) next(at slo.Minute) (first slo.Minute, ok bool) {
	for i, rs := range w.runs {
		for w.at[i] < len(rs) && rs[w.at[i]].To <= at {
			w.at[i]++
		}
		if w.at[i] == len(rs) {
			continue
		}
		if from := max(at, rs[w.at[i]].From); !ok || from < first {
			first, ok = from, true
		}
	}
	return first, ok
}

func (w *walk) truth(i int, at slo.Minute) slo.Truth {
	rs := w.runs[i]
	for w.at[i] < len(rs) && rs[w.at[i]].To <= at {
		w.at[i]++
	}
	switch {
	case w.at[i] == len(rs) || rs[w.at[i]].From > at:
		return slo.False
	case rs[w.at[i]].Unknown:
		return slo.Undetermined
	}
	return slo.True
}

// note keeps what somebody would have been told.
func (w *walk) note(e *alert.Event) {
	switch e.Kind {
	case alert.Opened, alert.Escalated:
		if e.Tells() {
			w.open[e.Incident] = append(w.open[e.Incident], len(w.notices))
			w.notices = append(w.notices, Notice{
				Objective: e.Objective, Severity: e.Severity, Rule: e.Rule[strings.LastIndexByte(e.Rule, '/')+1:],
				At: e.At, Since: e.Since, Long: e.LongLook, Incident: e.Incident,
			})
		}
	case alert.Resolved:
		for _, i := range w.open[e.Incident] {
			w.notices[i].Ended = e.Ended
		}
	case alert.HeldBack:
		w.quiet++
	case alert.NoData, alert.DataBack:
	}
}
