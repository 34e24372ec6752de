// Package gitlab asks a GitLab: who runs a job, what was deployed, what a merge
// request says, who approved. It is an adapter of forge.
package gitlab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
	"gitlab.com/nines-sre/nines/internal/oidc"
)

// Forge is one project of a GitLab.
type Forge struct {
	where  forge.Where
	api    *gitlabapi.Client
	tokens *oidc.Verifier
	secret secret
}

// secret is what the repository is fetched with.
type secret struct{ user, token string }

// Options are a project and what it is asked with. Token is an access token,
// JobToken the job's own; both may be empty, then only public answers can be
// had. HTTP nil is a client with a timeout of ten seconds; Wait waits between
// tries, nil: by the clock.
type Options struct {
	Token, JobToken string
	HTTP            *http.Client
	Wait            func(context.Context, time.Duration) error
}

// New returns the project. The error is of kind Invalid.
func New(where forge.Where, opt Options) (*Forge, error) {
	if opt.HTTP == nil {
		opt.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	where.URL = strings.TrimSuffix(where.URL, "/")
	api, err := gitlabapi.New(gitlabapi.Options{URL: where.URL, Project: where.Project, Token: opt.Token, JobToken: opt.JobToken, HTTP: opt.HTTP, Wait: opt.Wait})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "GitLab", err, "")
	}
	f := &Forge{where: where, api: api, tokens: oidc.New(opt.HTTP)}
	switch {
	case opt.JobToken != "":
		f.secret = secret{"gitlab-ci-token", opt.JobToken}
	case opt.Token != "":
		f.secret = secret{"oauth2", opt.Token}
	}
	return f, nil
}

// claims are those of GitLab's identity tokens. Truths are words there.
type claims struct {
	ProjectID            text     `json:"project_id"`
	ProjectPath          string   `json:"project_path"`
	UserID               text     `json:"user_id"`
	UserLogin            string   `json:"user_login"`
	UserAccessLevel      text     `json:"user_access_level"`
	Groups               []string `json:"groups_direct"`
	PipelineID           text     `json:"pipeline_id"`
	JobID                text     `json:"job_id"`
	Ref                  string   `json:"ref"`
	RefProtected         text     `json:"ref_protected"`
	Environment          string   `json:"environment"`
	EnvironmentProtected text     `json:"environment_protected"`
	Tier                 string   `json:"deployment_tier"`
	SHA                  string   `json:"sha"`
}

// text is a word, a number or a truth, as a word: versions of GitLab differ.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*t = text(s)
		return nil
	}
	switch raw := strings.TrimSpace(string(b)); raw[0] {
	case '{', '[':
		return fmt.Errorf("a word was expected, not %c", raw[0])
	case 'n': // null
		*t = ""
	default:
		*t = text(raw)
	}
	return nil
}

// Actor implements forge.Forge.
func (f *Forge) Actor(ctx context.Context, token, audience string, now time.Time) (forge.Actor, error) {
	t, err := f.tokens.Verify(ctx, token, oidc.Expect{Issuer: f.where.URL, Audience: audience, Now: now})
	if err != nil {
		return forge.Actor{}, err //nolint:wrapcheck // it says all there is to say
	}
	var c claims
	if err := t.Claims(&c); err != nil {
		return forge.Actor{}, err //nolint:wrapcheck // as above
	}
	switch {
	case c.ProjectPath != f.where.Project && string(c.ProjectID) != f.where.Project:
		return forge.Actor{}, fault.New(fault.Denied, "identity token", fmt.Sprintf("it is of a job of the project %s, not of %s", c.ProjectPath, f.where.Project), "")
	case c.UserLogin == "":
		return forge.Actor{}, fault.New(fault.Denied, "identity token", "it names no user", "")
	}
	a := forge.Actor{
		Login: c.UserLogin, Proof: forge.ByToken, Role: roleNamed(string(c.UserAccessLevel)), Groups: c.Groups,
		Issuer: f.where.URL, Project: c.ProjectPath, ProjectID: string(c.ProjectID), Ref: c.Ref, Commit: c.SHA,
		Pipeline: string(c.PipelineID), Job: string(c.JobID), Environment: c.Environment, Tier: c.Tier,
		RefProtected: c.RefProtected == "true", EnvironmentProtected: c.EnvironmentProtected == "true",
		Token: spent(f.where.URL, t.ID),
	}
	if id, err := strconv.ParseInt(string(c.UserID), 10, 64); a.Role == "" && err == nil && f.api.Writes() {
		// Older GitLabs do not say it in the token.
		if a.Role, err = f.role(ctx, id); err != nil {
			a.Role = ""
		}
	}
	return a, nil
}

// spent is a digest of a token's number: what is recorded of it.
func spent(issuer, id string) string {
	sum := sha256.Sum256([]byte(issuer + "\n" + id))
	return hex.EncodeToString(sum[:16])
}

// role is what somebody may do in the project; "" for who is no member.
func (f *Forge) role(ctx context.Context, user int64) (forge.Role, error) {
	level, err := f.api.AccessLevel(ctx, user)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return "", nil //nolint:nilerr // nobody's role is an answer
	}
	return roleOf(level), err //nolint:wrapcheck // the API's words
}

// roleOf reads GitLab's number; what stands between two roles is the weaker one.
func roleOf(level int) forge.Role {
	out := forge.Role("")
	for _, r := range []struct {
		level int
		role  forge.Role
	}{{10, forge.Guest}, {15, forge.Planner}, {20, forge.Reporter}, {30, forge.Developer}, {40, forge.Maintainer}, {50, forge.Owner}} {
		if level >= r.level {
			out = r.role
		}
	}
	return out
}

func roleNamed(word string) forge.Role {
	if level, err := strconv.Atoi(word); err == nil {
		return roleOf(level)
	}
	if r := forge.Role(strings.ToLower(word)); slices.Contains(forge.Roles(), r) {
		return r
	}
	return ""
}

// Deployments implements forge.Forge.
func (f *Forge) Deployments(ctx context.Context, environment, commit, pipeline string) ([]forge.Deployment, error) {
	var out []forge.Deployment
	protected := map[string]bool{}
	var inner error
	err := f.api.Deployments(ctx, environment, "success", func(d gitlabapi.Deployment) bool {
		// Without a job behind it, it was only said to have happened.
		if d.SHA != commit || d.Deployable == nil || d.Environment.Name != environment || d.Status != "success" {
			return true
		}
		of := strconv.FormatInt(d.Deployable.Pipeline.ID, 10)
		if of == pipeline {
			return true
		}
		is, known := protected[d.Ref]
		if !known {
			if is, inner = f.protected(ctx, d.Ref, d.Deployable.Tag); inner != nil {
				return false
			}
			protected[d.Ref] = is
		}
		out = append(out, forge.Deployment{
			ID: d.ID, Version: d.SHA, Environment: environment, Ref: d.Ref, Pipeline: of, At: d.CreatedAt.UTC(), RefProtected: is,
		})
		return !is // one that counts is enough
	})
	if err == nil {
		err = inner
	}
	if len(out) > 0 && out[len(out)-1].RefProtected {
		return out, nil
	}
	return out, err //nolint:wrapcheck // the API's words
}

// protected says whether a branch or a tag is protected now.
func (f *Forge) protected(ctx context.Context, ref string, tag bool) (bool, error) {
	look := f.api.Branch
	if tag {
		look = f.api.Tag
	}
	b, ok, err := look(ctx, ref)
	return ok && b.Protected, err //nolint:wrapcheck // the API's words
}

// Changes implements forge.Forge.
func (f *Forge) Changes(ctx context.Context, commit string) ([]forge.Change, error) {
	all, err := f.api.Merged(ctx, commit)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return nil, nil //nolint:nilerr // a commit nobody knows came by no merge request
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // the API's words
	}
	var out []forge.Change
	people := map[int64]forge.Role{}
	for i := range all {
		m := &all[i]
		if m.State != "merged" || !slices.Contains([]string{m.MergeCommitSHA, m.SquashCommitSHA, m.SHA}, commit) {
			continue // it holds the commit, and did not bring it
		}
		c := forge.Change{ID: m.IID, URL: m.WebURL, Author: m.Author.Username}
		if c.Labels, err = f.labels(ctx, m, people); err != nil {
			return nil, err
		}
		approved, err := f.api.Approvals(ctx, m.IID)
		if err != nil {
			return nil, err //nolint:wrapcheck // the API's words
		}
		for _, u := range approved {
			p, err := f.person(ctx, u, people)
			if err != nil {
				return nil, err
			}
			c.Approvals = append(c.Approvals, p)
		}
		out = append(out, c)
	}
	return out, nil
}

// labels are a merge request's labels with who set each last.
func (f *Forge) labels(ctx context.Context, m *gitlabapi.MergeRequest, people map[int64]forge.Role) ([]forge.Label, error) {
	if len(m.Labels) == 0 {
		return nil, nil
	}
	events, err := f.api.LabelEvents(ctx, m.IID)
	if err != nil {
		return nil, err //nolint:wrapcheck // the API's words
	}
	by := map[string]gitlabapi.User{}
	for _, e := range events {
		if e.Label != nil && e.Action == "add" {
			by[e.Label.Name] = e.User
		}
	}
	out := make([]forge.Label, 0, len(m.Labels))
	for _, name := range m.Labels {
		l := forge.Label{Name: name}
		if u, ok := by[name]; ok {
			if l.By, err = f.person(ctx, u, people); err != nil {
				return nil, err
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// person is a user with their role, looked up once.
func (f *Forge) person(ctx context.Context, u gitlabapi.User, people map[int64]forge.Role) (forge.Person, error) {
	r, ok := people[u.ID]
	if !ok {
		var err error
		if r, err = f.role(ctx, u.ID); err != nil {
			return forge.Person{}, err
		}
		people[u.ID] = r
	}
	return forge.Person{Login: u.Username, Role: r}, nil
}

// Approvals implements forge.Forge. A role that the token may not look up stays
// empty: names can be allowed without.
func (f *Forge) Approvals(ctx context.Context, job forge.Actor) ([]forge.Approval, error) {
	var id int64
	err := f.api.Deployments(ctx, job.Environment, "", func(d gitlabapi.Deployment) bool {
		if d.Deployable != nil && strconv.FormatInt(d.Deployable.ID, 10) == job.Job && d.Environment.Name == job.Environment {
			id = d.ID
		}
		return id == 0
	})
	if err != nil || id == 0 {
		return nil, err //nolint:wrapcheck // the API's words
	}
	d, err := f.api.Deployment(ctx, id)
	if err != nil {
		return nil, err //nolint:wrapcheck // the API's words
	}
	all := d.Approvals
	for _, r := range d.Summary.Rules {
		all = append(all, r.Approvals...)
	}
	var out []forge.Approval
	people := map[int64]forge.Role{}
	for _, a := range all {
		seen := slices.ContainsFunc(out, func(o forge.Approval) bool { return o.Login == a.User.Username })
		if a.Status != "approved" || seen {
			continue
		}
		p, err := f.person(ctx, a.User, people)
		switch {
		case fault.KindOf(err) == fault.Denied && err != nil:
			p = forge.Person{Login: a.User.Username}
		case err != nil:
			return nil, err
		}
		out = append(out, forge.Approval{Person: p, Comment: a.Comment, At: a.CreatedAt.UTC()})
	}
	return out, nil
}
