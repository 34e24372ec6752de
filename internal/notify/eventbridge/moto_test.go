package eventbridge_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	target "gitlab.com/nines-sre/nines/internal/notify/eventbridge"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// TestMoto puts events on a bus of a server that is not ours. (Its archives and
// patterns cannot be used to read them back.)
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
}
