package wire

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/command"
	"gitlab.com/nines-sre/nines/internal/act/lambda"
	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// actors open the kinds of targets, one line each.
func actors() map[string]func(context.Context, act.Place, host.ActorOptions) (act.Actor, error) {
	return map[string]func(context.Context, act.Place, host.ActorOptions) (act.Actor, error){
		"lambda":         openLambda,
		"command":        openCommand,
		"cloudformation": openCloudFormation,
		"codedeploy":     openCodeDeploy,
		"ecs":            openECS,
		"gitlab":         openGitLab,
	}
}

func openLambda(ctx context.Context, at act.Place, opt host.ActorOptions) (act.Actor, error) {
	p := at.Params
	return lambda.Open(ctx, lambda.Options{Function: p["function"], Alias: p["alias"], Region: p["region"], Role: p["role"], Wait: opt.Wait})
}

// openCommand opens programs, which know nothing of another attempt.
func openCommand(_ context.Context, at act.Place, opt host.ActorOptions) (act.Actor, error) {
	a, err := command.Open(command.Options{Shift: at.Params["shift"], Read: at.Params["read"], Wait: opt.Wait, Log: opt.Log})
	if err != nil {
		return nil, err
	}
	again := act.Guards{Retry: act.Retry{Attempts: 4, First: time.Second, Longest: 8 * time.Second}, Wait: opt.Wait}
	return again.Around(a), nil
}

// OpenActor opens a target of rollouts and rollbacks.
func OpenActor(ctx context.Context, at act.Place, opt host.ActorOptions) (act.Actor, error) {
	if err := at.Check(); err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	open, ok := actors()[at.Kind]
	if !ok {
		return nil, fault.New(fault.Invalid, "target "+at.String(), "traffic of this kind of target cannot be moved", "")
	}
	a, err := open(ctx, at, opt)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// OpenInvoker opens what invokes the functions of a place.
func OpenInvoker(ctx context.Context, at act.Place) (host.Invoke, error) {
	return lambda.OpenInvoker(ctx, lambda.Options{Region: at.Params["region"], Role: at.Params["role"]})
}
