package status

import (
	"context"
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// reader is one reading of all selected objectives.
type reader struct {
	env      *run.Env
	opt      Options
	declared []mark.Mark           // exclusions by command
	since    map[string]slo.Minute // when indicators begin by their documents
	subjects []*subject
	whole    bool // all that was recorded is asked about, not the newest window
}

// subject is one objective on its way.
type subject struct {
	entry    Entry
	parts    []part     // its members, or itself
	excluded []slo.Span // minutes that do not count
	at       slo.Minute
	frontier slo.Minute
	known    bool // every part was answered for at some time
	lineages []slo.Minute
	points   []slo.Span // asked for by the arithmetic
	rounds   int
}

// part is one history that an objective rests on.
type part struct {
	o    *slo.Objective
	id   timeline.ID
	step slo.Minute
	meta timeline.Meta // of the minutes
	from slo.Minute    // expected from here on, if bound
	// bound says that from is known otherwise than by the first measured minute.
	bound bool
	view  slo.View
}

// maxRounds bounds how often an objective is evaluated again.
const maxRounds = 6

// marks reads the exclusions that were declared by command.
func (x *reader) marks(ctx context.Context) (err error) {
	if x.env.Ledger == nil { // a single answer without a store
		return nil
	}
	x.declared, err = mark.Exclusions(ctx, x.env)
	return err
}

// prepare finds out what is known of each objective and where it ends.
func (x *reader) prepare(ctx context.Context, selected []*config.Objective) error {
	x.since = map[string]slo.Minute{}
	for i := range x.env.Catalog.Indicators {
		ind := &x.env.Catalog.Indicators[i]
		x.since[ind.ID] = ind.Since
	}
	var ids []timeline.ID
	for _, o := range selected {
		s := &subject{entry: Entry{Objective: o}}
		members := []*slo.Objective{&o.Objective}
		if len(o.Members) > 0 {
			members = nil
			for _, m := range o.Members {
				members = append(members, m.Objective)
			}
		}
		for _, m := range members {
			p := part{o: m, step: 1}
			if m != nil {
				p.id = measure.SliceID(m)
				if m.Budgeting != slo.Occurrences {
					p.step = max(1, m.Slice)
				}
				ids = append(ids, p.id, timeline.ID(m.Indicator))
			}
			s.parts = append(s.parts, p)
		}
		x.subjects = append(x.subjects, s)
	}
	metas, err := x.env.History.Meta(ctx, ids...)
	if err != nil {
		return storeError(err)
	}
	for _, s := range x.subjects {
		x.place(s, metas)
		if err := x.exclude(s); err != nil {
			return err
		}
	}
	return nil
}

// place finds where an objective's answer ends, and where it begins.
func (x *reader) place(s *subject, metas map[timeline.ID]timeline.Meta) {
	o := &s.entry.Objective.Objective
	s.known = len(s.parts) > 0
	for i := range s.parts {
		p := &s.parts[i]
		if p.o == nil {
			s.known = false
			continue
		}
		p.meta = metas[timeline.ID(p.o.Indicator)]
		end, ok := p.end(metas[p.id])
		s.known = s.known && ok
		if i == 0 || end < s.frontier {
			s.frontier = end
		}
		for _, l := range p.meta.Lineages[min(1, len(p.meta.Lineages)):] {
			s.lineages = append(s.lineages, l.Since)
		}
	}
	switch {
	case !x.opt.At.IsZero():
		s.at = slo.MinuteOf(x.opt.At)
	case s.known && o.MaxAge == 0:
		s.at = s.frontier
	default:
		s.at = slo.MinuteOf(x.env.Now)
	}
	s.frontier = min(s.frontier, s.at)
	for i := range s.parts {
		if p := &s.parts[i]; s.known {
			p.begin(x.since[p.o.Indicator], slo.Span{From: o.Window.Bounds(s.frontier).From, To: s.frontier})
		}
	}
}

// end is the end of what a part can be asked about: its newest answered
// minute, or where its slices end if they were not judged that far.
func (p *part) end(derived timeline.Meta) (slo.Minute, bool) {
	n := len(p.meta.Answered)
	if n == 0 {
		return 0, false
	}
	end := p.meta.Answered[n-1].To
	if p.o.Budgeting == slo.Occurrences {
		return end, true
	}
	k := len(derived.Answered)
	if k == 0 {
		return 0, false
	}
	if judged := derived.Answered[k-1].To; judged+p.step <= end {
		end = judged
	}
	return end, true
}

// begin finds from where on minutes are expected, where that is not simply the
// first measured one: the document says since when, the history was reset, or
// a part of the window before the first measured minute was never answered for
// (the history is still being filled).
func (p *part) begin(since slo.Minute, window slo.Span) {
	for _, r := range p.meta.Resets {
		since = max(since, r.At)
	}
	if since > 0 {
		p.from, p.bound = since, true
		window.From = max(window.From, since)
	}
	window.To = min(window.To, p.meta.Birth)
	if open := metric.Subtract([]slo.Span{window}, p.meta.Answered); len(open) > 0 && since == 0 {
		p.from, p.bound = open[0].From, true
	}
}

// open reads what the subjects need. Histories are read together, but for
// those that are seen up to different instants.
func (x *reader) open(ctx context.Context, subjects []*subject) error {
	byFrontier := make(map[slo.Minute][]timeline.Request)
	for _, s := range subjects {
		if s.known {
			byFrontier[s.frontier] = append(byFrontier[s.frontier], s.requests()...)
		}
	}
	views := make(map[slo.Minute]map[timeline.ID]slo.View)
	for frontier, reqs := range byFrontier {
		got, err := x.env.History.Open(ctx, reqs)
		if err != nil {
			return storeError(err)
		}
		views[frontier] = got
	}
	for _, s := range subjects {
		for i := range s.parts {
			if p := &s.parts[i]; s.known {
				p.view = p.dress(views[s.frontier][p.id], s.excluded)
			}
		}
	}
	return nil
}

// requests are what a subject has to read.
func (s *subject) requests() []timeline.Request {
	o := &s.entry.Objective.Objective
	needs := slo.Needs(o, s.frontier)
	out := make([]timeline.Request, 0, len(s.parts))
	for i := range s.parts {
		p := &s.parts[i]
		points := slices.Concat(s.points, slo.ExcludedNeeds(needs, s.excluded, p.step))
		out = append(out, timeline.Request{
			ID: p.id, Step: p.step, Frontier: s.frontier,
			Sums: p.cut(needs), Points: p.cut(points),
		})
	}
	return out
}

// cut leaves out of spans what lies before the part begins; the day in which
// it begins is then one that is summed in part.
func (p *part) cut(spans []slo.Span) []slo.Span {
	if !p.bound || p.from <= p.meta.Birth {
		return spans
	}
	var out []slo.Span
	for _, s := range spans {
		if s.From < p.from {
			s.From = p.from
			if midnight := (p.from + slo.Day - 1) / slo.Day * slo.Day; midnight < s.To {
				out = append(out, slo.Span{From: p.from, To: midnight})
			}
		}
		if !s.Empty() {
			out = append(out, s)
		}
	}
	return out
}

// dress puts a part's beginning and its exclusions over its view.
func (p *part) dress(v slo.View, excluded []slo.Span) slo.View {
	if v == nil {
		return nil
	}
	if p.bound {
		v = &begun{View: v, from: p.from, step: p.step}
	}
	return slo.Exclude(v, excluded, p.step)
}

// evaluate computes the entry; it says whether more points would make it more
// exact.
func (s *subject) evaluate(detail bool) (again bool) {
	o := &s.entry.Objective.Objective
	in := slo.Input{Objective: o, At: s.at, Lineages: s.lineages}
	for i := range s.parts {
		in.Members = append(in.Members, s.parts[i].view)
	}
	if len(o.Members) == 0 {
		in.View, in.Members = in.Members[0], nil
	}
	st, wanted := slo.Evaluate(in)
	if !s.known {
		st.Frontier = 0
	}
	s.entry.Status, s.entry.Excluded = st, s.excluded
	if st.Level == slo.Critical || st.Level == slo.Exhausted {
		reopen, more := slo.Reopening(in)
		s.entry.Reopen = reopen
		wanted = append(wanted, more...)
	}
	if detail && s.known {
		losses, more := slo.Losses(in, maxLosses)
		s.entry.Losses, s.entry.Trend = losses, slo.Trend(in)
		wanted = append(wanted, more...)
	}
	s.rounds++
	fresh := metric.Subtract(wanted, s.points)
	s.points = metric.Merge(slices.Concat(s.points, wanted))
	return s.known && len(fresh) > 0 && s.rounds < maxRounds
}
