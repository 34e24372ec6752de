package wire

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ebsdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	snssdk "github.com/aws/aws-sdk-go-v2/service/sns"
	ssmsdk "github.com/aws/aws-sdk-go-v2/service/ssm"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/gitlabapi"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/alertmanager"
	"gitlab.com/nines-sre/nines/internal/notify/email"
	"gitlab.com/nines-sre/nines/internal/notify/eventbridge"
	issue "gitlab.com/nines-sre/nines/internal/notify/gitlab"
	"gitlab.com/nines-sre/nines/internal/notify/gitlabalert"
	"gitlab.com/nines-sre/nines/internal/notify/pagerduty"
	"gitlab.com/nines-sre/nines/internal/notify/slack"
	"gitlab.com/nines-sre/nines/internal/notify/sns"
	"gitlab.com/nines-sre/nines/internal/notify/webhook"
	"gitlab.com/nines-sre/nines/internal/webpost"
)

// OpenTarget opens somebody to tell, one line a kind.
func OpenTarget(a notify.Address, where forge.Where, access host.ForgeAccess) (notify.Target, error) {
	return WatchTarget(a, where, access, nil)
}

// WatchTarget is OpenTarget for somebody who looks at what is sent.
func WatchTarget(a notify.Address, where forge.Where, access host.ForgeAccess, watch notify.Watch) (notify.Target, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: webpost.Watched(http.DefaultTransport, watch)}
	switch a.Kind {
	case notify.Webhook:
		return webhook.New(a.Value, client, webhook.Options{Template: a.Template, Type: a.ContentType, Header: headerOf(a.Header)})
	case notify.Slack:
		return slack.New(a.Value, client)
	case notify.PagerDuty:
		return pagerduty.New(a.Value, a.Key, client)
	case notify.GitLabAlert:
		return gitlabalert.New(a.Value, a.Key, client, a.Critical)
	case notify.Alertmanager:
		return alertmanager.New(a.Value, a.Key, client)
	case notify.Email:
		return email.New(a.Value, a.Key, email.Options{Watch: watch})
	case notify.SNS:
		return sns.New(a.Value, func(ctx context.Context) (sns.API, error) {
			cfg, err := awsConfig(ctx, a.Value, watch)
			return snssdk.NewFromConfig(cfg), err
		})
	case notify.EventBridge:
		return eventbridge.New(a.Value, func(ctx context.Context) (eventbridge.API, error) {
			cfg, err := awsConfig(ctx, a.Value, watch)
			return ebsdk.NewFromConfig(cfg), err
		})
	case notify.GitLabIssue:
		api, err := gitlabapi.New(gitlabapi.Options{URL: where.URL, Project: where.Project, Token: access.Token, JobToken: access.JobToken, HTTP: client})
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "tell by an issue", err, "")
		}
		return issue.New(api)
	}
	return nil, fault.New(fault.Invalid, "tell "+a.String(), "there is no such kind of target", "")
}

// readParameter reads a parameter of SSM, decrypted.
func readParameter(ctx context.Context, path string) (string, error) {
	name, query, _ := strings.Cut(path, "?")
	cfg, err := awskit.Config(ctx, strings.TrimPrefix(query, "region="))
	if err != nil {
		return "", fault.Wrap(fault.Denied, "ssm:"+path, err, "")
	}
	out, err := ssmsdk.NewFromConfig(cfg).GetParameter(ctx, &ssmsdk.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", awskit.Explain("ssm:"+path, "ssm:GetParameter (and kms:Decrypt) on it", err)
	}
	return aws.ToString(out.Parameter.Value), nil
}

// headerOf is a header "Name: value".
func headerOf(s string) http.Header {
	name, value, ok := strings.Cut(s, ":")
	if !ok {
		return nil
	}
	return http.Header{http.CanonicalHeaderKey(strings.TrimSpace(name)): {strings.TrimSpace(value)}}
}

// awsConfig is the SDK's configuration in the region of an ARN, with somebody
// who looks on.
func awsConfig(ctx context.Context, arn string, watch notify.Watch) (aws.Config, error) {
	region := ""
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		region = parts[3]
	}
	cfg, err := awskit.Config(ctx, region)
	if err == nil && watch != nil {
		cfg.HTTPClient = &http.Client{Transport: webpost.Watched(doer{cfg.HTTPClient}, watch)}
	}
	return cfg, err
}

// doer makes a transport of a client of the SDK.
type doer struct{ aws.HTTPClient }

// RoundTrip implements http.RoundTripper.
func (d doer) RoundTrip(r *http.Request) (*http.Response, error) { return d.Do(r) }
