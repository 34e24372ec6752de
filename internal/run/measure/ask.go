package measure

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// question is a step under way. Everything but answer and err is the
// runner's; those are the question's own until done is closed.
type question struct {
	step
	done   chan struct{}
	answer map[string]metric.Series
	err    error
}

// questions asks for what the jobs miss. While an answer is recorded the next
// question is under way, so that the source's rate is what takes the time;
// after trouble it waits, to ask nothing in vain.
func (r *runner) questions(ctx context.Context, src metric.Source, jobs []*job) error {
	ctx, cancel := context.WithCancel(ctx)
	steps := r.steps(jobs)
	var next *question
	defer func() {
		cancel()
		if next != nil {
			<-next.done
		}
	}()
	for i := range steps {
		q := next
		if q == nil {
			q = r.start(ctx, src, steps[i])
		}
		<-q.done
		next = nil
		if i+1 < len(steps) && q.sound() {
			next = r.start(ctx, src, steps[i+1])
		}
		if err := r.finish(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// sound says whether everything asked was answered.
func (q *question) sound() bool {
	for _, s := range q.answer {
		if s.Err != nil {
			return false
		}
	}
	return q.err == nil && len(q.jobs) > 0
}

// start begins to ask for the jobs of a step that have not failed yet.
func (r *runner) start(ctx context.Context, src metric.Source, s step) *question {
	s.jobs = living(s.jobs)
	q := &question{step: s, done: make(chan struct{})}
	if len(s.jobs) == 0 {
		close(q.done)
		return q
	}
	r.asked++
	go func() {
		defer close(q.done)
		defer func() {
			// Nobody above could catch it here, and the process with all its other work
			// would end; so a source's defect is that source's failure.
			if v := recover(); v != nil {
				q.err = r.defect(ctx, v)
			}
		}()
		q.answer, q.err = ask(ctx, src, s)
	}()
	return q
}

// defect makes an error of a panic; its stack goes to the log.
func (r *runner) defect(ctx context.Context, v any) error {
	if r.env.Log != nil {
		r.env.Log.LogAttrs(ctx, slog.LevelError, "panic", slog.String("panic", fmt.Sprint(v)), slog.String("stack", string(debug.Stack())))
	}
	return fault.New(fault.Internal, "fetch", fmt.Sprintf("panic: %v", v), "this is a defect of Nines: report it with what is logged")
}

func living(jobs []*job) []*job {
	return slices.DeleteFunc(slices.Clone(jobs), func(j *job) bool { return j.failed != nil })
}

// ask fetches a stretch of several indicators; series come back by key.
func ask(ctx context.Context, src metric.Source, s step) (map[string]metric.Series, error) {
	answer, err := src.Fetch(ctx, s.request())
	if err != nil {
		return nil, err
	}
	out := make(map[string]metric.Series, len(answer))
	for _, s := range answer {
		out[s.Key] = s
	}
	return out, nil
}

// request is what a step asks.
func (s step) request() metric.Request {
	req := metric.Request{Span: s.span}
	for _, j := range s.jobs {
		for _, q := range j.queries {
			q.Wide = s.wide
			req.Queries = append(req.Queries, q)
		}
		if d, ok := j.ind.Definition.(slo.Ratio); ok && d.Counter {
			// Readings on either side, to subtract from and to end a silence.
			req.Span.From = min(req.Span.From, max(0, s.span.From-reach-slo.Hour))
			req.Span.To = max(req.Span.To, min(j.end, s.span.To+reach+slo.Hour))
		}
	}
	return req
}

// finish makes counts of an answer and records them.
func (r *runner) finish(ctx context.Context, q *question) error {
	if ctx.Err() != nil {
		return fault.Wrap(fault.Canceled, "measure", ctx.Err(), "run it again: it goes on where it ended")
	}
	jobs := living(q.jobs) // others have failed since they were asked for
	if q.err != nil {
		for _, j := range jobs {
			j.failed = q.err
		}
		return nil
	}
	var writes []timeline.Write
	for _, j := range jobs {
		got, err := r.understand(ctx, j, q.answer)
		if err != nil {
			return err
		}
		if j.failed == nil {
			writes = append(writes, j.combine(got, q.span)...)
		}
		r.progress(j.ind.ID, int64(q.span.Len()))
	}
	if len(jobs) == 0 {
		return nil
	}
	return r.record(ctx, jobs[0].settled, writes)
}
