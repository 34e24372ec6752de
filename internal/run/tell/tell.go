// Package tell is the shell that tells people what the gate did: a note on the
// merge request, and messages to those whom the policy names. Nothing here
// changes a verdict: what cannot be told is said in the job's log and recorded.
package tell

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// tries is how often a target is told; pause how long is waited before the
// second try, and twice as long before the third.
const (
	tries = 3
	pause = 500 * time.Millisecond
	// patience is the longest that a target may ask for between two tries.
	patience = 15 * time.Second
)

// To is somebody to tell. Name is how the record calls them: no secret.
type To struct {
	Name   string
	Target notify.Target
}

// Options are an answer and whom to tell.
type Options struct {
	rungate.Outcome
	URL string // where more can be read; may be empty
	To  []To
	// Note is what to write on the merge request; nil: nothing.
	Note *forge.Note
	// Wait waits between tries.
	Wait func(context.Context, time.Duration) error
}

// notice is the body of an entry: somebody was told, or could not be.
type notice struct {
	Event    notify.Event `json:"event"`
	To       string       `json:"to"`
	Key      string       `json:"key"`
	Decision string       `json:"decision_id,omitempty"`
	Error    string       `json:"error,omitempty"` // empty: told
}

// Run tells, and returns what is to be said about that in the job's log.
func Run(ctx context.Context, env *run.Env, opt Options) []string {
	var remarks []string
	if opt.Note != nil && env.Forge != nil {
		if remark := note(ctx, env, opt.Note); remark != "" {
			remarks = append(remarks, remark)
		}
	}
	for _, m := range messages(&opt) {
		for _, to := range opt.To {
			if remark := one(ctx, env, &opt, to, m); remark != "" {
				remarks = append(remarks, remark)
			}
		}
	}
	return remarks
}

// note writes the merge request's note; a commit without a merge request is
// nothing to speak of.
func note(ctx context.Context, env *run.Env, n *forge.Note) string {
	at, err := env.Forge.Note(ctx, *n)
	switch {
	case err == nil:
		return "the merge request's note: " + at
	case fault.KindOf(err) == fault.NotFound:
		return ""
	}
	return withHint("no note on the merge request: ", err)
}

func withHint(text string, err error) string {
	text += err.Error()
	if hint := fault.HintOf(err); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// messages are what an answer gives to tell: that a deployment is held, that
// somebody overrode, that a rollback went unproven. What was let go, and what
// is only advice, is nobody's alarm.
func messages(opt *Options) []notify.Message {
	r, d := &opt.Request, opt.Decision
	if r.Policy.Mode == gate.ModeAdvise {
		return nil
	}
	of := r.Service
	if v := r.Change.Version; v != "" {
		of += " " + v
	}
	if e := r.Environment; e != "" {
		of += " to " + e
	}
	m := notify.Message{
		Service: r.Service, Environment: r.Environment, Version: r.Change.Version, Verdict: d.Verdict.String(),
		Decision: d.ID, URL: opt.URL, At: d.At, Actor: r.Change.Actor,
	}
	if by := r.Change.By; by.Proven() {
		m.Actor = by.Login
	}
	for _, reason := range d.Reasons {
		m.Lines = append(m.Lines, reason.Text)
	}
	switch {
	case opt.Granted:
		m.Event, m.Title, m.Actor = notify.Override, r.Override.Actor+" overrides the gate of "+of, r.Override.Actor
		m.Key = key(m.Event, r.Override.ID)
	case d.Verdict == decision.Pass && r.Policy.Unproven(&r.Change):
		m.Event, m.Title = notify.Unproven, "the rollback of "+of+" went, and no record vouches for it"
		m.Key = key(m.Event, r.Service, r.Environment, r.Change.Version, d.At.Format(time.DateOnly))
	case d.Verdict == decision.Fail || d.Verdict == decision.Inconclusive:
		m.Event, m.Title = notify.Halt, of+" is held"
		m.Key = key(m.Event, r.Service, r.Environment, r.Change.Version, d.Verdict.String())
	default:
		return nil
	}
	return []notify.Message{m}
}

func key(event notify.Event, parts ...string) string {
	return string(event) + "/" + strings.Join(parts, "/")
}

// one tells a target, unless it was told the same before, and records it.
func one(ctx context.Context, env *run.Env, opt *Options, to To, m notify.Message) string {
	if told(ctx, env, to.Name, m) {
		return ""
	}
	err := send(ctx, opt, to.Target, m)
	n := notice{Event: m.Event, To: to.Name, Key: m.Key, Decision: m.Decision}
	if err != nil {
		n.Error = err.Error()
	}
	if kept := record(ctx, env, m, n); kept != nil && err == nil {
		return withHint("it is not recorded that "+to.Name+" was told: ", kept)
	}
	if err != nil {
		return withHint(to.Name+" could not be told: ", err)
	}
	return ""
}

func send(ctx context.Context, opt *Options, to notify.Target, m notify.Message) error {
	var err error
	for n := range tries {
		if n > 0 {
			// A target that asks for more than the job has time for is told too early.
			if err := opt.Wait(ctx, max(pause<<(n-1), min(notify.RetryAfter(err), patience))); err != nil {
				return fault.Wrap(fault.Canceled, "tell", err, "")
			}
		}
		if err = to.Send(ctx, m); err == nil || !fault.KindOf(err).Retry() {
			break
		}
	}
	return err //nolint:wrapcheck // says all there is to say
}

// told says whether the ledger knows that a target was told the same thing. A
// ledger that cannot be read knows nothing: told twice is better than not told.
func told(ctx context.Context, env *run.Env, name string, m notify.Message) bool {
	if env.Ledger == nil {
		return false
	}
	for e, err := range env.Ledger.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindNotice}, Subject: m.Service, Newest: true}) {
		if err != nil {
			return false
		}
		var n notice
		if json.Unmarshal(e.Body, &n) == nil && n.To == name && n.Key == m.Key && n.Error == "" {
			return true
		}
	}
	return false
}

func record(ctx context.Context, env *run.Env, m notify.Message, n notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return fault.Wrap(fault.Internal, "record", err, "")
	}
	digest, err := decision.Digest([]any{n, env.Now})
	if err != nil {
		return fault.Wrap(fault.Internal, "record", err, "")
	}
	draft := ledger.Draft{At: env.Now, Kind: ledger.KindNotice, Subject: m.Service, Actor: env.Actor, Body: body, Key: "notice/" + digest}
	err = fault.New(fault.Unavailable, "record", "there is no ledger", "")
	if env.Ledger != nil {
		_, err = env.Ledger.Append(ctx, draft)
	}
	if err != nil && env.Spool != nil && !slices.Contains([]fault.Kind{fault.Canceled, fault.Invalid}, fault.KindOf(err)) {
		err = env.Spool.Put(ctx, draft)
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}
