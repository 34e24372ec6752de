package gitlabd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/gitlabapi"
	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

// entities are names and types of fields as GitLab publishes them, as far as we
// answer with them: an extract of doc/api/openapi/openapi_v3.yaml of GitLab
// (commit 07fbd7ab of its public mirror), schemas APIEntitiesX; FreezePeriod is
// of the page "Freeze periods API", because its part of the file was not to be
// had. "any" is where the file says string for what is none.
var entities = map[string]map[string]string{
	"DeploymentExtended": {
		"id": "integer", "iid": "integer", "ref": "string", "sha": "string", "created_at": "DateTime", "updated_at": "DateTime", "user": "UserBasic",
		"environment": "EnvironmentBasic", "deployable": "CiJob", "status": "string", "pending_approval_count": "integer", "approvals": "any", "approval_summary": "any",
	},
	"CiJob": {
		"id": "integer", "status": "string", "stage": "string", "name": "string", "ref": "string", "tag": "Boolean", "coverage": "number", "allow_failure": "Boolean",
		"created_at": "DateTime", "started_at": "DateTime", "finished_at": "DateTime", "erased_at": "DateTime", "duration": "number", "queued_duration": "number",
		"user": "UserBasic", "commit": "Commit", "pipeline": "CiPipelineBasic", "failure_reason": "string", "web_url": "string", "project": "any",
	},
	"CiPipelineBasic": {
		"id": "integer", "iid": "integer", "project_id": "integer", "sha": "string", "ref": "string", "status": "string", "source": "string",
		"created_at": "DateTime", "updated_at": "DateTime", "web_url": "string",
	},
	"Commit":           {"id": "string", "short_id": "string", "title": "string", "created_at": "DateTime", "message": "string", "web_url": "string"},
	"UserBasic":        {"id": "integer", "username": "string", "name": "string", "state": "string", "web_url": "string"},
	"EnvironmentBasic": {"id": "integer", "name": "string", "slug": "string", "external_url": "string"},
	"Branch": {
		"name": "string", "commit": "Commit", "merged": "Boolean", "protected": "Boolean", "developers_can_push": "Boolean", "developers_can_merge": "Boolean",
		"can_push": "Boolean", "default": "Boolean", "web_url": "string",
	},
	"IssueBasic": {
		"id": "integer", "iid": "integer", "project_id": "integer", "title": "string", "description": "string", "state": "string", "labels": "array",
		"author": "UserBasic", "type": "string", "issue_type": "string", "web_url": "string", "closed_at": "DateTime", "created_at": "DateTime", "updated_at": "DateTime",
	},
	"MergeRequestBasic": {
		"id": "integer", "iid": "integer", "project_id": "integer", "title": "string", "description": "string", "state": "string", "target_branch": "any",
		"source_branch": "any", "author": "UserBasic", "labels": "any", "sha": "any", "merge_commit_sha": "any", "squash_commit_sha": "any", "web_url": "any",
	},
	"FreezePeriod": {
		"id": "integer", "freeze_start": "string", "freeze_end": "string", "cron_timezone": "string", "created_at": "DateTime", "updated_at": "DateTime",
	},
}

// fits finds where a value is not what an entity says.
func fits(path, kind string, v any) (wrong []string) {
	bad := []string{fmt.Sprintf("%s is %v, not of type %s", path, v, kind)}
	if v == nil || kind == "any" {
		return nil
	}
	switch kind {
	case "integer", "number":
		if n, ok := v.(float64); !ok || kind == "integer" && n != float64(int64(n)) {
			return bad
		}
		return nil
	case "string", "DateTime":
		s, ok := v.(string)
		if _, err := time.Parse(time.RFC3339Nano, s); !ok || kind == "DateTime" && err != nil {
			return bad
		}
		return nil
	case "Boolean":
		if _, ok := v.(bool); !ok {
			return bad
		}
		return nil
	case "array":
		if _, ok := v.([]any); !ok {
			return bad
		}
		return nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return bad
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		field, known := entities[kind][name]
		if !known {
			wrong = append(wrong, path+"."+name+" is no field of "+kind)
			continue
		}
		wrong = append(wrong, fits(path+"."+name, field, o[name])...)
	}
	return wrong
}

// The double answers with fields that GitLab has, of the types that it has.
func TestShapesAsPublished(t *testing.T) {
	server, err := gitlabd.New(state())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server)
	defer srv.Close()
	server.SetURL(srv.URL)
	for _, c := range []struct{ method, path, body, kind string }{
		{"GET", "deployments", "", "DeploymentExtended"},
		{"GET", "deployments/1", "", "DeploymentExtended"},
		{"GET", "jobs/11", "", "CiJob"},
		{"POST", "jobs/11/retry", "", "CiJob"},
		{"GET", "jobs/13", "", "CiJob"},
		{"GET", "jobs/12", "", "CiJob"},
		{"GET", "repository/branches", "", "Branch"},
		{"POST", "issues", `{"title":"It burns","issue_type":"incident","labels":"nines"}`, "IssueBasic"},
		{"GET", "issues?issue_type=incident", "", "IssueBasic"},
		{"PUT", "issues/1", `{"state_event":"close"}`, "IssueBasic"},
		{"GET", "merge_requests/5", "", "MergeRequestBasic"},
		{"GET", "freeze_periods", "", "FreezePeriod"},
	} {
		v := ask(t, srv.URL, c.method, c.path, c.body)
		all, list := v.([]any)
		if !list {
			all = []any{v}
		}
		if len(all) == 0 {
			t.Errorf("%s %s: an empty list shows nothing", c.method, c.path)
		}
		for _, one := range all {
			for _, w := range fits(c.path, c.kind, one) {
				t.Errorf("%s: %s", c.method, w)
			}
		}
	}
}

// The check finds what is wrong.
func TestShapesFindWhatIsWrong(t *testing.T) {
	for name, v := range map[string]map[string]any{
		"a field that is none": {"job_id": 1.0}, "a wrong type": {"id": "1"}, "deep inside": {"commit": map[string]any{"id": 1.0}}, "no time": {"created_at": "yesterday"},
	} {
		if len(fits("job", "CiJob", v)) != 1 {
			t.Errorf("%s: %v", name, fits("job", "CiJob", v))
		}
	}
}

func state() gitlabd.State {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	sha := strings.Repeat("a", 40)
	return gitlabd.State{
		Project: "shop/pay", ProjectID: 7, Tokens: map[string]string{"secret": "api", "job": "job"},
		Branches:      []gitlabd.Ref{{Name: "main", Commit: sha, Protected: true}},
		Members:       []gitlabd.Member{{ID: 3, Login: "mia", Level: 40}},
		MergeRequests: []gitlabd.MergeRequest{{IID: 5, State: "merged", Target: "main", Head: sha, Author: "mia"}},
		Deployments: []gitlabd.Deployment{
			{ID: 1, Commit: sha, Ref: "main", Environment: "production", Status: "success", Job: 11, Pipeline: 9, At: at},
			{ID: 2, Commit: sha, Ref: "main", Environment: "production", Status: "failed", Job: 12, Pipeline: 9, At: at},
		},
		FreezePeriods: []gitlabd.FreezePeriod{{ID: 1, Start: "0 23 * * 5", End: "0 8 * * 1"}},
	}
}

func ask(t *testing.T, url, method, path, body string) (v any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url+"/api/v4/projects/7/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("PRIVATE-TOKEN", "secret")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode > 299 || json.Unmarshal(data, &v) != nil {
		t.Fatalf("%s %s: %s %v %s", method, path, res.Status, err, data)
	}
	return v
}

// Jobs, incidents and windows through the client that the program uses.
func TestJobsIncidentsWindows(t *testing.T) {
	server, err := gitlabd.New(state())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server)
	defer srv.Close()
	server.SetURL(srv.URL)
	c, err := gitlabapi.New(gitlabapi.Options{URL: srv.URL, Project: "shop/pay", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	j, err := c.RetryJob(t.Context(), 11)
	if err != nil || j.ID != 13 || j.Status != "pending" {
		t.Fatalf("%+v, %v", j, err)
	}
	if _, err := c.RetryJob(t.Context(), j.ID); err == nil {
		t.Error("a job that runs is run again")
	}
	var seen []string
	for range 3 {
		if j, err = c.Job(t.Context(), j.ID); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, j.Status)
	}
	if strings.Join(seen, " ") != "pending running success" || !strings.HasSuffix(j.WebURL, "/shop/pay/-/jobs/13") {
		t.Errorf("%v at %s", seen, j.WebURL)
	}
	if w, err := c.FreezePeriods(t.Context()); err != nil || len(w) != 1 || w[0] != (gitlabapi.FreezePeriod{ID: 1, Start: "0 23 * * 5", End: "0 8 * * 1", Zone: "UTC"}) {
		t.Errorf("%+v, %v", w, err)
	}
	i, err := c.ReportIncident(t.Context(), "nines", "pay burns", "evidence")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.ReportIncident(t.Context(), "nines", "pay burns", "more"); err != nil || again.IID != i.IID {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	if closed, err := c.CloseIncident(t.Context(), i.IID, "over"); err != nil || closed.State != "closed" {
		t.Errorf("%+v, %v", closed, err)
	}
	if _, ok, err := c.OpenIncident(t.Context(), "nines", "pay burns"); ok || err != nil {
		t.Errorf("one that is closed is found: %v", err)
	}
	job, err := gitlabapi.New(gitlabapi.Options{URL: srv.URL, Project: "shop/pay", JobToken: "job"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := job.RetryJob(t.Context(), 11); err == nil {
		t.Error("a job's own token runs a job")
	}
}
