// Package mark keeps the stretches that people declare by command: freezes,
// exclusions and silences. They are ledger entries; an end is an entry too.
package mark

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Mark is a declared stretch. A zero To is open-ended.
type Mark struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`    // "freeze", "exclusion" or "silence"; "override" only from End
	Subject string    `json:"subject"` // "*", "payment-api", "payment-api/availability"; of silences also an objective or a condition
	From    time.Time `json:"from"`
	To      time.Time `json:"to,omitzero"`
	Author  string    `json:"author"`
	Reason  string    `json:"reason"`
	Ended   time.Time `json:"ended,omitzero"`
	// Exempt are the change classes a freeze does not hold.
	Exempt []gate.Class `json:"exempt,omitempty"`
}

// Everything is the subject of a mark that is about every service.
const Everything = "*"

// Until is where the mark ends: its end by command, or its own if that is
// earlier. Zero: it is open. A mark ended before it began holds nowhere.
func (m *Mark) Until() time.Time {
	if m.Ended.IsZero() || (!m.To.IsZero() && m.To.Before(m.Ended)) {
		return m.To
	}
	return m.Ended
}

// Holds says whether the mark is in force at an instant.
func (m *Mark) Holds(at time.Time) bool {
	until := m.Until()
	return !at.Before(m.From) && (until.IsZero() || at.Before(until))
}

// Covers says whether the mark is about a service, or about an SLO of it
// ("payment-api/availability").
func (m *Mark) Covers(subject string) bool {
	return m.Subject == Everything || m.Subject == subject || strings.HasPrefix(subject, m.Subject+"/")
}

// Exclusions returns every exclusion by command, ended ones with their end,
// oldest first. Those entered later apply to earlier minutes too; decisions
// already made carry their inputs and do not change.
func Exclusions(ctx context.Context, env *run.Env) ([]Mark, error) {
	return read(ctx, env, ledger.KindExclusion)
}

// Freezes returns every freeze by command, ended ones with their end, oldest
// first.
func Freezes(ctx context.Context, env *run.Env) ([]Mark, error) {
	return read(ctx, env, ledger.KindFreeze)
}

// AddFreeze records a freeze of a service, or of everything. A zero From is
// now, an empty Author the caller. It returns the mark with its ID.
func AddFreeze(ctx context.Context, env *run.Env, m Mark) (Mark, error) {
	m.Kind = string(ledger.KindFreeze)
	m.From = orTime(m.From, env.Now)
	if strings.Contains(m.Subject, "/") {
		return m, fault.New(fault.Invalid, "freeze of "+m.Subject, "deployments are of services, not of SLOs", "freeze the service")
	}
	if !m.To.IsZero() && !env.Now.Before(m.To) {
		return m, fault.New(fault.Invalid, "freeze until "+m.To.Format(time.RFC3339), "that is over already", "give it an end in the future, or none")
	}
	for _, c := range m.Exempt {
		if _, err := gate.ParseClass(string(c)); err != nil {
			return m, fault.Wrap(fault.Invalid, "freeze", err, "")
		}
	}
	return add(ctx, env, ledger.KindFreeze, m)
}

// AddExclusion records a stretch that does not count for a service, an SLO or
// everything. It may lie in the past. A zero From is now, an empty Author the
// caller. It returns the mark with its ID.
func AddExclusion(ctx context.Context, env *run.Env, m Mark) (Mark, error) {
	m.Kind = string(ledger.KindExclusion)
	m.From = orTime(m.From, env.Now)
	if len(m.Exempt) > 0 {
		return m, fault.New(fault.Invalid, "exclusion", "change classes mean nothing to an exclusion", "leave them out")
	}
	return add(ctx, env, ledger.KindExclusion, m)
}

// Silences returns every silence, ended ones with their end, oldest first.
func Silences(ctx context.Context, env *run.Env) ([]Mark, error) {
	return read(ctx, env, ledger.KindSilence)
}

// AddSilence records a stretch in which alerts of a service, an SLO, an objective,
// a condition of it, or of everything are not told. It needs an end. A zero From
// is now, an empty Author the caller. It returns the mark with its ID.
func AddSilence(ctx context.Context, env *run.Env, m Mark) (Mark, error) {
	m.Kind = string(ledger.KindSilence)
	m.From = orTime(m.From, env.Now)
	switch {
	case len(m.Exempt) > 0:
		return m, fault.New(fault.Invalid, "silence", "change classes mean nothing to a silence", "leave them out")
	case m.To.IsZero():
		return m, fault.New(fault.Invalid, "silence of "+m.Subject, "it has no end", "say --for 2h or --to: a silence that is forgotten hides the next incident")
	case !env.Now.Before(m.To):
		return m, fault.New(fault.Invalid, "silence until "+m.To.Format(time.RFC3339), "that is over already", "give it an end in the future")
	}
	return add(ctx, env, ledger.KindSilence, m)
}

// checkSubject says whether the documents hold what a mark is about.
func checkSubject(env *run.Env, m *Mark) error {
	parts := strings.Split(m.Subject, "/")
	if m.Kind != string(ledger.KindSilence) || len(parts) < 3 {
		return run.CheckSubject(env.Catalog, m.Subject)
	}
	var known []string
	for i := range env.Catalog.Objectives {
		o := &env.Catalog.Objectives[i]
		known = append(known, o.Key())
		for _, c := range o.Conditions {
			known = append(known, o.Key()+"/"+c.Name)
		}
	}
	if slices.Contains(known, m.Subject) {
		return nil
	}
	return fault.New(fault.NotFound, fmt.Sprintf("condition %q", m.Subject), "the documents hold no such objective or condition", openslo.DidYouMean(m.Subject, known))
}

// End ends a freeze, an exclusion, a silence or an override now; id may be the beginning
// of one. Ending what was ended before changes nothing and returns it as it is.
// What ended by itself is an error of kind Invalid, an unknown ID NotFound.
func End(ctx context.Context, env *run.Env, id string) (Mark, error) {
	op := fmt.Sprintf("end %q", id)
	if err := kept(env, op); err != nil {
		return Mark{}, err
	}
	if id == "" {
		return Mark{}, fault.New(fault.Invalid, "end", "an ID is missing", "name the freeze, exclusion, silence or override that is to end")
	}
	e, err := env.Ledger.Get(ctx, id)
	if err != nil {
		return Mark{}, fault.Wrap(fault.Internal, op, err, "")
	}
	m, err := decode(e)
	if err != nil {
		return Mark{}, err
	}
	ends, err := Ends(ctx, env)
	if err != nil {
		return m, err
	}
	if at, ok := ends[e.ID]; ok {
		m.Ended = at
		return m, nil
	}
	if !m.To.IsZero() && !env.Now.Before(m.To) {
		return m, fault.New(fault.Invalid, op, fmt.Sprintf("the %s ended by itself at %s", m.Kind, env.Show(m.To)), "nothing needs to be done")
	}
	body, err := json.Marshal(endBody{Of: e.ID, Kind: m.Kind})
	if err != nil {
		return m, fault.Wrap(fault.Internal, op, err, "")
	}
	end, err := env.Ledger.Append(ctx, ledger.Draft{
		At: env.Now, Kind: ledger.KindEnd, Subject: e.Subject, Actor: env.Actor, Body: body,
		Key: "end/" + e.ID, // two who end it at once end it once
	})
	if err != nil {
		return m, fault.Wrap(fault.Internal, op, err, "")
	}
	m.Ended = end.At
	return m, nil
}

// endBody is what an end entry holds.
type endBody struct {
	Of   string `json:"of"` // ID of the entry that ends
	Kind string `json:"kind"`
}

// Ends returns when entries were ended by command, by the ID of what ended.
func Ends(ctx context.Context, env *run.Env) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	for e, err := range env.Ledger.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindEnd}}) {
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "read the ledger", err, "")
		}
		var b endBody
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return nil, damaged(e, err)
		}
		if _, ok := out[b.Of]; !ok { // the first end counts
			out[b.Of] = e.At
		}
	}
	return out, nil
}

func read(ctx context.Context, env *run.Env, kind ledger.Kind) ([]Mark, error) {
	if env.Ledger == nil {
		return nil, nil
	}
	var out []Mark
	for e, err := range env.Ledger.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{kind}}) {
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "read the ledger", err, "")
		}
		m, err := decode(e)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, nil
	}
	ends, err := Ends(ctx, env)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Ended = ends[out[i].ID]
	}
	return out, nil
}

// decode reads a mark from its entry.
func decode(e ledger.Entry) (Mark, error) {
	var m Mark
	switch e.Kind {
	case ledger.KindFreeze, ledger.KindExclusion, ledger.KindSilence:
		if err := json.Unmarshal(e.Body, &m); err != nil {
			return m, damaged(e, err)
		}
	case ledger.KindOverride:
		var o gate.Override
		if err := json.Unmarshal(e.Body, &o); err != nil {
			return m, damaged(e, err)
		}
		m = Mark{Author: o.Actor, Reason: o.Reason, From: e.At, To: o.Expires}
	case ledger.KindDecision, ledger.KindEnd, ledger.KindReset, ledger.KindDeploy, ledger.KindDocument, ledger.KindToken, ledger.KindNotice, ledger.KindAlert,
		ledger.KindRollout, ledger.KindIncident:
		fallthrough
	default:
		return m, fault.New(fault.Invalid, fmt.Sprintf("entry %s", e.ID), fmt.Sprintf("it is a %s, which does not end", e.Kind),
			"freezes, exclusions, silences and overrides can be ended")
	}
	m.ID, m.Kind, m.Subject = e.ID, string(e.Kind), e.Subject
	return m, nil
}

func damaged(e ledger.Entry, err error) error {
	return fault.Wrap(fault.Corrupt, fmt.Sprintf("%s %s in the ledger", e.Kind, e.ID), err, "the entry cannot be read; nothing is decided on a guess")
}

func add(ctx context.Context, env *run.Env, kind ledger.Kind, m Mark) (Mark, error) {
	op := m.Kind + " of " + m.Subject
	if err := kept(env, op); err != nil {
		return m, err
	}
	m.Author, m.Reason = strings.TrimSpace(cmp.Or(m.Author, env.Actor)), strings.TrimSpace(m.Reason)
	m.ID, m.Ended = "", time.Time{}
	m.From, m.To = m.From.UTC(), utc(m.To)
	switch {
	case m.Subject == "":
		return m, fault.New(fault.Invalid, m.Kind, "it is not said of what", "name a service, or * for all")
	case m.Reason == "":
		return m, fault.New(fault.Invalid, op, "a reason is missing", "say why; it is recorded")
	case m.Author == "":
		return m, fault.New(fault.Invalid, op, "an author is missing", "say who; it is recorded")
	case !m.To.IsZero() && !m.From.Before(m.To):
		return m, fault.New(fault.Invalid, op, fmt.Sprintf("its end %s is not behind its beginning %s",
			m.To.Format(time.RFC3339), m.From.Format(time.RFC3339)), "the end is the first instant that is outside")
	}
	if m.Subject != Everything {
		if err := checkSubject(env, &m); err != nil {
			return m, err
		}
	}
	m.Exempt = slices.Clone(m.Exempt)
	body, err := json.Marshal(m)
	if err != nil {
		return m, fault.Wrap(fault.Internal, op, err, "")
	}
	e, err := env.Ledger.Append(ctx, ledger.Draft{At: env.Now, Kind: kind, Subject: m.Subject, Actor: m.Author, Body: body})
	if err != nil {
		return m, fault.Wrap(fault.Internal, op, err, "")
	}
	m.ID = e.ID
	return m, nil
}

func kept(env *run.Env, op string) error {
	if env.Ledger == nil {
		return fault.New(fault.Unavailable, op, "there is no store to record it in", "name a store with --store")
	}
	return nil
}

func orTime(t, or time.Time) time.Time {
	if t.IsZero() {
		return or
	}
	return t
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
