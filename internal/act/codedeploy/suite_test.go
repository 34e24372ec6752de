package codedeploy_test

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/codedeploy"
	"gitlab.com/nines-sre/nines/internal/deployd"
	double "gitlab.com/nines-sre/nines/internal/deployd/codedeploy"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// bench is the double with a client.
type bench struct {
	*double.Server
	clock  *deployd.Clock
	client *sdk.Client
	url    string
	net    *target.Net
}

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{clock: deployd.NewClock(target.Noon()), net: &target.Net{Writes: []string{"CreateDeployment", "CreateDeploymentConfig", "StopDeployment"}}}
	b.Server = double.New(b.clock.Now)
	b.Make("shop", "pay", "payment-api", "live", "1", "2", "3")
	srv := httptest.NewServer(b.Server)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.client = sdk.New(sdk.Options{
		Region: double.Region, BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient: b.net.HTTP(),
		Retryer:    target.Impatient(),
	})
	return b
}

func (b *bench) actor() *codedeploy.Actor {
	return codedeploy.New("shop", "pay", b.clock.Wait, func(context.Context) (*sdk.Client, error) { return b.client, nil })
}

func (b *bench) look() act.Split {
	stable, canary, percent := b.Alias("payment-api", "live")
	return act.Split{Stable: stable, Canary: canary, Weight: math.Round(percent) / 100}
}

// deploy begins a deployment as its owner does.
func (b *bench) deploy(t testing.TB, from, to string) {
	t.Helper()
	if _, err := b.client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{
		ApplicationName: aws.String("shop"), DeploymentGroupName: aws.String("pay"), Description: aws.String("by hand"),
		Revision: &types.RevisionLocation{RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{Content: aws.String(appspec(from, to))}},
	}); err != nil {
		t.Fatal(err)
	}
}

func appspec(from, to string) string {
	return fmt.Sprintf(`version: 0.0
Resources:
  - payment-api:
      Type: AWS::Lambda::Function
      Properties: {Name: payment-api, Alias: live, CurrentVersion: %s, TargetVersion: %s}
Hooks:
  - BeforeAllowTraffic: arn:aws:lambda:eu-west-1:123456789012:function:check
`, from, to)
}

func TestSuite(t *testing.T) {
	acttest.Run(t, func(t *testing.T) acttest.World {
		b := start(t)
		return acttest.World{
			Actor: b.actor(), Again: func(testing.TB) act.Actor { return b.actor() }, Versions: []string{"1", "2", "3"},
			Look: func(testing.TB) act.Split { return b.look() }, Writes: b.Changes,
			Foreign: func(_ testing.TB, to act.Split) {
				b.Set("payment-api", "live", to.Stable, to.Canary, math.Round(100*to.Weight), fmt.Sprintf("nines shifts %.0f %%: another", 100*to.Weight))
			},
			Fail: b.net.Suite,
			Busy: func(t testing.TB) { b.deploy(t, "1", "3") },
		}
	})
}
