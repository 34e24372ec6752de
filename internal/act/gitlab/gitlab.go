// Package gitlab deploys by running a job of a GitLab pipeline again. A version
// is a commit that a job deployed to the environment before, with success: its
// job is run once more and waited for. It is all or nothing, and it needs an
// access token: a job's own may run no job.
//
// A project that prevents outdated deployment jobs must allow retries for
// rollbacks, or the job fails before it begins; the error says so. Freeze
// periods do not hold a retry up. On Ultimate with automatic rollbacks GitLab
// does the same by itself on a critical alert: use one of the two.
package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
)

const (
	every    = 10 * time.Second
	patience = 2 * time.Hour
)

// Options are the project, what it is asked with, and how to wait. HTTP nil is a
// client with a timeout of ten seconds.
type Options struct {
	URL, Project, Token, JobToken string
	HTTP                          *http.Client
	Wait                          act.Wait
}

// Actor is an environment of a project. It implements act.Actor.
type Actor struct {
	environment, op string
	api             *gitlabapi.Client
	wait            act.Wait
}

var _ act.Actor = (*Actor)(nil)

// Open opens "gitlab:ENVIRONMENT?project=P&url=U". The project of the place comes
// before that of the options. A place on another GitLab than the token is for is
// Invalid: tokens go nowhere else.
func Open(at act.Place, opt Options) (*Actor, error) {
	op := "gitlab:" + at.Params["environment"]
	if p := at.Params["project"]; p != "" {
		opt.Project = p
	}
	if u := at.Params["url"]; u != "" && u != opt.URL {
		if opt.URL != "" {
			return nil, fault.New(fault.Invalid, op, "it is on "+u+", and what is at hand is for "+opt.URL, "name the GitLab by --gitlab as well")
		}
		opt.URL = u
	}
	api, err := gitlabapi.New(gitlabapi.Options{URL: opt.URL, Project: opt.Project, Token: opt.Token, JobToken: opt.JobToken, HTTP: opt.HTTP, Wait: opt.Wait})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "")
	}
	return &Actor{environment: at.Params["environment"], op: op, api: api, wait: opt.Wait}, nil
}

// Caps implements act.Actor.
func (*Actor) Caps() act.Caps { return act.Caps{Restores: true} }

// view is the environment as it was seen.
type view struct {
	act.State
	under *gitlabapi.Deployment // that a job is making; nil: none
}

// Read implements act.Actor.
func (a *Actor) Read(ctx context.Context) (act.State, error) {
	v, err := a.look(ctx)
	return v.State, err
}

// look reads deployments, newest first, until the one that is in force.
func (a *Actor) look(ctx context.Context) (v view, err error) {
	found := false
	err = a.api.Deployments(ctx, a.environment, "", func(d gitlabapi.Deployment) bool {
		switch {
		case d.Status == "success":
			v.Stable, v.Revision, found = d.SHA, strconv.FormatInt(d.ID, 10), true
		case d.Deployable != nil && working(d.Deployable.Status) && v.under == nil:
			v.under = &d
		}
		return !found
	})
	switch {
	case err != nil:
		return v, fault.Wrap(fault.Unavailable, a.op, err, "")
	case !found:
		return v, fault.New(fault.NotFound, a.op, "nothing was deployed to it yet, with success", "check the environment's name and the project's")
	}
	v.Ready = v.under == nil
	if !v.Ready {
		v.Busy = fmt.Sprintf("job %d deploys %s", v.under.Deployable.ID, v.under.SHA)
	}
	return v, nil
}

// working says whether a job does something, or will without anybody's help.
func working(status string) bool {
	return slices.Contains([]string{"pending", "running", "preparing", "waiting_for_resource", "waiting_for_callback"}, status)
}

// Plan implements act.Actor.
func (a *Actor) Plan(ctx context.Context, want act.Action) (act.Change, error) {
	c := act.Change{Action: want}
	s, err := a.step(ctx, want)
	if err == nil {
		c.None = s.job == 0 && s.follow == 0
		c.Calls = s.calls()
	}
	return c, err
}

// step is what an action takes.
type step struct {
	now    act.State
	job    int64 // that is run again; 0: none
	follow int64 // that is waited for first; 0: none
}

func (s step) calls() (out []string) {
	if s.follow != 0 {
		out = append(out, fmt.Sprintf("gitlab: wait for job %d", s.follow))
	}
	if s.job != 0 {
		out = append(out, fmt.Sprintf("gitlab: retry job %d", s.job))
	}
	return out
}

// step finds what an action takes, from how the environment lies now.
func (a *Actor) step(ctx context.Context, want act.Action) (step, error) {
	if err := want.Valid(a.op, a.Caps()); err != nil {
		return step{}, err //nolint:wrapcheck // says all there is to say
	}
	v, err := a.look(ctx)
	s := step{now: v.State}
	if err != nil {
		return s, err
	}
	heads := v.under != nil && v.under.SHA == want.To.Stable // what was begun by a call whose answer was lost, or by others
	done, err := want.Meets(a.op, v.State)
	switch {
	case heads:
		s.follow = v.under.Deployable.ID
		return s, nil
	case err != nil:
		return s, err //nolint:wrapcheck // says all there is to say
	case done && v.Ready:
		return s, nil
	case v.under != nil: // it would overtake what puts back
		s.follow = v.under.Deployable.ID
	}
	s.job, err = a.find(ctx, want.To.Stable)
	return s, err
}

// find finds the job that deployed a commit last.
func (a *Actor) find(ctx context.Context, commit string) (job int64, err error) {
	err = a.api.Deployments(ctx, a.environment, "success", func(d gitlabapi.Deployment) bool {
		if d.SHA == commit && d.Deployable != nil {
			job = d.Deployable.ID
		}
		return job == 0
	})
	if err != nil {
		return 0, fault.Wrap(fault.Unavailable, a.op, err, "")
	}
	if job == 0 {
		return 0, fault.New(fault.NotFound, a.op, "no job deployed commit "+commit+" to it", "run a pipeline of that commit")
	}
	return job, nil
}

// Apply implements act.Actor.
func (a *Actor) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	s, err := a.step(ctx, c.Action)
	out := act.Outcome{State: s.now}
	if err != nil || s.job == 0 && s.follow == 0 {
		return out, err
	}
	if s.follow != 0 {
		if err := a.end(ctx, s.follow); err != nil && s.job == 0 {
			return out, err // another's failure is no matter
		}
	}
	if s.job != 0 {
		j, err := a.api.RetryJob(ctx, s.job)
		if err != nil {
			return out, fault.Wrap(fault.Unavailable, a.op, err, "")
		}
		out.Calls = append(out.Calls, fmt.Sprintf("gitlab: retry job %d, as job %d", s.job, j.ID))
		if err := a.end(ctx, j.ID); err != nil {
			return out, err
		}
	}
	if out.State, err = a.Read(ctx); err != nil {
		return out, err
	}
	if !out.State.Same(c.To) || !out.State.Ready {
		return out, fault.New(fault.Conflict, a.op, fmt.Sprintf("%v is deployed, not %v", out.State.Split, c.To), "somebody else came in between: look at its deployments")
	}
	return out, nil
}

// end waits for a job's end.
func (a *Actor) end(ctx context.Context, id int64) error {
	return a.wait.Poll(ctx, a.op, every, patience, func(ctx context.Context) (bool, error) {
		j, err := a.api.Job(ctx, id)
		switch {
		case err != nil:
			return false, fault.Wrap(fault.Unavailable, a.op, err, "")
		case j.Status == "success":
			return true, nil
		case working(j.Status) || j.Status == "created":
			return false, nil
		case j.Status == "manual" || j.Status == "scheduled":
			return false, fault.New(fault.Conflict, a.op, fmt.Sprintf("job %d waits for somebody to start it: %s", id, j.WebURL), "start it there, or let the job run by itself")
		}
		hint := "look at its log: " + j.WebURL
		if j.FailureReason == "forward_deployment_failure" {
			hint = "allow job retries for rollback deployments in the project's CI/CD settings"
		}
		return false, fault.New(fault.Conflict, a.op, fmt.Sprintf("job %d ended %s (%s): %s", id, j.Status, j.FailureReason, j.WebURL), hint)
	})
}
