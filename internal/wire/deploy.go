package wire

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/act/cloudformation"
	"gitlab.com/nines-sre/nines/internal/act/codedeploy"
	"gitlab.com/nines-sre/nines/internal/act/ecs"
	"gitlab.com/nines-sre/nines/internal/act/gitlab"
	"gitlab.com/nines-sre/nines/internal/cli/host"
)

func openCloudFormation(_ context.Context, at act.Place, opt host.ActorOptions) (act.Actor, error) {
	return cloudformation.Open(at, opt.Wait), nil
}

func openCodeDeploy(_ context.Context, at act.Place, opt host.ActorOptions) (act.Actor, error) {
	return codedeploy.Open(at, opt.Wait), nil
}

func openECS(_ context.Context, at act.Place, opt host.ActorOptions) (act.Actor, error) {
	return ecs.Open(at, opt.Wait), nil
}

func openGitLab(_ context.Context, at act.Place, opt host.ActorOptions) (act.Actor, error) {
	a, err := gitlab.Open(at, gitlab.Options{
		URL: opt.Where.URL, Project: opt.Where.Project, Token: opt.Access.Token, JobToken: opt.Access.JobToken, Wait: opt.Wait,
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return a, nil
}
