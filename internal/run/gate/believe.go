package gate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

// Deployed is the body of a deployment's entry: a version reached an
// environment. By is whose job said so, where that was proven.
type Deployed struct {
	Version     string       `json:"version"`
	Environment string       `json:"environment,omitempty"`
	By          *forge.Actor `json:"by,omitempty"`
	// Committed is when its change was committed; zero: not known.
	Committed time.Time `json:"committed,omitzero"`
}

// believe finds out who asks and whether the class of the change is what it
// claims to be, where the policy wants to see that. What cannot be found out is
// noted in the request; only a call that was given up is an error.
func (q *question) believe(ctx context.Context) error {
	by, err := Prove(ctx, q.env.Forge, &q.req.Policy, Proof{q.opt.Token, q.env.Now})
	if fault.KindOf(err) == fault.Canceled && err != nil {
		return err
	}
	q.req.Change.By, q.unknown = by, err
	if by.Proven() {
		q.follow(by)
	}
	if q.opt.Token != "" && err != nil {
		q.notes = append(q.notes, "it is not proven who asks: "+err.Error())
	}
	if !q.req.Policy.Classes.Verify || q.req.Change.Class == gate.ClassChange {
		return nil
	}
	e := q.req.Change.Evidence
	if e == nil {
		e = &gate.ClassEvidence{}
		q.req.Change.Evidence = e
	}
	e.Unread = append(e.Unread, q.opt.Unread...)
	away := q.unknown != nil && fault.KindOf(q.unknown).Retry()
	if away {
		e.Unread = append(e.Unread, "who asks: "+q.unknown.Error())
	} else if q.unknown != nil {
		e.Doubts = append(e.Doubts, "it is not proven which job asks: "+q.unknown.Error())
		return nil //nolint:nilerr // it is a doubt now, and the gate decides about doubts
	}
	if q.req.Change.Class != gate.ClassRollback {
		if away {
			return nil // of which commit the job is, is only a variable's word
		}
		return q.lookAtChange(ctx, e)
	}
	err = q.lookBack(ctx, e)
	if away {
		// So is its version: a record of that says nothing for the job, but that
		// there is none says something against it.
		e.Recorded, e.Deployed = nil, nil
	}
	return err
}

// Proof is what a caller has to show: a token, and the instant.
type Proof struct {
	Token string
	Now   time.Time
}

// Prove says who asks, as far as a policy wants that proven: nil without an
// error where it does not. The error says why it is not proven.
func Prove(ctx context.Context, f forge.Forge, p *gate.Policy, have Proof) (*forge.Actor, error) {
	switch {
	case !p.Identity.On():
		return nil, nil
	case f == nil:
		return nil, fault.New(fault.Denied, "identity", "it is not known which GitLab to ask", "name it under identity.gitlab")
	case have.Token == "":
		return nil, fault.New(fault.Denied, "identity", "the job has no identity token",
			"let it have one: `id_tokens: {NINES_ID_TOKEN: {aud: "+cmp.Or(p.Identity.Audience, gate.DefaultAudience)+"}}`")
	}
	a, err := f.Actor(ctx, have.Token, cmp.Or(p.Identity.Audience, gate.DefaultAudience), have.Now)
	if err != nil {
		return nil, fault.Wrap(fault.Denied, "identity", err, "")
	}
	switch {
	case !p.Identity.Covers(&a):
		return nil, fault.New(fault.Denied, "identity", fmt.Sprintf("the project %s is none of the policy's", a.Project), "")
	case a.Issuer != p.Identity.GitLab:
		return nil, fault.New(fault.Denied, "identity", fmt.Sprintf("%s is not the GitLab of the policy", a.Issuer), "")
	}
	return &a, nil
}

// follow lets a proven job say what it is: variables may be set by anybody who
// starts a pipeline, the token's claims may not. What the caller gave itself
// stays, and a rollback to somewhere else than the job goes is doubted.
func (q *question) follow(by *forge.Actor) {
	c := &q.req.Change
	differs := func(what, said, is string) string {
		return fmt.Sprintf("the %s is said to be %q, and the job's is %q", what, said, is)
	}
	if !q.opt.VersionGiven && by.Commit != "" && c.Version != by.Commit {
		if c.Version != "" {
			q.notes = append(q.notes, differs("version", c.Version, by.Commit)+": the job's counts")
		}
		c.Version = by.Commit
	}
	if by.Environment == "" || q.req.Environment == by.Environment {
		return
	}
	if q.opt.EnvironmentGiven {
		c.Evidence = &gate.ClassEvidence{Doubts: []string{differs("environment", q.req.Environment, by.Environment)}}
		return
	}
	if q.req.Environment != "" {
		q.notes = append(q.notes, differs("environment", q.req.Environment, by.Environment)+": the job's counts")
	}
	q.req.Environment = by.Environment
}

// lookBack looks for the version in what was in the environment before: in the
// ledger, then in the forge's deployments.
func (q *question) lookBack(ctx context.Context, e *gate.ClassEvidence) error {
	kept, err := q.recorded(ctx, e)
	switch {
	case fault.KindOf(err) == fault.Canceled && err != nil:
		return err
	case err != nil:
		e.Unread = append(e.Unread, err.Error())
	case kept && len(e.Recorded) == 0:
		e.Read = append(e.Read, "the ledger")
	}
	commit := q.req.Change.Version
	if len(e.Recorded) > 0 || q.env.Forge == nil || !IsCommit(commit) {
		return nil
	}
	pipeline := ""
	if by := q.req.Change.By; by != nil {
		pipeline = by.Pipeline
	}
	found, err := q.env.Forge.Deployments(ctx, q.req.Environment, commit, pipeline)
	e.Deployed = found
	if fault.KindOf(err) == fault.Canceled && err != nil {
		return fault.Wrap(fault.Canceled, "read the deployments", err, "")
	}
	if err != nil {
		e.Unread = append(e.Unread, "the deployments: "+err.Error())
	} else {
		e.Read = append(e.Read, "GitLab")
	}
	return nil
}

// recorded looks into the ledger; kept says whether deployments to the
// environment are recorded there at all: a ledger that nobody records them in
// has nothing to say about one. Under a policy that wants names proven, only
// what a proven job on protected ground recorded counts: anybody can write that
// something was deployed.
func (q *question) recorded(ctx context.Context, e *gate.ClassEvidence) (kept bool, err error) {
	if q.env.Ledger == nil {
		return false, fault.New(fault.Unavailable, "the ledger", "there is none", "")
	}
	p := &q.req.Policy
	query := ledger.Query{Kinds: []ledger.Kind{ledger.KindDeploy}, Subject: q.req.Service, To: q.env.Now, Newest: true}
	for entry, err := range q.env.Ledger.Scan(ctx, query) {
		if err != nil {
			return kept, fault.Wrap(fault.Internal, "the ledger", err, "")
		}
		var d Deployed
		if err := json.Unmarshal(entry.Body, &d); err != nil {
			continue // no evidence of anything
		}
		if d.Environment != q.req.Environment || p.Identity.On() && !p.Vouches(d.By) {
			continue
		}
		kept = true
		if by := q.req.Change.By; d.Version != q.req.Change.Version || by != nil && d.By != nil && d.By.Pipeline == by.Pipeline {
			continue // the pipeline that asks does not vouch for itself
		}
		e.Recorded = append(e.Recorded, entry.ID)
		return kept, nil
	}
	return kept, nil
}

// lookAtChange reads what brought the commit.
func (q *question) lookAtChange(ctx context.Context, e *gate.ClassEvidence) error {
	if q.env.Forge == nil {
		e.Unread = append(e.Unread, "it is not known which GitLab to ask for the merge request")
		return nil
	}
	found, err := q.env.Forge.Changes(ctx, q.req.Change.Version)
	switch {
	case fault.KindOf(err) == fault.Canceled && err != nil:
		return fault.Wrap(fault.Canceled, "read the merge request", err, "")
	case err != nil:
		e.Unread = append(e.Unread, "the merge request: "+err.Error())
		if hint := fault.HintOf(err); hint != "" {
			q.notes = append(q.notes, hint)
		}
	default:
		e.Changes = found
	}
	return nil
}

// IsCommit says whether a version is the whole name of a commit.
func IsCommit(version string) bool {
	return (len(version) == 40 || len(version) == 64) && strings.Trim(version, "0123456789abcdef") == ""
}

// actor is who asks: proven where it can be, else as a variable says.
func (q *question) actor() string {
	if by := q.req.Change.By; by.Proven() {
		return by.Login
	}
	return cmp.Or(q.env.Actor, q.req.Change.Actor)
}

// counts says whether an override that was granted once still holds under the
// policy of today: one granted under another policy, or by somebody whose name
// was only a variable's, must not open this gate.
func (q *question) counts(o *granted) bool {
	p := &q.req.Policy
	if !p.Identity.On() {
		return true
	}
	return o.By.Proven() && p.MayOverride(o.By) == nil
}

// spend uses the asker's token up: it counts for one override. A token that was
// spent before is refused, wherever that was.
func (q *question) spend(ctx context.Context, who *forge.Actor) error {
	if who.Token == "" {
		return nil
	}
	used := fault.New(fault.Denied, "override", "the identity token was used for an override before", "start the job anew: it gets a new one")
	key := "token/" + who.Token
	for e, err := range q.env.Ledger.Scan(ctx, ledger.Query{Kinds: []ledger.Kind{ledger.KindToken}}) {
		if err != nil {
			return fault.Wrap(fault.Internal, "read the ledger", err, "")
		}
		if e.Key == key {
			return used
		}
	}
	body, err := json.Marshal(struct {
		Job         string    `json:"job"`
		Project     string    `json:"project"`
		Environment string    `json:"environment"`
		Version     string    `json:"version"`
		At          time.Time `json:"at"`
	}{who.Job, who.Project, q.req.Environment, q.req.Change.Version, q.env.Now.UTC()})
	if err != nil {
		return fault.Wrap(fault.Internal, "override", err, "")
	}
	e, err := q.env.Ledger.Append(ctx, ledger.Draft{
		At: q.env.Now, Kind: ledger.KindToken, Subject: q.req.Service, Actor: who.Login, Body: body, Key: key,
	})
	switch {
	case err != nil:
		return fault.Wrap(fault.Internal, "record the override", err, "an override that is not recorded is none")
	case e.Subject != q.req.Service || !bytes.Equal(e.Body, body):
		return used // two at once: the other was faster
	}
	return nil
}
