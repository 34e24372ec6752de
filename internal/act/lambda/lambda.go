// Package lambda moves the traffic of an alias of AWS Lambda between two versions
// of its function, and publishes versions.
//
// An alias has a revision id that changes with every change of it. Each write
// names the revision that was read before, so that of two writers one is refused
// (412); what was refused is read again, and is a success if it lies as wanted
// already, else a Conflict that says what is there. Because of that lock a write
// whose answer was lost can be tried again.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Smallest and Most are between which shares an alias is asked to split. AWS
// documents 0.0 to 1.0, and no step. A share of all would leave an alias that
// names one version and runs another; that is what a promotion is for.
const (
	Smallest = 0.001
	Most     = 0.999
)

// API is the part of the Lambda client that is used.
type API interface {
	GetAlias(context.Context, *sdk.GetAliasInput, ...func(*sdk.Options)) (*sdk.GetAliasOutput, error)
	UpdateAlias(context.Context, *sdk.UpdateAliasInput, ...func(*sdk.Options)) (*sdk.UpdateAliasOutput, error)
	GetFunctionConfiguration(context.Context, *sdk.GetFunctionConfigurationInput, ...func(*sdk.Options)) (*sdk.GetFunctionConfigurationOutput, error)
	UpdateFunctionCode(context.Context, *sdk.UpdateFunctionCodeInput, ...func(*sdk.Options)) (*sdk.UpdateFunctionCodeOutput, error)
	PublishVersion(context.Context, *sdk.PublishVersionInput, ...func(*sdk.Options)) (*sdk.PublishVersionOutput, error)
}

// Options say which alias it is.
type Options struct {
	Function, Alias string
	// Region and Role are the SDK's own where they are empty. Role is an ARN.
	Region, Role string
	// Wait waits, and ends early with the context's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Client stands for the network in tests. nil: the SDK's.
	Client aws.HTTPClient
}

// Target is an alias. It implements act.Publisher.
type Target struct {
	api  API
	opt  Options
	name string // "lambda:payment-api:live": what errors begin with
}

var _ act.Publisher = (*Target)(nil)

// Open finds the credentials of an alias. It asks nobody yet.
func Open(ctx context.Context, opt Options) (*Target, error) {
	cfg, err := awskit.ConfigAs(ctx, opt.Region, opt.Role)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return New(sdk.NewFromConfig(cfg, func(o *sdk.Options) {
		// What is tried again, and when, is decided here: in time that can be simulated.
		o.Retryer = aws.NopRetryer{}
		if opt.Client != nil {
			o.HTTPClient = opt.Client
		}
	}), opt), nil
}

// New is Open with a client of the caller's, which tries nothing again by itself.
func New(api API, opt Options) *Target {
	return &Target{api: api, opt: opt, name: "lambda:" + opt.Function + ":" + opt.Alias}
}

// Caps implements act.Actor.
func (*Target) Caps() act.Caps {
	return act.Caps{Splits: true, Smallest: Smallest, Most: Most, Restores: true}
}

// How often and how long something is tried again: 0.5 + 1 + 2 + 4 + 8 + 8 s.
const (
	attempts  = 7
	firstWait = 500 * time.Millisecond
	mostWait  = 8 * time.Second
)

// try does something until it works, is refused for good, or was tried often
// enough. Action is the permission that it needs.
func (t *Target) try(ctx context.Context, action string, do func() error) error {
	pause := firstWait
	for n := 1; ; n++ {
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, t.name, ctx.Err(), "")
		}
		if n == attempts || !again(err) {
			return t.explain(action, err)
		}
		if err := t.opt.Wait(ctx, pause); err != nil {
			return fault.Wrap(fault.Canceled, t.name, err, "")
		}
		pause = min(2*pause, mostWait)
	}
}

// again says whether the same call may work later: too many calls, a function
// that is being updated, a service or a network in trouble. Not a revision that
// is over: that has to be looked at.
func again(err error) bool {
	if refused(err) {
		return false
	}
	if _, ok := errors.AsType[*types.ResourceConflictException](err); ok {
		return true
	}
	return fault.KindOf(awskit.Explain("", "", err)).Retry()
}

// refused says whether a revision id was stale.
func refused(err error) bool {
	_, ok := errors.AsType[*types.PreconditionFailedException](err)
	return ok
}

// explain says what an error means here, in the service's own words where it has
// any: the SDK's are mostly about HTTP.
func (t *Target) explain(action string, err error) error {
	_, missing := errors.AsType[*types.ResourceNotFoundException](err)
	known := fault.Wrap(fault.Internal, t.name, awskit.Explain("", action+" on it", err), "")
	kind, hint := fault.KindOf(known), fault.HintOf(known)
	if missing && action == "lambda:GetAlias" {
		hint = "check the names; `aws lambda create-alias --function-name " + t.opt.Function + " --name " + t.opt.Alias + " --function-version N` makes the alias"
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fault.Wrap(kind, t.name+": "+action, err, hint)
	}
	if strings.Contains(api.ErrorMessage(), "Provisioned Concurrency") {
		hint = "an alias with provisioned concurrency takes no weights: take it off the alias while a canary runs, or roll out without steps"
	}
	text := api.ErrorCode() + ": " + api.ErrorMessage()
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		text += " (request " + r.ServiceRequestID() + ")" // AWS's support asks for it
	}
	return &fault.Error{Op: t.name + ": " + action, Kind: kind, Hint: hint, Err: said{text, err}}
}

// said is an error of the service in its own words.
type said struct {
	text string
	err  error
}

// Error implements error.
func (s said) Error() string { return s.text }

// Unwrap returns the SDK's error.
func (s said) Unwrap() error { return s.err }

// Read implements act.Actor.
func (t *Target) Read(ctx context.Context) (act.State, error) {
	var out *sdk.GetAliasOutput
	err := t.try(ctx, "lambda:GetAlias", func() (err error) {
		out, err = t.api.GetAlias(ctx, &sdk.GetAliasInput{FunctionName: &t.opt.Function, Name: &t.opt.Alias})
		return err
	})
	if err != nil {
		return act.State{}, err
	}
	return state(out.FunctionVersion, out.RoutingConfig, out.RevisionId), nil
}

// state is an alias in the words of the port. What the alias says is in force for
// the next call.
func state(version *string, routing *types.AliasRoutingConfiguration, revision *string) act.State {
	s := act.State{Split: act.Split{Stable: aws.ToString(version)}, Revision: aws.ToString(revision), Ready: true}
	if routing != nil {
		for other, w := range routing.AdditionalVersionWeights { // one at most
			if w > 0 {
				s.Canary, s.Weight = other, w
			}
		}
	}
	return s
}

// Plan implements act.Actor.
func (t *Target) Plan(ctx context.Context, a act.Action) (act.Change, error) {
	c := act.Change{Action: a}
	if err := t.valid(a); err != nil {
		return c, err
	}
	now, err := t.Read(ctx)
	if err != nil {
		return c, err
	}
	if c.None, err = a.Meets(t.name, now); err != nil || c.None {
		return c, err //nolint:wrapcheck // says all there is to say
	}
	if !a.Verb.Back() {
		if err := t.preflight(ctx, a.To); err != nil {
			return c, err
		}
	}
	c.Calls = []string{t.call(a.To)}
	return c, nil
}

// valid is what is wrong with an action whatever the alias.
func (t *Target) valid(a act.Action) error {
	if err := a.Valid(t.name, t.Caps()); err != nil {
		return err //nolint:wrapcheck // says all there is to say
	}
	if !a.To.Whole() && (a.To.Stable == latest || a.To.Canary == latest) {
		return fault.New(fault.Invalid, t.name, "$LATEST cannot share an alias with a version", "publish a version, point the alias to it, and begin from there")
	}
	return nil
}

// call is the one write, in words.
func (t *Target) call(to act.Split) string {
	s := fmt.Sprintf("lambda:UpdateAlias %s:%s %s, no weights", t.opt.Function, t.opt.Alias, to.Stable)
	if !to.Whole() {
		s = fmt.Sprintf("lambda:UpdateAlias %s:%s %s, %s %% on %s", t.opt.Function, t.opt.Alias, to.Stable, strconv.FormatFloat(100*to.Weight, 'g', 6, 64), to.Canary)
	}
	return s
}
