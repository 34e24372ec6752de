package wire_test

import (
	"archive/zip"
	"bytes"
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/lambdad"
	"gitlab.com/nines-sre/nines/internal/wire"
)

// localLambda is a Lambda with a function pay, version 1, and an alias live; the
// SDK's own settings lead to it.
func localLambda(t *testing.T) *lambdad.Server {
	t.Helper()
	server := lambdad.New(lambdad.Config{Now: time.Now})
	srv := httptest.NewServer(server)
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_LAMBDA": srv.URL, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	var code bytes.Buffer
	if err := zip.NewWriter(&code).Close(); err != nil {
		t.Fatal(err)
	}
	c := sdk.New(sdk.Options{Region: "eu-west-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "x", "")})
	if _, err := c.CreateFunction(t.Context(), &sdk.CreateFunctionInput{
		FunctionName: aws.String("pay"), Role: aws.String("arn:aws:iam::123456789012:role/pay"), Runtime: types.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &types.FunctionCode{ZipFile: code.Bytes()}, Publish: true,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("pay"), Name: aws.String("live"), FunctionVersion: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	return server
}

func TestOpenActor(t *testing.T) {
	localLambda(t)
	for text, c := range map[string]struct {
		kind   fault.Kind // of opening; Internal: it opens
		read   fault.Kind // of reading; Internal: it reads
		stable string
	}{
		"lambda:pay:live?region=eu-west-1": {fault.Internal, fault.Internal, "1"},
		"lambda:pay:none?region=eu-west-1": {fault.Internal, fault.NotFound, ""},
		"command:echo":                     {fault.Internal, fault.Internal, ""},
		"functions:a,b":                    {fault.Invalid, fault.Internal, ""},
	} {
		at, err := act.ParsePlace(text)
		if err != nil {
			t.Fatal(err)
		}
		a, err := wire.OpenActor(t.Context(), at, host.ActorOptions{Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
		if (err != nil) != (c.kind != fault.Internal) || err != nil && fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil {
			continue
		}
		s, err := a.Read(t.Context())
		if (err != nil) != (c.read != fault.Internal) || err != nil && fault.KindOf(err) != c.read || s.Stable != c.stable {
			t.Errorf("%s reads %+v, %v", text, s, err)
		}
	}
	if _, err := wire.OpenActor(t.Context(), act.Place{Kind: "lambda"}, host.ActorOptions{}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a place without a function: %v", err)
	}
}
