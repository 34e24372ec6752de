// Package codedeploy moves the traffic of a Lambda alias through AWS CodeDeploy:
// its hooks and its alarms apply. A version is a version of the function.
//
// A share is a deployment by a configuration of ours,
// "Nines.LambdaCanary10Percent2Days", that is made when it is missing: CodeDeploy
// cannot stand still, it shifts the rest when the interval is over, and two days
// is the longest there is. To promote is therefore to stop it, which puts the
// old version back, and to deploy the new one at once. To restore is to stop it
// with rollback. An earlier version is put back by a deployment of its own,
// without hooks and with the alarms off, the documented way past an alarm that
// is red; it needs codedeploy:UpdateDeploymentGroup.
//
// Function, alias and hooks come from the group's last successful deployment.
// CodeDeploy knows of its own deployments alone: a change of the alias beside it
// is not read, and the next deployment fails on it without harm.
//
// Who wants CodeDeploy to go its own way through its own configuration, and only
// to judge and to stop it, uses the kind "command" with aws deploy.
package codedeploy

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	every    = 5 * time.Second
	patience = 2 * time.Hour // hooks may take an hour each
	hundred  = 0.01          // weights are whole per cents
)

// Actor is a deployment group of one Lambda function. It implements act.Actor.
type Actor struct {
	application, group, op string
	wait                   act.Wait
	client                 awskit.Lazy[codedeploy.Client]
}

var _ act.Actor = (*Actor)(nil)

// Open opens "codedeploy:APPLICATION/GROUP?region=R&role=ARN".
func Open(at act.Place, wait act.Wait) *Actor {
	return New(at.Params["application"], at.Params["group"], wait, func(ctx context.Context) (*codedeploy.Client, error) {
		cfg, err := awskit.ConfigAs(ctx, at.Params["region"], at.Params["role"])
		if err != nil {
			return nil, err
		}
		return codedeploy.NewFromConfig(cfg), nil
	})
}

// New is Open with a client of the caller's.
func New(application, group string, wait act.Wait, connect func(context.Context) (*codedeploy.Client, error)) *Actor {
	return &Actor{application: application, group: group, op: "codedeploy:" + application + "/" + group, wait: wait, client: awskit.Lazy[codedeploy.Client]{Connect: connect}}
}

// Caps implements act.Actor.
func (*Actor) Caps() act.Caps {
	return act.Caps{Splits: true, Smallest: hundred, Most: 1 - hundred, Restores: true}
}

// explain says what an error of CodeDeploy means; action is the permission it
// needs. (API reference, "Errors" of each call.)
func (a *Actor) explain(action string, err error) error {
	if strings.HasSuffix(awskit.Code(err), "DoesNotExistException") {
		return fault.New(fault.NotFound, a.op, err.Error(), "check the names and the region")
	}
	return awskit.ExplainAs(a.op, "codedeploy:"+action, err, map[string]fault.Kind{ //nolint:wrapcheck // classified there
		"DeploymentLimitExceededException": fault.Conflict, "DeploymentAlreadyCompletedException": fault.Conflict,
		"DeploymentNotStartedException": fault.Unavailable, "RevisionRequiredException": fault.Invalid,
		"UnsupportedActionForDeploymentTypeException": fault.Unsupported,
	})
}

// view is the group as it was seen, with the deployment that is under way.
type view struct {
	act.State
	id     string // of the deployment under way; "": none
	spec   string // the AppSpec to deploy by
	ours   bool
	aim    int  // what the deployment under way shifts, in per cent
	back   bool // it is a rollback, or is being stopped
	target string
}

// Read implements act.Actor.
func (a *Actor) Read(ctx context.Context) (act.State, error) {
	v, err := a.look(ctx)
	return v.State, err
}

func (a *Actor) look(ctx context.Context) (view, error) {
	api, err := a.client.Get(ctx)
	if err != nil {
		return view{}, err
	}
	out, err := api.GetDeploymentGroup(ctx, &codedeploy.GetDeploymentGroupInput{ApplicationName: &a.application, DeploymentGroupName: &a.group})
	if err != nil {
		return view{}, a.explain("GetDeploymentGroup", err)
	}
	g := out.DeploymentGroupInfo
	switch {
	case g.ComputePlatform != types.ComputePlatformLambda:
		return view{}, fault.New(fault.Unsupported, a.op, "it deploys to "+string(g.ComputePlatform), "write the target as ecs: or command:")
	case g.LastSuccessfulDeployment == nil:
		return view{}, fault.New(fault.NotFound, a.op, "nothing was deployed by it yet", "deploy once by other means: function, alias and hooks are taken from there")
	}
	last, err := a.deployment(ctx, api, aws.ToString(g.LastSuccessfulDeployment.DeploymentId))
	if err != nil {
		return view{}, err
	}
	f, err := a.spec(last)
	if err != nil {
		return view{}, err
	}
	v := view{State: act.State{Split: act.Split{Stable: f.target}, Revision: aws.ToString(last.DeploymentId), Ready: true}, spec: f.content}
	under, err := a.underWay(ctx, api)
	if err != nil {
		return v, err
	}
	if under != nil {
		return v, a.moving(ctx, api, under, &v)
	}
	if n := g.LastAttemptedDeployment; n != nil && aws.ToString(n.DeploymentId) != v.Revision {
		return v, a.ended(ctx, api, aws.ToString(n.DeploymentId), &v)
	}
	return v, nil
}

// underWay finds the deployment that has not ended: a rollback before what it
// rolls back. nil: there is none.
func (a *Actor) underWay(ctx context.Context, api *codedeploy.Client) (*types.DeploymentInfo, error) {
	all, err := api.ListDeployments(ctx, &codedeploy.ListDeploymentsInput{
		ApplicationName: &a.application, DeploymentGroupName: &a.group,
		IncludeOnlyStatuses: []types.DeploymentStatus{
			types.DeploymentStatusCreated, types.DeploymentStatusQueued, types.DeploymentStatusInProgress, types.DeploymentStatusBaking, types.DeploymentStatusReady,
		},
	})
	if err != nil {
		return nil, a.explain("ListDeployments", err)
	}
	var found *types.DeploymentInfo
	for _, id := range all.Deployments {
		d, err := a.deployment(ctx, api, id)
		if err != nil {
			return nil, err
		}
		if found == nil || d.Creator == types.DeploymentCreatorCodeDeployRollback {
			found = d
		}
	}
	return found, nil
}

func (a *Actor) deployment(ctx context.Context, api *codedeploy.Client, id string) (*types.DeploymentInfo, error) {
	out, err := api.GetDeployment(ctx, &codedeploy.GetDeploymentInput{DeploymentId: &id})
	if err != nil {
		return nil, a.explain("GetDeployment", err)
	}
	return out.DeploymentInfo, nil
}

// weight returns what share a deployment's target has; 0 for one that has not
// begun.
func (a *Actor) weight(ctx context.Context, api *codedeploy.Client, id string) (float64, error) {
	list, err := api.ListDeploymentTargets(ctx, &codedeploy.ListDeploymentTargetsInput{DeploymentId: &id})
	if awskit.Code(err) == "DeploymentNotStartedException" {
		return 0, nil
	}
	if err != nil {
		return 0, a.explain("ListDeploymentTargets", err)
	}
	if len(list.TargetIds) == 0 {
		return 0, nil
	}
	out, err := api.BatchGetDeploymentTargets(ctx, &codedeploy.BatchGetDeploymentTargetsInput{DeploymentId: &id, TargetIds: list.TargetIds})
	if err != nil {
		return 0, a.explain("BatchGetDeploymentTargets", err)
	}
	if len(out.DeploymentTargets) == 0 || out.DeploymentTargets[0].LambdaTarget == nil || out.DeploymentTargets[0].LambdaTarget.LambdaFunctionInfo == nil {
		return 0, nil
	}
	return math.Round(100*out.DeploymentTargets[0].LambdaTarget.LambdaFunctionInfo.TargetVersionWeight) / 10000, nil
}

// moving reads a deployment that is under way.
func (a *Actor) moving(ctx context.Context, api *codedeploy.Client, d *types.DeploymentInfo, v *view) error {
	v.id = aws.ToString(d.DeploymentId)
	f, err := a.spec(d)
	if err != nil {
		return err
	}
	weight, err := a.weight(ctx, api, v.id)
	if err != nil {
		return err
	}
	v.Revision, v.Ready, v.target = v.id, false, f.target
	if v.back = d.Creator == types.DeploymentCreatorCodeDeployRollback; v.back {
		left := math.Round(10000*(1-weight)) / 10000
		if weight == 0 && d.RollbackInfo != nil && d.RollbackInfo.RollbackTriggeringDeploymentId != nil {
			left, err = a.weight(ctx, api, *d.RollbackInfo.RollbackTriggeringDeploymentId) // it has not begun
		}
		v.Split = act.Split{Stable: f.target, Canary: f.current, Weight: left}
		return err
	}
	v.Split = act.Split{Stable: f.current, Canary: f.target, Weight: weight}
	v.aim, v.ours = aimOf(aws.ToString(d.Description))
	v.Ready = v.ours && v.aim < 100 && int(math.Round(100*weight)) == v.aim
	if !v.ours {
		v.Busy = fmt.Sprintf("deployment %s to version %s (%s)", v.id, f.target, d.Status)
	}
	return nil
}

// ended reads the newest deployment, which did not succeed: where it was not
// rolled back it left the traffic as it was.
func (a *Actor) ended(ctx context.Context, api *codedeploy.Client, id string, v *view) error {
	d, err := a.deployment(ctx, api, id)
	if err != nil {
		return err
	}
	v.Revision = id
	if d.RollbackInfo != nil && d.RollbackInfo.RollbackDeploymentId != nil {
		return nil // what that one did is the last success
	}
	weight, err := a.weight(ctx, api, id)
	if err != nil || weight == 0 {
		return err
	}
	f, err := a.spec(d)
	if err != nil {
		return err
	}
	v.Split = act.Split{Stable: f.current, Canary: f.target, Weight: weight}
	return nil
}

// describe is the description of a deployment of ours, by which it is known.
func describe(aim int, key string) string {
	const most = 200
	s := fmt.Sprintf("nines shifts %d %%: %s", aim, key)
	return s[:min(len(s), most)]
}

func aimOf(description string) (aim int, ours bool) {
	_, err := fmt.Sscanf(description, "nines shifts %d %%", &aim)
	return aim, err == nil
}
