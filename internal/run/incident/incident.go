// Package incident is the shell that records that users were hurt, and which
// deployment did it: the bad changes that nobody caught before.
package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// Incident is the body of an incident's entry.
type Incident struct {
	Environment string `json:"environment,omitempty"`
	// Deploy is the version that did it, or the ID of its entry in the ledger; "": no
	// deployment did. Deployed is when that was; zero: not known.
	Deploy   string    `json:"deploy,omitempty"`
	Deployed time.Time `json:"deployed,omitzero"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to,omitzero"` // zero: it is not over
	Reason   string    `json:"reason"`
	// Stage is what found it: "watch"; "": people did.
	Stage    string `json:"stage,omitempty"`
	Decision string `json:"decision,omitempty"` // ID of the entry that found it
	Address  string `json:"address,omitempty"`  // where it is looked into
}

// Record records an incident of a service. A deployment that is named has to be on
// record, by its entry's ID or its version. It returns the entry's ID. Errors:
// unknown service or deployment (NotFound), a stretch or reason that is missing
// (Invalid), no store (Unavailable). The same again changes nothing.
func Record(ctx context.Context, env *run.Env, service string, in Incident) (string, Incident, error) {
	op := "record incident of " + service
	if err := run.CheckSubject(env.Catalog, service); err != nil {
		return "", in, err //nolint:wrapcheck // says all there is to say
	}
	in.From, in.Reason = in.From.UTC(), strings.TrimSpace(in.Reason)
	if !in.To.IsZero() {
		in.To = in.To.UTC()
	}
	switch {
	case env.Ledger == nil:
		return "", in, fault.New(fault.Unavailable, op, "there is no store to record it in", "name a store with --store")
	case in.From.IsZero():
		return "", in, fault.New(fault.Invalid, op, "its beginning is missing", "say when it began with --from")
	case in.From.After(env.Now):
		return "", in, fault.New(fault.Invalid, op, "it begins in the future", "")
	case !in.To.IsZero() && !in.From.Before(in.To):
		return "", in, fault.New(fault.Invalid, op, "its end is not behind its beginning", "")
	case in.Reason == "":
		return "", in, fault.New(fault.Invalid, op, "a reason is missing", "say what happened with --reason")
	}
	if err := named(ctx, env, service, &in); err != nil {
		return "", in, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return "", in, fault.Wrap(fault.Internal, op, err, "")
	}
	key, err := decision.Digest([]any{service, json.RawMessage(body)})
	if err != nil {
		return "", in, fault.Wrap(fault.Internal, op, err, "")
	}
	e, err := env.Ledger.Append(ctx, ledger.Draft{At: env.Now, Kind: ledger.KindIncident, Subject: service, Actor: env.Actor, Body: body, Key: "incident/" + key})
	if err != nil {
		return "", in, fault.Wrap(fault.Unavailable, op, err, "")
	}
	return e.ID, in, nil
}

// named finds the deployment that an incident names: an entry's ID, or a version,
// of which the newest before the incident counts.
func named(ctx context.Context, env *run.Env, service string, in *Incident) error {
	if in.Deploy == "" {
		return nil
	}
	q := ledger.Query{Kinds: []ledger.Kind{ledger.KindDeploy}, Subject: service, Newest: true}
	for e, err := range env.Ledger.Scan(ctx, q) {
		if err != nil {
			return fault.Wrap(fault.Unavailable, "read the ledger", err, "")
		}
		var d rungate.Deployed
		if e.Subject != service || json.Unmarshal(e.Body, &d) != nil {
			continue
		}
		if e.ID != ledger.NormalID(in.Deploy) && d.Version != in.Deploy {
			continue
		}
		if in.Environment != "" && d.Environment != "" && in.Environment != d.Environment {
			continue
		}
		if e.At.After(in.From) && d.Version == in.Deploy {
			continue // the same version, deployed again later
		}
		in.Deploy, in.Deployed, in.Environment = d.Version, e.At, d.Environment
		return nil
	}
	return fault.New(fault.NotFound, fmt.Sprintf("deployment %q of %s", in.Deploy, service), "no such deployment is on record before the incident", "`nines ledger --kind deploy` lists them")
}
