package codedeploy_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/codedeploy"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/codedeploy"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/faulty"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

var (
	one    = act.Split{Stable: "1"}
	two    = act.Split{Stable: "2"}
	shared = act.Split{Stable: "1", Canary: "2", Weight: 0.1}
)

// A process that is killed anywhere on the way leaves a target that the next one
// takes to its end, or back.
func TestKilledOnTheWay(t *testing.T) {
	for after := range 20 {
		for _, back := range []bool{false, true} {
			b := start(t)
			a := codedeploy.New("shop", "pay", target.Mortal(b.clock.Wait, after), func(context.Context) (*sdk.Client, error) { return b.client, nil })
			from, err := a.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err = a.Apply(t.Context(), act.Change{Action: act.Action{Verb: act.Shift, Key: "k", From: from, To: shared}}); err == nil {
				_, err = target.Apply(t, a, act.Promote, two)
			}
			switch {
			case err == nil:
				return
			case back:
				target.Must(t, b.actor(), act.Restore, one)
			default:
				_, err := target.Apply(t, b.actor(), act.Promote, two)
				for range 3 { // what is being stopped is waited for
					if fault.KindOf(err) != fault.Conflict {
						break
					}
					_ = b.clock.Wait(t.Context(), time.Minute)
					_, err = target.Apply(t, b.actor(), act.Promote, two)
				}
				if err != nil {
					t.Fatalf("killed after %d waits: %v", after, err)
				}
			}
			if want := map[bool]act.Split{true: one, false: two}[back]; b.look() != want {
				t.Fatalf("killed after %d waits: it lies at %v, want %v", after, b.look(), want)
			}
		}
	}
	t.Error("it never lived to the end")
}

// A red alarm fails a deployment, holds up no rollback, and its name is in the
// error.
func TestAlarms(t *testing.T) {
	b := start(t)
	b.Alarms("pay-errors")
	target.Must(t, b.actor(), act.Promote, two)
	b.SetAlarm("pay-errors", true)
	_, err := target.Apply(t, b.actor(), act.Promote, act.Split{Stable: "3"})
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "pay-errors") || !strings.Contains(fault.HintOf(err), "alarm") {
		t.Errorf("under a red alarm: %v (%s)", err, fault.HintOf(err))
	}
	target.Must(t, b.actor(), act.Rollback, one)
	// An alarm that goes off during the canary: CodeDeploy puts back by itself.
	b.SetAlarm("pay-errors", false)
	target.Must(t, b.actor(), act.Shift, shared)
	b.SetAlarm("pay-errors", true)
	if s, err := b.actor().Read(t.Context()); err != nil || s.Ready || !s.Same(shared) {
		t.Errorf("during its own rollback: %+v, %v", s, err)
	}
	_ = b.clock.Wait(t.Context(), time.Minute)
	if s, err := b.actor().Read(t.Context()); err != nil || !s.Same(one) || !s.Ready || b.look() != one {
		t.Errorf("after its own rollback: %+v, %v, and it lies at %v", s, err, b.look())
	}
}

// Somebody moves the alias beside CodeDeploy: the next deployment fails on it,
// and nothing is moved.
func TestAliasMovedBeside(t *testing.T) {
	b := start(t)
	b.Move("payment-api", "live", "3")
	_, err := target.Apply(t, b.actor(), act.Shift, shared)
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("%v", err)
	}
	if b.look() != (act.Split{Stable: "3"}) {
		t.Errorf("it lies at %v", b.look())
	}
}

// While somebody's deployment shifts, a restore stops it.
func TestRestoreWhileItShifts(t *testing.T) {
	b := start(t)
	b.deploy(t, "1", "2")
	_ = b.clock.Wait(t.Context(), time.Minute)
	if b.look() != shared {
		t.Fatalf("it lies at %v", b.look())
	}
	_, err := target.Apply(t, b.actor(), act.Promote, act.Split{Stable: "3"})
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("a promotion beside it: %v", err)
	}
	out := target.Must(t, b.actor(), act.Restore, one)
	if !strings.HasPrefix(out.Calls[0], "codedeploy:StopDeployment d-") || b.look() != one {
		t.Errorf("%v, and it lies at %v", out.Calls, b.look())
	}
}

func TestTroubleOnTheWay(t *testing.T) {
	for _, on := range start(t).net.Writes {
		for _, trouble := range []faulty.Trouble{faulty.Broken, faulty.LostAnswer} {
			b := start(t)
			b.net.Fail(trouble, 1, on)
			target.Must(t, b.actor(), act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.07})
			target.Must(t, b.actor(), act.Restore, one)
			target.Must(t, b.actor(), act.Promote, two)
		}
		b := start(t)
		b.net.Fail(faulty.Denied, 1, on)
		_, err := target.Apply(t, b.actor(), act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.07})
		if err == nil {
			_, err = target.Apply(t, b.actor(), act.Restore, one)
		}
		if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.HintOf(err), "allow codedeploy:"+on) {
			t.Errorf("%s denied: %v (%s)", on, err, fault.HintOf(err))
		}
	}
}

// What puts back runs neither hooks nor alarms; what goes on keeps the hooks.
func TestHooks(t *testing.T) {
	b := start(t)
	for _, step := range []struct {
		verb  act.Verb
		to    act.Split
		hooks bool
	}{{act.Promote, two, true}, {act.Rollback, one, false}} {
		target.Must(t, b.actor(), step.verb, step.to)
		s, err := b.actor().Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.client.GetDeployment(t.Context(), &sdk.GetDeploymentInput{DeploymentId: &s.Revision})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(*out.DeploymentInfo.Revision.AppSpecContent.Content, "BeforeAllowTraffic"); got != step.hooks {
			t.Errorf("%s: hooks are there: %v", step.verb, got)
		}
		if !strings.Contains(aws.ToString(out.DeploymentInfo.Description), "rollout/7") {
			t.Errorf("its description is %q", aws.ToString(out.DeploymentInfo.Description))
		}
	}
}

func TestNotThere(t *testing.T) {
	b := start(t)
	for _, place := range [][2]string{{"shop", "nothing"}, {"nowhere", "pay"}} {
		a := codedeploy.New(place[0], place[1], b.clock.Wait, func(context.Context) (*sdk.Client, error) { return b.client, nil })
		if _, err := a.Read(t.Context()); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%v: %v", place, err)
		}
	}
	if _, err := target.Apply(t, b.actor(), act.Promote, act.Split{Stable: "99"}); fault.KindOf(err) != fault.Conflict || b.look() != one {
		t.Errorf("a version that is not there: %v", err)
	}
	if _, err := target.Apply(t, b.actor(), act.Shift, act.Split{Stable: "1", Canary: "2", Weight: 0.125}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a weight that cannot be: %v", err)
	}
}
