// Package deploy is the shell that records what reached an environment, so that
// going back to it is known to be going back.
package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	rungate "gitlab.com/nines-sre/nines/internal/run/gate"
)

// Options are one deployment.
type Options struct {
	Service, Environment, Version string
	Token                         string // the job's identity token; may be empty
	// Committed is when the change was committed; zero: not known.
	Committed time.Time
}

// Outcome is what was recorded. ID is empty where it was spooled.
type Outcome struct {
	ID       string
	Deployed rungate.Deployed
	Spooled  bool
	// Counts says whether the entry will vouch for a rollback; Why, why not.
	Counts bool
	Why    string
}

// Record records that a version reached an environment. Under a policy that
// wants names proven, an entry without proof is recorded all the same, and
// vouches for nothing. A ledger that is away is no error while there is a
// spool: what was deployed was deployed.
func Record(ctx context.Context, env *run.Env, opt Options) (Outcome, error) {
	if err := run.CheckSubject(env.Catalog, opt.Service); err != nil {
		return Outcome{}, err //nolint:wrapcheck // says all there is to say
	}
	if opt.Version == "" {
		return Outcome{}, fault.New(fault.Invalid, "record deployment", "the version is missing", "say what was deployed with --version")
	}
	policy := rungate.PolicyFor(env.Catalog, opt.Service)
	out := Outcome{Deployed: rungate.Deployed{Version: opt.Version, Environment: opt.Environment, Committed: opt.Committed}, Counts: true}
	by, err := rungate.Prove(ctx, env.Forge, &policy, rungate.Proof{Token: opt.Token, Now: env.Now})
	switch {
	case fault.KindOf(err) == fault.Canceled && err != nil:
		return Outcome{}, fault.Wrap(fault.Canceled, "record deployment", err, "")
	case err != nil:
		out.Counts, out.Why = false, err.Error()
	case by.Proven():
		out.Deployed.By = by
		out.Counts, out.Why = reaches(opt, &out.Deployed)
		if out.Counts && !policy.Vouches(by) {
			out.Counts, out.Why = false, fmt.Sprintf("%s and its environment are not protected", cmp.Or(by.Ref, "its branch"))
		}
	}
	if !out.Counts {
		out.Deployed.By = nil
	}
	return write(ctx, env, opt, out)
}

// reaches says whether the job deploys what it says, where it says.
func reaches(opt Options, d *rungate.Deployed) (ok bool, why string) {
	by := d.By
	if by.Environment != "" && by.Environment != opt.Environment {
		return false, fmt.Sprintf("the job deploys to %q, not to %q", by.Environment, opt.Environment)
	}
	if by.Commit != "" && rungate.IsCommit(opt.Version) && by.Commit != opt.Version {
		return false, fmt.Sprintf("the job is of the commit %.8s, not of %.8s", by.Commit, opt.Version)
	}
	return true, ""
}

func write(ctx context.Context, env *run.Env, opt Options, out Outcome) (Outcome, error) {
	const op = "record deployment"
	body, err := json.Marshal(out.Deployed)
	if err != nil {
		return out, fault.Wrap(fault.Internal, op, err, "")
	}
	actor := env.Actor
	if out.Deployed.By.Proven() {
		actor = out.Deployed.By.Login
	}
	key, err := decision.Digest([]any{opt.Service, env.Now, json.RawMessage(body)})
	if err != nil {
		return out, fault.Wrap(fault.Internal, op, err, "")
	}
	draft := ledger.Draft{At: env.Now, Kind: ledger.KindDeploy, Subject: opt.Service, Actor: actor, Body: body, Key: "deploy/" + key}
	err = fault.New(fault.Unavailable, op, "there is no ledger", "")
	if env.Ledger != nil {
		var e ledger.Entry
		if e, err = env.Ledger.Append(ctx, draft); err == nil {
			out.ID = e.ID
			return out, nil
		}
	}
	if env.Spool == nil || fault.KindOf(err) == fault.Canceled {
		return out, fault.Wrap(fault.Internal, op, err, "")
	}
	if err := env.Spool.Put(ctx, draft); err != nil {
		return out, fault.Wrap(fault.Internal, op, err, "")
	}
	out.Spooled = true
	return out, nil
}
