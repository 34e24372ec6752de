package cloudformation_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/cloudformation"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/faulty"
	"gitlab.com/nines-sre/nines/internal/testkit/target"
)

// apply plans and applies from the state that is there.
// promote sets a version, and may fail.
func promote(t *testing.T, a *cloudformation.Actor, to string) error {
	t.Helper()
	_, err := target.Apply(t, a, act.Promote, act.Split{Stable: to})
	return err
}

func must(t *testing.T, a *cloudformation.Actor, verb act.Verb, to string) act.Outcome {
	t.Helper()
	return target.Must(t, a, verb, act.Split{Stable: to})
}

// first are the words that calls begin with.
func first(calls []string) (out []string) {
	for _, c := range calls {
		name, _, _ := strings.Cut(c, " ")
		out = append(out, strings.TrimPrefix(name, "cloudformation:"))
	}
	return out
}

// Each status has its own way back.
func TestWaysBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		scene func(*bench)
		want  []string
	}{
		{"an update under way", func(b *bench) { b.update(t, "2", false) }, []string{"CancelUpdateStack"}},
		{"a whole update", func(b *bench) {
			b.update(t, "2", false)
			_ = b.clock.Wait(t.Context(), time.Hour)
		}, []string{"UpdateStack"}},
		{"an update that is cleaning up", func(b *bench) {
			b.update(t, "2", false)
			_ = b.clock.Wait(t.Context(), 31*time.Second)
		}, []string{"UpdateStack"}},
		{"a failed update that kept its resources", func(b *bench) {
			b.Break("2", "no such code")
			b.update(t, "2", true)
			_ = b.clock.Wait(t.Context(), time.Hour)
		}, []string{"RollbackStack"}},
		{"a rollback under way", func(b *bench) {
			b.Break("2", "no such code")
			b.update(t, "2", false)
			_ = b.clock.Wait(t.Context(), 35*time.Second)
		}, nil},
		{"a rollback that failed", func(b *bench) {
			b.Break("2", "no such code")
			b.Stick(true)
			b.update(t, "2", false)
			_ = b.clock.Wait(t.Context(), time.Hour)
			b.Stick(false)
		}, []string{"ContinueUpdateRollback"}},
	} {
		b := start(t)
		c.scene(b)
		_, was := b.Parameter("pay", "Version")
		out := must(t, b.actor(), act.Rollback, "1")
		value, status := b.Parameter("pay", "Version")
		if value != "1" || !strings.HasSuffix(status, "_COMPLETE") || !slices.Equal(first(out.Calls), c.want) {
			t.Errorf("%s (%s): %v, then %s in %s", c.name, was, out.Calls, value, status)
		}
		if memory, _ := b.Parameter("pay", "Memory"); memory != "512" {
			t.Errorf("%s: another parameter is %q", c.name, memory)
		}
	}
}

// A version that does not deploy leaves the one before, and the resource that
// failed is named.
func TestFails(t *testing.T) {
	b := start(t)
	b.Break("2", "The runtime is not supported")
	err := promote(t, b.actor(), "2")
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "UPDATE_ROLLBACK_COMPLETE: Function (AWS::Lambda::Function): The runtime is not supported") {
		t.Errorf("%v", err)
	}
	if strings.Contains(err.Error(), "Role") {
		t.Errorf("a resource that was cancelled is no cause: %v", err)
	}
	if s, err := b.actor().Read(t.Context()); err != nil || s.Stable != "1" || !s.Ready {
		t.Errorf("%+v, %v", s, err)
	}
	b.Stick(true)
	err = promote(t, b.actor(), "2")
	if err == nil || !strings.Contains(err.Error(), "UPDATE_ROLLBACK_FAILED") || !strings.Contains(fault.HintOf(err), "--resources-to-skip") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
	err = promote(t, b.actor(), "3")
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("onto a stack whose rollback failed: %v", err)
	}
}

func TestKilledOnTheWay(t *testing.T) {
	for after := range 10 {
		for _, back := range []bool{false, true} {
			b := start(t)
			a := cloudformation.New("pay", "", target.Mortal(b.clock.Wait, after), func(context.Context) (*sdk.Client, error) { return b.client, nil })
			if err := promote(t, a, "2"); err == nil {
				return
			}
			if back {
				must(t, b.actor(), act.Restore, "1")
			} else {
				must(t, b.actor(), act.Promote, "2")
			}
			if want := map[bool]string{true: "1", false: "2"}[back]; b.look().Stable != want {
				t.Fatalf("killed after %d waits: it lies at %v, want %v", after, b.look(), want)
			}
		}
	}
	t.Error("it never lived to the end")
}

func TestTroubleOnTheWay(t *testing.T) {
	for _, trouble := range []faulty.Trouble{faulty.Throttled, faulty.Broken, faulty.LostAnswer, faulty.LostBefore} {
		for _, on := range []string{"UpdateStack", "CancelUpdateStack"} {
			b := start(t)
			b.update(t, "2", false)
			b.net.Fail(trouble, 1, on)
			must(t, b.actor(), act.Restore, "1")
			must(t, b.actor(), act.Promote, "3")
			if n := b.Changes(); n != 3 {
				t.Errorf("%s %v: %d changes", on, trouble, n)
			}
		}
	}
	b := start(t)
	b.net.Fail(faulty.Denied, 1, "")
	err := promote(t, b.actor(), "2")
	if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.HintOf(err), "allow cloudformation:UpdateStack") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
}

func TestNotThere(t *testing.T) {
	b := start(t)
	open := func(stack, parameter string) *cloudformation.Actor {
		return cloudformation.New(stack, parameter, b.clock.Wait, func(context.Context) (*sdk.Client, error) { return b.client, nil })
	}
	if _, err := open("nothing", "").Read(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
	if _, err := open("pay", "Release").Read(t.Context()); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "Version, Memory") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
	if s, err := open("pay", "Memory").Read(t.Context()); err != nil || s.Stable != "512" {
		t.Errorf("another parameter: %+v, %v", s, err)
	}
	// The events say whose an update was.
	must(t, b.actor(), act.Promote, "2")
	out, err := b.client.DescribeStackEvents(t.Context(), &sdk.DescribeStackEventsInput{StackName: aws.String("pay")})
	if err != nil || !strings.HasPrefix(aws.ToString(out.StackEvents[0].ClientRequestToken), "nines-") {
		t.Errorf("%+v, %v", out, err)
	}
}
