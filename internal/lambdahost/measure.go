package lambdahost

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/cost"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/poll"
	runpublish "gitlab.com/nines-sre/nines/internal/run/publish"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// reserve is the time kept for what comes after measuring: a tenth of what is
// left, at most five seconds.
func reserve(left time.Duration) time.Duration { return min(left/10, 5*time.Second) }

// measure brings the history up to date, as far as time allows, and sends the
// numbers away.
func (f *Function) measure(ctx context.Context, st *state, ev Event, answer *Answer) error {
	now := answer.At
	env := st.env(now)
	due, err := f.due(st, env, ev, now)
	if err != nil {
		return err
	}
	hurried := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		hurried, cancel = context.WithDeadline(ctx, deadline.Add(-reserve(deadline.Sub(f.Now()))))
		defer cancel()
	}
	out := &Measured{Tick: st.step.Step(hurried, now, due)}
	answer.Measure = out
	out.USD = price(out.Metrics)
	err = out.Cause()
	// Time ran out, as opposed to somebody having given up: what is recorded
	// stays, and the next invocation goes on from there.
	if err != nil && fault.KindOf(err) == fault.Canceled && hurried.Err() != nil && ctx.Err() == nil {
		out.Unfinished, err = true, nil
		out.Error = ""
		f.log.LogAttrs(ctx, slog.LevelWarn, "time ran out; the next invocation goes on", slog.Int64("filled", out.Filled))
	}
	for _, id := range slices.Sorted(maps.Keys(out.Failed)) {
		f.log.LogAttrs(ctx, slog.LevelWarn, "not measured", slog.String("indicator", id), slog.String("error", out.Failed[id]))
	}
	f.alerts(ctx, st, env, out)
	if perr := f.publish(ctx, st, env, out); perr != nil {
		f.log.LogAttrs(ctx, slog.LevelError, "metrics not published", slog.String("error", perr.Error()))
	}
	if err == nil {
		return nil
	}
	answer.OK, answer.ExitCode = false, fault.KindOf(err).ExitCode()
	if len(out.Failed) > 0 && !again(err) { // the others are measured; a person has to mend this
		answer.Error = failureOf(err)
		return nil
	}
	return err
}

// alerts has alerts decided and people told, in the time that is left but for what
// publishing takes.
func (f *Function) alerts(ctx context.Context, st *state, env *run.Env, out *Measured) {
	var left func() time.Duration
	if deadline, ok := ctx.Deadline(); ok {
		keep := reserve(deadline.Sub(f.Now()))
		left = func() time.Duration { return deadline.Sub(f.Now()) - keep }
	}
	rep, err := st.host.Alerts(ctx, st.session, env, out.Entries(), left)
	if err != nil {
		f.log.LogAttrs(ctx, slog.LevelError, "alerts not decided or not told", slog.String("error", err.Error()))
	}
	for i := range rep.Events {
		e := &rep.Events[i]
		f.log.LogAttrs(ctx, slog.LevelInfo, "alert", slog.String("kind", string(e.Kind)), slog.String("incident", e.Incident), slog.String("rule", e.Rule))
	}
	for _, l := range append(rep.Failed, rep.Dead...) {
		f.log.LogAttrs(ctx, slog.LevelWarn, "not told", slog.String("target", l.Target), slog.String("incident", l.Event.Incident), slog.String("error", l.Error))
	}
	if rep.Waiting > 0 {
		f.log.LogAttrs(ctx, slog.LevelInfo, "alerts wait to be told", slog.Int("letters", rep.Waiting))
	}
}

// due lists the objectives to measure.
func (*Function) due(st *state, env *run.Env, ev Event, now time.Time) ([]string, error) {
	opt := poll.Options{}
	if ev.Since != "" {
		d, err := host.ParseDuration("since", ev.Since)
		if err != nil {
			return nil, err
		}
		opt.Since = max(1, slo.Minute(d.Minutes()))
	}
	if st.step == nil || opt.Since > 0 {
		step, err := poll.NewStepper(env, opt)
		if err != nil {
			return nil, err
		}
		st.step = step
	}
	due := st.step.All()
	if ev.Adaptive {
		due = st.step.Due(now)
	}
	if len(ev.Select) == 0 {
		return due, nil
	}
	selected, err := measure.Select(env.Catalog, ev.Select)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(due, func(key string) bool {
		for _, o := range selected {
			if o.Key() == key {
				return false
			}
		}
		return true
	}), nil
}

// publish writes metrics into the log: how far measuring has come always, the
// rest where documents ask for it.
func (f *Function) publish(ctx context.Context, st *state, env *run.Env, out *Measured) error {
	entries := out.Entries()
	if len(entries) == 0 && out.Unfinished {
		var err error
		if entries, err = status.Read(ctx, env, status.Options{}); err != nil {
			return err
		}
	}
	for i := range entries {
		st.last[entries[i].Objective.Key()] = entries[i]
	}
	settings := st.catalog.Settings.Publish
	if settings.IsZero() {
		entries = nil
	}
	// Age counts the objectives that were not due as well.
	var all []status.Entry
	for _, key := range st.step.All() {
		e := st.last[key]
		if e.Objective == nil {
			return nil // never seen yet: how far measuring has come is not known
		}
		all = append(all, e)
	}
	namespace := settings.Namespace
	if namespace == "" {
		namespace = runpublish.Namespace
	}
	receipt, err := runpublish.Run(ctx, env, f.w.Lines(f.Out, namespace), runpublish.Options{
		Entries: append([]status.Entry{}, entries...), Behind: all, Deployment: f.Getenv("AWS_LAMBDA_FUNCTION_NAME"),
	})
	if receipt.Published > 0 {
		out.Published = &publish.Receipt{Published: receipt.Published, Dropped: receipt.Dropped}
	}
	return err
}

// price is what metrics requested cost, in US dollars.
func price(metrics int64) float64 {
	prices, err := cost.Default()
	if err != nil {
		return 0
	}
	return prices.Of(cost.MetricRequested, float64(metrics))
}
