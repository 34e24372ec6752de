package watch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run/lease"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// tries is how often a write is tried that may be tried again, pauseAfter how long
// it waits after the first, doubled each time.
const (
	tries      = 5
	pauseAfter = 2 * time.Second
)

// undo rolls the deployment back: guards, plan, intent, apply, read back. Whatever
// comes of it is in w.out.Undo; the caller goes on, because it has to be told and
// recorded in any case.
func (w *watcher) undo(ctx context.Context) {
	u := &Undo{From: w.opt.Version, To: w.opt.Before, Verified: Unverified}
	w.out.Undo = u
	a, err := w.plan(ctx, u)
	if err != nil {
		u.Refused = err.Error()
		return
	}
	if a == nil { // it lies as wanted already
		u.Done, u.At = true, w.opt.Clock.Now().UTC()
		w.done(ctx, nil)
		return
	}
	intent := w.body(PhaseIntent)
	intent.Action, intent.Place, intent.Restore = a, w.opt.Place, w.byHand(a.To.Stable)
	if _, err := w.write(ctx, w.out.ID+"/intent", ledger.KindRollout, intent); err != nil {
		// Going back is never held up, not even by its record.
		w.note("the rollback could not be announced: %v", err)
	}
	out, err := w.apply(ctx, *a)
	if err != nil {
		u.Trouble = fmt.Sprintf("%v; %s", err, w.byHand(a.To.Stable))
	} else {
		u.Done, u.At = true, w.opt.Clock.Now().UTC()
	}
	w.done(ctx, out)
}

// byHand says how a rollback is finished where this program cannot.
func (w *watcher) byHand(to string) string {
	return fmt.Sprintf("finish it with `nines rollback %s --to %s --reason TEXT`, or put %s back by other means", w.opt.Service, to, to)
}

// done records what came of a rollback.
func (w *watcher) done(ctx context.Context, out *act.Outcome) {
	b := w.body(PhaseDone)
	b.Outcome, b.Undo, b.Place = out, w.out.Undo, w.opt.Place
	if w.out.Undo.Trouble != "" {
		b.Restore = w.byHand(w.out.Undo.To)
	}
	if _, err := w.write(ctx, fmt.Sprintf("%s/done/%d", w.out.ID, b.Beat.UnixNano()), ledger.KindRollout, b); err != nil {
		w.note("what came of the rollback could not be recorded: %v", err)
	}
}

// plan reads the target, asks the guards, and says what is to be done; nil where the
// target lies as wanted. The error says why nothing is tried.
func (w *watcher) plan(ctx context.Context, u *Undo) (*act.Action, error) {
	refuse := func(text string) error { return errors.New(text) } //nolint:err113 // a sentence for people
	switch {
	case w.opt.Target == nil:
		return nil, refuse("no target is known to roll back: name it with --target, or in a Rollout")
	case !w.opt.Target.Caps().Restores:
		return nil, refuse("an earlier version cannot be put back here: deploy it anew")
	}
	now, err := w.readTarget(ctx)
	if err != nil {
		return nil, fmt.Errorf("the target could not be read: %w", err)
	}
	if err := w.inItsWords(ctx, u, &now); err != nil {
		return nil, err
	}
	if u.To == "" {
		return nil, refuse("no version before is known: name it with --before")
	}
	to := act.Split{Stable: u.To}
	if now.Same(to) {
		return nil, nil //nolint:nilnil // nothing is to be done, which is no error
	}
	if again := w.before.intent; again != nil && again.Action != nil {
		// An earlier call has announced it, and perhaps done a part.
		if !now.Same(again.Action.From.Split) {
			return nil, foreign(now, again.Action.From)
		}
		return again.Action, nil
	}
	if err := w.guard(ctx, &now, u.To); err != nil {
		return nil, err
	}
	reason := ""
	if len(w.out.Decision.Reasons) > 0 {
		reason = w.out.Decision.Reasons[0].Text
	}
	return &act.Action{Verb: act.Rollback, Key: w.out.ID + "/undo", From: now, To: to, Reason: reason}, nil
}

// readTarget reads how the target lies, a few times if need be.
func (w *watcher) readTarget(ctx context.Context) (now act.State, err error) {
	for i := range tries {
		if now, err = w.opt.Target.Read(ctx); err == nil || !fault.KindOf(err).Retry() {
			return now, err //nolint:wrapcheck // says all there is to say
		}
		if serr := w.opt.Clock.Sleep(ctx, pauseAfter<<i); serr != nil {
			break
		}
	}
	return now, err //nolint:wrapcheck // says all there is to say
}

// inItsWords finds the versions in the target's own words. A deployment is recorded
// under a commit, and an alias knows numbers: the rollout that brought the version
// has written down what it took the traffic from.
func (w *watcher) inItsWords(ctx context.Context, u *Undo, now *act.State) error {
	head, err := lease.Newest(ctx, w.env.Ledger, w.opt.Service, w.opt.Place)
	if err != nil || head.ID == "" {
		u.From = cmp.Or(u.From, now.Stable)
		return nil //nolint:nilerr // the record of rollouts only helps
	}
	s := &head.Body.State
	switch {
	case head.Open() && head.Body.Ends().After(w.opt.Clock.Now()):
		return fmt.Errorf("a rollout is under way on the target (%s): nothing is touched", head.Body.Holder) //nolint:err113 // a sentence for people
	case s.Outcome != rollout.Promoted || s.Base == nil || head.Body.Beat.Sub(w.deployed).Abs() > recordedLate:
		// It did not bring this deployment.
		u.From = cmp.Or(u.From, now.Stable)
		return nil
	case now.Stable != "" && now.Stable != s.Version && now.Stable != s.Base.Stable:
		return foreign(*now, act.State{Split: act.Split{Stable: s.Version}})
	}
	u.From = s.Version
	if !w.beforeGiven {
		u.To = s.Base.Stable
	}
	return nil
}

// foreign is why nothing is touched on a target that somebody else has changed.
func foreign(now, want act.State) error {
	return fmt.Errorf("the target lies at %s, not at %s: somebody else has changed it, and nothing is touched", now.Split, want.Split) //nolint:err113 // a sentence for people
}

// guard keeps a rollback from doing more harm than good: it never goes back onto a
// version that was itself rolled back, never twice for one deployment, and never
// over a change that somebody else has made since. A freeze does not hold it.
func (w *watcher) guard(ctx context.Context, now *act.State, to string) error {
	if w.before.ended != nil || w.state.Undone && w.rolledBack(ctx, func(b *Body) bool { return b.Rollout == w.out.ID }) != "" {
		return errors.New("this deployment was rolled back once already") //nolint:err113 // a sentence for people
	}
	if v := w.rolledBack(ctx, func(b *Body) bool { return b.Undo != nil && b.Undo.From == to }); v != "" {
		return fmt.Errorf("%s was rolled back itself (%s): somebody has to say where to go back to", to, v) //nolint:err113 // a sentence for people
	}
	newer, err := w.newer(ctx)
	if err != nil {
		return err
	}
	if newer != "" {
		return fmt.Errorf("%s has been deployed since: nothing is rolled back over it", newer) //nolint:err113 // a sentence for people
	}
	if !now.Whole() {
		return fmt.Errorf("a rollout is under way on the target, which lies at %s: nothing is touched", now.Split) //nolint:err113 // a sentence for people
	}
	return nil
}

// rolledBack returns the entry of a rollback that was done and fits; "": there is
// none. Rollouts have ends of their own.
func (w *watcher) rolledBack(ctx context.Context, fits func(*Body) bool) string {
	found := ""
	if w.env.Ledger == nil {
		return ""
	}
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindRollout}, Subject: w.opt.Service}
	for e, err := range w.env.Ledger.Scan(ctx, q) {
		if err != nil {
			return found
		}
		var b Body
		if json.Unmarshal(e.Body, &b) != nil || !w.here(b.Environment) {
			continue
		}
		switch {
		case b.Phase == PhaseEnd && b.Stage != Stage:
			b.Undo = &Undo{From: takenBack(e.Body), Done: true}
		case b.Phase != PhaseDone:
			continue
		}
		if b.Undo != nil && b.Undo.Done && b.Undo.From != "" && fits(&b) {
			found = e.ID
		}
	}
	return found
}

// takenBack is the version that lost its traffic by a rollout that has ended: one
// that failed, or a rollback by command. "": none did.
func takenBack(body []byte) string {
	var b struct {
		State struct {
			Version string `json:"version"`
			Outcome string `json:"outcome"`
			Undo    bool   `json:"undo"`
		} `json:"state"`
	}
	if json.Unmarshal(body, &b) != nil {
		return ""
	}
	if o := rollout.Outcome(b.State.Outcome); o == rollout.Failed || b.State.Undo && o == rollout.Restored {
		return b.State.Version
	}
	return ""
}

// newer is a version that was deployed behind the one that is watched; "": none.
func (w *watcher) newer(ctx context.Context) (string, error) {
	all, err := w.deployments(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(all, func(d deployment) bool {
		return d.at.After(w.deployed.Add(recordedLate)) && d.version != w.opt.Version
	})
	if i < 0 {
		return "", nil
	}
	return all[i].version, nil
}

// apply carries an action out and reads the target back. What may be tried again is.
func (w *watcher) apply(ctx context.Context, a act.Action) (*act.Outcome, error) {
	var last error
	for i := range tries {
		if i > 0 {
			if err := w.opt.Clock.Sleep(ctx, pauseAfter<<(i-1)); err != nil {
				return nil, fault.Wrap(fault.Canceled, "roll back", err, "")
			}
		}
		out, err := w.attempt(ctx, a, i > 0)
		if err == nil {
			return out, nil
		}
		if last = err; !fault.KindOf(err).Retry() {
			break
		}
	}
	return nil, last
}

// attempt tries once. After an error only reading tells how the target lies, and
// what somebody else has changed in the meantime is not touched.
func (w *watcher) attempt(ctx context.Context, a act.Action, again bool) (*act.Outcome, error) {
	if again {
		now, err := w.opt.Target.Read(ctx)
		switch {
		case err != nil:
			return nil, err //nolint:wrapcheck // says all there is to say
		case now.Same(a.To) && now.Ready:
			return &act.Outcome{State: now}, nil
		case !now.Same(a.From.Split) && !now.Same(a.To):
			return nil, foreign(now, a.From)
		}
	}
	return w.once(ctx, a)
}

// once plans, applies and reads back.
func (w *watcher) once(ctx context.Context, a act.Action) (*act.Outcome, error) {
	c, err := w.opt.Target.Plan(ctx, a)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	out, err := w.opt.Target.Apply(ctx, c)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	now, err := w.opt.Target.Read(ctx)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "read the target back", err, "")
	}
	if now.Stable == "" && w.opt.Target.Caps().Blind {
		out.State = act.State{Split: a.To} // nobody can tell, and it was carried out
		w.note("the target does not say how it lies: that the rollback is in force is the word of what carried it out")
		return &out, nil
	}
	if !now.Same(a.To) {
		return nil, fault.New(fault.Unavailable, "roll back", fmt.Sprintf("the target lies at %s afterwards, not at %s", now.Split, a.To), "")
	}
	out.State = now
	return &out, nil
}

// recovering is how many usable minutes after a rollback are looked at.
const recovering slo.Minute = 5

// verify looks whether the rollback has helped. It waits for a few usable minutes,
// and says unknown where they do not come or the call is given up.
func (w *watcher) verify(ctx context.Context) {
	u := w.out.Undo
	if !u.Done {
		return
	}
	from := watch.FirstWhole(u.At)
	until := (from + recovering + w.policy.Wait).Time()
	for {
		w.env.Now = w.opt.Clock.Now()
		u.Verified, u.Why = w.recovered(ctx, slo.Span{From: from, To: from + recovering})
		if u.Verified != Unverified || ctx.Err() != nil || !w.opt.Clock.Now().Before(until) {
			return
		}
		if w.opt.Clock.Sleep(ctx, w.pause()) != nil {
			u.Why = "the call was ended before enough was measured"
			return
		}
	}
}

// recovered compares the minutes after the rollback with the harm and with before:
// nearer to before is recovered.
func (w *watcher) recovered(ctx context.Context, span slo.Span) (Verified, string) {
	name := w.out.Result.Metric
	if name == "" {
		return Unverified, "it was not a metric that said so"
	}
	after, before, frontier, err := w.measured(ctx, name, span)
	if err != nil {
		return Unverified, err.Error()
	}
	if frontier < span.To {
		return Unverified, "not enough was measured after the rollback"
	}
	harm := w.harm(name)
	if after.Rate() == nil || harm.Rate() == nil || before.Rate() == nil {
		return Unverified, "no request has come since the rollback"
	}
	is, was, usual := *after.Rate(), *harm.Rate(), *before.Rate()
	if was <= usual+w.policy.Margin {
		return Unverified, "the share of bad requests was not what hurt"
	}
	text := fmt.Sprintf("%s: %.3g %% bad requests in the %d minutes after it, %.3g %% before it, %.3g %% before the deployment", name, 100*is, span.Len(), 100*was, 100*usual)
	if is <= usual+w.policy.Margin || is < (was+usual)/2 {
		return Recovered, text
	}
	return NotRecovered, text
}

// harm is what a metric was from the minute on from which it shows.
func (w *watcher) harm(name string) watch.Tally {
	for i := range w.out.Request.Metrics {
		if m := &w.out.Request.Metrics[i]; m.Name == name {
			return m.Tally(slo.Span{From: w.out.Result.Since, To: w.out.Request.Frontier})
		}
	}
	return watch.Tally{}
}

// measured counts a metric over a span, and over the stretch before the deployment.
func (w *watcher) measured(ctx context.Context, name string, span slo.Span) (after, before watch.Tally, frontier slo.Minute, err error) {
	late := *w
	late.deployed, late.policy.Duration, late.policy.Weeks, late.weeks = span.From.Time(), span.Len(), 0, []weekNote{}
	late.policy.Limits, late.policy.Alarms, late.policy.Burn = nil, nil, false
	req, err := late.request(ctx)
	if err != nil {
		return after, before, 0, err
	}
	for i := range req.Metrics {
		if req.Metrics[i].Name == name {
			after = req.Metrics[i].Tally(span)
		}
	}
	for i := range w.out.Request.Metrics {
		if m := &w.out.Request.Metrics[i]; m.Name == name {
			before = m.Usual()
		}
	}
	return after, before, req.Frontier, nil
}

// undoText says in a sentence what came of a rollback.
func undoText(u *Undo) string {
	switch {
	case u == nil:
		return ""
	case u.Refused != "":
		return "it was not rolled back: " + u.Refused
	case !u.Done:
		return "the rollback failed: " + u.Trouble
	}
	words := map[Verified]string{Recovered: "and that has helped", NotRecovered: "and that has not helped", Unverified: "whether that has helped is not known"}
	return strings.TrimSpace(fmt.Sprintf("rolled back to %s at %s, %s. %s", u.To, u.At.UTC().Format("15:04 UTC"), words[u.Verified], u.Why))
}

// Text says in a sentence what came of a rollback; "" for none.
func (u *Undo) Text() string { return undoText(u) }
