// Package watch is the shell that looks after a version once it has all of the
// traffic: it reads what was measured since, decides minute by minute, and, where
// the deployment hurts, rolls it back, makes sure that this helped, and opens an
// incident. Everything it knows can be measured again from the instant of the
// deployment on, so that it may be killed anywhere and called again.
package watch

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// Options are one watch.
type Options struct {
	Service, Environment string
	// Deployed is when the deployment was done; zero: as it is recorded, else now.
	Deployed time.Time
	// Version is the new version and Before the one to go back to, in the words of
	// the target; "": as recorded.
	Version, Before string
	Policy          watch.Policy
	Clock           run.Clock
	// Offline reads what the history has, and asks no source.
	Offline bool
	// Alarms reads the alarms of the place; nil: there are none to be read.
	Alarms func(context.Context) ([]metric.Alarm, error)
	// Target is what is rolled back, Place its name; nil: nothing can be.
	Target act.Actor
	Place  string
	// Incidents takes what has to be looked into; nil: nobody does.
	Incidents Incidents
	// Holder is which process this is: a job's address, or host:pid.
	Holder string
	// Tell is called after each look; may be nil.
	Tell func(Look)
}

// Look is what one look found, for who follows the watch.
type Look struct {
	At       time.Time
	Request  *watch.Request
	Decision *decision.Decision
	Result   *watch.Result
	Do       watch.Do
	Trouble  string // what kept newer measurements away; "": nothing
}

// Outcome is what came of a watch.
type Outcome struct {
	ID       string // the watch's, the same for every call about one deployment
	Decision decision.Decision
	Request  watch.Request
	Result   watch.Result
	Undo     *Undo  // nil: nothing was rolled back, and nothing should have been
	Incident string // address of the incident; "": none was opened
	// Left says that the watch was ended from outside before its time.
	Left  bool
	Notes []string
}

// Undo is what came of a rollback.
type Undo struct {
	From string `json:"from"` // the version that hurts
	To   string `json:"to"`
	// Done says that the target was read and lies as wanted; Refused why nothing was
	// tried; Trouble what went wrong, with what to do about it.
	Done    bool   `json:"done"`
	Refused string `json:"refused,omitempty"`
	Trouble string `json:"trouble,omitempty"`
	// Verified is what measurements say afterwards: recovered, not_recovered, or
	// unknown; Why in words.
	Verified Verified  `json:"verified"`
	Why      string    `json:"why,omitempty"`
	At       time.Time `json:"at"` // when it was in force
}

// Verified says whether a rollback has helped.
type Verified string

// What measurements say after a rollback.
const (
	Unverified   Verified = "unknown"
	Recovered    Verified = "recovered"
	NotRecovered Verified = "not_recovered"
)

// between is how long the shell waits between two looks: a minute is usable a
// while after it ended, so more often shows nothing new.
const between = time.Minute

// finishFor bounds what is finished after the call was given up: a rollback that
// has begun, and the record of it.
const finishFor = 10 * time.Minute

// Run watches until it is sure, or the time is over. An error means that it could
// not even be told how it stands: an unknown service (NotFound), a policy without
// sense (Invalid), a history out of reach at the end (Unavailable). A call that is
// given up records where it was and returns with Left.
func Run(ctx context.Context, env *run.Env, opt Options) (Outcome, error) {
	w, err := newWatcher(ctx, env, opt)
	if err != nil {
		return Outcome{}, err
	}
	if w.before.ended != nil { // an earlier call has ended it
		return w.recorded(ctx)
	}
	if err := w.begin(ctx); err != nil {
		return w.out, err
	}
	do, err := w.loop(ctx)
	if w.out.Left {
		return w.out, w.leave(ctx)
	}
	if err != nil {
		return w.out, err
	}
	// From here on nothing is left half done, whoever wants the process to end.
	fin, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishFor)
	defer cancel()
	if err := w.decided(fin); err != nil {
		return w.out, err
	}
	if do == watch.DoUndo {
		w.undo(fin)
	}
	if w.out.Undo != nil {
		w.verify(ctx)
	}
	if w.out.Decision.Verdict == decision.Fail {
		w.report(fin)
	}
	return w.out, w.end(fin)
}

// watcher is one call on its way.
type watcher struct {
	env    run.Env
	opt    Options
	policy watch.Policy
	state  watch.State
	before past // what earlier calls left behind
	out    Outcome

	deployed time.Time
	burned   map[string]bool // which objectives burned fast before the deployment
	early    map[string]bool // alarms that were red at the first look; nil: not looked yet
	weeks    []weekNote
	trouble  string
	usual    map[string][]*float64 // percentiles of before the deployment, by metric
	// beforeGiven says that the caller named the version to go back to.
	beforeGiven bool
}

func newWatcher(ctx context.Context, env *run.Env, opt Options) (*watcher, error) {
	if env.Catalog == nil || env.History == nil {
		return nil, fault.New(fault.Unavailable, "watch", "there is no history to read", "name a store with --store")
	}
	if err := run.CheckSubject(env.Catalog, opt.Service); err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	if err := opt.Policy.Validate(); err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	w := &watcher{env: *env, opt: opt, policy: opt.Policy.Normal(), beforeGiven: opt.Before != ""}
	w.env.Now = opt.Clock.Now()
	if err := w.find(ctx); err != nil {
		return nil, err
	}
	w.out.ID = w.id()
	if err := w.remember(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// loop looks until there is something else to do.
func (w *watcher) loop(ctx context.Context) (watch.Do, error) {
	for {
		w.env.Now = w.opt.Clock.Now()
		req, err := w.request(ctx)
		w.out.Left = ctx.Err() != nil
		if err != nil || w.out.Left {
			return watch.DoEnd, err
		}
		var do watch.Do
		w.state, w.out.Decision, w.out.Result, do = watch.Next(w.state, req, w.env.Now)
		w.out.Request = req
		w.tell(do)
		if do != watch.DoWait {
			return do, nil
		}
		if err := w.opt.Clock.Sleep(ctx, w.pause()); err != nil {
			w.out.Left = true
			return watch.DoEnd, nil //nolint:nilerr // ended from outside, which is said by Left
		}
	}
}

// pause is how long to wait for the next look: to the middle of the next minute,
// where whole minutes have arrived at most sources.
func (w *watcher) pause() time.Duration {
	now := w.opt.Clock.Now()
	next := now.Truncate(between).Add(between + 5*time.Second)
	return next.Sub(now)
}

func (w *watcher) tell(do watch.Do) {
	if w.opt.Tell != nil {
		w.opt.Tell(Look{At: w.env.Now, Request: &w.out.Request, Decision: &w.out.Decision, Result: &w.out.Result, Do: do, Trouble: w.trouble})
	}
}

// span is the stretch that is watched.
func (w *watcher) span() slo.Span {
	from := watch.FirstWhole(w.deployed)
	return slo.Span{From: from, To: from + w.policy.Duration}
}
