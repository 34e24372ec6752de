package eventbridge_test

import (
	"context"
	"strings"
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
	for _, name := range []string{"Deployment Held", "SLO Alert Firing"} {
		if _, err := client.CreateArchive(t.Context(), &eventbridge.CreateArchiveInput{
			ArchiveName: aws.String(archive(name)), EventSourceArn: made.EventBusArn,
			EventPattern: aws.String(`{"source": ["nines"], "detail-type": ["` + name + `"], "detail": {"service": ["payment-api"]}}`),
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Send(t.Context(), notifytest.Message()); err != nil {
		t.Error(err)
	}
	// What matches the pattern is kept there: its own reading of the event.
	for name, want := range map[string]int64{"Deployment Held": 1, "SLO Alert Firing": 0} {
		got, err := client.DescribeArchive(t.Context(), &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(archive(name))})
		if err != nil || got.EventCount != want {
			t.Errorf("%s: %+v %v, want %d", name, got, err, want)
		}
	}
}

func archive(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "-")) }
