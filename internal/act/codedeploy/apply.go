package codedeploy

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// atOnce is CodeDeploy's own configuration that shifts everything.
const atOnce = "CodeDeployDefault.LambdaAllAtOnce"

// interval is how long a canary of ours may last, in minutes: the longest that
// CodeDeploy takes.
const interval = 2880

// step is a write with what is waited for after it.
type step = act.Step[*codedeploy.Client]

// way is how the target is moved.
func (a *Actor) way() act.Way[*codedeploy.Client] {
	return act.Way[*codedeploy.Client]{Op: a.op, Client: a.client.Get, Steps: a.steps, Read: a.Read}
}

// Plan implements act.Actor.
func (a *Actor) Plan(ctx context.Context, want act.Action) (act.Change, error) {
	return a.way().Plan(ctx, want) //nolint:wrapcheck // says all there is to say
}

// Apply implements act.Actor.
func (a *Actor) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	return a.way().Apply(ctx, c) //nolint:wrapcheck // says all there is to say
}

// steps finds what an action takes, from how the group lies now.
func (a *Actor) steps(ctx context.Context, want act.Action) ([]step, act.State, error) {
	if err := want.Valid(a.op, a.Caps()); err != nil {
		return nil, act.State{}, err //nolint:wrapcheck // says all there is to say
	}
	if p := want.To.Weight / hundred; math.Abs(p-math.Round(p)) > 1e-6 {
		return nil, act.State{}, fault.New(fault.Invalid, a.op, fmt.Sprintf("a weight of %v %% is not possible", 100*want.To.Weight), "CodeDeploy takes whole per cents")
	}
	v, err := a.look(ctx)
	if err != nil {
		return nil, v.State, err
	}
	done, err := want.Meets(a.op, v.State)
	if err != nil && !v.heads(want.To) {
		return nil, v.State, err //nolint:wrapcheck // says all there is to say
	}
	if done && (v.id == "" || v.Ready && !want.To.Whole()) {
		return nil, v.State, nil
	}
	steps, err := a.path(want, v)
	return steps, v.State, err
}

// heads says whether the deployment under way leads where it is wanted: it was
// begun by an earlier call, whose answer was lost or who did not live to see it.
func (v view) heads(to act.Split) bool {
	switch {
	case v.id == "":
		return false
	case to.Whole():
		return v.target == to.Stable && (v.back || v.ours && v.aim == 100)
	}
	return v.ours && !v.back && v.Stable == to.Stable && v.Canary == to.Canary && v.aim == int(math.Round(100*to.Weight))
}

// path is the steps to a split.
func (a *Actor) path(want act.Action, v view) (steps []step, err error) {
	to := want.To
	switch {
	case v.heads(to):
		return []step{{Call: "codedeploy:GetDeployment " + v.id + " until it is done", Do: func(ctx context.Context, api *codedeploy.Client) (bool, error) {
			return false, a.arrive(ctx, api, v.id, to)
		}}}, nil
	case v.id == "":
	case v.back && !want.Verb.Back():
		return nil, fault.New(fault.Conflict, a.op, "CodeDeploy is putting version "+v.Stable+" back", "wait until that has ended, then begin anew")
	case !v.ours && !v.back && (!want.Verb.Back() || v.Stable != to.Stable):
		return nil, fault.New(fault.Conflict, a.op, "somebody else is busy with it: "+v.Busy, "wait until that has ended, then begin anew")
	default:
		steps = append(steps, a.stop(v))
	}
	if v.Stable != to.Stable || to.Whole() { // one that ended before it was stopped leaves its version in place
		steps = append(steps, a.create(want, to.Stable, 100))
	}
	if !to.Whole() {
		steps = append(steps, a.create(want, to.Canary, int(math.Round(100*to.Weight))))
	}
	return steps, nil
}

// stop stops the deployment under way, and waits until what it shifted is put
// back.
func (a *Actor) stop(v view) step {
	return step{Call: "codedeploy:StopDeployment " + v.id + " with rollback", Do: func(ctx context.Context, api *codedeploy.Client) (bool, error) {
		_, err := api.StopDeployment(ctx, &codedeploy.StopDeploymentInput{DeploymentId: &v.id, AutoRollbackEnabled: aws.Bool(true)})
		if err != nil && awskit.Code(err) != "DeploymentAlreadyCompletedException" { // it has ended: how, is read next
			return false, a.explain("StopDeployment", err)
		}
		return err == nil, a.wait.Poll(ctx, a.op, every, patience, func(ctx context.Context) (bool, error) {
			d, err := a.deployment(ctx, api, v.id)
			if err != nil || !over(d.Status) {
				return false, err
			}
			if d.RollbackInfo == nil || d.RollbackInfo.RollbackDeploymentId == nil {
				return true, nil
			}
			back, err := a.deployment(ctx, api, *d.RollbackInfo.RollbackDeploymentId)
			if err != nil || !over(back.Status) {
				return false, err
			}
			if back.Status != types.DeploymentStatusSucceeded {
				return false, a.failed(back, "the rollback")
			}
			return true, nil
		})
	}}
}

func over(s types.DeploymentStatus) bool {
	return slices.Contains([]types.DeploymentStatus{types.DeploymentStatusSucceeded, types.DeploymentStatusFailed, types.DeploymentStatusStopped}, s)
}

// create deploys a version: a share of the traffic, or all of it. Where the
// version is in place already nothing is begun.
func (a *Actor) create(want act.Action, version string, percent int) step {
	config, to, words := atOnce, act.Split{Stable: version}, version
	if percent < 100 {
		config, to = fmt.Sprintf("Nines.LambdaCanary%dPercent2Days", percent), want.To
		words = fmt.Sprintf("%d %% on %s", percent, version)
	}
	return step{Call: "codedeploy:CreateDeployment " + words, Do: func(ctx context.Context, api *codedeploy.Client) (bool, error) {
		v, err := a.look(ctx)
		if err != nil || v.id == "" && v.Same(to) {
			return false, err
		}
		in := &codedeploy.CreateDeploymentInput{
			ApplicationName: &a.application, DeploymentGroupName: &a.group, DeploymentConfigName: &config, Description: aws.String(describe(percent, want.Key)),
		}
		if in.Revision, err = a.revision(v.spec, v.Stable, version, want.Verb.Back()); err != nil {
			return false, err
		}
		if want.Verb.Back() {
			in.OverrideAlarmConfiguration = &types.AlarmConfiguration{Enabled: false}
		}
		id, err := a.begin(ctx, api, in, to)
		if err != nil {
			return false, err
		}
		return true, a.arrive(ctx, api, id, to)
	}}
}

// begin makes a deployment, and its configuration where that is missing.
func (a *Actor) begin(ctx context.Context, api *codedeploy.Client, in *codedeploy.CreateDeploymentInput, to act.Split) (id string, err error) {
	out, err := api.CreateDeployment(ctx, in)
	if awskit.Code(err) == "DeploymentConfigDoesNotExistException" && !to.Whole() {
		_, err = api.CreateDeploymentConfig(ctx, &codedeploy.CreateDeploymentConfigInput{
			DeploymentConfigName: in.DeploymentConfigName, ComputePlatform: types.ComputePlatformLambda,
			TrafficRoutingConfig: &types.TrafficRoutingConfig{Type: types.TrafficRoutingTypeTimeBasedCanary, TimeBasedCanary: &types.TimeBasedCanary{
				CanaryPercentage: int32(math.Round(100 * to.Weight)), CanaryInterval: interval,
			}},
		})
		if err != nil && awskit.Code(err) != "DeploymentConfigAlreadyExistsException" {
			return "", a.explain("CreateDeploymentConfig", err)
		}
		out, err = api.CreateDeployment(ctx, in)
	}
	if awskit.Code(err) == "DeploymentLimitExceededException" {
		if v, lerr := a.look(ctx); lerr == nil && v.heads(to) {
			return v.id, nil // it is ours: its answer was lost
		}
	}
	if err != nil {
		return "", a.explain("CreateDeployment, and codedeploy:UpdateDeploymentGroup for one without alarms", err)
	}
	return aws.ToString(out.DeploymentId), nil
}

// arrive waits until a deployment has shifted what it is to shift.
func (a *Actor) arrive(ctx context.Context, api *codedeploy.Client, id string, to act.Split) error {
	return a.wait.Poll(ctx, a.op, every, patience, func(ctx context.Context) (bool, error) {
		d, err := a.deployment(ctx, api, id)
		switch {
		case err != nil:
			return false, err
		case d.Status == types.DeploymentStatusFailed, d.Status == types.DeploymentStatusStopped:
			return false, a.failed(d, "deployment "+id)
		case to.Whole():
			return d.Status == types.DeploymentStatusSucceeded, nil
		}
		weight, err := a.weight(ctx, api, id)
		return err == nil && math.Abs(weight-to.Weight) < hundred/2, err
	})
}

// failed says why a deployment failed.
func (a *Actor) failed(d *types.DeploymentInfo, what string) error {
	code, message := types.ErrorCode("UNKNOWN"), ""
	if e := d.ErrorInformation; e != nil {
		code, message = e.Code, aws.ToString(e.Message)
	}
	hint := "look at its events: aws deploy get-deployment --deployment-id " + aws.ToString(d.DeploymentId)
	switch code { //nolint:exhaustive // the others are as they are
	case types.ErrorCodeAlarmActive:
		hint = "an alarm of the deployment group is red: mend that, or turn it off for the group"
	case types.ErrorCodeInvalidLambdaConfiguration:
		hint = "somebody changed the alias beside CodeDeploy, or the version is not there"
	}
	return fault.New(fault.Conflict, a.op, fmt.Sprintf("%s ended %s: %s, %s", what, d.Status, code, message), hint)
}
