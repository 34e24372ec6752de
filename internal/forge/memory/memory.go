// Package memory is a forge in memory: the double that shells are tested with.
package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
)

// Forge answers from its fields, which are set between calls.
type Forge struct {
	Where forge.Where
	// Tokens are the actors that tokens stand for; Expired those that were good
	// once.
	Tokens  map[string]Token
	Records []Record
	Merged  map[string][]forge.Change
	// Approved are the approvals of jobs' deployments, by the job's number.
	Approved map[string][]forge.Approval
	Requests map[string]int64 // merge request of a commit
	// Fail is returned instead of an answer.
	Fail error

	mu    sync.Mutex
	notes map[int64]map[string]string
}

// Token is an actor, for whom the token is, and when it expires.
type Token struct {
	forge.Actor
	Audience string
	Expires  time.Time
}

// Record is a deployment; Said is one that no job made.
type Record struct {
	forge.Deployment
	Said bool
}

// Actor implements forge.Forge.
func (f *Forge) Actor(_ context.Context, token, audience string, now time.Time) (forge.Actor, error) {
	if f.Fail != nil {
		return forge.Actor{}, f.Fail
	}
	t, ok := f.Tokens[token]
	switch {
	case !ok:
		return forge.Actor{}, fault.New(fault.Denied, "identity token", "nobody issued it", "")
	case t.Audience != audience:
		return forge.Actor{}, fault.New(fault.Denied, "identity token", "it is for "+t.Audience, "")
	case !now.Before(t.Expires):
		return forge.Actor{}, fault.New(fault.Denied, "identity token", "it expired", "")
	case t.Project != f.Where.Project && t.ProjectID != f.Where.Project:
		return forge.Actor{}, fault.New(fault.Denied, "identity token", "it is of a job of the project "+t.Project, "")
	}
	return t.Actor, nil
}

// Deployments implements forge.Forge.
func (f *Forge) Deployments(_ context.Context, environment, commit, pipeline string) ([]forge.Deployment, error) {
	if f.Fail != nil {
		return nil, f.Fail
	}
	var out []forge.Deployment
	for _, r := range slices.Backward(f.Records) {
		if !r.Said && r.Environment == environment && r.Version == commit && r.Pipeline != pipeline {
			out = append(out, r.Deployment)
		}
	}
	return out, nil
}

// Changes implements forge.Forge.
func (f *Forge) Changes(_ context.Context, commit string) ([]forge.Change, error) {
	if f.Fail != nil {
		return nil, f.Fail
	}
	return slices.Clone(f.Merged[commit]), nil
}

// Approvals implements forge.Forge.
func (f *Forge) Approvals(_ context.Context, job forge.Actor) ([]forge.Approval, error) {
	if f.Fail != nil {
		return nil, f.Fail
	}
	return slices.Clone(f.Approved[job.Job]), nil
}

// Note implements forge.Forge.
func (f *Forge) Note(_ context.Context, n forge.Note) (string, error) {
	if f.Fail != nil {
		return "", f.Fail
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := n.Change
	if id == 0 {
		id = f.Requests[n.Commit]
	}
	if id == 0 {
		return "", fault.New(fault.NotFound, "merge request note", "no merge request belongs to "+n.Commit, "")
	}
	if f.notes == nil {
		f.notes = map[int64]map[string]string{}
	}
	if f.notes[id] == nil {
		f.notes[id] = map[string]string{}
	}
	f.notes[id][n.Marker] = n.In(f.notes[id][n.Marker])
	return "https://gitlab.example.com/note/" + n.Marker, nil
}

// Notes returns the notes of a merge request by their markers.
func (f *Forge) Notes(id int64) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notes[id]
}
