package ecs_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/ecs"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// Published, deployed whole and rolled back on a server that is not ours. moto
// has no service deployments, strategies and pauses, and starts no task, so that
// a service of one never settles: shares are tried on our own double alone.
func TestOnMoto(t *testing.T) {
	endpoint := moto.Start(t)
	client := sdk.New(sdk.Options{Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	ctx, shop, pay := t.Context(), aws.String("shop"), aws.String("pay")
	if _, err := client.CreateCluster(ctx, &sdk.CreateClusterInput{ClusterName: shop}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.RegisterTaskDefinition(ctx, &sdk.RegisterTaskDefinitionInput{Family: pay, ContainerDefinitions: []types.ContainerDefinition{
		{Name: aws.String("app"), Image: aws.String("app:1"), Essential: aws.Bool(true), Memory: aws.Int32(128)},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateService(ctx, &sdk.CreateServiceInput{Cluster: shop, ServiceName: pay, TaskDefinition: pay, DesiredCount: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	a := ecs.New("shop", "pay", func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, func(context.Context) (*sdk.Client, error) { return client, nil })
	version, err := a.Publish(ctx, act.Release{Artifact: "app:2"})
	if err != nil || version != "pay:2" {
		t.Fatalf("%q, %v", version, err)
	}
	if again, err := a.Publish(ctx, act.Release{Artifact: "app:2"}); err != nil || again != version {
		t.Errorf("the same again: %q, %v", again, err)
	}
	target.Must(t, a, act.Promote, act.Split{Stable: version})
	target.Must(t, a, act.Rollback, act.Split{Stable: "pay:1"})
	out, err := client.DescribeServices(ctx, &sdk.DescribeServicesInput{Cluster: shop, Services: []string{"pay"}})
	if err != nil || !strings.HasSuffix(aws.ToString(out.Services[0].TaskDefinition), "pay:1") {
		t.Errorf("%v, %v", aws.ToString(out.Services[0].TaskDefinition), err)
	}
}
