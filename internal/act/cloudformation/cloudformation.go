// Package cloudformation deploys versions as a parameter of an AWS
// CloudFormation stack. A version is the parameter's value; it is all or
// nothing.
//
// Put back is what the stack's status asks for: an update that is under way is
// cancelled, one that failed and kept its resources is rolled back, a rollback
// that failed is continued, and after a whole update the old value is set with
// the template as it is. Where the update changed the template too, that stays:
// deploy the older template to be rid of it.
//
// All other parameters keep their values, the stack its capabilities. The key
// of an action becomes the ClientRequestToken, so that a repeated call is one
// update, and events tell whose it was.
package cloudformation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	every    = 10 * time.Second
	patience = 2 * time.Hour
	// Version is the parameter unless another is named.
	Version = "Version"
	ours    = "nines-" // what tokens of ours begin with
)

// Actor is a stack. It implements act.Actor.
type Actor struct {
	stack, parameter, op string
	wait                 act.Wait
	client               awskit.Lazy[cloudformation.Client]
}

var _ act.Actor = (*Actor)(nil)

// Open opens "cloudformation:STACK?parameter=P&region=R&role=ARN".
func Open(at act.Place, wait act.Wait) *Actor {
	return New(at.Params["stack"], at.Params["parameter"], wait, func(ctx context.Context) (*cloudformation.Client, error) {
		cfg, err := awskit.ConfigAs(ctx, at.Params["region"], at.Params["role"])
		if err != nil {
			return nil, err
		}
		return cloudformation.NewFromConfig(cfg), nil
	})
}

// New is Open with a client of the caller's; parameter "" is Version.
func New(stack, parameter string, wait act.Wait, connect func(context.Context) (*cloudformation.Client, error)) *Actor {
	if parameter == "" {
		parameter = Version
	}
	return &Actor{stack: stack, parameter: parameter, op: "cloudformation:" + stack, wait: wait, client: awskit.Lazy[cloudformation.Client]{Connect: connect}}
}

// Caps implements act.Actor.
func (*Actor) Caps() act.Caps { return act.Caps{Restores: true} }

// explain says what an error of CloudFormation means; action is the permission
// it needs. A ValidationError is many things, which its text tells apart.
func (a *Actor) explain(action string, err error) error {
	if err != nil && awskit.Code(err) == "ValidationError" {
		switch text := err.Error(); {
		case strings.Contains(text, "does not exist"):
			return fault.New(fault.NotFound, a.op, "there is no such stack", "check its name and the region")
		case strings.Contains(text, "can not be updated"), strings.Contains(text, "cannot be called from current stack status"), strings.Contains(text, "can not continue"):
			return fault.New(fault.Conflict, a.op, text, "wait until what is under way has ended, then begin anew")
		}
	}
	return awskit.ExplainAs(a.op, "cloudformation:"+action, err, map[string]fault.Kind{ //nolint:wrapcheck // classified there
		"InsufficientCapabilitiesException": fault.Invalid, "TokenAlreadyExistsException": fault.Conflict, "ValidationError": fault.Invalid,
	})
}

// view is the stack as it was seen.
type view struct {
	act.State
	stack  types.Stack
	status types.StackStatus
}

// moving says whether something is under way.
func (v view) moving() bool { return strings.HasSuffix(string(v.status), "_IN_PROGRESS") }

// Read implements act.Actor.
func (a *Actor) Read(ctx context.Context) (act.State, error) {
	v, err := a.look(ctx)
	return v.State, err
}

func (a *Actor) look(ctx context.Context) (view, error) {
	v, err := a.describe(ctx)
	if err != nil || v.Ready || !v.moving() {
		return v, err
	}
	token, err := a.token(ctx)
	if err == nil && !strings.HasPrefix(token, ours) {
		v.Busy = "the stack is in " + string(v.status)
	}
	return v, err
}

// describe reads the stack, without whose the update under way is.
func (a *Actor) describe(ctx context.Context) (view, error) {
	api, err := a.client.Get(ctx)
	if err != nil {
		return view{}, err
	}
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &a.stack})
	if err != nil {
		return view{}, a.explain("DescribeStacks", err)
	}
	if len(out.Stacks) == 0 {
		return view{}, fault.New(fault.NotFound, a.op, "there is no such stack", "check its name and the region")
	}
	v := view{stack: out.Stacks[0], status: out.Stacks[0].StackStatus}
	var names []string
	found := false
	for _, p := range v.stack.Parameters {
		names = append(names, aws.ToString(p.ParameterKey))
		if aws.ToString(p.ParameterKey) == a.parameter {
			v.Stable, found = aws.ToString(p.ParameterValue), true
		}
	}
	if !found {
		return v, fault.New(fault.Invalid, a.op, "it has no parameter "+a.parameter, "name the one that says the version: parameter=NAME; it has "+strings.Join(names, ", "))
	}
	at := v.stack.LastUpdatedTime
	if at == nil {
		at = v.stack.CreationTime
	}
	v.Revision = aws.ToTime(at).UTC().Format(time.RFC3339Nano)
	v.Ready = strings.HasSuffix(string(v.status), "_COMPLETE")
	switch v.status { //nolint:exhaustive // the others have a version, now or soon
	case types.StackStatusRollbackComplete, types.StackStatusDeleteComplete, types.StackStatusDeleteInProgress, types.StackStatusCreateFailed,
		types.StackStatusRollbackInProgress, types.StackStatusRollbackFailed, types.StackStatusDeleteFailed, types.StackStatusReviewInProgress:
		return v, fault.New(fault.Unsupported, a.op, "the stack is in "+string(v.status)+": it never came to be, or is going", "create it anew")
	}
	return v, nil
}

// token is that of the operation under way; "": it has none.
func (a *Actor) token(ctx context.Context) (string, error) {
	api, err := a.client.Get(ctx)
	if err != nil {
		return "", err
	}
	out, err := api.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &a.stack})
	if err != nil {
		return "", a.explain("DescribeStackEvents", err)
	}
	if len(out.StackEvents) == 0 {
		return "", nil
	}
	return aws.ToString(out.StackEvents[0].ClientRequestToken), nil
}

// tokenOf is the token of a call: the same for the same action from the same
// state.
func tokenOf(want act.Action, revision, call string) *string {
	const enough = 20
	sum := sha256.Sum256([]byte(strings.Join([]string{want.Key, string(want.Verb), want.To.Stable, revision, call}, "\n")))
	return aws.String(ours + hex.EncodeToString(sum[:enough]))
}

// most is how many failed resources are named.
const most = 5

// failures says which resources failed in the last operation, from its events.
func (a *Actor) failures(ctx context.Context, api *cloudformation.Client) string {
	var out []string
	in := &cloudformation.DescribeStackEventsInput{StackName: &a.stack}
	for len(out) < most {
		page, err := api.DescribeStackEvents(ctx, in)
		if err != nil {
			break // it is a reason, not the failure
		}
		for _, e := range page.StackEvents {
			stack := aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId)
			reason := aws.ToString(e.ResourceStatusReason)
			switch {
			case stack && e.ResourceStatus == types.ResourceStatusUpdateInProgress: // there it began
				return strings.Join(out, "; ")
			case stack, !strings.HasSuffix(string(e.ResourceStatus), "_FAILED"), reason == "Resource update cancelled":
			default:
				out = append(out, aws.ToString(e.LogicalResourceId)+" ("+aws.ToString(e.ResourceType)+"): "+reason)
			}
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			break
		}
	}
	return strings.Join(out, "; ")
}
