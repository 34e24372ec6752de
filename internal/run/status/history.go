package status

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// History is everything that was measured of an objective, in memory.
type History struct {
	Objective *config.Objective
	// View can sum any span and yield any point; Members are those of a
	// composite's parts instead. Exclusions are not taken out yet.
	View    slo.View
	Members []slo.View
	// Excluded are the stretches that do not count.
	Excluded []slo.Span
	// Span is from the first measured minute to the frontier; empty: nothing was
	// ever measured.
	Span slo.Span
}

// Input is the question that slo.Evaluate is asked at an instant.
func (h *History) Input(at slo.Minute) slo.Input {
	o := &h.Objective.Objective
	step := slo.Minute(1)
	if o.Budgeting != slo.Occurrences {
		step = max(1, o.Slice)
	}
	in := slo.Input{Objective: o, At: at}
	for _, m := range h.Members {
		in.Members = append(in.Members, slo.Exclude(m, h.Excluded, step))
	}
	if len(h.Members) == 0 {
		in.View = slo.Exclude(h.View, h.Excluded, step)
	}
	return in
}

// Histories reads all that was recorded of the selected objectives and hands
// one after another over, so that no more than one has to be in memory.
func Histories(ctx context.Context, env *run.Env, opt Options, do func(*History) error) error {
	selected, err := measure.Select(env.Catalog, opt.Select)
	if err != nil {
		return err
	}
	x := &reader{env: env, opt: opt, whole: true}
	if err := x.marks(ctx); err != nil {
		return err
	}
	if err := x.prepare(ctx, selected); err != nil {
		return err
	}
	for _, s := range x.subjects {
		h, err := x.history(ctx, s)
		if err != nil {
			return err
		}
		if err := do(h); err != nil {
			return err
		}
	}
	return nil
}

// history reads one subject.
func (x *reader) history(ctx context.Context, s *subject) (*History, error) {
	h := &History{Objective: s.entry.Objective, Excluded: s.excluded}
	if !s.known {
		return h, nil
	}
	h.Span.To = s.frontier
	var reqs []timeline.Request
	for i := range s.parts {
		p := &s.parts[i]
		all := slo.Span{From: p.meta.Birth, To: s.frontier}
		if i == 0 || all.From < h.Span.From {
			h.Span.From = all.From
		}
		reqs = append(reqs, timeline.Request{ID: p.id, Step: p.step, Frontier: s.frontier, Points: []slo.Span{all}})
	}
	views, err := x.env.History.Open(ctx, reqs)
	if err != nil {
		return nil, storeError(err)
	}
	for i := range s.parts {
		p := &s.parts[i]
		var points []slo.Point
		for at, c := range views[p.id].Points(reqs[i].Points[0]) {
			points = append(points, slo.Point{At: at, Count: c})
		}
		// That a part of the newest window was never asked for is no gap of earlier
		// ones: only what is said of the beginning counts here.
		p.bound = p.bound && (x.since[p.o.Indicator] > 0 || len(p.meta.Resets) > 0)
		h.Members = append(h.Members, p.dress(slo.NewSeries(p.step, s.frontier, points), nil))
	}
	if len(s.entry.Objective.Members) == 0 {
		h.View, h.Members = h.Members[0], nil
	}
	return h, nil
}
