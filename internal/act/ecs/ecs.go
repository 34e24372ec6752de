// Package ecs moves the traffic of an Amazon ECS service. A version is a task
// definition, "family:revision".
//
// A share of the traffic is a service deployment with the strategy CANARY that
// stands still at a pause hook before it would shift the rest. What nobody
// finishes within a day ECS rolls back by itself: the hook says so. To promote
// is to continue it, to restore is StopServiceDeployment with ROLLBACK, and an
// earlier version is put back by a new deployment that shifts everything at
// once. A service whose strategy is ROLLING takes whole versions only: the
// adapter does not give a service another strategy, which needs target groups.
// ECS shifts twice, first the share and then the rest; another share is another
// deployment, whose tasks start anew, and meanwhile the stable version has all.
//
// The service's deployment configuration is changed for the deployment and put
// back after it. Two marks, which nobody writes by hand, say that it is ours: a
// pause of 1439 minutes, and a canary of 100 % without bake time.
//
// Alarms of the configuration stay as they are. ECS ignores those that are in
// ALARM when a deployment begins: a red alarm does not hold up a rollback, and
// does not protect one either.
//
// UpdateService has no lock: between the last look and the write somebody else
// may come first. What they did is then stopped by ECS, and read afterwards.
package ecs

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	every    = 5 * time.Second
	patience = time.Hour // for tasks to start, lifecycle hooks included
	// pause is how long a deployment stands still, in minutes: a minute less than
	// ECS's own default, by which it is known for ours.
	pause = 1439
	tenth = 0.001 // weights are multiples of 0.1 %
	// stagePreShift is where it stands still.
	stagePreShift = "PRE_PRODUCTION_TRAFFIC_SHIFT"
)

// Actor is a service. It implements act.Publisher.
type Actor struct {
	cluster, service, op string
	wait                 act.Wait
	client               awskit.Lazy[ecs.Client]
}

var _ act.Publisher = (*Actor)(nil)

// Open opens "ecs:CLUSTER/SERVICE?region=R&role=ARN".
func Open(at act.Place, wait act.Wait) *Actor {
	return New(at.Params["cluster"], at.Params["service"], wait, func(ctx context.Context) (*ecs.Client, error) {
		cfg, err := awskit.ConfigAs(ctx, at.Params["region"], at.Params["role"])
		if err != nil {
			return nil, err
		}
		return ecs.NewFromConfig(cfg), nil
	})
}

// New is Open with a client of the caller's.
func New(cluster, service string, wait act.Wait, connect func(context.Context) (*ecs.Client, error)) *Actor {
	return &Actor{cluster: cluster, service: service, op: "ecs:" + cluster + "/" + service, wait: wait, client: awskit.Lazy[ecs.Client]{Connect: connect}}
}

// Caps implements act.Actor.
func (*Actor) Caps() act.Caps {
	return act.Caps{Splits: true, Smallest: tenth, Most: 1 - tenth, Restores: true}
}

// explain says what an error of ECS means; action is the permission it needs.
// (API reference, "Errors" of each call.)
func (a *Actor) explain(action string, err error) error {
	return awskit.ExplainAs(a.op, "ecs:"+action, err, map[string]fault.Kind{ //nolint:wrapcheck // classified there
		"ServiceNotFoundException": fault.NotFound, "ClusterNotFoundException": fault.NotFound,
		"ServiceNotActiveException": fault.NotFound, "ServiceDeploymentNotFoundException": fault.NotFound,
		"ClientException": fault.Invalid, "ConflictException": fault.Conflict, "UnsupportedFeatureException": fault.Unsupported,
		"PlatformUnknownException": fault.Invalid, "PlatformTaskDefinitionIncompatibilityException": fault.Invalid,
	})
}

// view is a service as it was seen, with the deployment that is under way.
type view struct {
	act.State
	service types.Service
	under   *types.ServiceDeployment // nil: none
	ours    bool
	percent float64 // what the deployment under way shifts first
	hook    string  // where it stands still before a shift; "": it does not
	back    bool    // it is being rolled back
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
	out, err := api.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &a.cluster, Services: []string{a.service}})
	if err != nil {
		return view{}, a.explain("DescribeServices", err)
	}
	if len(out.Services) == 0 || aws.ToString(out.Services[0].Status) == "INACTIVE" {
		return view{}, fault.New(fault.NotFound, a.op, "there is no such service in the cluster", "check the names and the region")
	}
	v := view{service: out.Services[0]}
	if c := v.service.DeploymentController; c != nil && c.Type != "" && c.Type != types.DeploymentControllerTypeEcs {
		return v, fault.New(fault.Unsupported, a.op, "its deployments are made by "+string(c.Type), "write codedeploy:APPLICATION/GROUP for those of CodeDeploy")
	}
	v.Stable, v.Ready = name(v.service.TaskDefinition), true
	moving := len(v.service.Deployments) > 1
	for i := range v.service.Deployments {
		if d := &v.service.Deployments[i]; aws.ToString(d.Status) == "PRIMARY" {
			v.Revision = aws.ToString(d.Id)
			moving = moving || d.RolloutState == types.DeploymentRolloutStateInProgress
		}
	}
	if v.under, err = a.underWay(ctx, api, v.service, moving); err != nil {
		return v, err
	}
	if v.under == nil {
		if moving {
			v.Ready, v.Busy = false, "a deployment of "+v.Stable
		}
		return v, nil
	}
	return v, a.shares(ctx, api, &v)
}

// underWay finds the service deployment that is under way; nil: there is none.
func (a *Actor) underWay(ctx context.Context, api *ecs.Client, s types.Service, moving bool) (*types.ServiceDeployment, error) {
	arn := aws.ToString(s.CurrentServiceDeployment)
	if arn == "" && !moving {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if arn == "" {
		all, err := api.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &a.cluster, Service: &a.service, Status: []types.ServiceDeploymentStatus{
			types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentStatusStopRequested,
			types.ServiceDeploymentStatusRollbackRequested, types.ServiceDeploymentStatusRollbackInProgress,
		}})
		if err != nil {
			return nil, a.explain("ListServiceDeployments", err)
		}
		if len(all.ServiceDeployments) == 0 {
			return nil, nil //nolint:nilnil // none is an answer
		}
		arn = aws.ToString(all.ServiceDeployments[0].ServiceDeploymentArn)
	}
	d, err := a.deployment(ctx, api, arn)
	if err != nil || over(d.Status) {
		return nil, err
	}
	return d, nil
}

func (a *Actor) deployment(ctx context.Context, api *ecs.Client, arn string) (*types.ServiceDeployment, error) {
	out, err := api.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{arn}})
	if err != nil {
		return nil, a.explain("DescribeServiceDeployments", err)
	}
	if len(out.ServiceDeployments) == 0 {
		return nil, fault.New(fault.Unavailable, a.op, "the deployment "+name(&arn)+" cannot be read yet", "run it again")
	}
	return &out.ServiceDeployments[0], nil
}

// over says whether a deployment has ended.
func over(s types.ServiceDeploymentStatus) bool {
	switch s {
	case types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentStatusStopped,
		types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentStatusRollbackFailed:
		return true
	case types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentStatusStopRequested,
		types.ServiceDeploymentStatusRollbackRequested, types.ServiceDeploymentStatusRollbackInProgress:
	}
	return false
}

// shares reads off the deployment under way who has how much traffic.
func (a *Actor) shares(ctx context.Context, api *ecs.Client, v *view) error {
	d := v.under
	target := aws.ToString(d.TargetServiceRevision.Arn)
	arns := []string{target}
	if len(d.SourceServiceRevisions) > 0 {
		arns = append(arns, aws.ToString(d.SourceServiceRevisions[0].Arn))
	}
	out, err := api.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: arns})
	if err != nil {
		return a.explain("DescribeServiceRevisions", err)
	}
	definitions := map[string]string{}
	for i := range out.ServiceRevisions {
		definitions[aws.ToString(out.ServiceRevisions[i].ServiceRevisionArn)] = name(out.ServiceRevisions[i].TaskDefinition)
	}
	v.Ready = false
	v.Stable, v.Canary = definitions[arns[len(arns)-1]], definitions[target]
	if len(arns) == 1 {
		v.Canary = "" // the first one there is
	}
	if w := d.TargetServiceRevision.RequestedProductionTrafficWeight; w != nil && v.Canary != "" {
		v.Weight = math.Round(*w*10) / 1000
	}
	a.judge(v)
	return nil
}

// judge says whose the deployment under way is, and how far it has come.
func (*Actor) judge(v *view) {
	d := v.under
	v.back = d.Status == types.ServiceDeploymentStatusRollbackRequested || d.Status == types.ServiceDeploymentStatusRollbackInProgress ||
		d.Status == types.ServiceDeploymentStatusStopRequested
	v.ours = marked(d.DeploymentConfiguration)
	if c := d.DeploymentConfiguration; c != nil && c.CanaryConfiguration != nil {
		v.percent = aws.ToFloat64(c.CanaryConfiguration.CanaryPercent)
	}
	for _, h := range d.LifecycleHookDetails {
		if h.TargetType == types.DeploymentLifecycleHookTargetTypePause && h.Status == types.DeploymentLifecycleHookStatusAwaitingAction &&
			d.LifecycleStage == stagePreShift {
			v.hook = aws.ToString(h.HookId)
		}
	}
	v.Ready = v.ours && v.hook != "" && math.Abs(100*v.Weight-v.percent) < 0.05
	if !v.ours {
		v.Busy = "deployment " + name(d.ServiceDeploymentArn) + " of " + v.Canary + " (" + string(d.Status) + ")"
	}
}

// name is what stands behind the last slash of an ARN.
func name(arn *string) string {
	s := aws.ToString(arn)
	return s[strings.LastIndexByte(s, '/')+1:]
}
