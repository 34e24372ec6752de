package wire

import (
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/forge/gitlab"
)

// OpenForge opens a project of a GitLab, the only forge there is.
func OpenForge(where forge.Where, access host.ForgeAccess) (forge.Forge, forge.Documents, error) {
	f, err := gitlab.New(where, gitlab.Options{Token: access.Token, JobToken: access.JobToken})
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, "GitLab at "+where.URL, err, "")
	}
	return f, f, nil
}
