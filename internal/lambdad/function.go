package lambdad

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// latest is the name of what lies unpublished.
const latest = "$LATEST"

// configuration is a function or a version of it, as the service shows it.
type configuration struct {
	FunctionName     string            `json:"FunctionName"`
	FunctionArn      string            `json:"FunctionArn"`
	Runtime          string            `json:"Runtime,omitempty"`
	Role             string            `json:"Role"`
	Handler          string            `json:"Handler,omitempty"`
	CodeSize         int               `json:"CodeSize"`
	Description      string            `json:"Description"`
	Timeout          int               `json:"Timeout"`
	MemorySize       int               `json:"MemorySize"`
	LastModified     string            `json:"LastModified"`
	CodeSha256       string            `json:"CodeSha256"`
	Version          string            `json:"Version"`
	VpcConfig        *vpc              `json:"VpcConfig,omitempty"`
	DeadLetterConfig *deadLetter       `json:"DeadLetterConfig,omitempty"`
	Environment      *environment      `json:"Environment,omitempty"`
	TracingConfig    map[string]string `json:"TracingConfig"`
	RevisionID       string            `json:"RevisionId"`
	State            string            `json:"State,omitempty"`
	StateReason      string            `json:"StateReason,omitempty"`
	StateReasonCode  string            `json:"StateReasonCode,omitempty"`
	Update           string            `json:"LastUpdateStatus,omitempty"`
	UpdateReason     string            `json:"LastUpdateStatusReason,omitempty"`
	UpdateReasonCode string            `json:"LastUpdateStatusReasonCode,omitempty"`
	PackageType      string            `json:"PackageType"`
	Architectures    []string          `json:"Architectures"`
	EphemeralStorage map[string]int    `json:"EphemeralStorage"`
	SnapStart        map[string]string `json:"SnapStart"`
	LoggingConfig    map[string]string `json:"LoggingConfig,omitempty"`
}

type vpc struct {
	SubnetIDs        []string `json:"SubnetIds"`
	SecurityGroupIDs []string `json:"SecurityGroupIds"`
	VpcID            string   `json:"VpcId"`
}

type deadLetter struct {
	TargetArn string `json:"TargetArn"`
}

func (d *deadLetter) target() string {
	if d == nil {
		return ""
	}
	return d.TargetArn
}

type environment struct {
	Variables map[string]string `json:"Variables"`
}

// revised is a function or a version with what is still under way.
type revised struct {
	configuration
	image string // where its code came from, for images
	// left and until are how many reads, and until when, it is not settled.
	left  int
	until time.Time
	fails string // the reason with which what is under way will fail; "": it will not
}

// function is one with its versions, oldest first, and its aliases.
type function struct {
	latest      *revised
	versions    []*revised
	next        int
	aliases     map[string]*alias
	provisioned map[string]int // by alias or version
}

// fresh begins something that takes a while: a new State, or an update of an
// active one.
func (s *Server) fresh(r *revised, state bool) {
	r.left, r.until = max(0, s.cfg.Reads), s.cfg.Now().Add(s.cfg.Settle)
	r.Update, r.UpdateReason, r.UpdateReasonCode = "InProgress", "The function is being created.", "Creating"
	if state {
		r.State, r.StateReason, r.StateReasonCode = "Pending", "The function is being created.", "Creating"
		r.Update, r.UpdateReason, r.UpdateReasonCode = "", "", ""
	}
	s.settled(r) // a service that takes no time is ready at once
}

// settled says whether nothing is under way any more, and ends what is over.
func (s *Server) settled(r *revised) bool {
	if r.State != "Pending" && r.Update != "InProgress" {
		return true
	}
	if r.left > 0 || s.cfg.Now().Before(r.until) {
		return false
	}
	wasNew := r.State == "Pending"
	r.State, r.StateReason, r.StateReasonCode = "Active", "", ""
	r.Update, r.UpdateReason, r.UpdateReasonCode = "Successful", "", ""
	if r.fails != "" {
		r.Update, r.UpdateReason, r.UpdateReasonCode = "Failed", r.fails, "InvalidConfiguration"
		if wasNew {
			r.State, r.StateReason, r.StateReasonCode = "Failed", r.fails, "InvalidConfiguration"
		}
	}
	r.fails = ""
	// The revision changes once more when an update has settled; who locks with the
	// answer of the update is refused. (aws-sdk issue 377.)
	if r.Version == latest {
		r.RevisionID = s.revision()
	}
	return true
}

// shown counts a read and returns what it sees.
func (s *Server) shown(r *revised) configuration {
	s.settled(r)
	seen := r.configuration
	if r.left > 0 {
		r.left--
	}
	return seen
}

func (s *Server) arn(name, qualifier string) string {
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", s.cfg.Region, s.cfg.Account, name)
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// stamp is an instant as the service writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// find returns a function.
func (s *Server) find(c *call) (*function, *failure) {
	f, is := s.functions[c.name]
	if !is {
		return nil, missing("Function not found: %s", s.arn(c.name, c.qualifier))
	}
	return f, nil
}

// version returns a version of a function by name: "", $LATEST, a number or an
// alias.
func (f *function) version(name string) *revised {
	if a, is := f.aliases[name]; is {
		name = a.FunctionVersion
	}
	if name == "" || name == latest {
		return f.latest
	}
	i := slices.IndexFunc(f.versions, func(r *revised) bool { return r.Version == name })
	if i < 0 {
		return nil
	}
	return f.versions[i]
}

// pick returns what a call names: a function with a qualifier.
func (s *Server) pick(c *call) (*function, *revised, *failure) {
	f, fail := s.find(c)
	if fail != nil {
		return nil, nil, fail
	}
	r := f.version(c.qualifier)
	if r == nil {
		return nil, nil, missing("Function not found: %s", s.arn(c.name, c.qualifier))
	}
	return f, r, nil
}

func (s *Server) getConfiguration(c *call) reply {
	_, r, fail := s.pick(c)
	if fail != nil {
		return refuse(fail)
	}
	return ok(s.qualified(c, s.shown(r)))
}

// qualified shows the ARN that was asked for.
func (s *Server) qualified(c *call, conf configuration) configuration {
	if c.qualifier != "" {
		conf.FunctionArn = s.arn(c.name, c.qualifier)
	}
	return conf
}

func (s *Server) getFunction(c *call) reply {
	_, r, fail := s.pick(c)
	if fail != nil {
		return refuse(fail)
	}
	code := map[string]string{"RepositoryType": "S3", "Location": "https://local.invalid/" + r.CodeSha256}
	if r.PackageType == "Image" {
		code = map[string]string{"RepositoryType": "ECR", "ImageUri": r.image, "ResolvedImageUri": r.image}
	}
	return ok(map[string]any{"Configuration": s.qualified(c, s.shown(r)), "Code": code})
}

// idle refuses what cannot be done while an update is in progress.
func (s *Server) idle(r *revised) *failure {
	if s.settled(r) {
		return nil
	}
	if r.State == "Pending" {
		return conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	}
	return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", r.FunctionArn)
}

// changing finds a function that may be changed: idle, and at a revision.
func (s *Server) changing(c *call, revision *string) (*function, *failure) {
	f, fail := s.find(c)
	if fail != nil {
		return nil, fail
	}
	if fail := s.idle(f.latest); fail != nil {
		return nil, fail
	}
	if revision != nil && *revision != f.latest.RevisionID {
		return nil, stale("GetFunction/GetAlias")
	}
	return f, nil
}

func (s *Server) deleteFunction(c *call) reply {
	f, fail := s.find(c)
	if fail != nil {
		return refuse(fail)
	}
	if c.qualifier == "" {
		delete(s.functions, c.name)
		return reply{status: http.StatusNoContent}
	}
	if c.qualifier == latest {
		return refuse(invalid("$LATEST version cannot be deleted without deleting the function."))
	}
	for name, a := range f.aliases {
		if _, weighted := a.weights()[c.qualifier]; weighted || a.FunctionVersion == c.qualifier {
			return refuse(conflict("Version %s is currently being used by alias %s", c.qualifier, name))
		}
	}
	f.versions = slices.DeleteFunc(f.versions, func(r *revised) bool { return r.Version == c.qualifier })
	return reply{status: http.StatusNoContent}
}

// Fails makes what is under way on a function or a version end as failed, with a
// reason; if nothing is, then what begins next: an update, or a published version.
func (s *Server) Fails(name, version, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.functions[name]; f != nil {
		if r := f.version(version); r != nil {
			r.fails = reason
		}
	}
}
