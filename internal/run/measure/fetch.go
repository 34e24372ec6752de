package measure

import (
	"context"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// measure brings the indicators of one source up to date. An error is the
// store's or the caller's; what the source cannot do is kept with the jobs.
func (r *runner) measure(ctx context.Context, jobs []*job) error {
	src, err := r.env.Open(ctx, jobs[0].source)
	if err != nil {
		for _, j := range jobs {
			j.failed = err
		}
		return ctx.Err()
	}
	r.meter(src)
	defer r.meter(nil)
	jobs, err = r.bounds(ctx, src, jobs)
	if err != nil {
		return err
	}
	// A series may turn out to exist only in an older stretch than one that had
	// nothing to show; what was left out then is asked for again.
	for todo := jobs; len(todo) > 0; {
		if err := r.questions(ctx, src, todo); err != nil {
			return err
		}
		todo = slices.DeleteFunc(slices.Clone(todo), func(j *job) bool { return !j.learned || !j.unknown || j.failed != nil })
		if err := r.retry(ctx, todo); err != nil {
			return err
		}
	}
	return r.before(ctx, jobs)
}

// retry prepares jobs to ask once more for what was left out.
func (r *runner) retry(ctx context.Context, jobs []*job) error {
	metas, err := r.env.History.Meta(ctx, ids(jobs)...)
	if err != nil {
		return storeError("read history", err)
	}
	for _, j := range jobs {
		final := metric.Subtract(metas[j.id()].Answered, []slo.Span{{From: j.settled, To: j.end}})
		j.missing = metric.Subtract(j.missing, final)
		j.unknown, j.learned = false, false
		j.forget(noSeries)
	}
	return nil
}

// before records that nothing can be known of the minutes before a source
// begins, once all of it has been read. They are answered for, without a count:
// so a history that was cut off while it was filled, newest first, can be told
// from one that is as long as its source.
func (r *runner) before(ctx context.Context, jobs []*job) error {
	var writes []timeline.Write
	for _, j := range jobs {
		if j.failed != nil || j.unknown || r.opt.TailOnly {
			continue
		}
		for _, s := range metric.Subtract([]slo.Span{j.beyond}, j.meta.Answered) {
			writes = append(writes, timeline.Write{ID: j.id(), Span: s})
		}
	}
	return r.record(ctx, 0, writes)
}

// bounds works out what each job has to ask for; jobs that fail are dropped.
func (r *runner) bounds(ctx context.Context, src metric.Source, jobs []*job) ([]*job, error) {
	caps := src.Caps()
	recorded, isRecorded := src.(metric.Recorded)
	for _, j := range jobs {
		var extent *slo.Span
		if isRecorded {
			e, err := extentOf(ctx, recorded, j)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				j.failed = err
				continue
			}
			extent = &e
		}
		j.bound(caps, r.now, r.opt, extent)
		if r.opt.Brief && extent == nil {
			j.condense(src)
		}
		r.total += minutes(j.missing)
	}
	return slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return j.failed != nil }), nil
}

// extentOf is the stretch in which a recording has data for an indicator: from
// where the first of its series begins to where the first ends, since behind
// that something is always missing.
func extentOf(ctx context.Context, src metric.Recorded, j *job) (slo.Span, error) {
	var out slo.Span
	for i, q := range j.queries {
		e, err := src.Extent(ctx, q)
		if err != nil {
			return out, err
		}
		if i == 0 {
			out = e
		}
		out = slo.Span{From: min(out.From, e.From), To: min(out.To, e.To)}
	}
	return out, nil
}

func minutes(spans []slo.Span) int64 {
	var n int64
	for _, s := range spans {
		n += int64(s.Len())
	}
	return n
}

// understand picks a job's series from an answer and updates what is known to
// exist. A query that failed fails its job.
func (r *runner) understand(ctx context.Context, j *job, answer map[string]metric.Series) ([]metric.Series, error) {
	out := make([]metric.Series, len(j.queries))
	for i, q := range j.queries {
		s, ok := answer[q.Key]
		if !ok {
			s.Err = fault.New(fault.Internal, "fetch", "the source answered one query less than it was asked", "")
		}
		if j.failed = s.Err; j.failed != nil {
			break
		}
		for _, n := range s.Notes {
			r.note(n)
		}
		if !j.seen[i] && (s.Exists || len(s.Points) > 0) {
			j.seen[i], j.learned = true, true
		}
		out[i] = s
	}
	if j.failed == nil && !j.past && slices.Contains(j.seen[:len(j.queries)], false) {
		return out, r.remember(ctx, j)
	}
	return out, nil
}

// remember asks the history whether a series had events before: then it
// exists, whatever its source has forgotten.
func (r *runner) remember(ctx context.Context, j *job) error {
	j.past = true
	last, ok := j.frontier()
	if !ok {
		return nil
	}
	life := slo.Span{From: j.meta.Birth, To: last}
	views, err := r.env.History.Open(ctx, []timeline.Request{{ID: j.id(), Sums: []slo.Span{life}, Frontier: last}})
	if err != nil {
		return err
	}
	sum := views[j.id()].Sum(life)
	if sum.Total > 0 {
		j.seen[0] = true
	}
	d, ok := j.ind.Definition.(slo.Ratio)
	switch {
	case !ok:
	case d.Good != nil && sum.Good > 0, d.Good == nil && sum.Bad() > 0:
		j.seen[1] = true
	}
	return nil
}

// record writes to the history and counts what that changed.
func (r *runner) record(ctx context.Context, settled slo.Minute, writes []timeline.Write) error {
	if len(writes) == 0 {
		return nil
	}
	ch, err := r.env.History.Record(ctx, settled, writes)
	r.changed.Filled += ch.Filled
	r.changed.Replaced += ch.Replaced
	r.changed.Kept += ch.Kept
	return storeError("record history", err)
}

// storeError keeps what the history said of its trouble; what nobody classified
// is taken as a store out of reach.
func storeError(op string, err error) error {
	if kind := fault.KindOf(err); kind != fault.Internal {
		return fault.Wrap(kind, op, err, "")
	}
	return fault.Wrap(fault.Unavailable, op, err, "")
}
