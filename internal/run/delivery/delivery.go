// Package delivery is the shell that reads what was deployed, caught, rolled back
// and suffered from the ledger, and has it counted.
package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/delivery"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
	"gitlab.com/nines-sre/nines/internal/run/incident"
	"gitlab.com/nines-sre/nines/internal/run/lease"
	runwatch "gitlab.com/nines-sre/nines/internal/run/watch"
)

// Options are one question.
type Options struct {
	Service string // "": every one of the documents
	// Environment is the one that counts as production; "": the environment of that
	// name where something is recorded in it, else whatever is recorded.
	Environment string
	From, To    time.Time
	ByMonth     bool
}

// Production is the environment that is looked at where nobody says another.
const Production = "production"

// Answer are the measures of one service, whole and by month.
type Answer struct {
	delivery.Report
	Months []delivery.Report `json:"months,omitempty"`
}

// Run counts, one answer a service. Errors: an unknown service (NotFound), a ledger
// out of reach (Unavailable), an entry that cannot be read (Corrupt).
func Run(ctx context.Context, env *run.Env, opt Options) ([]Answer, error) {
	services := run.Services(env.Catalog)
	if opt.Service != "" {
		if err := run.CheckSubject(env.Catalog, opt.Service); err != nil {
			return nil, err //nolint:wrapcheck // says all there is to say
		}
		services = []string{opt.Service}
	}
	if env.Ledger == nil {
		return nil, fault.New(fault.Unavailable, "delivery", "there is no ledger to read", "name a store with --store")
	}
	var out []Answer
	for _, service := range services {
		req, err := Read(ctx, env, service, opt)
		if err != nil {
			return nil, err
		}
		a := Answer{Report: delivery.Count(req)}
		if opt.ByMonth {
			a.Months = delivery.Months(req)
		}
		out = append(out, a)
	}
	return out, nil
}

// Read gathers what is counted for a service: everything on record up to the end,
// because what happened inside may be about what was deployed before.
func Read(ctx context.Context, env *run.Env, service string, opt Options) (delivery.Request, error) {
	r := &reader{req: delivery.Request{Service: service, From: opt.From.UTC(), To: opt.To.UTC()}, repairs: map[string][]time.Time{}}
	// Recording began with the first entry of all, whatever it is about.
	for e, err := range env.Ledger.Scan(ctx, ledger.Query{Limit: 1}) {
		if err != nil {
			return r.req, fault.Wrap(fault.Unavailable, "read the ledger", err, "")
		}
		r.req.Since = e.At
	}
	q := ledger.Query{Subject: service, Kinds: []ledger.Kind{
		ledger.KindDeploy, ledger.KindRollout, ledger.KindIncident, ledger.KindDecision, ledger.KindOverride,
	}}
	for e, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return r.req, fault.Wrap(fault.Unavailable, "read the ledger", err, "")
		}
		if e.Subject != service {
			continue
		}
		if err := r.entry(&e); err != nil {
			return r.req, fault.Wrap(fault.Corrupt, "entry "+e.ID, err, "look at it with `nines ledger`")
		}
	}
	r.choose(opt.Environment)
	return r.req, nil
}

// reader sorts entries. Environments are chosen when all are known.
type reader struct {
	req      delivery.Request
	deployed []placed[delivery.Deployment]
	undos    []placed[delivery.Undo]
	catches  []placed[delivery.Catch]
	suffered []placed[delivery.Incident]
	promoted []delivery.Deployment  // versions that a rollout gave all traffic, as the target calls them
	repairs  map[string][]time.Time // version -> when the gate was told it repairs
}

// placed is something with its environment.
type placed[T any] struct {
	environment string
	is          T
}

func (r *reader) entry(e *ledger.Entry) error {
	switch e.Kind {
	case ledger.KindDeploy:
		var d rungate.Deployed
		if err := json.Unmarshal(e.Body, &d); err != nil {
			return err
		}
		r.deployed = append(r.deployed, placed[delivery.Deployment]{d.Environment, delivery.Deployment{ID: e.ID, Version: d.Version, At: e.At, Committed: d.Committed}})
	case ledger.KindIncident:
		var in incident.Incident
		if err := json.Unmarshal(e.Body, &in); err != nil {
			return err
		}
		r.suffered = append(r.suffered, placed[delivery.Incident]{in.Environment, delivery.Incident{
			ID: e.ID, Deploy: in.Deploy, Deployed: in.Deployed, From: in.From, To: in.To, Stage: in.Stage,
		}})
	case ledger.KindDecision:
		return r.decision(e)
	case ledger.KindOverride:
		r.req.Overrides = append(r.req.Overrides, e.At)
	case ledger.KindRollout:
		return r.rollout(e)
	case ledger.KindFreeze, ledger.KindExclusion, ledger.KindEnd, ledger.KindReset, ledger.KindDocument, ledger.KindNotice,
		ledger.KindToken, ledger.KindAlert, ledger.KindSilence: // not asked for
	}
	return nil
}

// decision notes what the gate was told about a change.
func (r *reader) decision(e *ledger.Entry) error {
	var b struct {
		Request *gate.Request `json:"request"`
	}
	if err := json.Unmarshal(e.Body, &b); err != nil || b.Request == nil {
		return nil //nolint:nilerr // a judge's or a watch's, whose request is another
	}
	if c := b.Request.Change; c.Version != "" && (c.Class == gate.ClassFix || c.Class == gate.ClassRollback) {
		r.repairs[c.Version] = append(r.repairs[c.Version], e.At)
	}
	return nil
}

// rollout notes what a canary caught, and what was rolled back.
func (r *reader) rollout(e *ledger.Entry) error {
	var b struct {
		Environment string `json:"environment"`
		Stage       string `json:"stage"`
		Phase       string `json:"phase"`
		State       struct {
			Version string          `json:"version"`
			Outcome rollout.Outcome `json:"outcome"`
			Undo    bool            `json:"undo"` // a rollback by command
			Base    *act.State      `json:"base"`
		} `json:"state"`
		Undo *runwatch.Undo `json:"undo"`
	}
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return err
	}
	undo := func(u delivery.Undo) { r.undos = append(r.undos, placed[delivery.Undo]{b.Environment, u}) }
	switch {
	case b.Stage == runwatch.Stage:
		if b.Phase == string(runwatch.PhaseDone) && b.Undo != nil && b.Undo.Done {
			undo(delivery.Undo{At: b.Undo.At, From: b.Undo.From, To: b.Undo.To, Stage: runwatch.Stage})
		}
	case b.Phase != string(lease.End):
	case b.State.Outcome == rollout.Failed:
		r.catches = append(r.catches, placed[delivery.Catch]{b.Environment, delivery.Catch{At: e.At, Version: b.State.Version, Stage: cmp.Or(b.Stage, lease.Stage)}})
	case b.State.Outcome == rollout.Promoted:
		r.promoted = append(r.promoted, delivery.Deployment{Version: b.State.Version, At: e.At})
	case b.State.Undo && b.State.Outcome == rollout.Restored && b.State.Base != nil:
		undo(delivery.Undo{At: e.At, From: b.State.Version, To: b.State.Base.Stable})
	}
	return nil
}

// named gives a version of the target the name under which it was deployed: an alias
// knows numbers, and deployments are recorded under commits. The rollout that promoted
// it stands beside the record of the deployment.
func (r *reader) named(version string, at time.Time) string {
	if slices.ContainsFunc(r.req.Deployments, func(d delivery.Deployment) bool { return d.Version == version }) {
		return version
	}
	for _, p := range slices.Backward(r.promoted) {
		if p.Version != version || p.At.After(at) {
			continue
		}
		for _, d := range r.req.Deployments {
			if d.At.Sub(p.At).Abs() <= beside {
				return d.Version
			}
		}
	}
	return version
}

// beside is how far a rollout's end and the record of its deployment lie apart.
const beside = 5 * time.Minute

// choose keeps what is of the environment that was asked for. What a canary caught
// elsewhere counts too: that is before production.
func (r *reader) choose(environment string) {
	if environment == "" && slices.ContainsFunc(r.deployed, func(d placed[delivery.Deployment]) bool { return d.environment == Production }) {
		environment = Production
	}
	r.req.Environment = environment
	r.req.Deployments = kept(r.deployed, environment)
	for _, u := range kept(r.undos, environment) {
		u.From, u.To = r.named(u.From, u.At), r.named(u.To, u.At)
		r.req.Undos = append(r.req.Undos, u)
	}
	r.req.Incidents = kept(r.suffered, environment)
	for _, c := range r.catches {
		if c.environment != "" && environment != "" && c.environment != environment {
			c.is.Stage += " in " + c.environment
		}
		r.req.Catches = append(r.req.Catches, c.is)
	}
	for i := range r.req.Deployments {
		d := &r.req.Deployments[i]
		d.Repair = slices.ContainsFunc(r.repairs[d.Version], func(at time.Time) bool {
			return !at.After(d.At) && d.At.Sub(at) <= asked
		})
	}
}

// asked is how long before a deployment the gate may have been asked about it.
const asked = 24 * time.Hour

func kept[T any](all []placed[T], environment string) []T {
	out := []T{}
	for _, p := range all {
		if environment == "" || p.environment == "" || p.environment == environment {
			out = append(out, p.is)
		}
	}
	return out
}
