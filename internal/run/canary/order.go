package canary

import (
	"context"
	"fmt"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// Find returns the newest entry of the rollouts of a service: about a target, or,
// where none is named, about any in the environment.
func Find(ctx context.Context, env *run.Env, r *config.Rollout) (lease.Head, error) {
	if err := run.CheckSubject(env.Catalog, r.Service); err != nil {
		return lease.Head{}, err //nolint:wrapcheck // says all there is to say
	}
	if r.Target.Kind == "" {
		return lease.Latest(ctx, env.Ledger, r.Service, r.Environment) //nolint:wrapcheck // says all there is to say
	}
	return lease.Newest(ctx, env.Ledger, r.Service, r.Target.String()) //nolint:wrapcheck // says all there is to say
}

// Promote gives the new version of a rollout that is held, or pauses, all of the
// traffic. The head is what [Find] found. A freeze holds it.
func Promote(ctx context.Context, env *run.Env, opt Options, head lease.Head) (Outcome, error) {
	op := "promote " + opt.Rollout.Service
	b := &head.Body
	held := b.Phase == lease.End && b.State.Outcome == rollout.Held
	switch {
	case head.ID == "":
		return Outcome{}, fault.New(fault.NotFound, op, "there is no rollout of it", "begin one with `nines canary`")
	case b.Phase != lease.Pause && !held && head.Open():
		return Outcome{}, fault.New(fault.Conflict, op, fmt.Sprintf("rollout %s is in step %d of %d, in the hands of %s", b.Rollout, b.State.Step+1, len(b.State.Plan.Steps), b.Holder),
			"wait for it; if its job is gone, go on with `nines canary --resume`")
	case b.Phase != lease.Pause && !held:
		return Outcome{}, fault.New(fault.Invalid, op, fmt.Sprintf("its newest rollout has ended as %s: nothing is held", b.State.Outcome), "begin one with `nines canary`")
	}
	r := orders(env, opt, head)
	frozen, err := r.frozen(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if len(frozen) > 0 {
		r.out.Reasons, r.out.State = frozen, b.State
		r.out.Verdict, r.out.ExitCode = decision.Fail, decision.Fail.ExitCode()
		return r.out, nil
	}
	r.take(head)
	return r.order(ctx, rollout.Forward)
}

// Rollback puts a version back, "" for the one before: that of a rollout under
// way, whoever has it, else of a deployment that is whole. Nothing holds it.
func Rollback(ctx context.Context, env *run.Env, opt Options, head lease.Head, to string) (Outcome, error) {
	op := "rollback " + opt.Rollout.Service
	r := orders(env, opt, head)
	b := &head.Body
	if takes(&head, to) {
		r.take(head)
		r.giveBack = b.Phase != lease.Pause && head.Open()
		r.ordered = true
		return r.order(ctx, rollout.Back)
	}
	if opt.Actor == nil {
		return Outcome{}, fault.New(fault.Invalid, op, "it is not known what to roll back", "name it with --target, or in a Rollout")
	}
	is, err := opt.Actor.Read(ctx)
	if err != nil {
		return Outcome{}, fault.Wrap(fault.Unavailable, op, err, "")
	}
	if to == "" {
		if to, err = r.before(ctx, &is); err != nil {
			return Outcome{}, err
		}
		if to == "" {
			return Outcome{}, fault.New(fault.Invalid, op, fmt.Sprintf("it is not recorded what served before %s", is.Split), "name it with --to VERSION")
		}
	}
	r.state = rollout.Rollback(r.newID(head), is, to)
	if head.Open() {
		r.chain.Follow(r.target, head)
	} else {
		r.chain.Begin(r.target, head)
	}
	if is.Same(act.Split{Stable: to}) {
		r.out.Notes = append(r.out.Notes, fmt.Sprintf("%s serves already: nothing had to be changed", to))
	}
	return r.order(ctx, rollout.Back)
}

// takes says whether a rollback to a version ends the rollout of a head: one under
// way, also where it has moved nothing yet, as it must not begin behind this; or one
// that is held.
func takes(head *lease.Head, to string) bool {
	s := &head.Body.State
	under := head.Open() && !s.Plan.Still || head.ID != "" && s.Base != nil && s.Outcome == rollout.Held
	return under && (to == "" || s.Base != nil && to == s.Base.Stable)
}

// before is the version that served before the one that serves now, as far as a
// rollout tells; "" for none.
func (r *runner) before(ctx context.Context, is *act.State) (string, error) {
	if !is.Whole() {
		return is.Stable, nil
	}
	h, err := lease.Promoted(ctx, r.env.Ledger, r.opt.Rollout.Service, r.target, is.Stable)
	if err != nil || h.Body.State.Base == nil {
		return "", err //nolint:wrapcheck // says all there is to say
	}
	return h.Body.State.Base.Stable, nil
}

// orders is a runner for somebody's word about a rollout that is there.
func orders(env *run.Env, opt Options, head lease.Head) *runner {
	if opt.Rollout.Target.Kind == "" {
		opt.Rollout.Target = head.Body.Place
	}
	r := &runner{env: env, opt: opt, clock: opt.Clock, target: opt.Rollout.Target.String()}
	r.chain = lease.Chain{Ledger: env.Ledger, Service: opt.Rollout.Service, Actor: env.Actor, Holder: opt.Holder}
	if opt.Pulse != nil {
		opt.Pulse.attach(r)
	}
	return r
}

// take goes on with the rollout of a head; one that is held goes on under a name
// of its own.
func (r *runner) take(head lease.Head) {
	r.out.Resumed = true
	r.state = head.Body.State
	if head.Open() {
		r.chain.Follow(r.target, head)
		return
	}
	r.state = r.state.Reopen(r.newID(head))
	r.chain.Begin(r.target, head)
}

// order follows somebody's word, and reads back what came of it.
func (r *runner) order(ctx context.Context, what rollout.Order) (Outcome, error) {
	if err := r.loop(ctx, rollout.Woken{}); err != nil {
		return r.finish(ctx), err
	}
	if r.state.Phase == rollout.Pause && ctx.Err() == nil {
		if err := r.loop(ctx, rollout.Told{Order: what, Reason: r.opt.Reason}); err != nil {
			return r.finish(ctx), err
		}
	}
	if what == rollout.Back && r.isBack() {
		// It was taken from another process and put back: that is what was wanted,
		// whatever that one was about to end as.
		r.state.Outcome, r.state.Verdict = rollout.Restored, decision.Pass
	}
	out := r.finish(ctx)
	if r.opt.Actor == nil || r.state.Phase != rollout.End || r.state.Base == nil {
		return out, nil
	}
	is, err := r.opt.Actor.Read(context.WithoutCancel(ctx))
	switch {
	case err != nil:
		out.Notes = append(out.Notes, "it could not be read back: "+err.Error())
	case !is.Same(r.state.Now.Split):
		out.Notes = append(out.Notes, fmt.Sprintf("read back, the target lies at %s", is.Split))
		out.Verdict, out.ExitCode = decision.Inconclusive, 1
	}
	return out, nil
}

// isBack says whether a rollout has ended with everything as it was before.
func (r *runner) isBack() bool {
	s := &r.state
	switch s.Outcome {
	case rollout.Abandoned, rollout.Failed, rollout.Restored:
		return s.Base == nil || s.Now.Same(s.Base.Split) // nothing was moved, or it is back
	case rollout.Promoted, rollout.Held, rollout.Passed, rollout.Foreign, rollout.Nothing:
	}
	return false
}
