package watch_test

import (
	"context"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	actor "gitlab.com/nines-sre/nines/internal/act/memory"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/deploy"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	runwatch "gitlab.com/nines-sre/nines/internal/run/watch"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// deployed is when version 8 takes over from version 7: a Friday.
func deployed() time.Time { return time.Date(2025, 1, 31, 14, 0, 20, 0, time.UTC) }

// world is a service whose traffic goes to the version of an alias, in simulated
// time: waiting takes none.
type world struct {
	t      *testing.T
	now    time.Time
	env    *run.Env
	ledger *runtest.Ledger
	actor  *actor.Actor
	opt    runwatch.Options
	// bad is how many of 1,000 requests a minute are bad with a version.
	bad func(version string, at slo.Minute) int64
	// p99 is the percentile of a minute, in the metric's unit; nil: there is none.
	p99 func(at slo.Minute) float64
	// away fails the source from an instant on.
	away time.Time
	// tick is called before each sleep; an error ends the call.
	tick   func() error
	served []serving
	told   []runwatch.Look
	issues []string
}

// serving is the version that has the traffic from a minute on.
type serving struct {
	from    slo.Minute
	version string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, now: deployed(), actor: actor.New("7", "8"), ledger: &runtest.Ledger{},
		bad: func(string, slo.Minute) int64 { return 1 },
	}
	w.actor.Set(act.Split{Stable: "7"})
	w.served = []serving{{0, "7"}}
	query := func(column string) *slo.Query {
		return &slo.Query{Source: "live", Type: "live", Spec: slo.Spec{"column": column}}
	}
	o := slo.Objective{
		Service: "payment-api", SLO: "availability", Name: "99.9%", Target: slo.MustDecimal("0.999"),
		Window: slo.Rolling{Length: 8 * slo.Day}, Indicator: "payment-api.availability", MaxAge: 10,
	}
	o.Conditions, o.LeftOut = slo.DefaultConditions(o.Window, o.Target)
	w.env = &run.Env{
		Catalog: &config.Catalog{
			Services: []config.Service{{Name: "payment-api"}},
			Sources:  []config.DataSource{{Name: "live", Type: "live"}},
			Indicators: []config.Indicator{{
				ID: "payment-api.availability", Source: "live", Lineage: "v1", Definition: slo.Ratio{Bad: query("bad"), Total: query("total")},
			}},
			Objectives: []config.Objective{{Objective: o}},
		},
		History: timeline.NewHistory(memory.New()),
		Ledger:  w.ledger, Actor: "ada",
		Open: func(context.Context, config.DataSource) (metric.Source, error) { return source{w}, nil },
	}
	w.opt = runwatch.Options{
		Service: "payment-api", Environment: "production", Clock: w, Target: w.actor, Place: "memory:alias",
		Policy: watch.Policy{Undo: watch.UndoAuto, Weeks: 1}, Incidents: w, Holder: "https://gitlab.example.com/jobs/1",
		Tell: func(l runwatch.Look) { w.told = append(w.told, l) },
	}
	return w
}

// remember makes the history reach back three weeks, and the watch look at them.
func (w *world) remember() {
	w.env.Catalog.Objectives[0].Window = slo.Rolling{Length: 30 * slo.Day}
	w.opt.Policy.Weeks = 3
}

// deploy records version 7 long ago and brings version 8 now.
func (w *world) deploy() {
	w.t.Helper()
	w.record("7", -5*7*24*time.Hour)
	w.record("8", 0)
	w.actor.Set(act.Split{Stable: "8"})
	w.served = append(w.served, serving{slo.MinuteOf(w.now) + 1, "8"})
}

func (w *world) record(version string, ago time.Duration) {
	w.t.Helper()
	env := *w.env
	env.Now = w.now.Add(ago)
	if _, err := deploy.Record(w.t.Context(), &env, deploy.Options{Service: "payment-api", Environment: "production", Version: version}); err != nil {
		w.t.Fatal(err)
	}
}

// run watches.
func (w *world) run(ctx context.Context) runwatch.Outcome {
	w.t.Helper()
	out, err := runwatch.Run(ctx, w.env, w.opt)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// Now implements run.Clock.
func (w *world) Now() time.Time { return w.now }

// Sleep implements run.Clock.
func (w *world) Sleep(ctx context.Context, d time.Duration) error {
	if w.tick != nil {
		if err := w.tick(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.now = w.now.Add(d)
	w.look()
	return nil
}

// look notes which version has the traffic.
func (w *world) look() {
	if v := w.actor.Split().Stable; v != w.served[len(w.served)-1].version {
		w.served = append(w.served, serving{slo.MinuteOf(w.now), v})
	}
}

func (w *world) version(at slo.Minute) string {
	out := ""
	for _, s := range w.served {
		if s.from <= at {
			out = s.version
		}
	}
	return out
}

// Report implements runwatch.Incidents.
func (w *world) Report(_ context.Context, title, text string) (string, error) {
	w.issues = append(w.issues, title+"\n"+text)
	return "https://gitlab.example.com/-/issues/1", nil
}

// source answers for the world, a minute after each minute has ended.
type source struct{ w *world }

func (source) Caps() metric.Caps { return metric.Caps{Period: 1, Lag: 1, Settle: 5, MaxAge: 10} }

func (s source) Fetch(_ context.Context, req metric.Request) ([]metric.Series, error) {
	if !s.w.away.IsZero() && !s.w.now.Before(s.w.away) {
		return nil, fault.New(fault.Unavailable, "fetch", "connection refused", "")
	}
	s.w.look()
	usable := slo.MinuteOf(s.w.now) - 1
	var out []metric.Series
	for _, q := range req.Queries {
		series := metric.Series{Key: q.Key, Exists: true}
		span := slo.Span{From: req.Span.From, To: min(req.Span.To, usable)}
		if !span.Empty() {
			series.Answered = []slo.Span{span}
		}
		for at := span.From; at < span.To; at++ {
			if v, ok := s.value(q.Spec, at); ok {
				series.Points = append(series.Points, metric.Point{At: at, Width: 1, Value: v})
			}
		}
		out = append(out, series)
	}
	return out, nil
}

func (s source) value(spec slo.Spec, at slo.Minute) (slo.Amount, bool) {
	bad := s.w.bad(s.w.version(at), at)
	switch {
	case spec["stat"] == "p99":
		if s.w.p99 == nil {
			return 0, false
		}
		return slo.Amount(s.w.p99(at) * float64(slo.Unit)), true
	case spec["stat"] == "TC(:300)":
		return slo.Events(1000), true
	case spec["column"] == "bad":
		return slo.Events(bad), true
	}
	return slo.Events(1000), true
}

// kinds are those of the entries behind the deployments, with the phase of rollouts.
func (w *world) kinds() []string {
	var out []string
	for _, e := range w.ledger.All() {
		if e.Kind == ledger.KindDeploy {
			continue
		}
		out = append(out, string(e.Kind)+phase(e.Body))
	}
	return out
}

// badVersion is a world whose version 8 fails one request of twenty from the fifth
// minute on.
func badVersion(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.bad = func(v string, at slo.Minute) int64 {
		if v == "8" && at >= slo.MinuteOf(deployed())+5 {
			return 50
		}
		return 1
	}
	w.deploy()
	return w
}
