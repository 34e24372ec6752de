package watch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// Stage is what a watch calls its place in a pipeline.
const Stage = "watch"

// Phase is what an entry of a watch is for.
type Phase string

// The phases.
const (
	PhaseStart  Phase = "start"  // it begins
	PhaseLeft   Phase = "left"   // the call was given up; another may go on
	PhaseIntent Phase = "intent" // a rollback is about to be done
	PhaseDone   Phase = "done"   // it was tried, and this came of it
	PhaseEnd    Phase = "end"    // it is over
)

// The outcomes of a watch that is over.
const (
	Passed       = "passed"
	Warned       = "warned"
	Inconclusive = "inconclusive"
	Failed       = "failed" // the deployment hurt
)

// Body is the body of a rollout entry that a watch writes. Its fields are those of
// every rollout's, and some of its own.
type Body struct {
	Rollout     string    `json:"rollout"` // the watch's ID
	Target      string    `json:"target"`
	Environment string    `json:"environment,omitempty"`
	Stage       string    `json:"stage"`
	Phase       Phase     `json:"phase"`
	Version     string    `json:"version,omitempty"`
	Before      string    `json:"before,omitempty"`
	Deployed    time.Time `json:"deployed"`
	// State is what a watch knows of itself; Outcome stands in it once it is over.
	State struct {
		watch.State
		Outcome string `json:"outcome,omitempty"`
	} `json:"state"`
	// Place is the target of a rollback, Action what is about to be done, Restore how
	// it is finished by hand.
	Place   string       `json:"place,omitempty"`
	Action  *act.Action  `json:"action,omitempty"`
	Restore string       `json:"restore,omitempty"`
	Outcome *act.Outcome `json:"outcome,omitempty"`
	Undo    *Undo        `json:"undo,omitempty"`
	// Decision is the ID of the entry with the verdict.
	Decision string    `json:"decision,omitempty"`
	Incident string    `json:"incident,omitempty"` // its address
	Holder   string    `json:"holder,omitempty"`
	Beat     time.Time `json:"beat"`
}

// body is an entry's body with what does not change.
func (w *watcher) body(p Phase) Body {
	b := Body{
		Rollout: w.out.ID, Target: "watch:" + w.opt.Service, Environment: w.opt.Environment, Stage: Stage, Phase: p,
		Version: w.opt.Version, Before: w.opt.Before, Deployed: w.deployed,
		Decision: w.out.Decision.ID, Holder: w.opt.Holder, Beat: w.opt.Clock.Now().UTC(),
	}
	b.State.State = w.state
	return b
}

// write appends an entry of the watch. The same key again changes nothing. A ledger
// that is away is spooled where there is a spool: nothing of a rollback waits for it.
func (w *watcher) write(ctx context.Context, key string, kind ledger.Kind, body any) (ledger.Entry, error) {
	const op = "record the watch"
	data, err := json.Marshal(body)
	if err != nil {
		return ledger.Entry{}, fault.Wrap(fault.Internal, op, err, "")
	}
	d := ledger.Draft{At: w.opt.Clock.Now().UTC(), Kind: kind, Subject: w.opt.Service, Actor: w.env.Actor, Body: data, Key: key}
	err = fault.New(fault.Unavailable, op, "there is no ledger", "name a store with --store")
	if w.env.Ledger != nil {
		var e ledger.Entry
		if e, err = w.env.Ledger.Append(ctx, d); err == nil {
			return e, nil
		}
	}
	if w.env.Spool != nil && fault.KindOf(err) != fault.Invalid {
		if serr := w.env.Spool.Put(ctx, d); serr == nil {
			w.note("the record of it comes into the ledger when the store is back")
			return ledger.Entry{}, nil
		}
	}
	return ledger.Entry{}, fault.Wrap(fault.Unavailable, op, err, "")
}

func (w *watcher) note(format string, args ...any) {
	w.out.Notes = append(w.out.Notes, fmt.Sprintf(format, args...))
}

// begin records that it is watched, so that a call that comes later knows since when.
func (w *watcher) begin(ctx context.Context) error {
	if w.env.Ledger == nil {
		return nil
	}
	_, err := w.write(ctx, w.out.ID+"/start", ledger.KindRollout, w.body(PhaseStart))
	return err
}

// leave records where a call was given up.
func (w *watcher) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishFor)
	defer cancel()
	b := w.body(PhaseLeft)
	_, err := w.write(ctx, fmt.Sprintf("%s/left/%d", w.out.ID, b.Beat.UnixNano()), ledger.KindRollout, b)
	return err
}

// decided records the verdict with everything it rests on. A verdict that is to be
// acted on is not held up by a ledger that is away.
func (w *watcher) decided(ctx context.Context) error {
	sum, err := decision.Digest(w.out.Decision)
	if err != nil {
		return fault.Wrap(fault.Internal, "record the watch", err, "")
	}
	e, err := w.write(ctx, w.out.ID+"/decision/"+sum, ledger.KindDecision, watch.Record{Watch: w.out.Request, Decision: w.out.Decision})
	if err != nil && w.out.Decision.Verdict == decision.Fail {
		w.note("the decision could not be recorded: %v", err)
		return nil
	}
	w.out.Decision.ID = e.ID
	return err
}

// end records that it is over.
func (w *watcher) end(ctx context.Context) error {
	b := w.body(PhaseEnd)
	b.State.Outcome = map[decision.Verdict]string{
		decision.Pass: Passed, decision.Warn: Warned, decision.Fail: Failed, decision.Inconclusive: Inconclusive,
	}[w.out.Decision.Verdict]
	b.Undo, b.Incident, b.Place = w.out.Undo, w.out.Incident, w.opt.Place
	_, err := w.write(ctx, fmt.Sprintf("%s/end/%s", w.out.ID, cmp.Or(w.out.Decision.ID, "-")), ledger.KindRollout, b)
	if err != nil && w.out.Decision.Verdict == decision.Fail {
		w.note("the end of the watch could not be recorded: %v", err)
		return nil
	}
	return err
}

// past is what earlier calls about the same deployment left behind.
type past struct {
	ended  *ledger.Entry // the entry of its end
	body   Body          // of the end
	intent *Body         // a rollback that was begun and not recorded as done
}

// remember reads what earlier calls have recorded.
func (w *watcher) remember(ctx context.Context) error {
	return w.scan(ctx, func(e *ledger.Entry, b *Body) {
		if b.Rollout != w.out.ID {
			return
		}
		switch b.Phase {
		case PhaseEnd:
			w.before.ended, w.before.body = e, *b
		case PhaseIntent:
			w.before.intent = b
		case PhaseDone:
			if b.Undo != nil && b.Undo.Done {
				w.before.intent, w.state.Undone, w.out.Undo = nil, true, b.Undo
			}
		case PhaseStart, PhaseLeft:
		}
	})
}

// unfinished is the deployment of a watch that was begun and not ended, as long as
// there is something left to watch; zero: there is none.
func (w *watcher) unfinished(ctx context.Context) (time.Time, error) {
	open := map[string]time.Time{}
	err := w.scan(ctx, func(_ *ledger.Entry, b *Body) {
		if b.Environment != w.opt.Environment {
			return
		}
		open[b.Rollout] = b.Deployed
		if b.Phase == PhaseEnd {
			delete(open, b.Rollout)
		}
	})
	var newest time.Time
	for _, at := range open {
		if at.After(newest) && w.env.Now.Sub(at) <= w.policy.Duration.Duration()+lately {
			newest = at
		}
	}
	return newest, err
}

// scan goes through the entries of this service's watches, oldest first.
func (w *watcher) scan(ctx context.Context, do func(*ledger.Entry, *Body)) error {
	if w.env.Ledger == nil {
		return nil
	}
	for e, err := range w.env.Ledger.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindRollout}, Subject: w.opt.Service}) {
		if err != nil {
			return fault.Wrap(fault.Unavailable, "read the ledger", err, "")
		}
		var b Body
		if e.Subject != w.opt.Service || json.Unmarshal(e.Body, &b) != nil || b.Stage != Stage {
			continue
		}
		do(&e, &b)
	}
	return nil
}

// recorded answers with what an earlier call has recorded: a watch that is over is
// not decided anew.
func (w *watcher) recorded(ctx context.Context) (Outcome, error) {
	b := &w.before.body
	w.out.Undo, w.out.Incident = b.Undo, b.Incident
	w.note("this deployment has been watched to the end already")
	if b.Decision == "" {
		return w.out, fault.New(fault.Corrupt, "watch "+w.opt.Service, "the end of the watch "+w.before.ended.ID+" names no decision", "look at it with `nines ledger`")
	}
	e, err := w.env.Ledger.Get(ctx, b.Decision)
	if err != nil {
		return w.out, fault.Wrap(fault.Unavailable, "read the ledger", err, "")
	}
	var rec watch.Record
	if err := json.Unmarshal(e.Body, &rec); err != nil {
		return w.out, fault.Wrap(fault.Corrupt, "decision "+e.ID, err, "")
	}
	w.out.Request, w.out.Decision = rec.Watch, rec.Decision
	w.out.Decision.ID = e.ID
	w.out.Result = watch.Judge(rec.Watch, rec.Decision.At)
	return w.out, nil
}
