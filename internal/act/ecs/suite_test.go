package ecs_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/acttest"
	"gitlab.com/nines-sre/nines/internal/act/ecs"
	"gitlab.com/nines-sre/nines/internal/deployd"
	double "gitlab.com/nines-sre/nines/internal/deployd/ecs"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// ours is how long our deployments stand still, in minutes.
const ours = 1439

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
	b := &bench{clock: deployd.NewClock(target.Noon()), net: &target.Net{Writes: []string{"UpdateService", "RegisterTaskDefinition", "StopServiceDeployment", "ContinueServiceDeployment"}}}
	b.Server = double.New(b.clock.Now)
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

func (b *bench) actor() *ecs.Actor {
	return ecs.New("shop", "pay", b.clock.Wait, func(context.Context) (*sdk.Client, error) { return b.client, nil })
}

func (b *bench) look() act.Split {
	out := act.Split{}
	for version, percent := range b.Weights("shop", "pay") {
		if percent > 50 || percent == 50 && out.Stable == "" {
			out.Stable = version
		} else {
			out.Canary, out.Weight = version, percent/100
		}
	}
	return out
}

func TestSuite(t *testing.T) {
	acttest.Run(t, func(t *testing.T) acttest.World {
		b := start(t)
		versions := b.Make("shop", "pay", "CANARY", 3)
		images := 0
		return acttest.World{
			Actor: b.actor(), Again: func(testing.TB) act.Actor { return b.actor() }, Versions: versions,
			Look: func(t testing.TB) act.Split {
				s := b.look()
				if s.Weight == 0.5 { // which is the stable one of two halves the weights do not say
					now, err := b.actor().Read(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					s.Stable, s.Canary = now.Stable, now.Canary
				}
				return s
			},
			Writes: b.Changes,
			Foreign: func(_ testing.TB, to act.Split) {
				b.Set("shop", "pay", double.Scene{Stable: to.Stable, Canary: to.Canary, Percent: 100 * to.Weight, Pause: ours})
			},
			Fail: b.net.Suite,
			Busy: func(t testing.TB) {
				if _, err := b.client.UpdateService(t.Context(), &sdk.UpdateServiceInput{
					Cluster: aws.String("shop"), Service: aws.String("pay"), TaskDefinition: &versions[2],
				}); err != nil {
					t.Fatal(err)
				}
			},
			Racy: true,
			Release: func(testing.TB) act.Release {
				images++
				return act.Release{Artifact: fmt.Sprint("registry.example/app:build-", images)}
			},
		}
	})
}
