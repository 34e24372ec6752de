package canary

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/rollout"
)

// do carries a command out and says what happened.
//
//nolint:ireturn // an event is one of a closed set
func (r *runner) do(ctx context.Context, do rollout.Do) rollout.Event {
	trouble := func(err error) rollout.Event {
		return rollout.Trouble{Do: do, Kind: fault.KindOf(err), Text: err.Error()}
	}
	switch do {
	case rollout.Read:
		e, err := r.observe(ctx)
		if err != nil {
			return trouble(err)
		}
		return e
	case rollout.Make:
		version, err := r.publish(ctx)
		if err != nil {
			return trouble(err)
		}
		return rollout.Made{Version: version}
	case rollout.Apply:
		is, err := r.apply(context.WithoutCancel(ctx))
		if err != nil {
			return trouble(err)
		}
		return rollout.Applied{State: is}
	case rollout.Look:
		return r.look(ctx)
	case rollout.Stop:
	}
	return rollout.Interrupted{}
}

// observe reads the target; before anything is moved, the alarms too. One that is
// not there, or may not be read, is found out then.
func (r *runner) observe(ctx context.Context) (rollout.Observed, error) {
	is, err := r.opt.Actor.Read(ctx)
	if err != nil {
		return rollout.Observed{}, err //nolint:wrapcheck // of package fault already
	}
	e := rollout.Observed{State: is, Caps: r.opt.Actor.Caps()}
	if r.opt.Alarms != nil && r.state.Base == nil {
		if e.Red, err = r.opt.Alarms(ctx); err != nil {
			return e, fault.Wrap(fault.KindOf(err), "the alarms", err, "")
		}
		e.RedRead = true
	}
	return e, nil
}

func (r *runner) publish(ctx context.Context) (string, error) {
	p, ok := r.opt.Actor.(act.Publisher)
	if !ok {
		return "", fault.New(fault.Invalid, "publish", "this kind of target makes no versions", "name one that is there: --version V")
	}
	return p.Publish(ctx, r.opt.Release) //nolint:wrapcheck // of package fault already
}

// apply does the announced action. A call to the target is never given up half
// way: what it did would not be known.
func (r *runner) apply(ctx context.Context) (act.State, error) {
	r.outcome = nil
	c, err := r.opt.Actor.Plan(ctx, *r.state.Action)
	if err != nil {
		return act.State{}, err //nolint:wrapcheck // of package fault already
	}
	if c.None {
		return r.opt.Actor.Read(ctx) //nolint:wrapcheck // of package fault already
	}
	if !r.chain.Held(r.clock.Now()) {
		return act.State{}, fault.New(fault.Unavailable, "apply", "the lease ran out while it was planned", "")
	}
	o, err := r.opt.Actor.Apply(ctx, c)
	if err != nil {
		return act.State{}, err //nolint:wrapcheck // of package fault already
	}
	r.outcome = &o
	return o.State, nil
}
