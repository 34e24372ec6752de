package awssdk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gitlab.com/nines-sre/nines/telemetry/awssdk"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

type printer struct{}

func (printer) Export(_ context.Context, b *trace.Batch) error {
	for _, r := range b.Records {
		fmt.Println(r.Name, r.Status)
	}
	return nil
}

func ExampleInstrument() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "{}") }))
	defer service.Close()
	t, err := trace.New(trace.ToExporter(printer{}), trace.WithRate(1))
	if err != nil {
		fmt.Println(err)
	}
	cfg := aws.Config{Region: "eu-west-1", Credentials: static{}, BaseEndpoint: &service.URL} // config.LoadDefaultConfig(ctx)
	awssdk.Instrument(&cfg.APIOptions, t)
	ctx, span := t.Start(context.Background(), "## handler")
	_, err = ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/a")})
	span.End()
	_ = t.Flush(ctx)
	fmt.Println(err)
	// Output:
	// SSM unset
	// ## handler unset
	// <nil>
}

// Without a tracer a call is a child of the span in its context, and nothing
// where there is none.
func ExampleInstrument_context() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "{}") }))
	defer service.Close()
	cfg := aws.Config{Region: "eu-west-1", Credentials: static{}, BaseEndpoint: &service.URL}
	awssdk.Instrument(&cfg.APIOptions, nil)
	client := ssm.NewFromConfig(cfg)
	t, err := trace.New(trace.ToExporter(printer{}), trace.WithRate(1))
	if err != nil {
		fmt.Println(err)
	}
	_, err = client.GetParameter(context.Background(), &ssm.GetParameterInput{Name: aws.String("/a")})
	fmt.Println(err)
	ctx, span := t.Start(context.Background(), "## handler")
	_, err = client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/a")})
	span.End()
	_ = t.Flush(ctx)
	fmt.Println(err)
	// Output:
	// <nil>
	// SSM unset
	// ## handler unset
	// <nil>
}

func ExampleCredentials() {
	cfg := aws.Config{Region: "eu-west-1", Credentials: static{}} // config.LoadDefaultConfig(ctx)
	t, err := trace.New(trace.XRay(cfg.Region, trace.WithCredentials(awssdk.Credentials(cfg.Credentials))))
	fmt.Println(t.Enabled(), err)
	// Output: true <nil>
}
