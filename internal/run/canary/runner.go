package canary

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/deploy"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// runner is one process's part of a rollout.
type runner struct {
	env    *run.Env
	opt    Options
	clock  run.Clock
	chain  lease.Chain
	target string
	holder string // who had it before
	state  rollout.State
	out    Outcome

	entry       string       // the newest of the chain
	beat        time.Time    // when it was written
	outcome     *act.Outcome // of the action that was just done
	last        *looked      // the newest look
	decision    string       // the entry of the newest decision
	interrupted bool         // everything is being put back, and nothing stops that
	giveBack    bool         // put back what another process left
	ordered     bool         // because somebody said so
	done        <-chan struct{}
}

// loop carries out commands until there is none for this process.
func (r *runner) loop(ctx context.Context, ev rollout.Event) error {
	r.done = ctx.Done()
	if r.interrupted {
		r.done = nil
	}
	var err error
	for ev != nil && err == nil {
		ev, err = r.turn(ctx, ev)
	}
	return err
}

// turn takes one event to the next; nil: this process has done its part. Once
// everything is being put back, nothing gives that up.
//
//nolint:ireturn // an event is one of a closed set
func (r *runner) turn(ctx context.Context, ev rollout.Event) (rollout.Event, error) {
	prev := r.state
	cmd := r.next(ev)
	if (ctx.Err() != nil || r.giveBack) && !r.interrupted && cmd.Do != rollout.Stop {
		r.putBack()
		cmd = r.next(r.back())
	}
	if r.interrupted {
		ctx = context.WithoutCancel(ctx)
	}
	r.decided(ctx, &prev, ev)
	if phase, is := r.phase(&prev, ev, cmd); is {
		if ev, err := r.recorded(ctx, phase, cmd); ev != nil || err != nil {
			return ev, err
		}
	}
	if cmd.Do == rollout.Stop {
		return nil, nil //nolint:nilnil // there is no further event
	}
	if cmd.After > 0 && r.clock.Sleep(ctx, cmd.After) != nil {
		r.putBack()
		return rollout.Interrupted{}, nil //nolint:nilerr // the call was given up: that is what follows
	}
	if cmd.Do == rollout.Apply {
		if ev, err := r.recorded(ctx, lease.Intent, cmd); ev != nil || err != nil {
			return ev, err
		}
	}
	return r.do(ctx, cmd.Do), nil
}

// back is the event that puts everything back: somebody's word, where it is one.
//
//nolint:ireturn // an event is one of a closed set
func (r *runner) back() rollout.Event {
	if p := r.state.Phase; r.ordered && (p == rollout.Bake || p == rollout.Intent) {
		return rollout.Told{Order: rollout.Back, Reason: r.opt.Reason}
	}
	return rollout.Interrupted{}
}

// putBack notes that everything is being put back from here on.
func (r *runner) putBack() { r.interrupted, r.done = true, nil }

// next asks the machine, and keeps and tells its reasons.
func (r *runner) next(ev rollout.Event) rollout.Command {
	s, cmd, why := rollout.Next(r.state, ev, r.clock.Now())
	r.state = s
	r.out.Reasons = append(r.out.Reasons, why...)
	_, look := ev.(rollout.Looked)
	if len(why) > 0 && !look {
		r.tell(Progress{Reasons: why})
	} else if look {
		r.tellLook(why)
	}
	return cmd
}

func (r *runner) tell(p Progress) {
	if r.opt.Tell != nil {
		p.At, p.State = r.clock.Now(), r.state
		r.opt.Tell(p)
	}
}

// phase is what the record has to say before a command is carried out; false:
// nothing. (An action has its own entry, just before it is done.)
func (r *runner) phase(prev *rollout.State, ev rollout.Event, cmd rollout.Command) (lease.Phase, bool) {
	_, woken := ev.(rollout.Woken)
	switch {
	case cmd.Do == rollout.Stop && r.state.Phase == rollout.End:
		return lease.End, true
	case cmd.Do == rollout.Stop && r.state.Phase == rollout.Pause:
		return lease.Pause, prev.Phase != rollout.Pause
	case cmd.Do == rollout.Stop:
		return lease.Stuck, true
	case woken && r.out.Resumed:
		return lease.Takeover, true
	case woken:
		return lease.Start, true
	case prev.Action != nil && r.state.Action == nil:
		return lease.Done, true
	}
	return lease.Still, r.clock.Now().Sub(r.beat) >= lease.Beat
}

// body is the entry of a phase at this instant.
func (r *runner) body(phase lease.Phase) *lease.Body {
	b := &lease.Body{
		Rollout: r.state.ID, Target: r.target, Place: r.opt.Rollout.Target, Environment: r.opt.Rollout.Environment, Phase: phase, Stage: lease.Stage,
		State: r.state, Action: r.state.Action, Decision: r.decision, Beat: r.clock.Now().UTC(),
	}
	if phase == lease.Done || phase == lease.End {
		b.Outcome = r.outcome
	}
	return b
}

// Record keeping: how long before the end of a lease an attempt to renew it is
// given up, so that there is time to put everything back; and how long one that
// has run out is tried to be had again.
const (
	margin = 20 * time.Second
	regain = 10 * time.Minute
)

// record writes the next entry. It tries again while the lease allows that.
func (r *runner) record(ctx context.Context, phase lease.Phase) error {
	ctx = context.WithoutCancel(ctx) // an entry is written, or not: never given up in between
	began := r.clock.Now()
	for try := 0; ; try++ {
		b := r.body(phase)
		e, err := r.chain.Append(ctx, b)
		if err == nil {
			r.entry, r.beat = e.ID, b.Beat
			if phase == lease.Done || phase == lease.End {
				r.outcome = nil
			}
			return nil
		}
		until := began.Add(regain)
		switch {
		case lease.IsLost(err):
			return err //nolint:wrapcheck // known by what it is
		case !r.state.Split() || r.restoring() && r.chain.Held(r.clock.Now()):
			// Nothing is at stake, or what is at stake is better put back at once.
			until = began.Add(4 * time.Second)
		case r.chain.Held(r.clock.Now()):
			until = r.chain.Ends().Add(-margin)
		}
		pause := min(10*time.Second, time.Second<<min(try, 4))
		if !again(err) || r.clock.Now().Add(pause).After(until) || r.clock.Sleep(ctx, pause) != nil {
			return err //nolint:wrapcheck // says all there is to say
		}
	}
}

func again(err error) bool {
	k := fault.KindOf(err)
	return k.Retry() || k == fault.Internal
}

// restoring says whether the action under way puts the old version back.
func (r *runner) restoring() bool {
	return r.state.Phase == rollout.End || r.state.Action != nil && r.state.Action.Verb.Back()
}

// recorded writes an entry before a command is carried out. Where it cannot be
// written, it says what follows: an event, an error, or nothing, and the command is
// carried out all the same.
//
//nolint:ireturn // an event is one of a closed set
func (r *runner) recorded(ctx context.Context, phase lease.Phase, cmd rollout.Command) (rollout.Event, error) {
	err := r.record(ctx, phase)
	switch {
	case err == nil:
		return nil, nil //nolint:nilnil // it goes on
	case lease.IsLost(err):
		return nil, err // somebody else has it: nothing more is touched
	case cmd.Do == rollout.Stop, r.restoring() && r.chain.Held(r.clock.Now()):
		// How to restore is recorded since the beginning, and nobody else may have the
		// target yet: users come before the record.
		r.spool(ctx, err)
		return nil, nil //nolint:nilnil // it goes on
	case !r.state.Split() || r.interrupted:
		return nil, err
	}
	r.out.Reasons = append(r.out.Reasons, decision.Reason{Code: "ledger", Text: "nothing can be recorded: " + err.Error()})
	r.putBack()
	return rollout.Interrupted{}, nil
}

// spool keeps an entry that the ledger does not take for later. It has the key of
// the chain: where somebody else went on meanwhile, it is not written.
func (r *runner) spool(ctx context.Context, err error) {
	phase := lease.Intent
	if r.state.Phase == rollout.End {
		phase = lease.End
	}
	d, derr := r.chain.Draft(r.body(phase))
	if derr == nil && r.env.Spool != nil {
		derr = r.env.Spool.Put(ctx, d)
	}
	if derr != nil || r.env.Spool == nil {
		r.out.Notes = append(r.out.Notes, "not recorded: "+err.Error())
		return
	}
	r.out.Notes = append(r.out.Notes, "recorded when the store is back: "+err.Error())
}

// alive renews the lease while a target takes its time.
func (r *runner) alive(ctx context.Context) error {
	if r.clock.Now().Sub(r.beat) < lease.Beat {
		return nil
	}
	b := r.body(lease.Intent)
	e, err := r.chain.Append(context.WithoutCancel(ctx), b)
	switch {
	case err == nil:
		r.entry, r.beat = e.ID, b.Beat
		return nil
	case lease.IsLost(err), !r.chain.Held(r.clock.Now()):
		return err //nolint:wrapcheck // known by what it is
	}
	return nil
}

// given ends when the call is given up; nil while everything is put back.
func (r *runner) given() <-chan struct{} { return r.done }

// finish records the deployment, and puts the outcome together.
func (r *runner) finish(ctx context.Context) Outcome {
	s := &r.state
	if s.Outcome == rollout.Promoted {
		env := *r.env
		env.Now = r.clock.Now()
		name := r.opt.Name
		if name == "" {
			name = s.Version
		}
		out, err := deploy.Record(context.WithoutCancel(ctx), &env, deploy.Options{
			Service: r.opt.Rollout.Service, Environment: r.opt.Rollout.Environment, Version: name, Token: r.opt.Token,
			Committed: r.opt.Committed,
		})
		if err != nil {
			r.out.Notes = append(r.out.Notes, "the deployment is not recorded: "+err.Error())
		}
		r.out.Deployed = out.ID
	}
	r.out.State, r.out.Entry = *s, r.entry
	r.out.ExitCode = ExitCode(s)
	if s.Phase == rollout.End || s.Phase == rollout.Pause {
		r.out.Verdict = s.Verdict // of what broke off on its way nothing is known
	}
	if r.last != nil {
		r.out.Request, r.out.Result, r.out.Requests = r.last.request, r.last.result, r.last.requests
		for _, n := range r.last.notes {
			if !slices.Contains(r.out.Notes, n) {
				r.out.Notes = append(r.out.Notes, n)
			}
		}
	}
	return r.out
}

// ExitCode is the code that a call ends with: the verdict's, and 1 where the
// world was in the way.
func ExitCode(s *rollout.State) int {
	switch s.Phase {
	case rollout.End:
		if s.Outcome == rollout.Foreign || s.Outcome == rollout.Abandoned {
			return 1
		}
		return s.Verdict.ExitCode()
	case rollout.Pause:
		return s.Verdict.ExitCode()
	case rollout.Begin, rollout.Publish, rollout.Intent, rollout.Bake:
	}
	return 1
}

// keyOf makes the key of an entry that is not of the chain.
func keyOf(kind ledger.Kind, parts ...any) string {
	sum, err := decision.Digest(parts)
	if err != nil { // plain data always encodes
		sum = fmt.Sprint(parts...)
	}
	return string(kind) + "/" + sum
}
