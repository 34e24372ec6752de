package lambdad_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

const role = "arn:aws:iam::123456789012:role/pay"

// clock is a test's own time.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// start is a service of ours, and its address.
func start(t testing.TB, cfg lambdad.Config) (*lambdad.Server, string) {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = (&clock{at: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}).Now
	}
	s := lambdad.New(cfg)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, srv.URL
}

// client talks to a service with the SDK, trying nothing twice.
func client(t testing.TB, url string) *lambda.Client {
	t.Helper()
	via := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(via.CloseIdleConnections)
	return lambda.New(lambda.Options{
		Region: "eu-west-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{}, HTTPClient: awskit.Steady(via),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// code is what an error of the service is called; "": there is none.
func code(err error) string {
	if err == nil {
		return ""
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return "not answered: " + err.Error()
}

// must fails the test on an error.
func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// made has a function "pay" with versions 1 and 2, and an alias "live" at 1.
func made(t testing.TB, c *lambda.Client) {
	t.Helper()
	create(t, c)
	for _, content := range []string{"one", "two"} {
		must[*lambda.UpdateFunctionCodeOutput](t)(c.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("pay"), ZipFile: target.Zip(t, content)}))
		must[*lambda.PublishVersionOutput](t)(c.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: aws.String("pay")}))
	}
	must[*lambda.CreateAliasOutput](t)(c.CreateAlias(t.Context(), &lambda.CreateAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live"), FunctionVersion: aws.String("1")}))
}

func create(t testing.TB, c *lambda.Client) *lambda.CreateFunctionOutput {
	t.Helper()
	return must[*lambda.CreateFunctionOutput](t)(c.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("pay"), Role: aws.String(role), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: target.Zip(t, "zero")},
	}))
}

// alias is an update of "live".
func alias(version, revision string, weights map[string]float64) *lambda.UpdateAliasInput {
	in := &lambda.UpdateAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live")}
	if version != "" {
		in.FunctionVersion = &version
	}
	if revision != "" {
		in.RevisionId = &revision
	}
	if weights != nil {
		in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
	}
	return in
}
