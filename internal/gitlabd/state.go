package gitlabd

import "time"

// State is what the server knows. A JSON file of it is what tools start it with.
type State struct {
	Project   string `json:"project"` // path: "shop/pay"
	ProjectID int64  `json:"project_id"`
	// Tokens are what access tokens may do: "api", "read_api" or "job".
	Tokens        map[string]string `json:"tokens"`
	Branches      []Ref             `json:"branches"`
	Tags          []Ref             `json:"tags"`
	Members       []Member          `json:"members"`
	Deployments   []Deployment      `json:"deployments"`
	MergeRequests []MergeRequest    `json:"merge_requests"`
	Issues        []Issue           `json:"issues"`
	FreezePeriods []FreezePeriod    `json:"freeze_periods,omitempty"`
	// Repository is the path of a bare git repository that is served as the
	// project's; empty: none.
	Repository string `json:"repository,omitempty"`
	// Status, where it is not 0, is what every call of the API is answered with;
	// NoKeys leaves the issuer's keys away.
	Status int  `json:"status,omitempty"`
	NoKeys bool `json:"no_keys,omitempty"`
}

// Ref is a branch or a tag.
type Ref struct {
	Name      string `json:"name"`
	Commit    string `json:"commit"`
	Protected bool   `json:"protected"`
}

// Member is somebody; Level is GitLab's number (30: developer, 40: maintainer).
// A Level of 0 is no member.
type Member struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Level int    `json:"level"`
}

// Deployment is a deployment. Job 0 is one that was only said to have happened.
type Deployment struct {
	ID          int64      `json:"id"`
	Commit      string     `json:"commit"`
	Ref         string     `json:"ref"`
	Tag         bool       `json:"tag"`
	Environment string     `json:"environment"`
	Status      string     `json:"status"`
	Job         int64      `json:"job"`
	Pipeline    int64      `json:"pipeline"`
	Approvals   []Approval `json:"approvals"`
	At          time.Time  `json:"at"`
	// Broken says that its job fails when it is run again, with this reason.
	Broken string `json:"broken,omitempty"`
	// retried says that its job was run again, and goes on.
	retried bool
}

// Approval is what a member said to a deployment.
type Approval struct {
	By      string    `json:"by"`
	Status  string    `json:"status"`
	Comment string    `json:"comment"`
	At      time.Time `json:"at"`
}

// MergeRequest is a merge request with what happened to it.
type MergeRequest struct {
	IID          int64        `json:"iid"`
	State        string       `json:"state"`
	Target       string       `json:"target"`
	Head         string       `json:"head"`
	MergeCommit  string       `json:"merge_commit"`
	SquashCommit string       `json:"squash_commit"`
	Commits      []string     `json:"commits"` // that it holds beside those
	Author       string       `json:"author"`
	Labels       []string     `json:"labels"`
	Events       []LabelEvent `json:"events"`
	ApprovedBy   []string     `json:"approved_by"`
	Notes        []Note       `json:"notes"`
}

// LabelEvent is the setting or removing of a label.
type LabelEvent struct {
	By     string    `json:"by"`
	Action string    `json:"action"`
	Label  string    `json:"label"`
	At     time.Time `json:"at"`
}

// Note is a comment.
type Note struct {
	ID     int64  `json:"id"`
	By     string `json:"by"`
	Body   string `json:"body"`
	System bool   `json:"system"`
}

// Issue is an issue with its comments.
type Issue struct {
	IID    int64    `json:"iid"`
	Title  string   `json:"title"`
	Text   string   `json:"text"`
	State  string   `json:"state"`
	Type   string   `json:"type,omitempty"` // incident; "" is an issue
	Labels []string `json:"labels"`
	Notes  []Note   `json:"notes"`
}

// FreezePeriod is a window in which nothing is deployed, by cron expressions.
type FreezePeriod struct {
	ID    int64  `json:"id"`
	Start string `json:"start"`
	End   string `json:"end"`
	Zone  string `json:"zone"`
}
