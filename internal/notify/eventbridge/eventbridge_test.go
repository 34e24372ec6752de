package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	target "gitlab.com/nines-sre/nines/internal/notify/eventbridge"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
)

const bus = "arn:aws:events:eu-central-1:123456789012:event-bus/slo"

// fake is the service, as far as its documentation says what it answers.
type fake struct {
	fail error
	code string // of the entry, in an answer of 200
	got  []types.PutEventsRequestEntry
}

func (f *fake) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	switch {
	case f.fail != nil:
		return nil, f.fail
	case f.code == "none":
		return &eventbridge.PutEventsOutput{FailedEntryCount: 1}, nil
	case f.code != "":
		return &eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{{ErrorCode: &f.code, ErrorMessage: aws.String("no")}}}, nil
	}
	f.got = append(f.got, in.Entries...)
	return &eventbridge.PutEventsOutput{Entries: []types.PutEventsResultEntry{{EventId: aws.String("1")}}}, nil
}

func open(t *testing.T, f *fake) *target.Target {
	to, err := target.New(bus, func(context.Context) (target.API, error) { return f, nil })
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func text(t *testing.T, detail string) string {
	var m notify.Message
	if err := json.Unmarshal([]byte(detail), &m); err != nil {
		t.Error(err)
	}
	if m.Chart != nil {
		t.Error("a picture is in the event")
	}
	return m.Text()
}

func TestSuite(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.World {
		f := &fake{}
		return notifytest.World{
			Target: open(t, f),
			Got: func() (out []string) {
				for _, e := range f.got {
					out = append(out, text(t, *e.Detail))
				}
				return out
			},
			Fail: func(kind fault.Kind) {
				f.fail = map[fault.Kind]error{
					fault.Unavailable: &smithy.GenericAPIError{Code: "InternalException", Fault: smithy.FaultServer},
					fault.Throttled:   &smithy.GenericAPIError{Code: "ThrottlingException", Fault: smithy.FaultClient},
					fault.Denied:      &smithy.GenericAPIError{Code: "AccessDeniedException", Fault: smithy.FaultClient},
				}[kind]
			},
		}
	})
}

// TestRefusedInside checks that what is refused in an answer of 200 is no
// success.
func TestRefusedInside(t *testing.T) {
	for code, want := range map[string]fault.Kind{
		"InternalFailure": fault.Unavailable, "ThrottlingException": fault.Throttled, "NotAuthorizedForDetailTypeException": fault.Denied, "none": fault.Unavailable,
	} {
		if err := open(t, &fake{code: code}).Send(t.Context(), notifytest.Message()); fault.KindOf(err) != want {
			t.Errorf("%s: %v", code, err)
		}
	}
	if _, err := target.New("bus", nil); fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
	down, err := target.New(bus, func(context.Context) (target.API, error) { return nil, errors.New("no region") })
	if err != nil {
		t.Fatal(err)
	}
	if err := down.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
}
