package gitlabapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// User is somebody, as GitLab names them in passing.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// Branch is a branch, or a tag: both have a name, a commit and may be
// protected.
type Branch struct {
	Name      string `json:"name"`
	Protected bool   `json:"protected"`
	Commit    struct {
		ID string `json:"id"`
	} `json:"commit"`
}

// Deployment is a deployment. Deployable is nil for one that somebody only
// said happened, by a call of the API; a job's own token may do so.
type Deployment struct {
	ID          int64     `json:"id"`
	SHA         string    `json:"sha"`
	Ref         string    `json:"ref"`
	Status      string    `json:"status"`
	CreatedAt   time.Time `json:"created_at"`
	Environment struct {
		Name string `json:"name"`
	} `json:"environment"`
	Deployable *Job `json:"deployable"`
	// Approvals are there in the answer about one deployment.
	Approvals []DeploymentApproval `json:"approvals"`
	Summary   struct {
		Rules []struct {
			Approvals []DeploymentApproval `json:"deployment_approvals"`
		} `json:"rules"`
	} `json:"approval_summary"`
}

// Job is a job, as it stands beside a deployment and by itself.
type Job struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"` // "created", "pending", "running", "success", "failed", "canceled", "manual", ...
	Tag    bool   `json:"tag"`
	WebURL string `json:"web_url"`
	// FailureReason is there for one that failed: "script_failure",
	// "forward_deployment_failure" (a newer deployment is there), ...
	FailureReason string `json:"failure_reason"`
	Commit        struct {
		ID string `json:"id"`
	} `json:"commit"`
	Pipeline struct {
		ID int64 `json:"id"`
	} `json:"pipeline"`
}

// DeploymentApproval is what somebody said to a deployment.
type DeploymentApproval struct {
	User      User      `json:"user"`
	Status    string    `json:"status"` // "approved", "rejected"
	Comment   string    `json:"comment"`
	CreatedAt time.Time `json:"created_at"`
}

// MergeRequest is a merge request, as far as it is looked at.
type MergeRequest struct {
	IID             int64    `json:"iid"`
	State           string   `json:"state"`
	WebURL          string   `json:"web_url"`
	TargetBranch    string   `json:"target_branch"`
	SHA             string   `json:"sha"`
	MergeCommitSHA  string   `json:"merge_commit_sha"`
	SquashCommitSHA string   `json:"squash_commit_sha"`
	Labels          []string `json:"labels"`
	Author          User     `json:"author"`
}

// LabelEvent is the setting ("add") or removing of a label.
type LabelEvent struct {
	User   User   `json:"user"`
	Action string `json:"action"`
	Label  *struct {
		Name string `json:"name"`
	} `json:"label"` // nil for a label that is no more
}

// Note is a comment on a merge request.
type Note struct {
	ID     int64  `json:"id"`
	Body   string `json:"body"`
	System bool   `json:"system"`
	Author User   `json:"author"`
}

// Issue is an issue.
type Issue struct {
	IID    int64  `json:"iid"`
	WebURL string `json:"web_url"`
	Title  string `json:"title"`
	State  string `json:"state"`
}

// Branch returns a branch; ok is false where there is none of that name.
func (c *Client) Branch(ctx context.Context, name string) (b Branch, ok bool, err error) {
	return c.named(ctx, "repository/branches", name)
}

// Tag returns a tag; ok is false where there is none of that name.
func (c *Client) Tag(ctx context.Context, name string) (b Branch, ok bool, err error) {
	return c.named(ctx, "repository/tags", name)
}

// named finds by the list, which a job's token may read, where it may not read
// the one.
func (c *Client) named(ctx context.Context, path, name string) (b Branch, ok bool, err error) {
	err = pages(ctx, c, path, url.Values{"search": {"^" + name + "$"}}, func(got Branch) bool {
		if got.Name == name {
			b, ok = got, true
		}
		return !ok
	})
	return b, ok, err
}

// Deployments visits the deployments to an environment with a status, newest
// first, until visit returns false.
func (c *Client) Deployments(ctx context.Context, environment, status string, visit func(Deployment) bool) error {
	q := url.Values{"environment": {environment}, "order_by": {"id"}, "sort": {"desc"}}
	if status != "" {
		q.Set("status", status)
	}
	return pages(ctx, c, "deployments", q, visit)
}

// Deployment returns one, with who approved it.
func (c *Client) Deployment(ctx context.Context, id int64) (d Deployment, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("deployments/%d", id)}, &d)
	return d, err
}

// Merged returns the merge requests that hold a commit.
func (c *Client) Merged(ctx context.Context, commit string) (out []MergeRequest, err error) {
	err = pages(ctx, c, "repository/commits/"+url.PathEscape(commit)+"/merge_requests", nil, gather(&out))
	return out, err
}

// LabelEvents returns who set and removed labels, oldest first.
func (c *Client) LabelEvents(ctx context.Context, iid int64) (out []LabelEvent, err error) {
	err = pages(ctx, c, fmt.Sprintf("merge_requests/%d/resource_label_events", iid), nil, gather(&out))
	return out, err
}

// Approvals returns who approved a merge request.
func (c *Client) Approvals(ctx context.Context, iid int64) ([]User, error) {
	var got struct {
		ApprovedBy []struct {
			User User `json:"user"`
		} `json:"approved_by"`
	}
	if _, err := c.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("merge_requests/%d/approvals", iid)}, &got); err != nil {
		return nil, err
	}
	out := make([]User, 0, len(got.ApprovedBy))
	for _, a := range got.ApprovedBy {
		out = append(out, a.User)
	}
	return out, nil
}

// AccessLevel returns what somebody may do in the project, by its groups too,
// as GitLab's number.
func (c *Client) AccessLevel(ctx context.Context, user int64) (int, error) {
	var got struct {
		AccessLevel int    `json:"access_level"`
		State       string `json:"state"`
	}
	_, err := c.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("members/all/%d", user)}, &got)
	if got.State != "" && got.State != "active" {
		return 0, nil // blocked or awaiting: no longer anybody
	}
	return got.AccessLevel, err
}

// Notes visits the notes of a merge request, oldest first.
func (c *Client) Notes(ctx context.Context, iid int64, visit func(Note) bool) error {
	q := url.Values{"sort": {"asc"}, "order_by": {"created_at"}}
	return pages(ctx, c, fmt.Sprintf("merge_requests/%d/notes", iid), q, visit)
}

// AddNote writes a note on a merge request.
func (c *Client) AddNote(ctx context.Context, iid int64, body string) (n Note, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: fmt.Sprintf("merge_requests/%d/notes", iid), body: map[string]string{"body": body}}, &n)
	return n, err
}

// SetNote writes a note anew.
func (c *Client) SetNote(ctx context.Context, iid, note int64, body string) (n Note, err error) {
	_, err = c.do(ctx, call{method: http.MethodPut, path: fmt.Sprintf("merge_requests/%d/notes/%d", iid, note), body: map[string]string{"body": body}}, &n)
	return n, err
}

// MergeRequest returns one by the number people name it with.
func (c *Client) MergeRequest(ctx context.Context, iid int64) (m MergeRequest, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("merge_requests/%d", iid)}, &m)
	return m, err
}

// OpenIssue returns the open issue with exactly this title and label; ok is
// false where there is none.
func (c *Client) OpenIssue(ctx context.Context, label, title string) (i Issue, ok bool, err error) {
	q := url.Values{"state": {"opened"}, "labels": {label}, "search": {title}, "in": {"title"}}
	err = pages(ctx, c, "issues", q, func(got Issue) bool {
		if got.Title == title {
			i, ok = got, true
		}
		return !ok
	})
	return i, ok, err
}

// AddIssue opens an issue.
func (c *Client) AddIssue(ctx context.Context, label, title, text string) (i Issue, err error) {
	body := map[string]string{"title": title, "description": text, "labels": label}
	_, err = c.do(ctx, call{method: http.MethodPost, path: "issues", body: body}, &i)
	return i, err
}

// AddIssueNote writes a comment on an issue.
func (c *Client) AddIssueNote(ctx context.Context, iid int64, text string) (n Note, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: fmt.Sprintf("issues/%d/notes", iid), body: map[string]string{"body": text}}, &n)
	return n, err
}

func gather[T any](out *[]T) func(T) bool {
	return func(v T) bool {
		*out = append(*out, v)
		return true
	}
}
