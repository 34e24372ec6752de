package gitlabd

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// statuses are those that a job goes through when it is run again: a step each
// time that somebody looks at it.
func statuses() []string { return []string{"pending", "running", "success"} }

// jobObject is a deployment's job. Pending jobs have deployments that are
// created.
func (s *Server) jobObject(d *Deployment) object {
	status := d.Status
	if status == "created" {
		status = "pending"
	}
	out := object{
		"id": d.Job, "name": "deploy", "stage": "deploy", "status": status, "ref": d.Ref, "tag": d.Tag, "allow_failure": false,
		"created_at": d.At, "started_at": d.At, "finished_at": nil, "duration": nil, "failure_reason": nil,
		"web_url":  s.url + "/" + s.state.Project + "/-/jobs/" + strconv.FormatInt(d.Job, 10),
		"user":     s.user("project_bot"),
		"commit":   object{"id": d.Commit, "short_id": d.Commit[:min(8, len(d.Commit))], "title": "a commit"},
		"pipeline": object{"id": d.Pipeline, "project_id": s.state.ProjectID, "ref": d.Ref, "sha": d.Commit, "status": status},
	}
	if status == "failed" {
		out["failure_reason"] = cmp.Or(d.Broken, "script_failure")
	}
	return out
}

// job finds the deployment of a job.
func (s *Server) job(id string) *Deployment {
	for i := range s.state.Deployments {
		if d := &s.state.Deployments[i]; d.Job != 0 && strconv.FormatInt(d.Job, 10) == id {
			return d
		}
	}
	return nil
}

// getJob shows a job, and lets one that was run again go on by a step.
func (s *Server) getJob(w http.ResponseWriter, _ *http.Request, args []string) {
	d := s.job(args[0])
	if d == nil {
		fail(w, http.StatusNotFound, "404 Not found")
		return
	}
	answer(w, http.StatusOK, s.jobObject(d))
	all := statuses()
	at := slices.Index(all, cmp.Or(map[string]string{"created": "pending"}[d.Status], d.Status))
	if !d.retried || at < 0 || at == len(all)-1 {
		return
	}
	if d.Status = all[at+1]; d.Status == "success" && d.Broken != "" {
		d.Status = "failed"
	}
}

// retryJob runs a job again: it is a new one, with a new deployment.
func (s *Server) retryJob(w http.ResponseWriter, _ *http.Request, args []string) {
	old := s.job(args[0])
	switch {
	case old == nil:
		fail(w, http.StatusNotFound, "404 Not found")
		return
	case !slices.Contains([]string{"success", "failed", "canceled"}, old.Status):
		fail(w, http.StatusForbidden, "403 Forbidden - Job is not retryable")
		return
	}
	d := *old
	for _, other := range s.state.Deployments {
		d.ID, d.Job = max(d.ID, other.ID), max(d.Job, other.Job)
	}
	d.ID, d.Job, d.Status, d.retried, d.Approvals = d.ID+1, d.Job+1, "created", true, nil
	s.state.Deployments = append(s.state.Deployments, d)
	answer(w, http.StatusCreated, s.jobObject(&d))
}

func (s *Server) freezePeriods(w http.ResponseWriter, r *http.Request, _ []string) {
	out := []object{}
	for _, p := range s.state.FreezePeriods {
		at := time.Unix(0, 0).UTC()
		out = append(out, object{"id": p.ID, "freeze_start": p.Start, "freeze_end": p.End, "cron_timezone": cmp.Or(p.Zone, "UTC"), "created_at": at, "updated_at": at})
	}
	page(w, r, out)
}

// setIssue changes an issue's state; GitLab changes more of it.
func (s *Server) setIssue(w http.ResponseWriter, r *http.Request, args []string) {
	var got struct {
		Event string `json:"state_event"`
	}
	if !read(w, r, &got) {
		return
	}
	state, ok := map[string]string{"close": "closed", "reopen": "opened"}[got.Event]
	if !ok {
		fail(w, http.StatusBadRequest, "state_event does not have a valid value")
		return
	}
	for i := range s.state.Issues {
		if one := &s.state.Issues[i]; strconv.FormatInt(one.IID, 10) == args[0] {
			one.State = state
			answer(w, http.StatusOK, s.issueObject(one))
			return
		}
	}
	fail(w, http.StatusNotFound, "404 Issue Not Found")
}
