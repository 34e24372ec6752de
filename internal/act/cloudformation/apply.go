package cloudformation

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// step is a write with what is waited for after it.
type step = act.Step[*cloudformation.Client]

// way is how the target is moved.
func (a *Actor) way() act.Way[*cloudformation.Client] {
	return act.Way[*cloudformation.Client]{Op: a.op, Client: a.client.Get, Steps: a.steps, Read: a.Read}
}

// Plan implements act.Actor.
func (a *Actor) Plan(ctx context.Context, want act.Action) (act.Change, error) {
	return a.way().Plan(ctx, want) //nolint:wrapcheck // says all there is to say
}

// Apply implements act.Actor.
func (a *Actor) Apply(ctx context.Context, c act.Change) (act.Outcome, error) {
	return a.way().Apply(ctx, c) //nolint:wrapcheck // says all there is to say
}

// steps finds what an action takes, from how the stack lies now.
func (a *Actor) steps(ctx context.Context, want act.Action) ([]step, act.State, error) {
	if err := want.Valid(a.op, a.Caps()); err != nil {
		return nil, act.State{}, err //nolint:wrapcheck // says all there is to say
	}
	v, err := a.look(ctx)
	if err != nil {
		return nil, v.State, err
	}
	done, err := want.Meets(a.op, v.State)
	if err != nil {
		return nil, v.State, err //nolint:wrapcheck // says all there is to say
	}
	if done && v.Ready {
		return nil, v.State, nil
	}
	steps, err := a.path(want, v, done)
	return steps, v.State, err
}

// path is the steps by the stack's status. (User guide, "Stack status codes".)
func (a *Actor) path(want act.Action, v view, done bool) ([]step, error) {
	back := want.Verb.Back()
	wait := step{Call: "cloudformation:DescribeStacks until it is done", Do: func(ctx context.Context, api *cloudformation.Client) (bool, error) {
		return false, a.settle(ctx, api, back || v.status != types.StackStatusUpdateInProgress)
	}}
	set := a.update(want)
	switch {
	case done && v.moving():
		return []step{wait}, nil
	case v.status == types.StackStatusUpdateFailed && back:
		return []step{a.rollback(want, v), set}, nil
	case v.status == types.StackStatusUpdateRollbackFailed && back:
		return []step{a.goOn(want, v), set}, nil
	case v.status == types.StackStatusUpdateRollbackFailed:
		return nil, fault.New(fault.Conflict, a.op, "its last rollback failed", "put it back first (rollback), then begin anew")
	case v.status == types.StackStatusUpdateInProgress && back:
		return []step{a.cancel(want, v), set}, nil
	case v.moving() && back:
		return []step{wait, set}, nil
	case v.moving():
		return nil, fault.New(fault.Conflict, a.op, "the stack is in "+string(v.status), "wait until that has ended, then begin anew")
	}
	return []step{set}, nil
}

// update sets the version by an update with the template as it is. Where the
// version is in place already nothing is begun.
func (a *Actor) update(want act.Action) step {
	version := want.To.Stable
	return step{Call: "cloudformation:UpdateStack " + a.stack + " " + a.parameter + "=" + version, Do: func(ctx context.Context, api *cloudformation.Client) (bool, error) {
		v, err := a.describe(ctx)
		if err != nil || v.Ready && v.Stable == version {
			return false, err
		}
		in := &cloudformation.UpdateStackInput{
			StackName: &a.stack, UsePreviousTemplate: aws.Bool(true), Capabilities: v.stack.Capabilities, ClientRequestToken: tokenOf(want, v.Revision, "update"),
		}
		for _, p := range v.stack.Parameters {
			q := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
			if aws.ToString(p.ParameterKey) == a.parameter {
				q = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: &version}
			}
			in.Parameters = append(in.Parameters, q)
		}
		_, err = api.UpdateStack(ctx, in)
		if err != nil && strings.Contains(err.Error(), "No updates are to be performed") {
			return false, nil
		}
		if err != nil {
			return false, a.explain("UpdateStack, and what its resources need", err)
		}
		return true, a.settle(ctx, api, false)
	}}
}

// cancel cancels the update that is under way.
func (a *Actor) cancel(want act.Action, v view) step {
	return step{Call: "cloudformation:CancelUpdateStack " + a.stack, Do: func(ctx context.Context, api *cloudformation.Client) (bool, error) {
		_, err := api.CancelUpdateStack(ctx, &cloudformation.CancelUpdateStackInput{StackName: &a.stack, ClientRequestToken: tokenOf(want, v.Revision, "cancel")})
		err = a.explain("CancelUpdateStack", err)
		if err != nil && fault.KindOf(err) != fault.Conflict { // it has ended: how, is read next
			return false, err
		}
		return err == nil, a.settle(ctx, api, true)
	}}
}

// rollback rolls back an update that failed and kept what it had made.
func (a *Actor) rollback(want act.Action, v view) step {
	return step{Call: "cloudformation:RollbackStack " + a.stack, Do: func(ctx context.Context, api *cloudformation.Client) (bool, error) {
		_, err := api.RollbackStack(ctx, &cloudformation.RollbackStackInput{StackName: &a.stack, ClientRequestToken: tokenOf(want, v.Revision, "rollback")})
		if err != nil {
			return false, a.explain("RollbackStack", err)
		}
		return true, a.settle(ctx, api, true)
	}}
}

// goOn continues a rollback that failed. It skips no resource: which may be
// skipped is for people to say.
func (a *Actor) goOn(want act.Action, v view) step {
	return step{Call: "cloudformation:ContinueUpdateRollback " + a.stack, Do: func(ctx context.Context, api *cloudformation.Client) (bool, error) {
		_, err := api.ContinueUpdateRollback(ctx, &cloudformation.ContinueUpdateRollbackInput{StackName: &a.stack, ClientRequestToken: tokenOf(want, v.Revision, "continue")})
		if err != nil {
			return false, a.explain("ContinueUpdateRollback", err)
		}
		return true, a.settle(ctx, api, true)
	}}
}

// settle waits until nothing is under way. back says that the stack may have
// been rolled back; otherwise that is a failure, and the resources are named.
func (a *Actor) settle(ctx context.Context, api *cloudformation.Client, back bool) error {
	return a.wait.Poll(ctx, a.op, every, patience, func(ctx context.Context) (bool, error) {
		v, err := a.describe(ctx)
		if err != nil || v.moving() {
			return false, err
		}
		hint := "mend what its events tell"
		switch v.status { //nolint:exhaustive // the others are good ends
		case types.StackStatusUpdateRollbackComplete:
			if back {
				return true, nil
			}
		case types.StackStatusUpdateFailed:
			hint = "put it back (rollback), or mend it and update it"
		case types.StackStatusUpdateRollbackFailed:
			hint = "mend the resource and put it back once more, or skip it: aws cloudformation continue-update-rollback --stack-name " + a.stack + " --resources-to-skip ..."
		default:
			return true, nil
		}
		text := "it ended in " + string(v.status)
		if why := a.failures(ctx, api); why != "" {
			text += ": " + why
		}
		return false, fault.New(fault.Conflict, a.op, text, hint)
	})
}
