package measure

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// SliceID is under which name the history keeps an objective's time slices. It
// covers how a slice is judged, so that a changed definition begins afresh;
// objectives that judge alike share their slices. For an objective without
// time slices it is its indicator's own ID: the minutes.
func SliceID(o *slo.Objective) timeline.ID {
	if o.Budgeting == slo.Occurrences {
		return timeline.ID(o.Indicator)
	}
	def := struct {
		Method  string
		Slice   slo.Minute
		Target  string
		Missing slo.Missing
	}{o.Budgeting.String(), o.Slice, "", o.Missing}
	if o.Budgeting == slo.Timeslices {
		def.Target = o.SliceTarget.String()
	}
	digest, err := decision.Digest(def)
	if err != nil { // a struct of texts and a number always encodes
		digest = fmt.Sprint(def)
	}
	return timeline.ID(fmt.Sprintf("%s#%s-%s", o.Indicator, slo.FormatLength(o.Slice), digest[:12]))
}

// Parts yields the objectives that have a history of their own: the members of
// a composite, or the objective itself.
func Parts(o *slo.Objective) iter.Seq[*slo.Objective] {
	return func(yield func(*slo.Objective) bool) {
		if len(o.Members) == 0 {
			yield(o)
			return
		}
		for _, m := range o.Members {
			if m.Objective == nil {
				continue
			}
			for part := range Parts(m.Objective) {
				if !yield(part) {
					return
				}
			}
		}
	}
}

const (
	// pieceLength is how much of a history is judged at a time.
	pieceLength = slo.Week
	// pieceCount is for how many objectives at a time.
	pieceCount = 100
	// leastSettle is how far back slices are judged again in any case.
	leastSettle slo.Minute = 15
)

// task is one objective's slices to be judged.
type task struct {
	o      *slo.Objective
	id     timeline.ID
	pieces []slo.Span // whole slices, ascending
}

// derive judges the time slices that follow from the minutes: those not judged
// yet, and those whose minutes may have changed since.
func (r *runner) derive(ctx context.Context, selected []*config.Objective) error {
	settle := map[string]slo.Minute{}
	for _, j := range r.jobs {
		settle[j.ind.ID] = max(j.settle, leastSettle)
	}
	var tasks []*task
	known := map[timeline.ID]bool{}
	for _, o := range selected {
		for part := range Parts(&o.Objective) {
			id := SliceID(part)
			if part.Budgeting == slo.Occurrences || part.Slice < 1 || known[id] {
				continue
			}
			known[id] = true
			tasks = append(tasks, &task{o: part, id: id})
		}
	}
	for batch := range slices.Chunk(tasks, pieceCount) {
		if err := r.schedule(ctx, batch, settle); err != nil {
			return err
		}
		for round := 0; ; round++ {
			more, err := r.judge(ctx, batch, round)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	return r.refresh(ctx)
}

// refresh reads what is known after the run, for the report.
func (r *runner) refresh(ctx context.Context) error {
	if len(r.jobs) == 0 {
		return nil
	}
	return r.load(ctx)
}

// schedule finds the slices to judge. A slice is judged once all its minutes
// are answered. Those that may have been judged on minutes that changed later
// are judged again: the ones that were not settled when the newest was judged,
// however long ago that run was, and whether or not it came to its end.
func (r *runner) schedule(ctx context.Context, tasks []*task, settle map[string]slo.Minute) error {
	all := make([]timeline.ID, 0, 2*len(tasks))
	for _, t := range tasks {
		all = append(all, t.id, timeline.ID(t.o.Indicator))
	}
	metas, err := r.env.History.Meta(ctx, all...)
	if err != nil {
		return storeError("read history", err)
	}
	for _, t := range tasks {
		var whole []slo.Span
		for _, s := range metas[timeline.ID(t.o.Indicator)].Answered {
			whole = append(whole, slo.Span{From: -floor(-s.From, t.o.Slice), To: floor(s.To, t.o.Slice)})
		}
		judged := metas[t.id].Answered
		if last, ok := newest(metas[t.id]); ok {
			again := floor(last-settle[t.o.Indicator], t.o.Slice) - t.o.Slice
			judged = metric.Subtract(judged, []slo.Span{{From: again, To: last}})
		}
		for _, s := range metric.Subtract(whole, judged) {
			length := max(t.o.Slice, floor(pieceLength, t.o.Slice))
			for from := s.From; from < s.To; from += length {
				t.pieces = append(t.pieces, slo.Span{From: from, To: min(from+length, s.To)})
			}
		}
	}
	return nil
}

// judge does one piece of each task; more is false when there was none.
func (r *runner) judge(ctx context.Context, tasks []*task, round int) (more bool, err error) {
	var reqs []timeline.Request
	for _, t := range tasks {
		if round < len(t.pieces) {
			p := t.pieces[round]
			reqs = append(reqs, timeline.Request{ID: timeline.ID(t.o.Indicator), Points: []slo.Span{p}, Frontier: p.To})
		}
	}
	if len(reqs) == 0 {
		return false, nil
	}
	// Objectives that share an indicator may be at different stretches of it:
	// joined requests are seen up to the earliest frontier, so all get the last.
	var last slo.Minute
	for _, q := range reqs {
		last = max(last, q.Frontier)
	}
	for i := range reqs {
		reqs[i].Frontier = last
	}
	views, err := r.env.History.Open(ctx, reqs)
	if err != nil {
		return false, storeError("read history", err)
	}
	var writes []timeline.Write
	for _, t := range tasks {
		if round < len(t.pieces) {
			writes = append(writes, t.write(views[timeline.ID(t.o.Indicator)], t.pieces[round]))
		}
	}
	return true, r.record(ctx, 0, writes)
}

// wide is a view that remembers how coarse its data was.
type wide interface {
	// Width is the widest datapoint behind the measured minutes of a span.
	Width(slo.Span) slo.Minute
}

// write judges the slices of a span.
func (t *task) write(v slo.View, span slo.Span) timeline.Write {
	out := timeline.Write{ID: t.id, Span: span, Derived: true}
	birth, born := v.Birth()
	if !born {
		return out
	}
	n := t.o.Slice
	widths, _ := v.(wide)
	judge := func(at slo.Minute, sum slo.Stretch) {
		slice := slo.Span{From: at, To: at + n}
		sum.Expected = int64(slice.Intersect(slo.Span{From: birth, To: slice.To}).Len())
		e := slo.SliceEvidence{Stretch: sum, Width: 1}
		if widths != nil {
			e.Width = widths.Width(slice)
		}
		if c, ok := slo.SliceOf(t.o, e); ok {
			width := uint16(min(n, 1<<16-1)) //nolint:gosec // bounded just here
			out.Points = append(out.Points, timeline.Point{At: at, Count: c, Width: width})
		}
	}
	at, sum := slo.Minute(-1), slo.Stretch{}
	for m, c := range v.Points(span) {
		if slice := floor(m, n); slice != at {
			if at >= 0 {
				judge(at, sum)
			}
			at, sum = slice, slo.Stretch{}
		}
		sum = sum.Add(slo.Stretch{Count: c, Measured: 1})
	}
	if at >= 0 {
		judge(at, sum)
	}
	return out
}
