// Package eventbridge tells an event bus of Amazon EventBridge, for rules of
// one's own. It is an adapter of notify.
package eventbridge

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
)

// Source is the source of every event.
const Source = "nines"

// maxEntry is how large an entry may be. (EventBridge, "PutEvents event entry
// size".)
const maxEntry = 256 << 10

// API is the one call that is made.
type API interface {
	PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, opts ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Target puts events on a bus.
type Target struct {
	bus     string
	connect func(context.Context) (API, error)
}

// New returns the target for a bus's name (ARN); connect opens the client when
// the first message is sent.
func New(bus string, connect func(context.Context) (API, error)) (*Target, error) {
	const length = 6
	if parts := strings.Split(bus, ":"); len(parts) != length || parts[2] != "events" {
		return nil, fault.New(fault.Invalid, "event bus "+bus, "it is not the name of a bus", "write arn:aws:events:REGION:ACCOUNT:event-bus/NAME")
	}
	return &Target{bus, connect}, nil
}

// Send implements notify.Target.
func (t *Target) Send(ctx context.Context, m notify.Message) error {
	op := "tell " + t.bus
	m.Chart = nil // rules read numbers; a picture would not fit
	detail, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(fault.Internal, op, err, "")
	}
	if len(detail) > maxEntry-1024 {
		return fault.New(fault.Full, op, "the message is larger than an event may be", "")
	}
	api, err := t.connect(ctx)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
	entry := types.PutEventsRequestEntry{
		EventBusName: aws.String(t.bus), Source: aws.String(Source), DetailType: aws.String(DetailType(&m)), Detail: aws.String(string(detail)),
	}
	if !m.At.IsZero() {
		entry.Time = aws.Time(m.At)
	}
	out, err := api.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry}})
	if err != nil {
		return awskit.Explain(op, "events:PutEvents on the bus", err) //nolint:wrapcheck // it wraps
	}
	// What is refused is said in an answer of 200.
	for _, e := range out.Entries {
		if e.ErrorCode != nil {
			return refused(op, *e.ErrorCode, aws.ToString(e.ErrorMessage))
		}
	}
	if out.FailedEntryCount > 0 {
		return fault.New(fault.Unavailable, op, "it took nothing and does not say why", "")
	}
	return nil
}

// refused classifies an entry's error. (EventBridge API reference,
// PutEventsResultEntry.)
func refused(op, code, text string) error {
	kind, hint := fault.Denied, "the role needs events:PutEvents on the bus"
	switch code {
	case "InternalFailure", "InternalException":
		kind, hint = fault.Unavailable, ""
	case "ThrottlingException":
		kind, hint = fault.Throttled, ""
	}
	return fault.New(kind, op, strings.TrimSuffix(code+": "+text, ": "), hint)
}

// DetailType is what rules tell events apart by.
func DetailType(m *notify.Message) string {
	switch {
	case m.Alert != nil && m.Alert.Status == notify.Resolved:
		return "SLO Alert Resolved"
	case m.Alert != nil && m.Alert.Status == notify.Firing:
		return "SLO Alert Firing"
	case m.Alert != nil:
		return "SLO Alert Data"
	case m.Event == notify.Halt:
		return "Deployment Held"
	case m.Event == notify.Override:
		return "Gate Overridden"
	case m.Event == notify.Unproven:
		return "Rollback Unproven"
	}
	return "Test"
}
