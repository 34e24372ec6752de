package cloudformation_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/deployd"
	"gitlab.com/nines-sre/nines/internal/deployd/cloudformation"
	"gitlab.com/nines-sre/nines/internal/testkit/awscli"
)

func start(t *testing.T) (s *cloudformation.Server, clock *deployd.Clock, url string) {
	t.Helper()
	clock = deployd.NewClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	s = cloudformation.New(clock.Now)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, clock, srv.URL
}

func set(key, value string) types.Parameter {
	return types.Parameter{ParameterKey: &key, ParameterValue: &value}
}

// What the documentation says is refused is refused.
func TestRefusals(t *testing.T) {
	_, clock, url := start(t)
	c := sdk.New(sdk.Options{Region: cloudformation.Region, BaseEndpoint: &url, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	ctx, pay := t.Context(), aws.String("pay")
	wants := func(code, text string, err error) {
		t.Helper()
		if awskit.Code(err) != code || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("want %s %q, got %v", code, text, err)
		}
	}
	update := func(in sdk.UpdateStackInput) error {
		in.StackName = pay
		if in.TemplateBody == nil {
			in.UsePreviousTemplate = aws.Bool(true)
		}
		_, err := c.UpdateStack(ctx, &in)
		return err
	}
	version := func(v string) []types.Parameter { return []types.Parameter{set("Version", v)} }
	wants("ValidationError", "does not exist", update(sdk.UpdateStackInput{Parameters: version("2")}))
	_, err := c.DescribeStacks(ctx, &sdk.DescribeStacksInput{StackName: pay})
	wants("ValidationError", "Stack with id pay does not exist", err)
	_, err = c.CreateStack(ctx, &sdk.CreateStackInput{StackName: pay, TemplateBody: aws.String(cloudformation.Template()), Parameters: version("1")})
	wants("", "", err)
	_, err = c.CreateStack(ctx, &sdk.CreateStackInput{StackName: pay, TemplateBody: aws.String(cloudformation.Template()), Parameters: version("1")})
	wants("AlreadyExistsException", "", err)

	wants("ValidationError", "No updates are to be performed.", update(sdk.UpdateStackInput{Parameters: version("1")}))
	wants("ValidationError", "Parameters: [Version] must have values", update(sdk.UpdateStackInput{}))
	wants("ValidationError", "Parameters: [Other] do not exist in the template", update(sdk.UpdateStackInput{Parameters: append(version("2"), set("Other", "x"))}))
	wants("ValidationError", "clientRequestToken", update(sdk.UpdateStackInput{Parameters: version("2"), ClientRequestToken: aws.String("-no")}))
	wants("ValidationError", "Template format error", update(sdk.UpdateStackInput{TemplateBody: aws.String("Parameters: {}")}))
	wants("InsufficientCapabilitiesException", "CAPABILITY_IAM", update(sdk.UpdateStackInput{Parameters: version("2"), TemplateBody: aws.String(cloudformation.Template() + "  Role: {Type: 'AWS::IAM::Role'}\n")}))
	_, err = c.CancelUpdateStack(ctx, &sdk.CancelUpdateStackInput{StackName: pay})
	wants("ValidationError", "CancelUpdateStack cannot be called from current stack status", err)
	_, err = c.RollbackStack(ctx, &sdk.RollbackStackInput{StackName: pay})
	wants("ValidationError", "current stack status", err)
	_, err = c.ContinueUpdateRollback(ctx, &sdk.ContinueUpdateRollbackInput{StackName: pay})
	wants("ValidationError", "CREATE_COMPLETE", err)

	wants("", "", update(sdk.UpdateStackInput{Parameters: version("2"), ClientRequestToken: aws.String("once")}))
	wants("", "", update(sdk.UpdateStackInput{Parameters: version("2"), ClientRequestToken: aws.String("once")})) // the same again
	wants("TokenAlreadyExistsException", "once", update(sdk.UpdateStackInput{Parameters: version("3"), ClientRequestToken: aws.String("once")}))
	wants("ValidationError", "is in UPDATE_IN_PROGRESS state and can not be updated", update(sdk.UpdateStackInput{Parameters: version("3")}))
	_ = clock.Wait(ctx, 31*time.Second)
	_, err = c.CancelUpdateStack(ctx, &sdk.CancelUpdateStackInput{StackName: pay})
	wants("ValidationError", "CancelUpdateStack cannot be called", err)
	wants("ValidationError", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", update(sdk.UpdateStackInput{Parameters: version("3")}))
}

// The AWS CLI updates, cancels, is refused, and reads the events in pages.
func TestForeignCLI(t *testing.T) {
	s, clock, url := start(t)
	cli := awscli.New(t, url)
	cli.Do("cloudformation", "create-stack", "--stack-name", "pay", "--template-body", cloudformation.Template(), "--parameters", "ParameterKey=Version,ParameterValue=1")
	update := func(v string) []string {
		return []string{"cloudformation", "update-stack", "--stack-name", "pay", "--use-previous-template", "--parameters", "ParameterKey=Version,ParameterValue=" + v}
	}
	cli.Refused("ValidationError", update("1")...)
	cli.Do(update("2")...)
	cli.Refused("ValidationError", update("3")...)
	cli.Do("cloudformation", "cancel-update-stack", "--stack-name", "pay")
	_ = clock.Wait(t.Context(), time.Minute)
	d := cli.Do("cloudformation", "describe-stacks", "--stack-name", "pay")
	if awscli.At(d, "Stacks", 0, "StackStatus") != "UPDATE_ROLLBACK_COMPLETE" || awscli.At(d, "Stacks", 0, "Parameters", 0, "ParameterValue") != "1" {
		t.Errorf("%v", d)
	}
	s.Break("2", "no such code")
	cli.Do(append(update("2"), "--disable-rollback")...)
	_ = clock.Wait(t.Context(), time.Minute)
	cli.Do("cloudformation", "rollback-stack", "--stack-name", "pay")
	_ = clock.Wait(t.Context(), time.Minute)
	events, _ := cli.Do("cloudformation", "describe-stack-events", "--stack-name", "pay")["StackEvents"].([]any)
	var reasons strings.Builder
	for _, e := range events {
		reason, _ := awscli.At(e, "ResourceStatusReason").(string)
		reasons.WriteString(reason + "\n")
	}
	if len(events) < 12 || !strings.Contains(reasons.String(), "no such code") {
		t.Errorf("%d events:\n%s", len(events), reasons.String())
	}
	if got := cli.Do("cloudformation", "get-template", "--stack-name", "pay"); awscli.At(got, "TemplateBody") == nil {
		t.Errorf("%v", got)
	}
}
