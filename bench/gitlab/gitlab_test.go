// Package gitlab_test drives the local GitLab with the official client: what we
// believe about paths, parameters and fields is then not only our own reading.
package gitlab_test

import (
	"net/http/httptest"
	"testing"
	"time"

	official "gitlab.com/gitlab-org/api/client-go"

	"gitlab.com/nines-sre/nines/internal/gitlabd"
)

const (
	commit = "1111111111111111111111111111111111111111"
	topic  = "2222222222222222222222222222222222222222"
)

func at() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func serve(t *testing.T) (*gitlabd.Server, *httptest.Server) {
	t.Helper()
	d, err := gitlabd.New(gitlabd.State{
		Project: "shop/pay", ProjectID: 20, Tokens: map[string]string{"glpat-1": "api", "job-1": "job"},
		Branches: []gitlabd.Ref{{Name: "main", Commit: commit, Protected: true}, {Name: "topic", Commit: topic}},
		Tags:     []gitlabd.Ref{{Name: "v1", Commit: commit, Protected: true}},
		Members:  []gitlabd.Member{{ID: 1, Login: "lead", Level: 40}, {ID: 2, Login: "dev", Level: 30}},
		Deployments: []gitlabd.Deployment{{
			ID: 12, Commit: commit, Ref: "main", Environment: "production", Status: "success", Job: 5, Pipeline: 500, At: at(),
			Approvals: []gitlabd.Approval{{By: "lead", Status: "approved", Comment: "go", At: at()}},
		}},
		MergeRequests: []gitlabd.MergeRequest{{
			IID: 7, State: "merged", Target: "main", Head: topic, MergeCommit: commit, Author: "dev", Labels: []string{"nines::fix"},
			Events: []gitlabd.LabelEvent{{By: "lead", Action: "add", Label: "nines::fix", At: at()}}, ApprovedBy: []string{"lead"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	d.SetURL(s.URL)
	return d, s
}

func client(t *testing.T, s *httptest.Server) *official.Client {
	t.Helper()
	c, err := official.NewClient("glpat-1", official.WithBaseURL(s.URL+"/api/v4"), official.WithoutRetries())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReading(t *testing.T) {
	_, s := serve(t)
	c := client(t, s)
	const project = "shop/pay"

	branches, _, err := c.Branches.ListBranches(project, &official.ListBranchesOptions{Search: official.Ptr("^main$")})
	if err != nil || len(branches) != 1 || branches[0].Name != "main" || !branches[0].Protected || branches[0].Commit.ID != commit {
		t.Errorf("branches: %+v %v", branches, err)
	}
	tags, _, err := c.Tags.ListTags(project, &official.ListTagsOptions{Search: official.Ptr("^v1$")})
	if err != nil || len(tags) != 1 || !tags[0].Protected || tags[0].Commit.ID != commit {
		t.Errorf("tags: %+v %v", tags, err)
	}
	deployments, _, err := c.Deployments.ListProjectDeployments(project, &official.ListProjectDeploymentsOptions{
		Environment: official.Ptr("production"), Status: official.Ptr("success"), OrderBy: official.Ptr("id"), Sort: official.Ptr("desc"),
	})
	if err != nil || len(deployments) != 1 {
		t.Fatalf("deployments: %+v %v", deployments, err)
	}
	if d := deployments[0]; d.SHA != commit || d.Ref != "main" || d.Environment.Name != "production" || d.Deployable.ID != 5 || d.Deployable.Pipeline.ID != 500 || d.CreatedAt == nil {
		t.Errorf("deployment: %+v", d)
	}
	held, _, err := c.Commits.ListMergeRequestsByCommit(project, commit)
	if err != nil || len(held) != 1 || held[0].IID != 7 || held[0].MergeCommitSHA != commit || held[0].SHA != topic || held[0].State != "merged" {
		t.Errorf("merge requests of a commit: %+v %v", held, err)
	}
	mr, _, err := c.MergeRequests.GetMergeRequest(project, 7, nil)
	if err != nil || mr.Author.Username != "dev" || len(mr.Labels) != 1 || mr.WebURL == "" {
		t.Errorf("merge request: %+v %v", mr, err)
	}
	events, _, err := c.ResourceLabelEvents.ListMergeRequestsLabelEvents(project, 7, nil)
	if err != nil || len(events) != 1 || events[0].User.Username != "lead" || events[0].Action != "add" || events[0].Label.Name != "nines::fix" {
		t.Errorf("label events: %+v %v", events, err)
	}
	approvals, _, err := c.MergeRequests.GetMergeRequestApprovals(project, 7)
	if err != nil || len(approvals.ApprovedBy) != 1 || approvals.ApprovedBy[0].User.Username != "lead" {
		t.Errorf("approvals: %+v %v", approvals, err)
	}
	member, _, err := c.ProjectMembers.GetInheritedProjectMember(project, 1)
	if err != nil || member.AccessLevel != official.MaintainerPermissions || member.Username != "lead" {
		t.Errorf("member: %+v %v", member, err)
	}
	if _, res, err := c.ProjectMembers.GetInheritedProjectMember(project, 99); err == nil || res.StatusCode != 404 {
		t.Errorf("no member: %v", err)
	}
}

func TestWriting(t *testing.T) {
	d, s := serve(t)
	c := client(t, s)
	const project = "shop/pay"
	note, _, err := c.Notes.CreateMergeRequestNote(project, 7, &official.CreateMergeRequestNoteOptions{Body: official.Ptr("one")})
	if err != nil || note.Body != "one" || note.System {
		t.Fatalf("note: %+v %v", note, err)
	}
	if note, _, err = c.Notes.UpdateMergeRequestNote(project, 7, note.ID, &official.UpdateMergeRequestNoteOptions{Body: official.Ptr("two")}); err != nil || note.Body != "two" {
		t.Errorf("note anew: %+v %v", note, err)
	}
	notes, _, err := c.Notes.ListMergeRequestNotes(project, 7, &official.ListMergeRequestNotesOptions{Sort: official.Ptr("asc"), OrderBy: official.Ptr("created_at")})
	if err != nil || len(notes) != 1 || notes[0].Body != "two" {
		t.Errorf("notes: %+v %v", notes, err)
	}
	labels := official.LabelOptions{"nines"}
	issue, _, err := c.Issues.CreateIssue(project, &official.CreateIssueOptions{Title: official.Ptr("held"), Description: official.Ptr("text"), Labels: &labels})
	if err != nil || issue.IID != 1 || issue.State != "opened" {
		t.Fatalf("issue: %+v %v", issue, err)
	}
	issues, _, err := c.Issues.ListProjectIssues(project, &official.ListProjectIssuesOptions{State: official.Ptr("opened"), Labels: &labels, Search: official.Ptr("held"), In: official.Ptr("title")})
	if err != nil || len(issues) != 1 || issues[0].Title != "held" {
		t.Errorf("issues: %+v %v", issues, err)
	}
	if _, _, err := c.Notes.CreateIssueNote(project, 1, &official.CreateIssueNoteOptions{Body: official.Ptr("more")}); err != nil {
		t.Errorf("comment: %v", err)
	}
	said, _, err := c.Deployments.CreateProjectDeployment(project, &official.CreateProjectDeploymentOptions{
		Environment: official.Ptr("production"), SHA: official.Ptr(topic), Ref: official.Ptr("main"), Tag: official.Ptr(false), Status: official.Ptr(official.DeploymentStatusSuccess),
	})
	if err != nil || said.SHA != topic || said.Deployable.ID != 0 {
		t.Errorf("a deployment that was only said: %+v %v", said, err)
	}
	var made int
	d.Update(func(s *gitlabd.State) { made = len(s.Deployments) + len(s.Issues) + len(s.MergeRequests[0].Notes) })
	if made != 4 {
		t.Errorf("%d things are there", made)
	}
}

func TestPaging(t *testing.T) {
	d, s := serve(t)
	d.Update(func(st *gitlabd.State) {
		for i := range 250 {
			st.Deployments = append(st.Deployments, gitlabd.Deployment{ID: int64(1000 + i), Environment: "production", Status: "success", Commit: topic, Job: 1})
		}
	})
	c := client(t, s)
	opt := &official.ListProjectDeploymentsOptions{ListOptions: official.ListOptions{PerPage: 100, Page: 1}, Environment: official.Ptr("production")}
	var all int
	for {
		got, res, err := c.Deployments.ListProjectDeployments("shop/pay", opt)
		if err != nil {
			t.Fatal(err)
		}
		all += len(got)
		if res.NextPage == 0 {
			break
		}
		opt.Page = res.NextPage
	}
	if all != 251 {
		t.Errorf("%d of 251", all)
	}
}

// TestJobToken checks what a job's own token may do, with the client's way of
// sending one.
func TestJobToken(t *testing.T) {
	_, s := serve(t)
	c, err := official.NewJobClient("job-1", official.WithBaseURL(s.URL+"/api/v4"), official.WithoutRetries())
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := c.Deployments.ListProjectDeployments(20, nil); err != nil || len(got) != 1 {
		t.Errorf("deployments: %v %v", got, err)
	}
	if _, res, err := c.Notes.CreateMergeRequestNote(20, 7, &official.CreateMergeRequestNoteOptions{Body: official.Ptr("x")}); err == nil || res.StatusCode != 403 {
		t.Errorf("a note: %v", err)
	}
	if _, res, err := c.ResourceLabelEvents.ListMergeRequestsLabelEvents(20, 7, nil); err == nil || res.StatusCode != 403 {
		t.Errorf("label events: %v", err)
	}
}
