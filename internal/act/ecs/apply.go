package ecs

import (
	"context"
	"fmt"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// step is a write with what is waited for after it.
type step = act.Step[*ecs.Client]

// way is how the target is moved.
func (a *Actor) way() act.Way[*ecs.Client] {
	return act.Way[*ecs.Client]{Op: a.op, Client: a.client.Get, Steps: a.steps, Read: a.Read}
}

// Plan implements act.Actor.
func (a *Actor) Plan(ctx context.Context, want act.Action) (act.Change, error) {
	return a.way().Plan(ctx, want) //nolint:wrapcheck // says all there is to say
}

// Apply implements act.Actor.
func (a *Actor) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	return a.way().Apply(ctx, c) //nolint:wrapcheck // says all there is to say
}

// steps finds what an action takes, from how the service lies now.
func (a *Actor) steps(ctx context.Context, want act.Action) ([]step, act.State, error) {
	if err := want.Valid(a.op, a.Caps()); err != nil {
		return nil, act.State{}, err //nolint:wrapcheck // says all there is to say
	}
	if p := want.To.Weight / tenth; math.Abs(p-math.Round(p)) > 1e-6 {
		return nil, act.State{}, fault.New(fault.Invalid, a.op, fmt.Sprintf("a weight of %v %% is not possible", 100*want.To.Weight), "ECS takes multiples of 0.1 %")
	}
	v, err := a.look(ctx)
	if err != nil {
		return nil, v.State, err
	}
	done, err := want.Meets(a.op, v.State)
	if err != nil && !v.heads(want.To) {
		return nil, v.State, err //nolint:wrapcheck // says all there is to say
	}
	if done && v.under == nil && !marked(v.service.DeploymentConfiguration) || done && v.Ready && !want.To.Whole() {
		return nil, v.State, nil
	}
	if !want.To.Whole() && !shifts(v.service.DeploymentConfiguration) {
		return nil, v.State, fault.New(fault.Unsupported, a.op, "its deployment strategy is ROLLING, which shifts no share of the traffic",
			"give the service the strategy CANARY and what it needs (two target groups or Service Connect), or promote without a canary")
	}
	steps, err := a.path(want, v)
	return steps, v.State, err
}

// heads says whether the deployment under way leads where it is wanted: it was
// begun by an earlier call, whose answer was lost or who did not live to see it.
func (v view) heads(to act.Split) bool {
	switch {
	case v.under == nil || !v.ours:
		return false
	case to.Whole():
		return v.back && v.Stable == to.Stable || v.percent == 100 && v.Canary == to.Stable
	}
	return !v.back && v.Stable == to.Stable && v.Canary == to.Canary && math.Abs(v.percent-100*to.Weight) < 0.05
}

// path is the steps to a split.
func (a *Actor) path(want act.Action, v view) (steps []step, err error) {
	to := want.To
	if v.leads(to) {
		return append(steps, a.follow(v, to), a.tidy(to)), nil
	}
	if v.under != nil {
		if err := a.mayStop(want, v); err != nil {
			return nil, err
		}
		steps = append(steps, a.stop(v))
	}
	// A deployment that ended before it was stopped leaves its version in place.
	if v.Stable != to.Stable || to.Whole() && v.under != nil {
		steps = append(steps, a.whole(want, v, to.Stable))
	}
	if !to.Whole() {
		return append(steps, a.share(v, to)), nil
	}
	return append(steps, a.tidy(to)), nil
}

// leads says whether the deployment under way has only to go on.
func (v view) leads(to act.Split) bool {
	return v.heads(to) || v.under != nil && to.Whole() && v.ours && !v.back && v.Canary == to.Stable
}

// mayStop says whether the deployment under way may be stopped for an action:
// ours may, and one of somebody else's by what puts its source back.
func (a *Actor) mayStop(want act.Action, v view) error {
	hint := "wait until that has ended, then begin anew"
	switch {
	case v.back && !want.Verb.Back():
		return fault.New(fault.Conflict, a.op, "ECS is putting "+v.Stable+" back: "+aws.ToString(v.under.StatusReason), hint)
	case !v.ours && (!want.Verb.Back() || v.Stable != want.To.Stable):
		return fault.New(fault.Conflict, a.op, "somebody else is busy with it: "+v.Busy, hint)
	}
	return nil
}

// stop rolls the deployment under way back, and waits until that is done.
func (a *Actor) stop(v view) step {
	arn := aws.ToString(v.under.ServiceDeploymentArn)
	return step{Call: "ecs:StopServiceDeployment " + name(&arn) + " ROLLBACK", Do: func(ctx context.Context, api *ecs.Client) (bool, error) {
		_, err := api.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: &arn, StopType: types.StopServiceDeploymentStopTypeRollback})
		if err != nil && awskit.Code(err) != "ConflictException" { // it has ended: how, is read next
			return false, a.explain("StopServiceDeployment", err)
		}
		return err == nil, a.wait.Poll(ctx, a.op, every, patience, func(ctx context.Context) (bool, error) {
			d, err := a.deployment(ctx, api, arn)
			if err == nil && d.Status == types.ServiceDeploymentStatusRollbackFailed {
				return false, fault.New(fault.Conflict, a.op, "the rollback failed: "+aws.ToString(d.StatusReason), "put the earlier version back by a new deployment")
			}
			return err == nil && over(d.Status), err
		})
	}}
}

// whole gives one version everything by a new deployment. Where the version is
// in place already nothing is begun.
func (a *Actor) whole(want act.Action, v view, version string) step {
	return step{Call: "ecs:UpdateService " + a.service + " " + version, Do: func(ctx context.Context, api *ecs.Client) (bool, error) {
		now, err := a.look(ctx)
		if err != nil || now.under == nil && now.Stable == version {
			return false, err
		}
		in := &ecs.UpdateServiceInput{Cluster: &a.cluster, Service: &a.service, TaskDefinition: &version}
		if shifts(v.service.DeploymentConfiguration) {
			base, err := a.base(ctx, api, now.service.DeploymentConfiguration)
			if err != nil {
				return false, err
			}
			in.DeploymentConfiguration = forAll(*base, want.Verb.Back())
		}
		if err := a.update(ctx, api, in); err != nil {
			return false, err
		}
		return true, a.arrive(ctx, api, act.Split{Stable: version})
	}}
}

// share begins a canary and waits until it has its share.
func (a *Actor) share(v view, to act.Split) step {
	percent := math.Round(1000*to.Weight) / 10
	return step{Call: fmt.Sprintf("ecs:UpdateService %s %v %% on %s", a.service, percent, to.Canary), Do: func(ctx context.Context, api *ecs.Client) (bool, error) {
		base, err := a.base(ctx, api, v.service.DeploymentConfiguration)
		if err != nil {
			return false, err
		}
		in := &ecs.UpdateServiceInput{Cluster: &a.cluster, Service: &a.service, TaskDefinition: &to.Canary, DeploymentConfiguration: forShare(*base, percent)}
		if err := a.update(ctx, api, in); err != nil {
			return false, err
		}
		return true, a.arrive(ctx, api, to)
	}}
}

func (a *Actor) update(ctx context.Context, api *ecs.Client, in *ecs.UpdateServiceInput) error {
	_, err := api.UpdateService(ctx, in)
	if err != nil && in.TaskDefinition != nil && awskit.Code(err) == "ClientException" {
		return fault.New(fault.NotFound, a.op, "there is no task definition "+*in.TaskDefinition, "publish it first")
	}
	return a.explain("UpdateService, and iam:PassRole for its roles", err)
}

// follow goes on with the deployment under way.
func (a *Actor) follow(v view, to act.Split) step {
	return step{Call: "ecs:ContinueServiceDeployment " + name(v.under.ServiceDeploymentArn), Do: func(ctx context.Context, api *ecs.Client) (bool, error) {
		return true, a.arrive(ctx, api, to)
	}}
}

// doubts is how often in a row a service has to say that it lies elsewhere: its
// answers may be older than its last change.
const doubts = 3

// arrive waits until the service lies as wanted, and lets the deployment go on
// where it stands still before that.
func (a *Actor) arrive(ctx context.Context, api *ecs.Client, to act.Split) error {
	elsewhere := 0
	return a.wait.Poll(ctx, a.op, every, patience, func(ctx context.Context) (bool, error) {
		v, err := a.look(ctx)
		switch {
		case err != nil:
			return false, err
		case v.under == nil && v.Busy == "" && v.Same(to), v.Ready && v.Same(to) && !to.Whole():
			return true, nil
		case v.under == nil && v.Busy == "":
			if elsewhere++; elsewhere < doubts {
				return false, nil
			}
			return false, a.failed(ctx, api, to)
		case v.hook == "" || v.back:
			return false, nil
		}
		elsewhere = 0
		_, err = api.ContinueServiceDeployment(ctx, &ecs.ContinueServiceDeploymentInput{
			ServiceDeploymentArn: v.under.ServiceDeploymentArn, HookId: &v.hook, Action: types.DeploymentLifecycleHookActionContinue,
		})
		if awskit.Code(err) == "InvalidParameterException" {
			return false, nil // it went on already: an answer was lost
		}
		return false, a.explain("ContinueServiceDeployment", err)
	})
}

// failed says why a deployment did not come to where it was wanted.
func (a *Actor) failed(ctx context.Context, api *ecs.Client, to act.Split) error {
	why := "its deployment ended elsewhere"
	all, err := api.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &a.cluster, Service: &a.service, MaxResults: aws.Int32(1)})
	if err == nil && len(all.ServiceDeployments) > 0 {
		if d, err := a.deployment(ctx, api, aws.ToString(all.ServiceDeployments[0].ServiceDeploymentArn)); err == nil {
			why = fmt.Sprintf("deployment %s: %s", d.Status, aws.ToString(d.StatusReason))
		}
	}
	return fault.New(fault.Conflict, a.op, fmt.Sprintf("it did not come to %v: %s", to, why), "look at the service's events and its alarms")
}

// tidy puts the service's own deployment configuration back.
func (a *Actor) tidy(to act.Split) step {
	return step{Call: "ecs:UpdateService " + a.service + " its own deployment configuration", Do: func(ctx context.Context, api *ecs.Client) (bool, error) {
		now, err := a.look(ctx)
		if err != nil || now.under != nil || !now.Same(to) || !marked(now.service.DeploymentConfiguration) {
			return false, err
		}
		base, err := a.base(ctx, api, now.service.DeploymentConfiguration)
		if err != nil {
			return false, err
		}
		c := *base
		if c.LifecycleHooks == nil {
			c.LifecycleHooks = []types.DeploymentLifecycleHook{}
		}
		return true, a.update(ctx, api, &ecs.UpdateServiceInput{Cluster: &a.cluster, Service: &a.service, DeploymentConfiguration: &c})
	}}
}
