// Package backtest is the shell that tries policies on what was recorded: it
// reads one history after another, has each judged, and lets go of it.
package backtest

import (
	"cmp"
	"context"
	"slices"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options steer Run.
type Options struct {
	Select []string
	// Within is what is gone through; an open end is that of the history.
	Within slo.Span
	Trials []Trial
	// Incidents are those that should be told of; nil: they are derived.
	Incidents  []backtest.Incident
	Derivation backtest.Derivation
	Rotation   backtest.Rotation
	// Sweep searches the grid for the best policy of at most PerWeek pages a week
	// and objective.
	Sweep   bool
	PerWeek float64
	// Gates tries gate policies too, every GateStep minutes.
	Gates bool
}

// Outcome is what was found.
type Outcome struct {
	Span       slo.Span
	Objectives []string
	Unmeasured []string // objectives without any history
	Incidents  []backtest.Incident
	Derived    bool
	Results    []Result
	Swept      *backtest.Swept
}

// Result is what one trial would have done.
type Result struct {
	Name           string
	Pages, Tickets backtest.Score
	Notices        []backtest.Notice
	Gates          []GateScore
}

// Run tries policies.
func Run(ctx context.Context, env *run.Env, opt Options) (*Outcome, error) {
	x := &tryout{env: env, opt: opt, specs: nil}
	if opt.Sweep {
		x.specs = backtest.Grid()
	}
	out := &Outcome{Derived: opt.Incidents == nil}
	for i := range opt.Trials {
		t := &opt.Trials[i]
		r := Result{Name: t.Name}
		cases, err := x.gather(ctx, t, &r)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if len(cases) == 0 {
				return nil, fault.New(fault.NotFound, "backtest", "nothing was measured of what is asked about", "measure first: `nines measure`, or `nines store import`")
			}
			x.found(out, cases)
		}
		score(&r, t, cases, out, opt.Rotation)
		out.Results = append(out.Results, r)
		if i == 0 && opt.Sweep {
			s := backtest.Sweep{Cases: cases, Incidents: out.Incidents, Specs: x.specs, PerWeek: opt.PerWeek, Rotation: opt.Rotation}
			out.Swept = new(s.Run())
		}
	}
	return out, nil
}

// tryout is a call of Run on its way.
type tryout struct {
	env        *run.Env
	opt        Options
	specs      []backtest.Spec
	derived    []backtest.Incident
	unmeasured []string
}

// gather reads the histories and judges them by a trial.
func (x *tryout) gather(ctx context.Context, t *Trial, r *Result) ([]*backtest.Case, error) {
	env := *x.env
	if len(t.Exclusions) > 0 {
		catalog := *env.Catalog
		catalog.Exclusions = slices.Concat(catalog.Exclusions, t.Exclusions)
		env.Catalog = &catalog
	}
	x.derived, x.unmeasured = nil, nil
	gates := newGates(&env, t, x.opt.Gates)
	var cases []*backtest.Case
	err := status.Histories(ctx, &env, status.Options{Select: x.opt.Select}, func(h *status.History) error {
		span := h.Span
		if from := x.opt.Within.From; from > 0 {
			span.From = max(span.From, from)
		}
		if to := x.opt.Within.To; to > 0 {
			span.To = min(span.To, to)
		}
		o := h.Objective.Objective
		if span.Empty() {
			x.unmeasured = append(x.unmeasured, o.Key())
			return nil
		}
		o.DependsOn = slices.Concat(o.DependsOn, dependencies(env.Catalog, o.Service))
		c := backtest.Prepare(&backtest.Subject{Objective: &o, View: h.View, Members: h.Members, Excluded: h.Excluded, Span: span})
		c.Judge(t.For(&o))
		for i := range x.specs {
			c.Judge(x.specs[i].For(&o))
		}
		x.derived = append(x.derived, c.Derive(x.opt.Derivation)...)
		gates.take(h, span)
		c.Release()
		cases = append(cases, c)
		return ctx.Err()
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // it is of package fault
	}
	r.Gates = gates.scores(x.incidents())
	return cases, nil
}

func (x *tryout) incidents() []backtest.Incident {
	if x.opt.Incidents != nil {
		return x.opt.Incidents
	}
	return x.derived
}

// found fills in what every trial is held against.
func (x *tryout) found(out *Outcome, cases []*backtest.Case) {
	out.Unmeasured = x.unmeasured
	for i, c := range cases {
		out.Objectives = append(out.Objectives, c.Objective().Key())
		if s := c.Span(); i == 0 {
			out.Span = s
		} else {
			out.Span = slo.Span{From: min(out.Span.From, s.From), To: max(out.Span.To, s.To)}
		}
	}
	out.Incidents = slices.Clone(x.incidents())
	slices.SortStableFunc(out.Incidents, func(a, b backtest.Incident) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Subject, b.Subject))
	})
	if !out.Derived {
		backtest.Measure(cases, out.Incidents)
	}
}

// score replays a trial and scores it.
func score(r *Result, t *Trial, cases []*backtest.Case, out *Outcome, rotation backtest.Rotation) {
	policies := make([]backtest.Policy, len(cases))
	for i, c := range cases {
		policies[i] = t.For(c.Objective())
	}
	s := backtest.Scoring{Cases: cases, Incidents: out.Incidents, Replayed: backtest.Replay(cases, policies, backtest.Options{}), Rotation: rotation}
	s.Replayed.Policy = t.Name
	r.Notices = s.Replayed.Notices
	r.Pages = s.Evaluate()
	s.Severity = slo.Ticket
	r.Tickets = s.Evaluate()
}

func dependencies(c *config.Catalog, service string) []string {
	for i := range c.Services {
		if c.Services[i].Name == service {
			return c.Services[i].DependsOn
		}
	}
	return nil
}
