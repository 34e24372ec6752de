package notify_test

import (
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]notify.Address{
		"https://example.com/hook?x=1":                       {Kind: notify.Webhook, Value: "https://example.com/hook?x=1"},
		"slack://hooks.slack.com/services/T/B/x":             {Kind: notify.Slack, Value: "https://hooks.slack.com/services/T/B/x"},
		"slack:$SLACK_WEBHOOK":                               {Kind: notify.Slack, Variable: "SLACK_WEBHOOK"},
		"webhook:$HOOK":                                      {Kind: notify.Webhook, Variable: "HOOK"},
		"sns:arn:aws:sns:eu-central-1:123456789012:slo":      {Kind: notify.SNS, Value: "arn:aws:sns:eu-central-1:123456789012:slo"},
		"sns:arn:aws:sns:eu-central-1:123456789012:slo.fifo": {Kind: notify.SNS, Value: "arn:aws:sns:eu-central-1:123456789012:slo.fifo"},
		"gitlab-issue":                                       {Kind: notify.GitLabIssue},
	} {
		if got, err := notify.Parse(in); err != nil || got != want {
			t.Errorf("%s: %+v %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "example.com", "http://example.com/x", "slack:", "slack:$", "slack:$A B", "sns:$TOPIC", "sns:topic", "sns:arn:aws:sqs:eu-central-1:123456789012:q",
		"https:", "https://", "slack:hooks.slack.com/secret", "gitlab-issue:7", "mailto:a@example.com", "ftp://example.com/secret",
	} {
		_, err := notify.Parse(in)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", in, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error says what may be a secret: %v", in, err)
		}
	}
	a, err := notify.Parse("slack://hooks.slack.com/services/T/B/secret")
	if err != nil || a.String() != "slack at hooks.slack.com" {
		t.Errorf("%s %v", a, err)
	}
}
