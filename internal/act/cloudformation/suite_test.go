package cloudformation_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/cloudformation"
	"gitlab.com/nines-sre/nines/internal/deployd"
	double "gitlab.com/nines-sre/nines/internal/deployd/cloudformation"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// bench is the double with a client and a stack "pay".
type bench struct {
	*double.Server
	clock  *deployd.Clock
	client *sdk.Client
	url    string
	net    *target.Net
}

func client(url string, by *http.Client) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: double.Region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient: by,
		Retryer:    target.Impatient(),
	})
}

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{clock: deployd.NewClock(target.Noon()), net: &target.Net{Writes: []string{"UpdateStack", "CancelUpdateStack", "RollbackStack", "ContinueUpdateRollback"}}}
	b.Server = double.New(b.clock.Now)
	srv := httptest.NewServer(b.Server)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.client = client(srv.URL, b.net.HTTP())
	create(t, b.client, double.Template("Memory"))
	_ = b.clock.Wait(t.Context(), time.Hour)
	return b
}

// create makes the stack, with version 1.
func create(t *testing.T, c *sdk.Client, template string) {
	t.Helper()
	if _, err := c.CreateStack(t.Context(), &sdk.CreateStackInput{
		StackName: aws.String("pay"), TemplateBody: &template, Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Parameters: []types.Parameter{
			{ParameterKey: aws.String("Version"), ParameterValue: aws.String("1")}, {ParameterKey: aws.String("Memory"), ParameterValue: aws.String("512")},
		},
	}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) actor() *cloudformation.Actor {
	return cloudformation.New("pay", "", b.clock.Wait, func(context.Context) (*sdk.Client, error) { return b.client, nil })
}

func (b *bench) look() act.Split {
	v, _ := b.Parameter("pay", "Version")
	return act.Split{Stable: v}
}

// update begins an update as the stack's owner does.
func (b *bench) update(t testing.TB, version string, keep bool) {
	t.Helper()
	if _, err := b.client.UpdateStack(t.Context(), &sdk.UpdateStackInput{
		StackName: aws.String("pay"), UsePreviousTemplate: aws.Bool(true), DisableRollback: &keep,
		Parameters: []types.Parameter{
			{ParameterKey: aws.String("Version"), ParameterValue: &version}, {ParameterKey: aws.String("Memory"), UsePreviousValue: aws.Bool(true)},
		},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestSuite(t *testing.T) {
	acttest.Run(t, func(t *testing.T) acttest.World {
		b := start(t)
		return acttest.World{
			Actor: b.actor(), Again: func(testing.TB) act.Actor { return b.actor() }, Versions: []string{"1", "2", "3"},
			Look: func(testing.TB) act.Split { return b.look() }, Writes: b.Changes, Racy: true,
			Foreign: func(t testing.TB, to act.Split) {
				_ = b.clock.Wait(t.Context(), time.Second)
				b.Set("pay", "Version", to.Stable)
			},
			Fail: b.net.Suite,
			Busy: func(t testing.TB) { b.update(t, "3", false) },
		}
	})
}
