package sns_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/notify/notifytest"
	target "gitlab.com/nines-sre/nines/internal/notify/sns"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// TestMoto publishes to topics of a server that is not ours, one with an order
// too, and reads what arrived from its own books.
func TestMoto(t *testing.T) {
	endpoint := moto.Start(t)
	client := sns.New(sns.Options{
		Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	connect := func(context.Context) (target.API, error) { return client, nil }
	for _, in := range []*sns.CreateTopicInput{
		{Name: aws.String("slo")},
		{Name: aws.String("slo.fifo"), Attributes: map[string]string{"FifoTopic": "true"}},
	} {
		made, err := client.CreateTopic(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		to, err := target.New(*made.TopicArn, connect)
		if err != nil {
			t.Fatal(err)
		}
		long := notifytest.Alert(notify.Firing)
		long.Key = strings.Repeat("k ", 100)
		for _, m := range []notify.Message{notifytest.Message(), long} {
			if err := to.Send(t.Context(), m); err != nil {
				t.Errorf("%s: %v", *in.Name, err)
			}
		}
	}
	none, err := target.New("arn:aws:sns:eu-central-1:123456789012:none", connect)
	if err != nil {
		t.Fatal(err)
	}
	if err := none.Send(t.Context(), notifytest.Message()); fault.KindOf(err) != fault.Denied {
		t.Errorf("a topic that is not there: %v", err)
	}
	res, err := http.Get(endpoint + "/moto-api/data.json") //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || !json.Valid(data) || !strings.Contains(string(data), "slo.fifo") {
		t.Errorf("%v %.200s", err, data)
	}
}
