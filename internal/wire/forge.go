package wire

import (
	"net/http"
	"time"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/forge/gitlab"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
	"gitlab.com/nines-sre/nines/internal/notify"
	issue "gitlab.com/nines-sre/nines/internal/notify/gitlab"
	"gitlab.com/nines-sre/nines/internal/notify/sns"
	"gitlab.com/nines-sre/nines/internal/notify/webhook"
)

// OpenForge opens a project of a GitLab, the only forge there is.
func OpenForge(where forge.Where, access host.ForgeAccess) (forge.Forge, forge.Documents, error) {
	f, err := gitlab.New(where, gitlab.Options{Token: access.Token, JobToken: access.JobToken})
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, "GitLab at "+where.URL, err, "")
	}
	return f, f, nil
}

// OpenTarget opens somebody to tell, one line a kind.
func OpenTarget(a notify.Address, where forge.Where, access host.ForgeAccess) (notify.Target, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	switch a.Kind {
	case notify.Webhook:
		return webhook.New(a.Value, client)
	case notify.Slack:
		return webhook.NewSlack(a.Value, client)
	case notify.SNS:
		return sns.New(a.Value, nil)
	case notify.GitLabIssue:
		api, err := gitlabapi.New(gitlabapi.Options{URL: where.URL, Project: where.Project, Token: access.Token, JobToken: access.JobToken, HTTP: client})
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "tell by an issue", err, "")
		}
		return issue.New(api)
	}
	return nil, fault.New(fault.Invalid, "tell "+a.String(), "there is no such kind of target", "")
}
