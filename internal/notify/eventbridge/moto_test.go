package eventbridge_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	target "gitlab.com/nines-sre/nines/internal/notify/eventbridge"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// TestMoto puts events on a bus of a server that is not ours.
func TestMoto(t *testing.T) {
	endpoint := moto.Start(t)
	client := eventbridge.New(eventbridge.Options{
		Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	made, err := client.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("slo")})
	if err != nil {
		t.Fatal(err)
	}
	to, err := target.New(*made.EventBusArn, func(context.Context) (target.API, error) { return client, nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Send(t.Context(), notifytest.Message()); err != nil {
		t.Error(err)
	}
	// A pattern that matches is the service's own reading of the event.
	m := notifytest.Message()
	detail, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(map[string]any{
		"id": "1", "account": "123456789012", "source": target.Source, "time": "2026-01-02T03:04:05Z", "region": "eu-central-1", "resources": []string{},
		"detail-type": target.DetailType(&m), "detail": json.RawMessage(detail),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.TestEventPattern(t.Context(), &eventbridge.TestEventPatternInput{
		Event: aws.String(string(event)), EventPattern: aws.String(`{"source": ["nines"], "detail-type": ["Deployment Held"], "detail": {"service": ["payment-api"]}}`),
	})
	if err != nil || !got.Result {
		t.Errorf("%+v %v", got, err)
	}
}
