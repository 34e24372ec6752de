package watch

import (
	"context"
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// request gathers what one look rests on. A source that is away is no error: the
// frontier stands still then, and the watch says so when its time is over.
func (w *watcher) request(ctx context.Context) (watch.Request, error) {
	req := watch.Request{
		Subject: w.opt.Service, Environment: w.opt.Environment, Version: w.opt.Version, Before: w.opt.Before,
		Deployed: w.deployed, Policy: w.policy,
	}
	w.trouble = ""
	if !w.opt.Offline {
		_, err := measure.Run(ctx, &w.env, measure.Options{Select: []string{w.opt.Service}, TailOnly: true})
		switch {
		case err == nil:
		case fault.KindOf(err) == fault.Canceled, !fault.KindOf(err).Retry():
			return req, fault.Wrap(fault.KindOf(err), "watch "+w.opt.Service, err, "")
		default:
			w.trouble = err.Error()
		}
	}
	if err := w.earlier(ctx); err != nil {
		return req, err
	}
	entries, err := status.Read(ctx, &w.env, status.Options{Select: []string{w.opt.Service}})
	if err != nil {
		return req, err //nolint:wrapcheck // says all there is to say
	}
	if err := w.metrics(ctx, &req, entries); err != nil {
		return req, err
	}
	w.percentiles(ctx, &req)
	if err := w.burns(ctx, &req, entries); err != nil {
		return req, err
	}
	return req, w.readAlarms(ctx, &req)
}

// metrics reads the counts of the service's objectives. Objectives that share an
// indicator are one metric.
func (w *watcher) metrics(ctx context.Context, req *watch.Request, entries []status.Entry) error {
	after, before := w.compared()
	var ids []timeline.ID
	var reqs []timeline.Request
	var chosen []*config.Objective
	for i := range entries {
		o := entries[i].Objective
		if len(o.Members) > 0 || o.Indicator == "" || slices.Contains(ids, timeline.ID(o.Indicator)) {
			continue
		}
		f := entries[i].Status.Frontier
		if req.Frontier == 0 || f < req.Frontier {
			req.Frontier = f
		}
		points := []slo.Span{after, before}
		for _, k := range w.weeks {
			points = append(points, k.span)
		}
		id := timeline.ID(o.Indicator)
		ids, chosen = append(ids, id), append(chosen, o)
		reqs = append(reqs, timeline.Request{ID: id, Points: points, Frontier: f, Step: 1})
	}
	views, err := w.env.History.Open(ctx, reqs)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "read the history", err, "")
	}
	for i, o := range chosen {
		v := views[ids[i]]
		m := watch.Metric{Name: o.SLO, Before: counts(v, before)}
		m.Latency, m.Bound = latency(w.env.Catalog, o)
		m.After = counts(v, slo.Span{From: after.From, To: max(after.From, min(after.To, req.Frontier))})
		for _, k := range w.weeks {
			m.Weeks = append(m.Weeks, watch.Week{Back: k.back, Counts: counts(v, k.span), Without: k.without})
		}
		req.Metrics = append(req.Metrics, m)
	}
	return nil
}

// counts reads a span minute by minute, in whole requests.
func counts(v slo.View, s slo.Span) watch.Counts {
	out := watch.Counts{From: s.From, Total: make([]int64, s.Len()), Bad: make([]int64, s.Len())}
	for i := range out.Total {
		out.Total[i] = watch.Unmeasured
	}
	if v == nil {
		return out
	}
	for at, c := range v.Points(s) {
		if !s.Contains(at) || c.Saturated() {
			continue
		}
		out.Total[at-s.From] = int64(math.Round(c.Total.Float()))
		out.Bad[at-s.From] = int64(math.Round(c.Bad().Float()))
	}
	return out
}

// burns says which objectives burn fast, and which did so before the deployment.
func (w *watcher) burns(ctx context.Context, req *watch.Request, entries []status.Entry) error {
	if !w.policy.Burn {
		return nil
	}
	if w.burned == nil {
		old, err := status.Read(ctx, &w.env, status.Options{Select: []string{w.opt.Service}, At: w.deployed})
		if err != nil {
			return err //nolint:wrapcheck // says all there is to say
		}
		w.burned = map[string]bool{}
		for i := range old {
			w.burned[old[i].Objective.Key()] = slices.Contains(old[i].Status.Flags, slo.FastBurn)
		}
	}
	// What burns once the watch is over is another's business.
	if end := w.span().To; req.Frontier > end {
		var err error
		if entries, err = status.Read(ctx, &w.env, status.Options{Select: []string{w.opt.Service}, At: end.Time()}); err != nil {
			return err //nolint:wrapcheck // says all there is to say
		}
	}
	for i := range entries {
		e := &entries[i]
		req.Burns = append(req.Burns, watch.Burn{
			Objective: e.Objective.Key(), Before: w.burned[e.Objective.Key()],
			Now: slices.Contains(e.Status.Flags, slo.FastBurn) && e.Status.Frontier > watch.FirstWhole(w.deployed),
		})
	}
	return nil
}

// readAlarms reads the alarms that the policy names.
func (w *watcher) readAlarms(ctx context.Context, req *watch.Request) error {
	if len(w.policy.Alarms) == 0 {
		return nil
	}
	if w.opt.Alarms == nil {
		return fault.New(fault.Unsupported, "watch alarms", "this program reads none", "leave --alarm out")
	}
	all, err := w.opt.Alarms(ctx)
	if err != nil {
		if fault.KindOf(err) == fault.Canceled || !fault.KindOf(err).Retry() {
			return fault.Wrap(fault.KindOf(err), "read alarms", err, "")
		}
		w.trouble = err.Error()
	}
	first := w.early == nil && err == nil
	if first {
		w.early = map[string]bool{}
	}
	for _, name := range w.policy.Alarms {
		a := watch.Alarm{Name: name}
		for i := range all {
			if all[i].Name == name {
				a.Known, a.Red, a.Since = true, all[i].State == red, all[i].Since.UTC()
			}
		}
		// What is red at the first look and does not say since when was red before.
		if first && a.Red && a.Since.IsZero() {
			w.early[name] = true
		}
		a.Earlier = w.early[name] && a.Red
		w.early[name] = a.Earlier
		req.Alarms = append(req.Alarms, a)
	}
	return nil
}

// red is the state of an alarm that is going off, in CloudWatch's word.
const red = "ALARM"
