package cloudwatch_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
)

// away is a service that never answers.
type away struct{ asked int }

func (a *away) Do(*http.Request) (*http.Response, error) {
	a.asked++
	return nil, errors.New("connection refused")
}

// busy is a service that is always too busy.
type busy struct{ asked int }

func (b *busy) Do(r *http.Request) (*http.Response, error) {
	b.asked++
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// Nobody waits long for a service that is not there; one that is there and busy
// is asked as often as was said.
func TestWhereNoAnswerComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := func(client aws.HTTPClient) error {
			api := cw.New(cw.Options{
				Region: "eu-west-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), HTTPClient: client, Retryer: cloudwatch.Retryer(),
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
			})
			_, err := api.ListMetrics(t.Context(), &cw.ListMetricsInput{})
			return err
		}
		none, full := &away{}, &busy{}
		if err := ask(none); err == nil || none.asked < 2 || none.asked > 4 {
			t.Errorf("a service that is away was asked %d times: %v", none.asked, err)
		}
		if err := ask(full); err == nil || full.asked != 8 {
			t.Errorf("a busy service was asked %d times: %v", full.asked, err)
		}
	})
}
