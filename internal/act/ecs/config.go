package ecs

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// marked says whether a deployment configuration is one of ours.
func marked(c *types.DeploymentConfiguration) bool {
	if c == nil {
		return false
	}
	if slices.ContainsFunc(c.LifecycleHooks, mark) {
		return true
	}
	k := c.CanaryConfiguration
	return c.Strategy == types.DeploymentStrategyCanary && k != nil && aws.ToFloat64(k.CanaryPercent) == 100 &&
		k.CanaryBakeTimeInMinutes != nil && *k.CanaryBakeTimeInMinutes == 0
}

func mark(h types.DeploymentLifecycleHook) bool {
	return h.TargetType == types.DeploymentLifecycleHookTargetTypePause && h.TimeoutConfiguration != nil &&
		aws.ToInt32(h.TimeoutConfiguration.TimeoutInMinutes) == pause
}

// shifts says whether a service can shift shares of its traffic.
func shifts(c *types.DeploymentConfiguration) bool {
	return c != nil && c.Strategy != "" && c.Strategy != types.DeploymentStrategyRolling
}

// base is the service's own configuration: the present one, or where that is
// ours the one of the newest deployment that was not.
func (a *Actor) base(ctx context.Context, api *ecs.Client, now *types.DeploymentConfiguration) (*types.DeploymentConfiguration, error) {
	if !marked(now) {
		return now, nil
	}
	all, err := api.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &a.cluster, Service: &a.service})
	if err != nil {
		return nil, a.explain("ListServiceDeployments", err)
	}
	var arns []string
	for i := range all.ServiceDeployments {
		arns = append(arns, aws.ToString(all.ServiceDeployments[i].ServiceDeploymentArn))
	}
	if len(arns) > 0 {
		out, err := api.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: arns})
		if err != nil {
			return nil, a.explain("DescribeServiceDeployments", err)
		}
		for _, arn := range arns { // newest first
			for i := range out.ServiceDeployments {
				d := &out.ServiceDeployments[i]
				if aws.ToString(d.ServiceDeploymentArn) == arn && d.DeploymentConfiguration != nil && !marked(d.DeploymentConfiguration) {
					return d.DeploymentConfiguration, nil
				}
			}
		}
	}
	// None is on record, which reaches back 90 days: ECS's own defaults.
	c := *now
	c.LifecycleHooks = slices.DeleteFunc(slices.Clone(c.LifecycleHooks), mark)
	c.CanaryConfiguration = &types.CanaryConfiguration{CanaryPercent: aws.Float64(5), CanaryBakeTimeInMinutes: aws.Int32(10)}
	return &c, nil
}

// forShare is a configuration by which a deployment shifts a share, in per cent,
// and stands still.
func forShare(base types.DeploymentConfiguration, percent float64) *types.DeploymentConfiguration {
	c := canary(base, percent)
	c.LifecycleHooks = slices.DeleteFunc(slices.Clone(c.LifecycleHooks), func(h types.DeploymentLifecycleHook) bool {
		return h.TargetType == types.DeploymentLifecycleHookTargetTypePause &&
			slices.Contains(h.LifecycleStages, types.DeploymentLifecycleHookStagePreProductionTrafficShift) // ours stands in for it
	})
	c.LifecycleHooks = append(c.LifecycleHooks, types.DeploymentLifecycleHook{
		TargetType:      types.DeploymentLifecycleHookTargetTypePause,
		LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePreProductionTrafficShift},
		TimeoutConfiguration: &types.DeploymentLifecycleHookTimeoutConfiguration{
			Action: types.DeploymentLifecycleHookActionRollback, TimeoutInMinutes: aws.Int32(pause),
		},
	})
	return &c
}

// forAll is a configuration by which a deployment shifts everything at once.
// What puts back runs no lifecycle hooks: they could hold it up.
func forAll(base types.DeploymentConfiguration, back bool) *types.DeploymentConfiguration {
	c := canary(base, 100)
	c.LifecycleHooks = slices.DeleteFunc(slices.Clone(c.LifecycleHooks), func(h types.DeploymentLifecycleHook) bool {
		return back || h.TargetType == types.DeploymentLifecycleHookTargetTypePause
	})
	if c.LifecycleHooks == nil {
		c.LifecycleHooks = []types.DeploymentLifecycleHook{} // none, rather than as before
	}
	return &c
}

func canary(base types.DeploymentConfiguration, percent float64) types.DeploymentConfiguration {
	c := base
	c.Strategy, c.LinearConfiguration = types.DeploymentStrategyCanary, nil
	c.CanaryConfiguration = &types.CanaryConfiguration{CanaryPercent: &percent, CanaryBakeTimeInMinutes: aws.Int32(0)}
	c.BakeTimeInMinutes = aws.Int32(0)
	return c
}
