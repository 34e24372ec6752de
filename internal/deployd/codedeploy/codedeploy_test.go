package codedeploy_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/deployd"
	"gitlab.com/nines-sre/nines/internal/deployd/codedeploy"
	"gitlab.com/nines-sre/nines/internal/testkit/awscli"
)

func start(t *testing.T) (s *codedeploy.Server, clock *deployd.Clock, url string) {
	t.Helper()
	clock = deployd.NewClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	s = codedeploy.New(clock.Now)
	s.Make("shop", "pay", "payment-api", "live", "1", "2", "3")
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, clock, srv.URL
}

// spec is an AppSpec in JSON.
func spec(target string) string {
	return `{"version":0.0,"Resources":[{"pay":{"Type":"AWS::Lambda::Function","Properties":{"Name":"payment-api","Alias":"live","CurrentVersion":"1","TargetVersion":"` + target + `"}}}]}`
}

func revision(content string) *types.RevisionLocation {
	return &types.RevisionLocation{RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{Content: &content}}
}

// What the documentation says is refused is refused.
func TestRefusals(t *testing.T) {
	_, clock, url := start(t)
	c := sdk.New(sdk.Options{Region: codedeploy.Region, BaseEndpoint: &url, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	ctx := t.Context()
	wants := func(code string, err error) {
		t.Helper()
		if awskit.Code(err) != code {
			t.Errorf("want %q, got %v", code, err)
		}
	}
	var id string
	deploy := func(application, group string, config *string, r *types.RevisionLocation) error {
		out, err := c.CreateDeployment(ctx, &sdk.CreateDeploymentInput{ApplicationName: &application, DeploymentGroupName: &group, DeploymentConfigName: config, Revision: r})
		if err == nil {
			id = *out.DeploymentId
		}
		return err
	}
	wants("ApplicationDoesNotExistException", deploy("x", "pay", nil, revision(spec("2"))))
	wants("DeploymentGroupDoesNotExistException", deploy("shop", "x", nil, revision(spec("2"))))
	wants("DeploymentConfigDoesNotExistException", deploy("shop", "pay", aws.String("x"), revision(spec("2"))))
	wants("RevisionRequiredException", deploy("shop", "pay", nil, nil))
	wants("InvalidRevisionException", deploy("shop", "pay", nil, revision("Resources: []")))
	wants("InvalidRevisionException", deploy("shop", "pay", nil, revision(spec(""))))
	bad := revision(spec("2"))
	bad.AppSpecContent.Sha256 = aws.String("00")
	wants("InvalidRevisionException", deploy("shop", "pay", nil, bad))
	_, err := c.CreateDeploymentConfig(ctx, &sdk.CreateDeploymentConfigInput{DeploymentConfigName: aws.String("too long"), ComputePlatform: types.ComputePlatformLambda, TrafficRoutingConfig: &types.TrafficRoutingConfig{
		Type: types.TrafficRoutingTypeTimeBasedCanary, TimeBasedCanary: &types.TimeBasedCanary{CanaryPercentage: 10, CanaryInterval: 2881},
	}})
	wants("InvalidTrafficRoutingConfigurationException", err)
	_, err = c.CreateDeploymentConfig(ctx, &sdk.CreateDeploymentConfigInput{DeploymentConfigName: aws.String("CodeDeployDefault.LambdaAllAtOnce"), ComputePlatform: types.ComputePlatformLambda})
	wants("DeploymentConfigAlreadyExistsException", err)

	wants("", deploy("shop", "pay", nil, revision(spec("2"))))
	wants("DeploymentLimitExceededException", deploy("shop", "pay", nil, revision(spec("3"))))
	_, err = c.ListDeploymentTargets(ctx, &sdk.ListDeploymentTargetsInput{DeploymentId: &id})
	wants("DeploymentNotStartedException", err)
	_, err = c.StopDeployment(ctx, &sdk.StopDeploymentInput{DeploymentId: aws.String("d-000000000")})
	wants("DeploymentDoesNotExistException", err)
	_ = clock.Wait(ctx, time.Hour)
	_, err = c.StopDeployment(ctx, &sdk.StopDeploymentInput{DeploymentId: &id})
	wants("DeploymentAlreadyCompletedException", err)
	_, err = c.BatchGetDeploymentTargets(ctx, &sdk.BatchGetDeploymentTargetsInput{DeploymentId: &id, TargetIds: []string{"x"}})
	wants("DeploymentTargetDoesNotExistException", err)
	// The alias is at version 2 now: a deployment from 1 fails, and says so.
	wants("", deploy("shop", "pay", nil, revision(spec("3"))))
	_ = clock.Wait(ctx, time.Hour)
	out, err := c.GetDeployment(ctx, &sdk.GetDeploymentInput{DeploymentId: &id})
	if err != nil || out.DeploymentInfo.Status != types.DeploymentStatusFailed || out.DeploymentInfo.ErrorInformation.Code != types.ErrorCodeInvalidLambdaConfiguration {
		t.Errorf("%+v, %v", out, err)
	}
}

// A linear configuration goes up step by step.
func TestLinear(t *testing.T) {
	s, clock, url := start(t)
	c := sdk.New(sdk.Options{Region: codedeploy.Region, BaseEndpoint: &url, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	if _, err := c.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{
		ApplicationName: aws.String("shop"), DeploymentGroupName: aws.String("pay"), Revision: revision(spec("2")),
		DeploymentConfigName: aws.String("CodeDeployDefault.LambdaLinear10PercentEvery1Minute"),
	}); err != nil {
		t.Fatal(err)
	}
	_ = clock.Wait(t.Context(), 15*time.Second)
	for want := 10.0; want < 100; want += 10 {
		if _, canary, percent := s.Alias("payment-api", "live"); canary != "2" || percent != want {
			t.Errorf("%v %% on %q, want %v", percent, canary, want)
		}
		_ = clock.Wait(t.Context(), time.Minute)
	}
	_ = clock.Wait(t.Context(), time.Minute)
	if stable, canary, _ := s.Alias("payment-api", "live"); stable != "2" || canary != "" {
		t.Errorf("it ends at %q and %q", stable, canary)
	}
}

// The AWS CLI deploys, looks, stops, and is refused.
func TestForeignCLI(t *testing.T) {
	s, clock, url := start(t)
	cli := awscli.New(t, url)
	group := []string{"--application-name", "shop", "--deployment-group-name", "pay"}
	create := append([]string{"deploy", "create-deployment"}, append(group, "--revision", `{"revisionType":"AppSpecContent","appSpecContent":{"content":"version: 0.0\nResources:\n- pay:\n    Type: AWS::Lambda::Function\n    Properties: {Name: payment-api, Alias: live, CurrentVersion: 1, TargetVersion: 2}"}}`)...)
	id, _ := cli.Do(create...)["deploymentId"].(string)
	cli.Refused("DeploymentLimitExceededException", create...)
	_ = clock.Wait(t.Context(), time.Minute)
	targets := cli.Do("deploy", "batch-get-deployment-targets", "--deployment-id", id, "--target-ids", "payment-api:live")
	if w := awscli.At(targets, "deploymentTargets", 0, "lambdaTarget", "lambdaFunctionInfo", "targetVersionWeight"); w != 10.0 {
		t.Errorf("weight %v", w)
	}
	cli.Do("deploy", "stop-deployment", "--deployment-id", id, "--auto-rollback-enabled")
	_ = clock.Wait(t.Context(), time.Minute)
	d := cli.Do("deploy", "get-deployment", "--deployment-id", id)
	if awscli.At(d, "deploymentInfo", "status") != "Stopped" || awscli.At(d, "deploymentInfo", "rollbackInfo", "rollbackDeploymentId") == nil {
		t.Errorf("%v", d)
	}
	if stable, canary, _ := s.Alias("payment-api", "live"); stable != "1" || canary != "" {
		t.Errorf("it ends at %q and %q", stable, canary)
	}
	cli.Refused("DeploymentAlreadyCompletedException", "deploy", "stop-deployment", "--deployment-id", id)
	g := cli.Do(append([]string{"deploy", "get-deployment-group"}, group...)...)
	if awscli.At(g, "deploymentGroupInfo", "computePlatform") != "Lambda" {
		t.Errorf("%v", g)
	}
}
