package host

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
)

// Incidents is the project's page of incidents.
type Incidents struct{ api *gitlabapi.Client }

// incidentLabel is on every incident that this program opens.
const incidentLabel = "nines"

// Incidents returns where incidents are opened: the project of the flags, the policy
// or the job; nil where none is known, or no token may write there. Why not is said
// on standard error where there is a token.
func (h *Host) Incidents(o *ForgeFlags, p *gate.Policy) (*Incidents, error) {
	w, err := o.where(h, &p.Identity)
	if err != nil || w.URL == "" || w.Project == "" || h.Getenv("NINES_GITLAB_TOKEN") == "" {
		return nil, err
	}
	access := h.forgeAccess(o, &p.Identity)
	if access.Token == "" {
		h.Note("no incident will be opened: NINES_GITLAB_TOKEN goes only to a GitLab that --gitlab or the policy names")
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	api, err := gitlabapi.New(gitlabapi.Options{URL: w.URL, Project: w.Project, Token: access.Token})
	if err != nil {
		return nil, err
	}
	return &Incidents{api}, nil
}

// Report opens the incident with this title, or adds the text to the one that is
// open, and returns its address.
func (i *Incidents) Report(ctx context.Context, title, text string) (string, error) {
	got, err := i.api.ReportIncident(ctx, incidentLabel, title, text)
	return got.WebURL, fault.Wrap(fault.Unavailable, "open an incident", err, "")
}
