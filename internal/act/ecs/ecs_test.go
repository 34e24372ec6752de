package ecs_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/ecs"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/faulty"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// own sets the service's deployment configuration as its owner does.
func (b *bench) own(t *testing.T, c *types.DeploymentConfiguration) {
	t.Helper()
	if _, err := b.client.UpdateService(t.Context(), &sdk.UpdateServiceInput{
		Cluster: aws.String("shop"), Service: aws.String("pay"), DeploymentConfiguration: c, ForceNewDeployment: true,
	}); err != nil {
		t.Fatal(err)
	}
	_ = b.clock.Wait(t.Context(), 4*time.Hour) // until that is deployed
}

func (b *bench) service(t *testing.T) types.Service {
	t.Helper()
	out, err := b.client.DescribeServices(t.Context(), &sdk.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"pay"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Services[0]
}

// The service's own configuration is in force again after a rollout, whatever
// way it ended, and though another process ended it.
func TestConfigurationComesBack(t *testing.T) {
	b := start(t)
	v := b.Make("shop", "pay", "CANARY", 2)
	b.own(t, &types.DeploymentConfiguration{
		Strategy: types.DeploymentStrategyCanary, BakeTimeInMinutes: aws.Int32(15),
		CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(20), CanaryBakeTimeInMinutes: aws.Int32(30)},
		Alarms:              &types.DeploymentAlarms{AlarmNames: []string{"pay-errors"}, Enable: true, Rollback: true},
	})
	want := b.service(t).DeploymentConfiguration
	target.Must(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: v[1], Weight: 0.05})
	if now := b.service(t).DeploymentConfiguration; len(now.LifecycleHooks) != 1 || *now.CanaryConfiguration.CanaryPercent != 5 || !now.Alarms.Enable {
		t.Errorf("during the canary: %+v", now)
	}
	for _, step := range []struct {
		verb act.Verb
		to   act.Split
	}{
		{act.Restore, act.Split{Stable: v[0]}},
		{act.Promote, act.Split{Stable: v[1]}},
		{act.Rollback, act.Split{Stable: v[0]}},
	} {
		out := target.Must(t, b.actor(), step.verb, step.to)
		t.Logf("%s: %s", step.verb, strings.Join(out.Calls, "; "))
		got := b.service(t).DeploymentConfiguration
		if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
			t.Errorf("after %s:\n%s", step.verb, diff)
		}
	}
}

// plain is what is compared of a configuration.
func plain(c *types.DeploymentConfiguration) map[string]any {
	return map[string]any{
		"strategy": c.Strategy, "bake": aws.ToInt32(c.BakeTimeInMinutes), "percent": aws.ToFloat64(c.CanaryConfiguration.CanaryPercent),
		"canary bake": aws.ToInt32(c.CanaryConfiguration.CanaryBakeTimeInMinutes), "alarms": c.Alarms.Enable, "hooks": len(c.LifecycleHooks),
	}
}

// A process that is killed anywhere on the way leaves a target that the next one
// takes to its end, or back.
func TestKilledOnTheWay(t *testing.T) {
	for after := range 30 {
		for _, back := range []bool{false, true} {
			b := start(t)
			v := b.Make("shop", "pay", "CANARY", 2)
			to, first := act.Split{Stable: v[0], Canary: v[1], Weight: 0.25}, act.Split{Stable: v[0]}
			a := ecs.New("shop", "pay", target.Mortal(b.clock.Wait, after), func(context.Context) (*sdk.Client, error) { return b.client, nil })
			from, err := a.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			shift := act.Change{Action: act.Action{Verb: act.Shift, Key: "k", From: from, To: to}}
			if _, err = a.Apply(t.Context(), shift); err == nil {
				_, err = target.Apply(t, a, act.Promote, act.Split{Stable: v[1]})
			}
			switch {
			case back && b.look() == (act.Split{Stable: v[1]}): // it is promoted
				target.Must(t, b.actor(), act.Rollback, first)
			case back:
				target.Must(t, b.actor(), act.Restore, first)
			case err == nil:
				return // it lived to the end: so it does with more waits
			default:
				if out, err := b.actor().Apply(t.Context(), shift); err == nil && out.State.Same(to) {
					t.Logf("killed after %d waits: the next one shifts", after)
				}
				target.Must(t, b.actor(), act.Promote, act.Split{Stable: v[1]})
			}
			if back && b.look() != first {
				t.Fatalf("killed after %d waits, put back: it lies at %v", after, b.look())
			}
			if c := b.service(t).DeploymentConfiguration; len(c.LifecycleHooks) != 0 {
				t.Fatalf("killed after %d waits: hooks stay behind: %+v", after, c.LifecycleHooks)
			}
		}
	}
}

// What nobody finishes ECS puts back itself.
func TestNobodyFinishes(t *testing.T) {
	b := start(t)
	v := b.Make("shop", "pay", "CANARY", 2)
	target.Must(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: v[1], Weight: 0.1})
	_ = b.clock.Wait(t.Context(), 25*time.Hour)
	if got := b.look(); got != (act.Split{Stable: v[0]}) {
		t.Errorf("after a day it lies at %v", got)
	}
	target.Must(t, b.actor(), act.Restore, act.Split{Stable: v[0]})
	if c := b.service(t).DeploymentConfiguration; len(c.LifecycleHooks) != 0 {
		t.Errorf("hooks stay behind: %+v", c.LifecycleHooks)
	}
}

// An alarm that was red before is ignored by ECS; one that goes off later rolls
// back, and its name is in the error.
func TestAlarms(t *testing.T) {
	b := start(t)
	v := b.Make("shop", "pay", "CANARY", 2)
	b.own(t, &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary, Alarms: &types.DeploymentAlarms{AlarmNames: []string{"old", "new"}, Enable: true, Rollback: true}})
	b.SetAlarm("old", true)
	target.Must(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: v[1], Weight: 0.1})
	b.SetAlarm("new", true)
	_, err := target.Apply(t, b.actor(), act.Promote, act.Split{Stable: v[1]})
	if fault.KindOf(err) != fault.Conflict {
		t.Fatalf("promoted though an alarm went off: %v", err)
	}
	_ = b.clock.Wait(t.Context(), time.Minute)
	if got := b.look(); got != (act.Split{Stable: v[0]}) {
		t.Errorf("it lies at %v", got)
	}
	// With both red, a rollback is not held up.
	b.SetAlarm("new", false)
	target.Must(t, b.actor(), act.Promote, act.Split{Stable: v[1]})
	b.SetAlarm("new", true)
	target.Must(t, b.actor(), act.Rollback, act.Split{Stable: v[0]})
}

// A version whose tasks do not start is given back by the circuit breaker, and
// the error says so.
func TestBrokenVersion(t *testing.T) {
	b := start(t)
	v := b.Make("shop", "pay", "CANARY", 2)
	b.own(t, &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary, DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}})
	b.Break(v[1])
	_, err := target.Apply(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: v[1], Weight: 0.1})
	if err == nil || !strings.Contains(err.Error(), "circuit breaker") || fault.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	if got := b.look(); got != (act.Split{Stable: v[0]}) {
		t.Errorf("it lies at %v", got)
	}
}

// A service with the strategy ROLLING takes whole versions.
func TestRolling(t *testing.T) {
	b := start(t)
	v := b.Make("shop", "pay", "ROLLING", 2)
	_, err := target.Apply(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: v[1], Weight: 0.1})
	if fault.KindOf(err) != fault.Unsupported || !strings.Contains(fault.HintOf(err), "CANARY") {
		t.Errorf("a share: %v (%s)", err, fault.HintOf(err))
	}
	target.Must(t, b.actor(), act.Promote, act.Split{Stable: v[1]})
	out := target.Must(t, b.actor(), act.Rollback, act.Split{Stable: v[0]})
	if got := b.look(); got != (act.Split{Stable: v[0]}) || len(out.Calls) == 0 {
		t.Errorf("it lies at %v after %v", got, out.Calls)
	}
}

// While somebody's deployment is still rolling out, a restore stops it.
func TestRestoreWhileItRolls(t *testing.T) {
	for _, strategy := range []string{"ROLLING", "CANARY"} {
		b := start(t)
		v := b.Make("shop", "pay", strategy, 3)
		if _, err := b.client.UpdateService(t.Context(), &sdk.UpdateServiceInput{Cluster: aws.String("shop"), Service: aws.String("pay"), TaskDefinition: &v[1]}); err != nil {
			t.Fatal(err)
		}
		_ = b.clock.Wait(t.Context(), 20*time.Second)
		_, err := target.Apply(t, b.actor(), act.Promote, act.Split{Stable: v[2]})
		if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), v[1]) {
			t.Errorf("%s: a promotion beside it: %v", strategy, err)
		}
		out := target.Must(t, b.actor(), act.Restore, act.Split{Stable: v[0]})
		if !strings.HasPrefix(out.Calls[0], "ecs:StopServiceDeployment ") || b.look() != (act.Split{Stable: v[0]}) {
			t.Errorf("%s: %v, and it lies at %v", strategy, out.Calls, b.look())
		}
	}
}

// Each call may be refused for good, for a while, or lose its answer.
func TestTroubleOnTheWay(t *testing.T) {
	for _, on := range []string{"UpdateService", "ContinueServiceDeployment", "StopServiceDeployment"} {
		for _, trouble := range []faulty.Trouble{faulty.Broken, faulty.LostAnswer} {
			b := start(t)
			v := b.Make("shop", "pay", "CANARY", 2)
			b.net.Fail(trouble, 1, on)
			target.Must(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: v[1], Weight: 0.1})
			target.Must(t, b.actor(), act.Restore, act.Split{Stable: v[0]})
			target.Must(t, b.actor(), act.Promote, act.Split{Stable: v[1]})
		}
		b := start(t)
		v := b.Make("shop", "pay", "CANARY", 2)
		b.net.Fail(faulty.Denied, 1, on)
		_, err := target.Apply(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: v[1], Weight: 0.1})
		if err == nil {
			_, err = target.Apply(t, b.actor(), act.Restore, act.Split{Stable: v[0]})
		}
		if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.HintOf(err), "allow ecs:"+on) {
			t.Errorf("%s denied: %v (%s)", on, err, fault.HintOf(err))
		}
	}
}

func TestNotThere(t *testing.T) {
	b := start(t)
	v := b.Make("shop", "pay", "CANARY", 1)
	for _, place := range [][2]string{{"shop", "nothing"}, {"nowhere", "pay"}} {
		a := ecs.New(place[0], place[1], b.clock.Wait, func(context.Context) (*sdk.Client, error) { return b.client, nil })
		if _, err := a.Read(t.Context()); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%v: %v", place, err)
		}
	}
	_, err := target.Apply(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: "pay:99", Weight: 0.1})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("a version that is not there: %v", err)
	}
	_, err = target.Apply(t, b.actor(), act.Shift, act.Split{Stable: v[0], Canary: "pay:99", Weight: 0.1234})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("a weight that cannot be: %v", err)
	}
}

func TestPublishWords(t *testing.T) {
	b := start(t)
	b.Make("shop", "pay", "CANARY", 1)
	a := b.actor()
	if v, err := a.Publish(t.Context(), act.Release{Artifact: "arn:aws:ecs:eu-west-1:123456789012:task-definition/pay:1"}); err != nil || v != "pay:1" {
		t.Errorf("by ARN: %q, %v", v, err)
	}
	if v, err := a.Publish(t.Context(), act.Release{Artifact: "app=app:9"}); err != nil || v != "pay:2" {
		t.Errorf("by container: %q, %v", v, err)
	}
	out, err := b.client.DescribeTaskDefinition(t.Context(), &sdk.DescribeTaskDefinitionInput{TaskDefinition: aws.String("pay:2")})
	if err != nil || *out.TaskDefinition.ContainerDefinitions[0].Image != "app:9" {
		t.Errorf("%+v, %v", out, err)
	}
	for _, bad := range []act.Release{{}, {Artifact: "sidecar=x:1"}, {Artifact: "testdata/none.json"}} {
		if _, err := a.Publish(t.Context(), bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if v, err := a.Publish(t.Context(), act.Release{Artifact: "testdata/task.json"}); err != nil || v != "pay:3" {
		t.Errorf("by file: %q, %v", v, err)
	}
	if slices.Contains(b.Calls(), "UpdateService") {
		t.Error("publishing changed the service")
	}
}
