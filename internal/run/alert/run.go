package alert

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/recur"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options steer Run.
type Options struct {
	// Entries are how the objectives stand that were just measured.
	Entries []status.Entry
	// Open opens a target by what the documents say of it. An error keeps its
	// letters until it can be opened.
	Open func(ctx context.Context, name string, a notify.Address) (notify.Target, error)
	// By names this program among others that work on the same store.
	By string
	// Now tells the time while letters are sent; nil: the environment's instant.
	Now func() time.Time
	// Limit is how many letters a target gets in [LimitWindow] at most; 0: the
	// default. What is above it waits.
	Limit int
	// Left says how much time there is still for telling; nil: as much as it takes.
	// What there is no time for waits for the next run.
	Left func() time.Duration
	// Chart adds a picture where a target shows one and there is time to draw it.
	Chart bool
}

// Report is what a run did.
type Report struct {
	Events  []alert.Event // that were decided
	Told    []Letter      // that were sent
	Failed  []Letter      // that could not be, with Error; they are tried again
	Dead    []Letter      // that were given up and recorded
	Waiting int           // letters that wait for their time
}

// Run decides what can be decided and tells what is to be told. The error is the
// store's; what a target did is in the report.
func Run(ctx context.Context, env *run.Env, opt Options) (Report, error) {
	var rep Report
	routes := Of(env.Catalog)
	if opt.Now == nil {
		opt.Now = func() time.Time { return env.Now }
	}
	in := alert.Input{Set: alert.NewSet(routes.Rules), Hold: env.Catalog.Settings.Alerts.Hold}
	var err error
	if in.Silences, err = silences(ctx, env); err != nil {
		return rep, err
	}
	hours, err := hoursOf(env)
	if err != nil {
		return rep, err
	}
	x := newEvaluator(env, opt.Entries)
	err = update(ctx, env.History, func(m *Memory) (bool, error) {
		before, letters, was := m.State.Clone(), len(m.Letters), newest(&m.State)
		events, err := x.steps(ctx, m, in)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			m.add(e, env.Now, func(target string) time.Time { return due(&e, env.Now, routes.Where[target].Hours, hours) })
		}
		rep.Events = events
		// Where nothing happens, up to when it was decided is kept now and then only.
		changed := len(events) > 0 || len(m.Letters) != letters || !m.State.Equal(&before)
		return changed || was == 0 && newest(&m.State) > 0 || newest(&m.State)-was >= keepEvery, nil
	})
	if err != nil {
		return rep, err
	}
	d := &delivery{env: env, opt: &opt, routes: &routes, rep: &rep}
	return rep, d.run(ctx)
}

// keepEvery is how many minutes of quiet are decided again after a restart at
// most.
const keepEvery = 5

func newest(s *alert.State) slo.Minute {
	var out slo.Minute
	for _, at := range s.Seen {
		out = max(out, at)
	}
	return out
}

// hoursOf reads when tickets are told; nil: always.
func hoursOf(env *run.Env) (*recur.Rule, error) {
	h := env.Catalog.Settings.Alerts.Hours
	if h.IsZero() {
		return nil, nil
	}
	r, err := recur.Parse(h.Cron, h.Duration, h.Zone)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "hours of alerts", err, "")
	}
	return r, nil
}

// due is when an event may be told: a page at once, a ticket in the hours of its
// target, else in those of Settings.
func due(e *alert.Event, now time.Time, own string, hours *recur.Rule) time.Time {
	if e.Severity == slo.Page {
		return now
	}
	if h, err := notify.ParseHours(own); own != "" && err == nil {
		return h.Next(now)
	}
	if hours == nil {
		return now
	}
	const reach = 8 * 24 * time.Hour
	for h := range hours.Starting(now.Add(-reach), now.Add(reach)) {
		if h.To.After(now) {
			if h.From.After(now) {
				return h.From
			}
			return now
		}
	}
	return now
}

// byUrgency orders letters: records first, then pages before tickets, then as they
// were made.
func byUrgency(a, b *Letter) int {
	record := func(l *Letter) int {
		if l.Target == "" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(record(a), record(b)), cmp.Compare(a.Event.Severity, b.Event.Severity), a.Made.Compare(b.Made), cmp.Compare(a.Event.At, b.Event.At))
}

// ahead says whether a letter has to wait for one before it: those of one incident
// reach a target in their order.
func ahead(m *Memory, i int) bool {
	l := &m.Letters[i]
	return slices.ContainsFunc(m.Letters[:i], func(o Letter) bool {
		return o.Target == l.Target && o.Event.Incident == l.Event.Incident
	})
}
