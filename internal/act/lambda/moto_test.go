package lambda_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/lambda"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// TestOnMoto goes the whole way on a server that is not ours. It shows that the
// calls are understood; that its locks hold it cannot, for moto has none.
func TestOnMoto(t *testing.T) {
	url := moto.Start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("Action=CreateRole&Version=2010-05-08&AssumeRolePolicyDocument=%7B%7D&RoleName=pay"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the role: %v, %v", resp, err)
	}
	c := sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{}, HTTPClient: awskit.Steady(http.DefaultClient),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	b := &bench{t: t, sdk: c}
	b.do(&sdk.CreateFunctionInput{
		FunctionName: aws.String("pay"), Role: aws.String(role), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: target.Zip(t, "0")},
	})
	alias := lambda.New(c, lambda.Options{Function: "pay", Alias: "live", Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	for i, want := range []string{"1", "2", "2"} {
		got, err := alias.Publish(t.Context(), act.Release{Artifact: b.zip([]string{"one", "two", "two"}[i])})
		if err != nil || got != want {
			t.Fatalf("published %q, %v", got, err)
		}
	}
	if _, err := c.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live"), FunctionVersion: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		verb act.Verb
		to   act.Split
	}{
		{act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.05}},
		{act.Restore, act.Split{Stable: "1"}},
		{act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.5}},
		{act.Promote, act.Split{Stable: "2"}},
		{act.Rollback, act.Split{Stable: "1"}},
	} {
		from, err := alias.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		change, err := alias.Plan(t.Context(), act.Action{Verb: s.verb, Key: "k", From: from, To: s.to})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := alias.Apply(t.Context(), change); err != nil || !out.State.Same(s.to) {
			t.Fatalf("%s to %v: %+v, %v", s.verb, s.to, out, err)
		}
	}
}
