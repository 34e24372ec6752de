// Package canary is the shell of a rollout: observe, decide, act, record. What
// is to be done is decided by package rollout; here it is done, and written down
// before and after.
package canary

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/lease"
	"gitlab.com/nines-sre/nines/internal/run/meter"
)

// Options are one rollout.
type Options struct {
	Rollout config.Rollout
	Release act.Release
	// Actor moves the traffic; nil where the plan moves none.
	Actor act.Actor
	// Baseline and Canary are how the meter calls the two sides where no traffic is
	// moved. Baseline is also the version that is said to serve on a target that
	// cannot be asked.
	Baseline, Canary string
	Meter            meter.Meter
	// Decide is the judge; nil: [judge.Decide].
	Decide func(judge.Request, time.Time) (decision.Decision, judge.Result)
	Clock  run.Clock
	// Pulse is what the actor waits by, where it has to; may be nil.
	Pulse *Pulse
	// Holder names this process: a job's address, or host:pid.
	Holder string
	// Alarms returns those of the rollout's alarms that are red; nil: there are none.
	Alarms func(context.Context) ([]string, error)
	// Resume goes on with a rollout that waits, or that another process left, as
	// soon as its lease is over. Order is then what to do with one that waits.
	Resume bool
	Order  rollout.Order // "": rollout.Go
	Reason string        // of the order
	// Name is what records call the version once it is deployed; "": as the target
	// does. Token is the job's identity token.
	Name, Token string
	// Committed is when the version was committed, for the record of its deployment;
	// zero: not known.
	Committed time.Time
	// Tell is told how it goes, once a look and once an action; may be nil.
	Tell func(Progress)
}

// Progress is how far a rollout has come.
type Progress struct {
	At       time.Time
	State    rollout.State
	Requests int64 // the canary's, in all
	Bad      int64
	Baseline judge.Tally // of the same metric
	Result   judge.Result
	Looked   bool // it is about a look; else about what Reasons say
	Reasons  []decision.Reason
	Notes    []string
}

// Outcome is how a call ended.
type Outcome struct {
	State    rollout.State
	Verdict  decision.Verdict
	ExitCode int
	Reasons  []decision.Reason
	// Decision is the judge's last recorded answer, Request what it was asked; zero
	// where it was not asked.
	Decision decision.Decision
	Request  judge.Request
	Result   judge.Result
	Requests int64 // the canary's
	Notes    []string
	Entry    string // the newest entry of the rollout
	Deployed string // the entry of the deployment; "" for none
	Resumed  bool
}

// Run begins a rollout, or goes on with one, and returns when it is over, waits
// for somebody, or cannot go on. When the context ends, everything is put back
// first. Errors: somebody else has the target (Conflict), nothing can be recorded
// (Unavailable), a question without sense (Invalid, NotFound).
func Run(ctx context.Context, env *run.Env, opt Options) (Outcome, error) {
	r, err := newRunner(env, opt)
	if err != nil {
		return Outcome{}, err
	}
	head, err := r.claim(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if err := r.notHeld(ctx, head); err != nil {
		return Outcome{}, err
	}
	frozen, err := r.frozen(ctx)
	if head.Open() {
		// Whatever holds new rollouts, this one has to come to its end.
		return r.resume(ctx, head, frozen)
	}
	if err != nil {
		return Outcome{}, err
	}
	if len(frozen) > 0 {
		r.out.Reasons = frozen
		r.out.Verdict, r.out.ExitCode = decision.Fail, decision.Fail.ExitCode()
		return r.out, nil
	}
	r.begin(head)
	err = r.loop(ctx, rollout.Woken{})
	return r.finish(ctx), err
}

// resume goes on with a rollout that waits, or that another process left. In a
// freeze, and for another version, everything is put back first.
func (r *runner) resume(ctx context.Context, head lease.Head, frozen []decision.Reason) (Outcome, error) {
	r.out.Resumed = true
	r.state = head.Body.State
	r.chain.Follow(r.target, head)
	if len(frozen) > 0 || r.other() {
		return r.replace(ctx, frozen)
	}
	err := r.loop(ctx, rollout.Woken{})
	if err == nil && r.state.Phase == rollout.Pause && r.opt.Resume && ctx.Err() == nil {
		err = r.loop(ctx, rollout.Told{Order: cmp.Or(r.opt.Order, rollout.Go), Reason: r.opt.Reason})
	}
	return r.finish(ctx), err
}

func newRunner(env *run.Env, opt Options) (*runner, error) {
	if opt.Decide == nil {
		opt.Decide = judge.Decide
	}
	r := &runner{env: env, opt: opt, clock: opt.Clock, target: opt.Rollout.Target.String()}
	if opt.Rollout.Target.Kind == "" {
		r.target = "service:" + opt.Rollout.Service // nothing is moved, and there is one comparison at a time
	}
	if err := run.CheckSubject(env.Catalog, opt.Rollout.Service); err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	caps := act.Caps{Splits: true}
	if opt.Actor != nil {
		caps = opt.Actor.Caps()
	}
	if err := opt.Rollout.Plan.Check(caps); err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	r.chain = lease.Chain{Ledger: env.Ledger, Service: opt.Rollout.Service, Actor: env.Actor, Holder: opt.Holder}
	if opt.Pulse != nil {
		opt.Pulse.attach(r)
	}
	return r, nil
}

// begin makes the state of a new rollout behind the newest entry.
func (r *runner) begin(head lease.Head) {
	r.state = rollout.New(r.newID(head), r.opt.Rollout.Plan, r.opt.Release)
	r.state.Serves = r.opt.Baseline
	r.chain.Begin(r.target, head)
}

// newID names a rollout that follows a head.
func (r *runner) newID(head lease.Head) string {
	now := r.clock.Now()
	sum, err := decision.Digest([]any{r.target, r.opt.Holder, now.UnixNano(), head.ID})
	if err != nil { // texts and a number always encode
		sum = fmt.Sprintf("%012d", now.UnixNano())
	}
	return sum[:12]
}

// other says whether the rollout that was found is of another version than the
// one that is wanted now.
func (r *runner) other() bool {
	want := r.opt.Release
	return want != (act.Release{}) && want != r.state.Release && (want.Version == "" || want.Version != r.state.Version)
}

// replace puts back what another process left, and begins with what is wanted
// now; in a freeze it only puts back.
func (r *runner) replace(ctx context.Context, frozen []decision.Reason) (Outcome, error) {
	why := fmt.Sprintf("rollout %s of version %s was left by %s", r.state.ID, r.state.Version, r.holder)
	r.out.Notes = append(r.out.Notes, why+": everything is put back first")
	r.giveBack = true
	if err := r.loop(ctx, rollout.Woken{}); err != nil {
		return r.finish(ctx), err
	}
	if r.state.Phase == rollout.Pause {
		if err := r.loop(ctx, rollout.Told{Order: rollout.Back, Reason: why}); err != nil {
			return r.finish(ctx), err
		}
	}
	if len(frozen) > 0 || r.state.Phase != rollout.End || r.state.Outcome == rollout.Foreign || ctx.Err() != nil {
		out := r.finish(ctx)
		if len(frozen) > 0 && r.state.Phase == rollout.End {
			out.Reasons = slices.Concat(frozen, out.Reasons)
			out.Verdict, out.ExitCode = decision.Fail, decision.Fail.ExitCode()
		}
		return out, nil
	}
	r.giveBack, r.interrupted, r.out.Resumed = false, false, false
	r.begin(lease.Head{ID: r.entry})
	err := r.loop(ctx, rollout.Woken{})
	return r.finish(ctx), err
}

// claim finds the newest entry about the target and makes sure that nobody else
// has it now.
func (r *runner) claim(ctx context.Context) (lease.Head, error) {
	for waited := false; ; waited = true {
		head, err := lease.Newest(ctx, r.env.Ledger, r.opt.Rollout.Service, r.target)
		if err != nil {
			return head, err //nolint:wrapcheck // says all there is to say
		}
		if !head.Open() {
			return head, nil
		}
		b := &head.Body
		r.holder = b.Holder
		left := b.Ends().Sub(r.clock.Now())
		switch {
		case b.Phase == lease.Pause && !r.opt.Resume:
			return head, fault.New(fault.Conflict, "rollout "+b.Rollout, fmt.Sprintf("it waits in step %d of %d, with %s", b.State.Step+1, len(b.State.Plan.Steps), b.State.Now.Split),
				"go on with `nines canary --resume` or `nines promote`, or put the old version back with `nines rollback`")
		case left <= 0 || b.Holder == r.opt.Holder:
			return head, nil
		case !r.opt.Resume || waited:
			return head, fault.New(fault.Conflict, "rollout "+b.Rollout, fmt.Sprintf("%s has this target, and was there %s ago", b.Holder, r.clock.Now().Sub(b.Beat).Round(time.Second)),
				"one rollout a target: wait for it; --resume waits until its lease is over, and goes on where it was left")
		}
		if err := r.clock.Sleep(ctx, left+time.Second); err != nil {
			return head, fault.Wrap(fault.Canceled, "wait for the lease", err, "")
		}
	}
}

// notHeld refuses to begin beside a version that is held: its record says how to
// put the old one back, and must stay the newest.
func (r *runner) notHeld(ctx context.Context, head lease.Head) error {
	b := &head.Body
	if b.Phase != lease.End || b.State.Outcome != rollout.Held || r.opt.Actor == nil {
		return nil
	}
	is, err := r.opt.Actor.Read(ctx)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "read the target", err, "")
	}
	if !b.State.Blind && !is.Same(b.State.Now.Split) {
		return nil // somebody has ended that by other means
	}
	return fault.New(fault.Conflict, "rollout "+b.Rollout, fmt.Sprintf("version %s is held: the target lies at %s", b.State.Version, b.State.Now.Split),
		"finish it with `nines promote`, or put the old version back with `nines rollback`")
}

// frozen says which freezes hold a rollout at this instant.
func (r *runner) frozen(ctx context.Context) ([]decision.Reason, error) {
	in, err := rungate.Frozen(ctx, r.env, r.opt.Rollout.Service, r.clock.Now())
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	var out []decision.Reason
	for i := range in {
		f := &in[i]
		text := fmt.Sprintf("freeze %s: %s", f.Name, f.Reason)
		if !f.To.IsZero() {
			text += ", until " + r.env.Show(f.To)
		}
		out = append(out, decision.Reason{Code: "freeze", Text: text})
	}
	return out, nil
}
