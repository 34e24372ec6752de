package sns_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	target "gitlab.com/nines-sre/nines/internal/notify/sns"
)

// topic is the service, as far as its documentation says what it refuses.
type topic struct {
	t    *testing.T
	got  []string
	fail error
	last *sns.PublishInput
}

func (s *topic) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	if in.Subject != nil && (len(*in.Subject) == 0 || len(*in.Subject) > 100 || strings.ContainsAny(*in.Subject, "\n\rü")) {
		s.t.Errorf("subject %q", *in.Subject)
	}
	for name, v := range in.MessageAttributes {
		if *v.StringValue == "" || *v.DataType != "String" {
			s.t.Errorf("attribute %s is empty", name)
		}
	}
	s.last = in
	s.got = append(s.got, *in.Message)
	return &sns.PublishOutput{}, nil
}

func TestSuite(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		s := &topic{t: t}
		to, err := target.New("arn:aws:sns:eu-central-1:123456789012:slo", func(context.Context) (target.API, error) { return s, nil })
		if err != nil {
			t.Fatal(err)
		}
		return notifytest.World{
			Target: to, Got: func() []string { return s.got },
			Fail: func(kind fault.Kind) {
				s.fail = map[fault.Kind]error{
					fault.Unavailable: &smithy.GenericAPIError{Code: "InternalError", Fault: smithy.FaultServer},
					fault.Throttled:   &smithy.GenericAPIError{Code: "Throttled", Fault: smithy.FaultClient},
					fault.Denied:      &smithy.GenericAPIError{Code: "AuthorizationError", Fault: smithy.FaultClient},
				}[kind]
			},
		}
	})
}

func TestTopics(t *testing.T) {
	s := &topic{t: t}
	connect := func(context.Context) (target.API, error) { return s, nil }
	to, err := target.New("arn:aws:sns:eu-central-1:123456789012:slo.fifo", connect)
	if err != nil {
		t.Fatal(err)
	}
	m := notifytest.Message()
	m.Title = strings.Repeat("ü", 120) + "\nx"
	if err := to.Send(t.Context(), m); err != nil { // the subject is checked above
		t.Error(err)
	}
	m = notifytest.Message()
	if err := to.Send(t.Context(), m); err != nil || *s.last.MessageDeduplicationId != m.Key || *s.last.MessageGroupId != "payment-api" {
		t.Errorf("%v %+v", err, s.last)
	}
	if _, err := target.New("topic", connect); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	down, err := target.New("arn:aws:sns:eu-central-1:123456789012:slo", func(context.Context) (target.API, error) { return nil, errors.New("no region") })
	if err != nil {
		t.Fatal(err)
	}
	if err := down.Send(t.Context(), m); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}
