// Package forge holds what the gate asks of the platform that runs a pipeline
// (GitLab): who somebody is, what was deployed before, what a merge request
// says, who approved. Everything here is the platform's word, never the job's.
package forge

import (
	"context"
	"slices"
	"time"
)

// Role is what somebody may do in a project, weakest first.
type Role string

// The roles, in GitLab's words. The empty role is nobody's.
const (
	Guest      Role = "guest"
	Planner    Role = "planner"
	Reporter   Role = "reporter"
	Developer  Role = "developer"
	Maintainer Role = "maintainer"
	Owner      Role = "owner"
)

// Roles returns the roles, weakest first.
func Roles() []Role { return []Role{Guest, Planner, Reporter, Developer, Maintainer, Owner} }

// AtLeast says whether r is least or stronger. An unknown role is never.
func (r Role) AtLeast(least Role) bool {
	have, want := slices.Index(Roles(), r), slices.Index(Roles(), least)
	return have >= 0 && want >= 0 && have >= want
}

// Proof says how it is known who somebody is.
type Proof string

// The proofs. The zero value is none: a name that a variable gave.
const (
	Unproven   Proof = ""
	ByToken    Proof = "id_token" // the claims of a signed token
	ByApproval Proof = "approval" // an approval on a protected environment
)

// Actor is somebody, with what is known about the job they act in. With proof
// Unproven only Login is set, and it is for display.
type Actor struct {
	Login  string   `json:"login"`
	Proof  Proof    `json:"proof,omitempty"`
	Role   Role     `json:"role,omitempty"`   // in the project; "": not known
	Groups []string `json:"groups,omitempty"` // of which they are a direct member
	// Issuer and Project (its path) are where the job runs.
	Issuer    string `json:"issuer,omitempty"`
	Project   string `json:"project,omitempty"`
	ProjectID string `json:"project_id,omitempty"`
	Ref       string `json:"ref,omitempty"`
	Commit    string `json:"commit,omitempty"`
	Pipeline  string `json:"pipeline,omitempty"`
	Job       string `json:"job,omitempty"`
	// Environment is the job's; empty where it deploys to none.
	Environment          string `json:"environment,omitempty"`
	Tier                 string `json:"tier,omitempty"`
	RefProtected         bool   `json:"ref_protected,omitempty"`
	EnvironmentProtected bool   `json:"environment_protected,omitempty"`
	// Token is a digest by which a second use of the token is noticed.
	Token string `json:"token,omitempty"`
}

// Proven says whether it is known who the actor is.
func (a *Actor) Proven() bool { return a != nil && a.Proof != Unproven }

// Deployment is a deployment that a job finished with success.
type Deployment struct {
	ID          int64     `json:"id"`
	Version     string    `json:"version"` // the commit
	Environment string    `json:"environment"`
	Ref         string    `json:"ref,omitempty"`
	Pipeline    string    `json:"pipeline,omitempty"`
	At          time.Time `json:"at"`
	// RefProtected says whether Ref is protected now.
	RefProtected bool `json:"ref_protected,omitempty"`
}

// Change is a merge request that brought a commit to where it is.
type Change struct {
	ID     int64   `json:"id"` // as people name it: the IID
	URL    string  `json:"url,omitempty"`
	Author string  `json:"author,omitempty"`
	Labels []Label `json:"labels,omitempty"`
	// Approvals are those who approved it.
	Approvals []Person `json:"approvals,omitempty"`
}

// Label is a label and who set it last; By without a login is not known.
type Label struct {
	Name string `json:"name"`
	By   Person `json:"by"`
}

// Person is somebody with a role in the project.
type Person struct {
	Login string `json:"login"`
	Role  Role   `json:"role,omitempty"`
}

// Approval is leave that somebody gave to a deployment to a protected
// environment.
type Approval struct {
	Person
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
}

// Note is a text that is kept on a merge request, once.
type Note struct {
	Commit string // finds the merge request; may be empty where Change is set
	Change int64  // the merge request's IID; 0: found by Commit
	// Marker is what the note is found by again: a word of letters, digits, - and /.
	Marker string
	// Part is which part of the note this is, such a word too; "": all of it. The
	// parts that others wrote about the same commit stay.
	Part string
	Body string // Markdown
}

// Where is a project of a forge.
type Where struct {
	URL     string // "https://gitlab.example.com"
	Project string // path or number
}

// Forge is one project of a platform. Implementations pass the suite in
// forgetest. Errors are of package fault: Denied for what does not hold or may
// not be read, Unavailable for what could not be reached. A method that
// returns no error has read all there is.
type Forge interface {
	// Actor reads a job's identity token and checks that it is genuine, for the
	// audience, in force at now and of this project.
	Actor(ctx context.Context, token, audience string, now time.Time) (Actor, error)
	// Deployments returns the successful deployments of a commit to an
	// environment, newest first: those that a job made, and not those of the
	// pipeline with the given number, which may be the one that asks.
	Deployments(ctx context.Context, environment, commit, pipeline string) ([]Deployment, error)
	// Changes returns the merged merge requests that brought a commit.
	Changes(ctx context.Context, commit string) ([]Change, error)
	// Approvals returns who approved the deployment of a job to its environment.
	Approvals(ctx context.Context, job Actor) ([]Approval, error)
	// Note writes a note, or writes the one with its marker anew, and returns its
	// address; NotFound where there is no merge request.
	Note(ctx context.Context, n Note) (string, error)
}

// Documents reads files from a ref that only those may change whom the forge
// lets.
type Documents interface {
	// At returns the files under paths (folders or files, relative to the
	// project) at the newest commit of a protected branch. A branch that is not
	// protected is Denied.
	At(ctx context.Context, branch string, paths []string) (Snapshot, error)
}

// Snapshot is files at a commit. Names are relative to the project, with
// slashes.
type Snapshot struct {
	Branch string
	Commit string
	Files  map[string][]byte
}
