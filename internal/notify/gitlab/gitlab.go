// Package gitlab tells by an issue: one open issue a service, with a comment
// for everything that happens while it is open. It is an adapter of notify.
package gitlab

import (
	"context"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
	"gitlab.com/nines-sre/nines/internal/notify"
	render "gitlab.com/nines-sre/nines/internal/render/gitlab"
)

const label = "nines"

// Target writes issues in the client's project.
type Target struct{ api *gitlabapi.Client }

// New returns the target. The client's token must be one that may write.
func New(api *gitlabapi.Client) (*Target, error) {
	if !api.Writes() {
		return nil, fault.New(fault.Denied, "tell by an issue", "a job's own token may write none", "give the job a project access token with the scope api, as NINES_GITLAB_TOKEN")
	}
	return &Target{api}, nil
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	const op = "tell by an issue"
	title := "The gate of " + m.Service
	if m.Environment != "" {
		title += " to " + m.Environment
	}
	open, ok, err := t.api.OpenIssue(ctx, label, title)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
	if !ok {
		_, err = t.api.AddIssue(ctx, label, title, text(m))
	} else {
		_, err = t.api.AddIssueNote(ctx, open.IID, text(m))
	}
	return fault.Wrap(fault.Unavailable, op, err, "")
}

func text(m notify.Message) string {
	var b strings.Builder
	b.WriteString("**" + render.Escape(m.Title) + "**\n\n")
	for _, line := range m.Lines {
		b.WriteString("- " + render.Escape(line) + "\n")
	}
	if m.URL != "" {
		b.WriteString("\n" + render.Escape(m.URL) + "\n")
	}
	return b.String()
}
