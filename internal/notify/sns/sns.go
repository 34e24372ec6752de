// Package sns tells a topic of Amazon SNS. It is an adapter of notify.
package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// API is the one call that is made.
type API interface {
	Publish(ctx context.Context, in *sns.PublishInput, opts ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Target publishes to a topic.
type Target struct {
	topic   string
	connect func(context.Context) (API, error)
}

// New returns the target for a topic's name (ARN); connect opens the client
// when the first message is sent, nil: by the SDK's own settings, in the
// topic's region.
func New(topic string, connect func(context.Context) (API, error)) (*Target, error) {
	parts := strings.Split(topic, ":")
	const length = 6
	if len(parts) != length || parts[2] != "sns" {
		return nil, fault.New(fault.Invalid, "topic "+topic, "it is not the name of a topic", "write arn:aws:sns:REGION:ACCOUNT:NAME")
	}
	if connect == nil {
		connect = func(ctx context.Context) (API, error) {
			cfg, err := awskit.Config(ctx, parts[3])
			return sns.NewFromConfig(cfg), err
		}
	}
	return &Target{topic, connect}, nil
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	op := "tell " + t.topic
	api, err := t.connect(ctx)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
	in := &sns.PublishInput{
		TopicArn: aws.String(t.topic), Message: aws.String(m.Text()),
		MessageAttributes: map[string]types.MessageAttributeValue{},
	}
	if s := subject(m.Title); s != "" {
		in.Subject = aws.String(s)
	}
	for name, value := range attributes(&m) {
		if value != "" { // an empty value is refused
			in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
	}
	if strings.HasSuffix(t.topic, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(fifo(m.Service)), aws.String(fifo(m.Key))
	}
	if _, err := api.Publish(ctx, in); err != nil {
		return explain(op, err)
	}
	return nil
}

// attributes are what subscriptions filter by.
func attributes(m *notify.Message) map[string]string {
	out := map[string]string{"event": string(m.Event), "service": m.Service, "verdict": m.Verdict, "environment": m.Environment}
	if a := m.Alert; a != nil {
		out["severity"], out["status"], out["slo"], out["incident"] = a.Severity, string(a.Status), a.SLO, a.Incident
	}
	return out
}

// fifo makes what a topic with an order takes for a group or a duplicate: up to
// 128 letters, digits and signs; what is none is told apart by its digest. (SNS
// API reference, Publish.)
func fifo(s string) string {
	const most = 128
	if s == "" {
		return "nines"
	}
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	if plain && len(s) <= most {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// subject keeps to what a subject may be: up to 100 printable ASCII letters.
func subject(s string) string {
	const most = 100
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	return s[:min(most, len(s))]
}

func explain(op string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Canceled, op, err, "")
	}
	kind, hint := fault.Unavailable, ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch code := api.ErrorCode(); {
		case strings.Contains(code, "Throttl"):
			kind = fault.Throttled
		case api.ErrorFault() == smithy.FaultServer || strings.HasPrefix(code, "Internal"):
		default:
			kind, hint = fault.Denied, "the role needs sns:Publish on the topic"
		}
	}
	return fault.Wrap(kind, op, err, hint)
}
