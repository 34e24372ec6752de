// Package handover is the shell that gathers what whoever takes over has to know:
// how objectives stand and stood, what was told, changed, overridden, silenced.
package handover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/render/handover"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options say about what.
type Options struct {
	At     time.Time     // the end; zero: now
	Length time.Duration // how far back
	Select []string      // "service" or "service/slo"; empty: everything
	// NightFrom and NightTo are minutes of the day in the environment's zone; the
	// night may go over midnight.
	NightFrom, NightTo slo.Minute
	// NightPages is how many pages at night the rotation bears in the stretch;
	// negative: nobody said.
	NightPages float64
}

// exhaustFrom is the look-back from which it is foreseen when a budget runs out.
const exhaustFrom = 6 * slo.Hour

// Run gathers the report.
func Run(ctx context.Context, env *run.Env, opt Options) (*handover.Report, error) {
	to := opt.At
	if to.IsZero() {
		to = env.Now
	}
	r := &handover.Report{
		From: to.Add(-opt.Length), To: to, Zone: env.Zone,
		Changes: []handover.Change{}, Overrides: []handover.Change{}, Untold: []handover.Change{},
		Silences: []handover.Stretch{}, Freezes: []handover.Stretch{}, Incidents: []handover.Incident{},
		Night: handover.Night{From: clock(opt.NightFrom), To: clock(opt.NightTo), Budget: opt.NightPages},
	}
	for h := range r.Hours {
		r.Hours[h].Night = opt.night(slo.Minute(h) * slo.Hour)
	}
	if err := objectives(ctx, env, opt, r); err != nil {
		return nil, err
	}
	if err := records(ctx, env, opt, r); err != nil {
		return nil, err
	}
	return r, nil
}

// night says whether a minute of the day is one of the night.
func (o *Options) night(m slo.Minute) bool {
	if o.NightFrom <= o.NightTo {
		return o.NightFrom <= m && m < o.NightTo
	}
	return m >= o.NightFrom || m < o.NightTo
}

// clock is a minute of the day as people write it.
func clock(m slo.Minute) string { return fmt.Sprintf("%02d:%02d", m/slo.Hour, m%slo.Hour) }

// objectives reads how they stand, and stood at the beginning.
func objectives(ctx context.Context, env *run.Env, opt Options, r *handover.Report) error {
	now, err := status.Read(ctx, env, status.Options{At: opt.At, Select: opt.Select, Detail: true})
	if err != nil {
		return err //nolint:wrapcheck // says all there is to say
	}
	then, err := status.Read(ctx, env, status.Options{At: r.From, Select: opt.Select})
	if err != nil {
		return err //nolint:wrapcheck // says all there is to say
	}
	before := map[string]*float64{}
	for i := range then {
		before[then[i].Objective.Key()] = then[i].Status.Budget.Remaining
	}
	r.Objectives = make([]handover.Objective, 0, len(now))
	for i := range now {
		r.Objectives = append(r.Objectives, objective(&now[i], before[now[i].Objective.Key()], r))
	}
	slices.SortStableFunc(r.Objectives, func(a, b handover.Objective) int {
		return cmp.Or(cmp.Compare(left(a), left(b)), strings.Compare(a.Key, b.Key))
	})
	return nil
}

// left puts what is not known after what is.
func left(o handover.Objective) float64 {
	if o.Remaining == nil {
		return 2
	}
	return *o.Remaining
}

func objective(e *status.Entry, before *float64, r *handover.Report) handover.Objective {
	st := &e.Status
	out := handover.Objective{
		Key: notify.Name(e.Objective.Key(), e.Objective.Target.String()), Target: e.Objective.Target.String(), Window: e.Objective.Window.String(),
		Level: st.Level.String(), Flags: []string{}, Remaining: st.Budget.Remaining, Before: before, Losses: []handover.Loss{}, Trend: e.Trend,
	}
	for _, f := range st.Flags {
		out.Flags = append(out.Flags, string(f))
	}
	for _, l := range e.Losses {
		if l.Span.To.Time().After(r.From) {
			out.Losses = append(out.Losses, handover.Loss{From: l.Span.From.Time(), To: l.Span.To.Time(), Share: l.Share})
		}
	}
	for _, x := range st.Exhausts {
		if x.Lookback == exhaustFrom && x.In != nil {
			seconds := int64(*x.In) * 60
			out.Exhausts = &seconds
		}
	}
	return out
}

// Changes returns what was done about a service between two instants, newest
// first: deployments, overrides, changed documents, freezes. It is what a message
// about an alert names.
func Changes(ctx context.Context, env *run.Env, service string, from, to time.Time) ([]notify.Change, error) {
	r := &handover.Report{From: from, To: to}
	if err := records(ctx, env, Options{Select: []string{service}}, r); err != nil {
		return nil, err
	}
	out := append(slices.Clone(r.Changes), r.Overrides...)
	slices.SortStableFunc(out, func(a, b notify.Change) int { return b.At.Compare(a.At) })
	return out, nil
}
