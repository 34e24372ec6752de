package gate

import (
	"bytes"
	"cmp"
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
	"gitlab.com/nines-sre/nines/internal/run/mark"
)

// The defaults of an override rule, and the stretch its limit is about.
const (
	defaultPerWeek = 2
	defaultMaxFor  = 24 * time.Hour
	week           = 7 * 24 * time.Hour
)

// granted is the body of an override's entry.
type granted struct {
	gate.Override
	Environment string    `json:"environment,omitempty"` // empty: every one
	Version     string    `json:"version,omitempty"`
	At          time.Time `json:"at"`
	// By is who was granted it, where that was proven.
	By *forge.Actor `json:"by,omitempty"`
}

// observeOverride finds an override in force. It holds until it expires or is
// ended, for every deployment of its service to its environment.
func (q *question) observeOverride(ctx context.Context) error {
	if q.env.Ledger == nil || q.rollback() {
		return nil
	}
	all, err := q.overrides(ctx)
	if err != nil {
		return err
	}
	ends, err := mark.Ends(ctx, q.env)
	if err != nil {
		return err
	}
	for _, o := range slices.Backward(all) {
		until := o.Expires
		if end, ok := ends[o.ID]; ok && end.Before(until) {
			until = end
		}
		reaches := o.Environment == "" || o.Environment == q.req.Environment
		if reaches && !q.counts(&o) {
			continue
		}
		if reaches && !q.req.At.Before(o.At.Truncate(time.Second)) && q.req.At.Before(until) {
			q.req.Override = &gate.Override{ID: o.ID, Actor: o.Actor, Reason: o.Reason, Expires: until, Proof: o.Proof}
			return nil
		}
	}
	return nil
}

// overrides returns every override of the service, oldest first.
func (q *question) overrides(ctx context.Context) ([]granted, error) {
	var out []granted
	for e, err := range q.env.Ledger.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindOverride}, Subject: q.req.Service}) {
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "read the ledger", err, "")
		}
		var o granted
		if err := json.Unmarshal(e.Body, &o); err != nil {
			return nil, fault.Wrap(fault.Corrupt, "override "+e.ID+" in the ledger", err, "the entry cannot be read; nothing is decided on a guess")
		}
		o.ID, o.At = e.ID, e.At
		out = append(out, o)
	}
	return out, nil
}

// override grants what was asked for, if the gate is closed without it.
func (q *question) override(ctx context.Context) error {
	if q.opt.Override == nil {
		return nil
	}
	if v := gate.Decide(q.req).Verdict; v == decision.Pass || v == decision.Warn {
		q.notes = append(q.notes, "the override was not needed and is not counted")
		return nil
	}
	if q.env.Ledger == nil {
		return fault.New(fault.Unavailable, "override", "there is no ledger to record it in", "an override that is not recorded is none")
	}
	rule := q.req.Policy.Override
	who, err := q.asker(ctx)
	if err != nil {
		return err
	}
	// Two who ask at once both find one left: each writes under the number of
	// the override it would be, and the ledger gives a number once.
	for try := range 5 {
		all, err := q.overrides(ctx)
		if err != nil {
			return err
		}
		if left, next := remaining(rule, all, q.env.Now); left == 0 {
			return fault.New(fault.Denied, "override", fmt.Sprintf("%d overrides of %s in seven days are all used", perWeek(rule), q.req.Service),
				"the next is possible from "+q.env.Show(next))
		}
		if try == 0 {
			if err := q.spend(ctx, &who); err != nil {
				return err
			}
		}
		if done, err := q.grant(ctx, &who, len(all)); done || err != nil {
			return err
		}
	}
	return fault.New(fault.Conflict, "override", "others override the same service at the same moment", "try again")
}

// asker says who asks, if the policy lets them override for this long.
func (q *question) asker(ctx context.Context) (forge.Actor, error) {
	p := &q.req.Policy
	rule := p.Override
	switch {
	case perWeek(rule) < 0:
		return forge.Actor{}, fault.New(fault.Denied, "override", "the policy of "+q.req.Service+" allows none", "ship a fix or roll back")
	case q.opt.Override.For > maxFor(rule):
		return forge.Actor{}, fault.New(fault.Denied, "override", fmt.Sprintf("%s is too long", gate.Length(q.opt.Override.For)),
			"the policy allows at most "+gate.Length(maxFor(rule)))
	}
	who := forge.Actor{Login: q.actor()}
	if by := q.req.Change.By; by != nil {
		who = *by
	}
	refused := p.MayOverride(&who)
	switch {
	case refused == nil:
		return who, nil
	case q.unknown != nil:
		return forge.Actor{}, fault.Wrap(fault.Denied, "override", q.unknown, "")
	case !rule.Allowed.Approval || q.env.Forge == nil:
		return forge.Actor{}, refused //nolint:wrapcheck // says all there is to say
	}
	approvals, err := q.env.Forge.Approvals(ctx, who)
	if err != nil {
		return forge.Actor{}, fault.Wrap(fault.Unavailable, "override: read who approved", err, "")
	}
	if approver, ok := p.Approver(&who, approvals); ok {
		return approver, nil
	}
	return forge.Actor{}, refused //nolint:wrapcheck // as above
}

// grant records the override as the n-th of its service; done is false when
// somebody else was faster.
func (q *question) grant(ctx context.Context, who *forge.Actor, n int) (done bool, err error) {
	o := granted{
		Override: gate.Override{
			Actor: who.Login, Proof: who.Proof, Reason: strings.TrimSpace(q.opt.Override.Reason),
			Expires: q.req.At.Add(cmp.Or(q.opt.Override.For, maxFor(q.req.Policy.Override))),
		},
		Environment: q.req.Environment, Version: q.req.Change.Version, At: q.env.Now.UTC(),
	}
	if who.Proven() {
		o.By = who
	}
	body, err := json.Marshal(o)
	if err != nil {
		return false, fault.Wrap(fault.Internal, "override", err, "")
	}
	e, err := q.env.Ledger.Append(ctx, ledger.Draft{
		At: q.env.Now, Kind: ledger.KindOverride, Subject: q.req.Service, Actor: o.Actor, Body: body,
		Key: fmt.Sprintf("override/%s/%d", q.req.Service, n+1),
	})
	if err != nil {
		return false, fault.Wrap(fault.Internal, "record the override", err, "an override that is not recorded is none")
	}
	if !bytes.Equal(e.Body, body) {
		return false, nil
	}
	o.ID, q.granted = e.ID, true
	q.req.Override = &o.Override
	return true, nil
}

// remaining is how many overrides are left in the seven days that end now; next
// is when one more becomes possible if none is.
func remaining(rule gate.OverrideRule, all []granted, now time.Time) (left int, next time.Time) {
	limit := perWeek(rule)
	if limit < 0 {
		return 0, time.Time{}
	}
	recent := slices.DeleteFunc(slices.Clone(all), func(o granted) bool { return !o.At.After(now.Add(-week)) })
	if left = limit - len(recent); left > 0 {
		return left, now
	}
	slices.SortFunc(recent, func(a, b granted) int { return a.At.Compare(b.At) })
	return 0, recent[len(recent)-limit].At.Add(week)
}

func perWeek(r gate.OverrideRule) int { return cmp.Or(r.PerWeek, defaultPerWeek) }

func maxFor(r gate.OverrideRule) time.Duration { return cmp.Or(r.MaxFor, defaultMaxFor) }
