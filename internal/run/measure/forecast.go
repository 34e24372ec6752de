package measure

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Forecast is what a run would ask one data source.
type Forecast struct {
	Source     string    `json:"source"`
	Type       string    `json:"type"`
	Indicators int       `json:"indicators"`
	From       time.Time `json:"from,omitzero"` // the oldest minute that would be asked for
	To         time.Time `json:"to,omitzero"`
	// Planned says that the source knows beforehand what an answer takes; the
	// figures below are zero otherwise.
	Planned bool         `json:"planned"`
	Usage   metric.Usage `json:"usage"`
	Pace    metric.Pace  `json:"pace"`    // the rates it keeps to
	Seconds float64      `json:"seconds"` // what it takes at those rates at least
	Problem string       `json:"problem,omitempty"`
}

// Foresee says what Run would ask, and asks nothing: no source, and of the
// history only what it holds already. What a source would be asked besides to
// tell a silent metric from a misspelt one is not in it.
func Foresee(ctx context.Context, env *run.Env, opt Options) ([]Forecast, error) {
	selected, err := Select(env.Catalog, opt.Select)
	if err != nil {
		return nil, err
	}
	r := &runner{env: env, opt: opt, now: slo.MinuteOf(env.Now)}
	r.jobs = plan(env.Catalog, selected)
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	var out []Forecast
	for _, jobs := range bySource(r.jobs) {
		out = append(out, r.foresee(ctx, jobs))
	}
	return out, r.failure()
}

// foresee adds up what the questions to one source would take.
func (r *runner) foresee(ctx context.Context, jobs []*job) Forecast {
	f := Forecast{Source: jobs[0].source.Name, Type: jobs[0].source.Type, Indicators: len(jobs)}
	src, err := r.env.Open(ctx, jobs[0].source)
	if err != nil {
		f.Problem = err.Error()
		return f
	}
	planner, ok := src.(metric.Planner)
	if !ok {
		return f
	}
	f.Planned = true
	caps := src.Caps()
	for _, j := range jobs {
		j.bound(caps, r.now, r.opt, nil)
	}
	for _, s := range r.steps(jobs) {
		f.Usage = f.Usage.Add(planner.Plan(s.request()))
		if from := s.span.From.Time(); f.From.IsZero() || from.Before(f.From) {
			f.From = from
		}
		if to := s.span.To.Time(); to.After(f.To) {
			f.To = to
		}
	}
	if paced, ok := src.(metric.Paced); ok {
		f.Pace = paced.Pace()
		f.Seconds = f.Pace.Seconds(f.Usage)
	}
	return f
}
