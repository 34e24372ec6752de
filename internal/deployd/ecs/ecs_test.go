package ecs_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/deployd"
	"gitlab.com/nines-sre/nines/internal/deployd/ecs"
	"gitlab.com/nines-sre/nines/internal/testkit/awscli"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func start(t *testing.T) (s *ecs.Server, clock *deployd.Clock, url string) {
	t.Helper()
	clock = deployd.NewClock(noon)
	s = ecs.New(clock.Now)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, clock, srv.URL
}

func client(url string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: ecs.Region, BaseEndpoint: &url, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

// wants fails the test unless a call is refused with a code.
func wants(t *testing.T, code string, err error) {
	t.Helper()
	if awskit.Code(err) != code {
		t.Errorf("want %s, got %v", code, err)
	}
}

// What the documentation says is refused is refused.
func TestRefusals(t *testing.T) {
	s, _, url := start(t)
	v := s.Make("shop", "pay", "CANARY", 2)
	s.Make("rolling", "pay2", "ROLLING", 1)
	c, ctx := client(url), t.Context()
	shop, pay := aws.String("shop"), aws.String("pay")
	update := func(in sdk.UpdateServiceInput) error {
		if in.Cluster == nil {
			in.Cluster, in.Service = shop, pay
		}
		_, err := c.UpdateService(ctx, &in)
		return err
	}
	configured := func(d types.DeploymentConfiguration) error {
		return update(sdk.UpdateServiceInput{DeploymentConfiguration: &d})
	}
	percent := func(p float64, bake int32) error {
		return configured(types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary, CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: &p, CanaryBakeTimeInMinutes: &bake}})
	}
	wants(t, "ServiceNotFoundException", update(sdk.UpdateServiceInput{Cluster: shop, Service: aws.String("x")}))
	wants(t, "ClusterNotFoundException", update(sdk.UpdateServiceInput{Cluster: aws.String("x"), Service: pay}))
	wants(t, "ClientException", update(sdk.UpdateServiceInput{TaskDefinition: aws.String("pay:9")}))
	wants(t, "InvalidParameterException", percent(0.05, 0))
	wants(t, "InvalidParameterException", percent(5.55, 0))
	wants(t, "InvalidParameterException", percent(101, 0))
	wants(t, "InvalidParameterException", percent(5, 1441))
	wants(t, "InvalidParameterException", configured(types.DeploymentConfiguration{Strategy: "SUDDEN"}))
	wants(t, "InvalidParameterException", configured(types.DeploymentConfiguration{Strategy: types.DeploymentStrategyRolling, CanaryConfiguration: &types.CanaryConfiguration{}}))
	wants(t, "InvalidParameterException", configured(types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{{
		TargetType: types.DeploymentLifecycleHookTargetTypePause, LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStageProductionTrafficShift},
	}}}))
	wants(t, "InvalidParameterException", update(sdk.UpdateServiceInput{
		Cluster: aws.String("rolling"), Service: aws.String("pay2"), DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary},
	}))
	_, err := c.DescribeTaskDefinition(ctx, &sdk.DescribeTaskDefinitionInput{TaskDefinition: aws.String("nothing")})
	wants(t, "ClientException", err)
	_, err = c.RegisterTaskDefinition(ctx, &sdk.RegisterTaskDefinitionInput{Family: pay, ContainerDefinitions: []types.ContainerDefinition{}})
	wants(t, "ClientException", err)

	if err := update(sdk.UpdateServiceInput{TaskDefinition: &v[1]}); err != nil {
		t.Fatal(err)
	}
	all, err := c.ListServiceDeployments(ctx, &sdk.ListServiceDeploymentsInput{Cluster: shop, Service: pay})
	if err != nil || len(all.ServiceDeployments) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	running, done := all.ServiceDeployments[0].ServiceDeploymentArn, all.ServiceDeployments[1].ServiceDeploymentArn
	stop := func(arn *string, how types.StopServiceDeploymentStopType) error {
		_, err := c.StopServiceDeployment(ctx, &sdk.StopServiceDeploymentInput{ServiceDeploymentArn: arn, StopType: how})
		return err
	}
	wants(t, "ServiceDeploymentNotFoundException", stop(aws.String("arn:none"), types.StopServiceDeploymentStopTypeRollback))
	wants(t, "ConflictException", stop(done, types.StopServiceDeploymentStopTypeRollback))
	wants(t, "UnsupportedFeatureException", stop(running, types.StopServiceDeploymentStopTypeAbort))
	_, err = c.ContinueServiceDeployment(ctx, &sdk.ContinueServiceDeploymentInput{ServiceDeploymentArn: running, HookId: aws.String("ecs-pause-x")})
	wants(t, "InvalidParameterException", err)
	_, err = c.DescribeServiceDeployments(ctx, &sdk.DescribeServiceDeploymentsInput{ServiceDeploymentArns: make([]string, 21)})
	wants(t, "InvalidParameterException", err)
	wants(t, "", stop(running, types.StopServiceDeploymentStopTypeRollback))
	wants(t, "", stop(running, types.StopServiceDeploymentStopTypeRollback)) // it goes on
}

// A second deployment stops the first one, and begins by reconciling.
func TestSuperseded(t *testing.T) {
	s, clock, url := start(t)
	v := s.Make("shop", "pay", "CANARY", 3)
	c := client(url)
	for _, td := range v[1:] {
		if _, err := c.UpdateService(t.Context(), &sdk.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("pay"), TaskDefinition: aws.String(td)}); err != nil {
			t.Fatal(err)
		}
		_ = clock.Wait(t.Context(), 6*time.Second)
	}
	all, err := c.ListServiceDeployments(t.Context(), &sdk.ListServiceDeploymentsInput{Cluster: aws.String("shop"), Service: aws.String("pay"), MaxResults: aws.Int32(2)})
	if err != nil || all.ServiceDeployments[1].Status != types.ServiceDeploymentStatusStopped || all.NextToken == nil {
		t.Fatalf("%+v, %v", all, err)
	}
	d, err := c.DescribeServiceDeployments(t.Context(), &sdk.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{*all.ServiceDeployments[0].ServiceDeploymentArn}})
	if err != nil || d.ServiceDeployments[0].LifecycleStage != types.ServiceDeploymentLifecycleStageReconcileService {
		t.Errorf("%+v, %v", d, err)
	}
	_ = clock.Wait(t.Context(), time.Hour)
	if w := s.Weights("shop", "pay"); w["pay:3"] != 100 {
		t.Errorf("%v", w)
	}
}

// The AWS CLI goes all the way: a service, a canary that pauses, on, and back.
func TestForeignCLI(t *testing.T) {
	s, clock, url := start(t)
	cli := awscli.New(t, url)
	for range 2 {
		cli.Do("ecs", "register-task-definition", "--family", "pay", "--container-definitions", `[{"name":"app","image":"app:1","essential":true}]`)
	}
	cli.Do("ecs", "create-service", "--cluster", "shop", "--service-name", "pay", "--task-definition", "pay:1", "--desired-count", "2",
		"--load-balancers", `[{"targetGroupArn":"arn:blue","containerName":"app","containerPort":80,"advancedConfiguration":{"alternateTargetGroupArn":"arn:green","productionListenerRule":"arn:rule","roleArn":"arn:role"}}]`)
	cli.Refused("ServiceNotFoundException", "ecs", "update-service", "--cluster", "shop", "--service", "nothing")
	up := cli.Do("ecs", "update-service", "--cluster", "shop", "--service", "pay", "--task-definition", "pay:2", "--deployment-configuration",
		`{"strategy":"CANARY","canaryConfiguration":{"canaryPercent":10,"canaryBakeTimeInMinutes":0},"lifecycleHooks":[{"targetType":"PAUSE","lifecycleStages":["PRE_PRODUCTION_TRAFFIC_SHIFT"]}]}`)
	arn, _ := awscli.At(up, "service", "currentServiceDeployment").(string)
	hook := func() string {
		_ = clock.Wait(t.Context(), time.Minute)
		d := cli.Do("ecs", "describe-service-deployments", "--service-deployment-arns", arn)
		id, _ := awscli.At(d, "serviceDeployments", 0, "lifecycleHookDetails", 0, "hookId").(string)
		return id
	}
	first := hook()
	if !strings.HasPrefix(first, "ecs-pause-") || s.Weights("shop", "pay")["pay:1"] != 100 {
		t.Fatalf("it pauses as %q with %v", first, s.Weights("shop", "pay"))
	}
	cli.Do("ecs", "continue-service-deployment", "--service-deployment-arn", arn, "--hook-id", first)
	if second := hook(); second == first || s.Weights("shop", "pay")["pay:2"] != 10 {
		t.Fatalf("it pauses as %q with %v", second, s.Weights("shop", "pay"))
	}
	cli.Do("ecs", "stop-service-deployment", "--service-deployment-arn", arn, "--stop-type", "ROLLBACK")
	_ = clock.Wait(t.Context(), time.Minute)
	d := cli.Do("ecs", "list-service-deployments", "--cluster", "shop", "--service", "pay")
	if status := awscli.At(d, "serviceDeployments", 0, "status"); status != "ROLLBACK_SUCCESSFUL" {
		t.Errorf("it ends as %v", status)
	}
	td, _ := awscli.At(cli.Do("ecs", "describe-services", "--cluster", "shop", "--services", "pay"), "services", 0, "taskDefinition").(string)
	if !strings.HasSuffix(td, "/pay:1") {
		t.Errorf("it runs %v", td)
	}
}
