package cloudformation_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/cloudformation"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// Updated and rolled back on a server that is not ours. moto finishes an update
// at once: there is nothing to cancel, and nothing fails; those ways are tried
// on our own double alone.
func TestOnMoto(t *testing.T) {
	c := client(moto.Start(t), http.DefaultClient)
	create(t, c, `
Parameters:
  Version: {Type: String}
  Memory: {Type: String}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !Ref Version, TopicName: pay}
`)
	a := cloudformation.New("pay", "", func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, func(context.Context) (*sdk.Client, error) { return c, nil })
	must(t, a, act.Promote, "2")
	must(t, a, act.Rollback, "1")
	s, err := a.Read(t.Context())
	if err != nil || s.Stable != "1" || !s.Ready {
		t.Errorf("%+v, %v", s, err)
	}
	out, err := c.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{})
	if err != nil || len(out.Stacks) != 1 || len(out.Stacks[0].Parameters) != 2 {
		t.Errorf("%+v, %v", out, err)
	}
}
