// Package measure brings the history up to date with its sources.
//
// For each indicator it works out which stretches are wanted (what the windows
// of its objectives reach back to) and not answered for yet, asks its source
// for them newest first, makes counts of the series and records them; then it
// judges the time slices that follow. What is recorded is the only state, so a
// run can end anywhere.
package measure

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options steer Run.
type Options struct {
	// Since is how far back to fill; 0: what the objectives' windows need.
	Since slo.Minute
	// Select limits the work to services or service/slo; empty: everything.
	Select []string
	// TailOnly brings in only what is missing behind the newest answered minute:
	// what gate and status do before they answer. An indicator that was never
	// measured is brought in whole, so that no first answer rests on nothing.
	TailOnly bool
	// Brief reads for one answer that is not kept: what is older than the newest
	// hours, and can be added up, in steps of five minutes. See brief.go.
	Brief bool
	// Deep also fills what a source will soon have lost or made coarser (its
	// Caps.Backfill), where Since does not say how far to go back.
	Deep bool
	// Progress is called now and then, from one goroutine; may be nil.
	Progress func(Progress)
	// Elapsed is the host's stopwatch, for Progress; may be nil.
	Elapsed func() time.Duration
}

// Progress is how far a run has come.
type Progress struct {
	Done, Total int64 // minutes x indicators
	Indicator   string
	Usage       metric.Usage // so far, of sources that count it
	Elapsed     time.Duration
}

// Report is what a run did.
type Report struct {
	Indicators int   `json:"indicators"`
	Requests   int   `json:"requests"` // questions to sources; one may take several calls
	Filled     int64 `json:"filled"`
	Replaced   int64 `json:"replaced"`
	Kept       int64 `json:"kept"`
	// Condensed is how many indicators were read in steps of five minutes, for an
	// answer that is not kept.
	Condensed int               `json:"condensed,omitempty"`
	Frontier  time.Time         `json:"frontier"`        // the oldest among the indicators
	Usage     *metric.Usage     `json:"usage,omitempty"` // nil: no source that counts it was read
	Notes     []string          `json:"notes,omitempty"`
	Failed    map[string]string `json:"failed,omitempty"` // indicator -> why
}

// Run measures. It can be killed at any point and run again: what is recorded
// stays, what is missing is asked for again, repeating changes nothing. A
// source that fails leaves its indicators unmeasured, is reported, and does
// not keep the others from being measured; the error is then of its kind.
func Run(ctx context.Context, env *run.Env, opt Options) (Report, error) {
	selected, err := Select(env.Catalog, opt.Select)
	if err != nil {
		return Report{}, err
	}
	r := &runner{env: env, opt: opt, now: slo.MinuteOf(env.Now)}
	r.jobs = plan(env.Catalog, selected)
	if err := r.load(ctx); err != nil {
		return r.report(), err
	}
	for _, group := range bySource(r.jobs) {
		if err := r.measure(ctx, group); err != nil {
			return r.report(), err
		}
	}
	if err := r.derive(ctx, selected); err != nil {
		return r.report(), err
	}
	rep := r.report()
	return rep, r.failure()
}

// runner is one run.
type runner struct {
	env     *run.Env
	opt     Options
	now     slo.Minute
	jobs    []*job
	asked   int
	metered metric.Metered // the source being read, if it counts
	began   metric.Usage   // what it had used when this run began with it
	used    *metric.Usage  // by the sources read before
	changed changes
	done    int64
	total   int64
	notes   []string
	noted   map[string]bool
}

// load reads what the history knows of every indicator.
func (r *runner) load(ctx context.Context) error {
	metas, err := r.env.History.Meta(ctx, ids(r.jobs)...)
	if err != nil {
		return storeError("read history", err)
	}
	for _, j := range r.jobs {
		j.meta = metas[j.id()]
	}
	return nil
}

// failure is the first failed indicator's error, nil when none failed.
func (r *runner) failure() error {
	for _, j := range r.jobs {
		if j.failed != nil {
			return fault.Wrap(fault.KindOf(j.failed), "measure "+j.ind.ID, j.failed, "")
		}
	}
	return nil
}

func (r *runner) report() Report {
	rep := Report{
		Indicators: len(r.jobs), Requests: r.asked, Usage: r.usage(),
		Filled: r.changed.Filled, Replaced: r.changed.Replaced, Kept: r.changed.Kept,
	}
	first := true
	for _, j := range r.jobs {
		if j.wide {
			rep.Condensed++
		}
		for _, n := range j.tell() {
			r.note(n)
		}
		if j.failed != nil {
			if rep.Failed == nil {
				rep.Failed = map[string]string{}
			}
			rep.Failed[j.ind.ID] = j.failed.Error()
		}
		if f, ok := j.frontier(); ok && (first || f.Time().Before(rep.Frontier)) {
			rep.Frontier, first = f.Time(), false
		}
	}
	rep.Notes = r.notes
	return rep
}

// meter begins to count what a source uses; nil ends it.
func (r *runner) meter(src metric.Source) {
	r.used, r.metered = r.usage(), nil
	if m, ok := src.(metric.Metered); ok {
		r.metered, r.began = m, m.Usage()
	}
}

// usage is what the run has used so far; nil where nothing counts it.
func (r *runner) usage() *metric.Usage {
	if r.metered == nil {
		return r.used
	}
	sum := r.metered.Usage().Minus(r.began)
	if r.used != nil {
		sum = sum.Add(*r.used)
	}
	return &sum
}

// note keeps a note once.
func (r *runner) note(text string) {
	if r.noted[text] {
		return
	}
	if r.noted == nil {
		r.noted = map[string]bool{}
	}
	r.noted[text] = true
	r.notes = append(r.notes, text)
}

// progress tells how far the run has come.
func (r *runner) progress(indicator string, done int64) {
	r.done += done
	if r.opt.Progress == nil {
		return
	}
	p := Progress{Done: min(r.done, r.total), Total: r.total, Indicator: indicator}
	if u := r.usage(); u != nil {
		p.Usage = *u
	}
	if r.opt.Elapsed != nil {
		p.Elapsed = r.opt.Elapsed()
	}
	r.opt.Progress(p)
}
