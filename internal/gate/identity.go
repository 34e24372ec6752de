package gate

import (
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
)

// DefaultAudience is for whom a job's identity token has to be, unless the
// policy says otherwise.
const DefaultAudience = "nines"

// Identity says whose word counts for who somebody is. The zero Identity is
// nobody's: names are taken as given, and are for display.
type Identity struct {
	GitLab   string   `json:"gitlab,omitempty"`   // https address, as tokens spell their issuer
	Projects []string `json:"projects,omitempty"` // paths or numbers whose jobs count
	Audience string   `json:"audience,omitempty"` // "": DefaultAudience
}

// On says whether names have to be proven.
func (i *Identity) On() bool { return i.GitLab != "" }

// Covers says whether an actor's project is one of those that count.
func (i *Identity) Covers(a *forge.Actor) bool {
	return slices.Contains(i.Projects, a.Project) || a.ProjectID != "" && slices.Contains(i.Projects, a.ProjectID)
}

// Allowed says who may override. Users, Role and Groups each let somebody in;
// where none is given, everybody whose name is proven may. The other fields all
// have to hold.
type Allowed struct {
	Users  []string   `json:"users,omitempty"`
	Role   forge.Role `json:"role,omitempty"` // at least
	Groups []string   `json:"groups,omitempty"`
	// Approval lets an approval on the protected environment count as one of the
	// above asking: by somebody else than who runs the job.
	Approval             bool     `json:"approval,omitempty"`
	ProtectedRef         bool     `json:"protected_ref,omitempty"`
	ProtectedEnvironment bool     `json:"protected_environment,omitempty"`
	Tiers                []string `json:"tiers,omitempty"`
}

// asks says whether there is anything in it that wants a proven name.
func (w *Allowed) asks() bool {
	named := len(w.Users) > 0 || w.Role != "" || len(w.Groups) > 0
	return named || w.Approval || w.ProtectedRef || w.ProtectedEnvironment || len(w.Tiers) > 0
}

// names says whether somebody is one of those named.
func (w *Allowed) names(login string, role forge.Role, groups []string) bool {
	if len(w.Users) == 0 && w.Role == "" && len(w.Groups) == 0 {
		return true
	}
	return slices.Contains(w.Users, login) || w.Role != "" && role.AtLeast(w.Role) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(w.Groups, g) })
}

// who names those who may, for people.
func (w *Allowed) who() string {
	var parts []string
	parts = append(parts, w.Users...)
	if w.Role != "" {
		parts = append(parts, "a "+string(w.Role))
	}
	for _, g := range w.Groups {
		parts = append(parts, "a member of "+g)
	}
	if len(parts) == 0 {
		return "anybody whose name is proven"
	}
	return strings.Join(parts, " or ")
}

// MayOverride says whether the policy lets somebody override; the error is of
// kind Denied and says why not.
func (p *Policy) MayOverride(a *forge.Actor) error {
	refuse := func(text, hint string) error { return fault.New(fault.Denied, "override", text, hint) }
	switch {
	case p.Identity.On():
		if err := p.believes(a, refuse); err != nil {
			return err
		}
	case a == nil || a.Login == "":
		return refuse("it is not known who asks", "name yourself with NINES_ACTOR")
	}
	if len(p.Override.Actors) > 0 && !slices.Contains(p.Override.Actors, a.Login) {
		return refuse(a.Login+" may not override", "ask "+strings.Join(p.Override.Actors, ", "))
	}
	if !p.Identity.On() {
		return nil
	}
	w := &p.Override.Allowed
	switch {
	case !w.names(a.Login, a.Role, a.Groups):
		return refuse(a.Login+" may not override", "ask "+w.who())
	case w.ProtectedRef && !a.RefProtected:
		return refuse(fmt.Sprintf("the job runs on %s, which is not protected", a.Ref), "override from a protected branch or tag")
	case w.ProtectedEnvironment && !a.EnvironmentProtected:
		return refuse("the job deploys to no protected environment", "override in the job that deploys, to a protected environment")
	case len(w.Tiers) > 0 && !slices.Contains(w.Tiers, a.Tier):
		return refuse(fmt.Sprintf("the job's tier is %q, not %s", a.Tier, strings.Join(w.Tiers, " or ")), "")
	}
	return nil
}

// believes says whether it is proven, by those whose word counts, who somebody
// is.
func (p *Policy) believes(a *forge.Actor, refuse func(text, hint string) error) error {
	switch {
	case !a.Proven():
		return refuse("it is not proven who asks: a name that a variable gives counts for nothing under this policy",
			"let the job have an identity token of "+p.Identity.GitLab)
	case a.Issuer != p.Identity.GitLab:
		return refuse(fmt.Sprintf("%s is somebody at %s, and the policy believes %s", a.Login, a.Issuer, p.Identity.GitLab), "")
	case !p.Identity.Covers(a):
		return refuse(fmt.Sprintf("%s asks from the project %s, which is none of the policy's", a.Login, a.Project), "")
	}
	return nil
}

// Vouches says whether an actor's job may be believed what it records: it is
// proven to be of the policy's projects, and of a branch, a tag or an
// environment that not everybody may use.
func (p *Policy) Vouches(a *forge.Actor) bool {
	none := func(text, _ string) error { return fault.New(fault.Denied, "", text, "") }
	return p.believes(a, none) == nil && (a.RefProtected || a.EnvironmentProtected)
}

// Overriders names those who may override, for people; "" for everybody.
func (p *Policy) Overriders() string {
	if len(p.Override.Actors) > 0 {
		return strings.Join(p.Override.Actors, ", ")
	}
	if !p.Identity.On() {
		return ""
	}
	return p.Override.Allowed.who()
}

// Approver finds among the approvals of a job's deployment one by somebody who
// may override, and returns them as the one who asks. Nobody approves their own
// job.
func (p *Policy) Approver(job *forge.Actor, approvals []forge.Approval) (forge.Actor, bool) {
	w := &p.Override.Allowed
	if !w.Approval || !job.Proven() || !p.Identity.Covers(job) {
		return forge.Actor{}, false
	}
	for _, a := range approvals {
		if a.Login == job.Login || a.Login == "" {
			continue
		}
		who := *job
		who.Login, who.Role, who.Groups, who.Proof = a.Login, a.Role, nil, forge.ByApproval
		if p.MayOverride(&who) == nil {
			return who, true
		}
	}
	return forge.Actor{}, false
}
