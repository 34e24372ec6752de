package gate

import (
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/forge"
)

// WhenUnknown says what becomes of a rollback that nothing can vouch for,
// because no record could be read.
type WhenUnknown string

// The answers; the zero value is UnknownPasses.
const (
	UnknownPasses WhenUnknown = "pass"   // an outage of ours holds no rollback
	UnknownIsNone WhenUnknown = "change" // it is held to the table like any other change
)

// ClassRule says what has to be seen before a class is believed. The zero rule
// believes what is given.
type ClassRule struct {
	Verify      bool        `json:"verify,omitempty"`
	WhenUnknown WhenUnknown `json:"when_unknown,omitempty"`
	Fix         Leave       `json:"fix,omitzero"`
	Security    Leave       `json:"security,omitzero"`
}

// Leave is a label on the merge request that makes a change what it says, and
// who may set it. An approval of the merge request by one of them will do, too,
// where somebody else set the label.
type Leave struct {
	Label string     `json:"label,omitempty"`
	Users []string   `json:"users,omitempty"`
	Role  forge.Role `json:"role,omitempty"` // at least; "" with no users: maintainer
}

// ClassEvidence is what was found out about a claimed class. What could not be
// read stands in Unread; records that were read to their end and did not show it
// stand in Read.
type ClassEvidence struct {
	// Recorded are entries of the ledger by which the version was in the
	// environment before.
	Recorded []string `json:"recorded,omitempty"`
	// Deployed are the forge's deployments of the version to the environment.
	Deployed []forge.Deployment `json:"deployed,omitempty"`
	Changes  []forge.Change     `json:"changes,omitempty"`
	// Doubts say why what is asked about is not what runs: nothing vouches for it.
	Doubts []string `json:"doubts,omitempty"`
	Unread []string `json:"unread,omitempty"`
	Read   []string `json:"read,omitempty"`
}

// ClassOf is the class a change is held to, and what is to be said about it:
// "" where there is nothing. It is the claimed one where the policy verifies
// nothing, and ClassChange where a claim is not borne out. A rollback for which
// no record at all could be read is the policy's to decide; unless it says otherwise
// it goes, because rolling back must not depend on our own health.
func (p *Policy) ClassOf(c *Change) (class Class, note string) {
	claimed := c.Class
	if claimed == "" {
		claimed = ClassChange
	}
	if !p.Classes.Verify || claimed == ClassChange {
		return claimed, ""
	}
	e := c.Evidence
	if e == nil {
		e = &ClassEvidence{}
	}
	refuse := func(why string) (Class, string) {
		return ClassChange, fmt.Sprintf("it is held to the table as any change: that it is a %s %s", noun(claimed), why)
	}
	if len(e.Doubts) > 0 {
		return refuse("is not believed: " + strings.Join(e.Doubts, "; "))
	}
	if claimed == ClassRollback {
		return p.rollbackOf(c, e, refuse)
	}
	leave := p.Classes.Fix
	if claimed == ClassSecurity {
		leave = p.Classes.Security
	}
	if leave.Label == "" {
		return refuse("cannot be shown: the policy names no label for it")
	}
	why := "is not shown: no merge request of it has the label " + leave.Label
	for i := range e.Changes {
		by, has := leave.granted(&e.Changes[i])
		switch {
		case by != "":
			return claimed, fmt.Sprintf("a %s by the label %s on !%d, %s", noun(claimed), leave.Label, e.Changes[i].ID, by)
		case has:
			why = fmt.Sprintf("is not believed: the label %s on !%d was set by nobody who may (%s)", leave.Label, e.Changes[i].ID, leave.who())
		}
	}
	if len(e.Unread) > 0 {
		why = "could not be verified: " + strings.Join(e.Unread, "; ")
	}
	return refuse(why)
}

func (p *Policy) rollbackOf(c *Change, e *ClassEvidence, refuse func(string) (Class, string)) (Class, string) {
	const unverified = "could not be verified: "
	rightly := slices.IndexFunc(e.Deployed, func(d forge.Deployment) bool { return d.RefProtected })
	switch {
	case c.Version == "":
		return refuse("cannot be shown: no version is named")
	case rightly >= 0:
		d := &e.Deployed[rightly]
		return ClassRollback, fmt.Sprintf("%s was in %s before, by deployment %d", short(c.Version), d.Environment, d.ID)
	case len(e.Recorded) > 0:
		return ClassRollback, fmt.Sprintf("%s was there before, by entry %s of the ledger", short(c.Version), e.Recorded[0])
	case len(e.Unread) > 0 && len(e.Read) == 0 && p.Classes.WhenUnknown != UnknownIsNone:
		return ClassRollback, "that it is one " + unverified + strings.Join(e.Unread, "; ")
	case len(e.Unread) > 0 && len(e.Read) == 0:
		return refuse(unverified + strings.Join(e.Unread, "; "))
	case len(e.Unread) > 0:
		return refuse(fmt.Sprintf("is not borne out: %s does not show that %s was there before, and %s",
			strings.Join(e.Read, " and "), short(c.Version), strings.Join(e.Unread, "; ")))
	case len(e.Deployed) > 0:
		return refuse(fmt.Sprintf("is not believed: deployment %d came from %s, which is not protected", e.Deployed[0].ID, e.Deployed[0].Ref))
	}
	return refuse(fmt.Sprintf("is not borne out: no record shows that %s was there before", short(c.Version)))
}

// Unproven says whether the change goes as a rollback that nothing vouches for.
func (p *Policy) Unproven(c *Change) bool {
	class, _ := p.ClassOf(c)
	e := c.Evidence
	return class == ClassRollback && p.Classes.Verify && e != nil && len(e.Recorded) == 0 &&
		!slices.ContainsFunc(e.Deployed, func(d forge.Deployment) bool { return d.RefProtected })
}

// granted says by whom a change has the label rightly; has says whether it has
// it at all.
func (l *Leave) granted(c *forge.Change) (by string, has bool) {
	for _, label := range c.Labels {
		if label.Name != l.Label {
			continue
		}
		if l.may(label.By) {
			return "set by " + label.By.Login, true
		}
		for _, a := range c.Approvals {
			if a.Login != c.Author && l.may(a) {
				return "approved by " + a.Login, true
			}
		}
		return "", true
	}
	return "", false
}

func (l *Leave) may(who forge.Person) bool {
	return who.Login != "" && (slices.Contains(l.Users, who.Login) || (l.Role != "" || len(l.Users) == 0) && who.Role.AtLeast(l.least()))
}

// least is the weakest role that may.
func (l *Leave) least() forge.Role {
	if l.Role == "" {
		return forge.Maintainer
	}
	return l.Role
}

func (l *Leave) who() string {
	parts := slices.Clone(l.Users)
	if l.Role != "" || len(l.Users) == 0 {
		parts = append(parts, "a "+string(l.least()))
	}
	return strings.Join(parts, " or ")
}

// LeaveFor is what a class needs under the policy, for people: "" for nothing.
func (p *Policy) LeaveFor(c Class) string {
	if !p.Classes.Verify {
		return ""
	}
	l := p.Classes.Fix
	if c == ClassSecurity {
		l = p.Classes.Security
	}
	if l.Label == "" {
		return "which this policy never believes"
	}
	return fmt.Sprintf("once its merge request has the label %s from %s", l.Label, l.who())
}

func noun(c Class) string {
	if c == ClassSecurity {
		return "security update"
	}
	return string(c)
}

// short prints a commit as people do; other versions as they are.
func short(version string) string {
	if len(version) == 40 && strings.Trim(version, "0123456789abcdef") == "" {
		return version[:8]
	}
	return version
}
