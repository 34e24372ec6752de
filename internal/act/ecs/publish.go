package ecs

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// Publish implements act.Publisher. An artifact is a task definition that is
// there ("arn:...:task-definition/f:7"), a JSON file of one ("task.json"), or an
// image, for the service's one container or for one that is named
// ("web=registry/app@sha256:..."): the service's task definition with that image
// is registered. An image that the newest revision has already makes no other.
func (a *Actor) Publish(ctx context.Context, r act.Release) (string, error) {
	if strings.Contains(r.Artifact, ":task-definition/") {
		r.Version = name(&r.Artifact)
	}
	if r.Version != "" {
		d, err := a.definition(ctx, r.Version)
		if err != nil {
			return "", err
		}
		return name(d.TaskDefinitionArn), nil
	}
	if r.Artifact == "" {
		return "", fault.New(fault.Invalid, a.op, "it does not say what to publish", "name an image, a JSON file of a task definition, or a version that is there")
	}
	if strings.HasSuffix(r.Artifact, ".json") {
		return a.register(ctx, r.Artifact)
	}
	v, err := a.look(ctx)
	if err != nil {
		return "", err
	}
	family, _, _ := strings.Cut(v.Stable, ":")
	container, image, named := strings.Cut(r.Artifact, "=")
	if !named {
		container, image = "", r.Artifact
	}
	newest, err := a.definition(ctx, family)
	if err != nil {
		return "", err
	}
	if i, err := a.container(newest, container); err == nil && aws.ToString(newest.ContainerDefinitions[i].Image) == image {
		return name(newest.TaskDefinitionArn), nil
	}
	base, err := a.definition(ctx, v.Stable)
	if err != nil {
		return "", err
	}
	i, err := a.container(base, container)
	if err != nil {
		return "", err
	}
	base.ContainerDefinitions = slices.Clone(base.ContainerDefinitions)
	base.ContainerDefinitions[i].Image = &image
	return a.make(ctx, anew(base))
}

// definition reads a task definition: the newest of a family, or one.
func (a *Actor) definition(ctx context.Context, what string) (*types.TaskDefinition, error) {
	api, err := a.client.Get(ctx)
	if err != nil {
		return nil, err
	}
	out, err := api.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &what})
	if code := awskit.Code(err); code == "ClientException" || code == "InvalidParameterException" {
		return nil, fault.New(fault.NotFound, a.op, "there is no task definition "+what, "publish it first")
	}
	if err != nil {
		return nil, a.explain("DescribeTaskDefinition", err)
	}
	return out.TaskDefinition, nil
}

// container finds the container whose image it is.
func (a *Actor) container(d *types.TaskDefinition, container string) (int, error) {
	var names []string
	for i := range d.ContainerDefinitions {
		n := aws.ToString(d.ContainerDefinitions[i].Name)
		if n == container || container == "" && len(d.ContainerDefinitions) == 1 {
			return i, nil
		}
		names = append(names, n)
	}
	return 0, fault.New(fault.Invalid, a.op, "it is not clear which container gets the image", "write CONTAINER=IMAGE; the containers are "+strings.Join(names, ", "))
}

// register registers a task definition from a file.
func (a *Actor) register(ctx context.Context, file string) (string, error) {
	data, err := os.ReadFile(file) //nolint:gosec // the user's own file
	if err != nil {
		return "", fault.Wrap(fault.Invalid, a.op, err, "")
	}
	var in ecs.RegisterTaskDefinitionInput
	if err := json.Unmarshal(data, &in); err != nil {
		return "", fault.Wrap(fault.Invalid, a.op+", "+file, err, "write it as for aws ecs register-task-definition --cli-input-json")
	}
	return a.make(ctx, &in)
}

func (a *Actor) make(ctx context.Context, in *ecs.RegisterTaskDefinitionInput) (string, error) {
	api, err := a.client.Get(ctx)
	if err != nil {
		return "", err
	}
	out, err := api.RegisterTaskDefinition(ctx, in)
	if err != nil {
		return "", a.explain("RegisterTaskDefinition, and iam:PassRole for its roles", err)
	}
	return name(out.TaskDefinition.TaskDefinitionArn), nil
}

// anew is a task definition as it is registered again.
func anew(d *types.TaskDefinition) *ecs.RegisterTaskDefinitionInput {
	return &ecs.RegisterTaskDefinitionInput{
		Family: d.Family, ContainerDefinitions: d.ContainerDefinitions, Cpu: d.Cpu, Memory: d.Memory, NetworkMode: d.NetworkMode,
		ExecutionRoleArn: d.ExecutionRoleArn, TaskRoleArn: d.TaskRoleArn, RequiresCompatibilities: d.RequiresCompatibilities,
		Volumes: d.Volumes, PlacementConstraints: d.PlacementConstraints, ProxyConfiguration: d.ProxyConfiguration,
		RuntimePlatform: d.RuntimePlatform, EphemeralStorage: d.EphemeralStorage, IpcMode: d.IpcMode, PidMode: d.PidMode,
		EnableFaultInjection: d.EnableFaultInjection,
	}
}
