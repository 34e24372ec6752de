package ecs

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/deployd"
)

func (s *Server) registerTaskDefinition(in *deployd.Object) (any, *deployd.Failure) {
	family, _ := (*in)["family"].(string)
	containers, _ := (*in)["containerDefinitions"].([]any)
	switch {
	case family == "":
		return nil, deployd.Fail("ClientException", "Family should not be null or empty.")
	case len(containers) == 0:
		return nil, deployd.Fail("ClientException", "Container list cannot be empty.")
	}
	definition := deployd.Object{}
	maps.Copy(definition, *in)
	revision := len(s.families[family]) + 1
	definition["revision"], definition["status"] = revision, "ACTIVE"
	definition["taskDefinitionArn"] = arn("task-definition", family+":"+strconv.Itoa(revision))
	definition["registeredAt"] = deployd.Epoch(s.now)
	delete(definition, "tags")
	s.families[family] = append(s.families[family], definition)
	return deployd.Object{"taskDefinition": definition, "tags": (*in)["tags"]}, nil
}

// resolve finds a task definition by "family", "family:revision" or its ARN.
func (s *Server) resolve(name string) (string, deployd.Object, bool) {
	family, number, numbered := strings.Cut(last(name), ":")
	all := s.families[family]
	revision := len(all)
	if numbered {
		n, err := strconv.Atoi(number)
		if err != nil {
			return "", nil, false
		}
		revision = n
	}
	if revision < 1 || revision > len(all) {
		return "", nil, false
	}
	return family + ":" + strconv.Itoa(revision), all[revision-1], true
}

func (s *Server) describeTaskDefinition(in *struct{ TaskDefinition string }) (any, *deployd.Failure) {
	_, definition, ok := s.resolve(in.TaskDefinition)
	if !ok {
		return nil, deployd.Fail("ClientException", "Unable to describe task definition.")
	}
	return deployd.Object{"taskDefinition": definition, "tags": []any{}}, nil
}

type serviceInput struct {
	Cluster, ServiceName, Service string
	TaskDefinition                string
	DesiredCount                  *int
	DeploymentController          *struct{ Type string }
	DeploymentConfiguration       json.RawMessage
	LoadBalancers                 []struct{ AdvancedConfiguration any }
	ForceNewDeployment            bool
}

func (s *Server) createService(in *serviceInput) (any, *deployd.Failure) {
	definition, _, ok := s.resolve(in.TaskDefinition)
	switch {
	case in.ServiceName == "":
		return nil, invalid("Service name cannot be blank")
	case !ok:
		return nil, deployd.Fail("ClientException", "TaskDefinition not found.")
	case s.find(in.Cluster, in.ServiceName) != nil:
		return nil, invalid("Creation of service was not idempotent.")
	}
	v := &service{cluster: last(in.Cluster), name: in.ServiceName, desired: 1, controller: "ECS", revisions: map[string]string{}}
	if v.cluster == "" {
		v.cluster = "default"
	}
	if in.DesiredCount != nil {
		v.desired = *in.DesiredCount
	}
	if in.DeploymentController != nil {
		v.controller = in.DeploymentController.Type
	}
	v.balanced = len(in.LoadBalancers) > 0 && in.LoadBalancers[0].AdvancedConfiguration != nil
	if fail := v.configure(in.DeploymentConfiguration); fail != nil {
		return nil, fail
	}
	s.services = append(s.services, v)
	d := s.begin(v, definition)
	s.enter(v, d, []step{{status: successful, weight: 100}}) // it is there when it is made
	return deployd.Object{"service": v.object()}, nil
}

// configure changes a service's deployment configuration: the fields that are
// given.
func (v *service) configure(given json.RawMessage) *deployd.Failure {
	if len(given) == 0 {
		return nil
	}
	fields := map[string]json.RawMessage{}
	old, err := json.Marshal(v.config)
	err = errors.Join(err, json.Unmarshal(old, &fields), json.Unmarshal(given, &fields))
	all, _ := json.Marshal(fields)
	var c config
	if err := errors.Join(err, json.Unmarshal(all, &c)); err != nil {
		return deployd.Fail("SerializationException", "%v", err)
	}
	if fail := c.check(v); fail != nil {
		return fail
	}
	v.config = c
	return nil
}

// check refuses what the documentation of DeploymentConfiguration rules out.
func (c config) check(v *service) *deployd.Failure {
	shifts := slices.Contains([]string{"CANARY", "LINEAR", "BLUE_GREEN"}, c.Strategy)
	switch {
	case c.Strategy != "" && c.Strategy != "ROLLING" && !shifts:
		return invalid("Unknown deployment strategy %s.", c.Strategy)
	case shifts && v.controller != "ECS":
		return invalid("The deployment strategy %s needs the deployment controller ECS.", c.Strategy)
	case shifts && !v.balanced:
		return invalid("The deployment strategy %s needs a load balancer with an advancedConfiguration, or Service Connect.", c.Strategy)
	case c.Canary != nil && c.Strategy != "CANARY":
		return invalid("canaryConfiguration is only valid with the deployment strategy CANARY.")
	case c.Linear != nil && c.Strategy != "LINEAR":
		return invalid("linearConfiguration is only valid with the deployment strategy LINEAR.")
	}
	if fail := c.Canary.check(); fail != nil {
		return fail
	}
	for _, h := range c.Hooks {
		if fail := h.check(); fail != nil {
			return fail
		}
	}
	return nil
}

func (c *canary) check() *deployd.Failure {
	if c == nil {
		return nil
	}
	if c.Percent != nil {
		p := *c.Percent
		if p < 0.1 || p > 100 || math.Abs(p*10-math.Round(p*10)) > 1e-9 {
			return invalid("canaryPercent must be a multiple of 0.1 between 0.1 and 100.0.")
		}
	}
	if c.Bake != nil && (*c.Bake < 0 || *c.Bake > 1440) {
		return invalid("canaryBakeTimeInMinutes must be between 0 and 1440.")
	}
	return nil
}

func (h hook) check() *deployd.Failure {
	if h.Type != "PAUSE" {
		if h.Target == "" {
			return invalid("hookTargetArn is missing.")
		}
		return nil
	}
	for _, stage := range h.Stages {
		if stage == "TEST_TRAFFIC_SHIFT" || stage == "PRODUCTION_TRAFFIC_SHIFT" {
			return invalid("PAUSE hooks cannot be configured at %s.", stage)
		}
	}
	return nil
}

func (s *Server) describeServices(in *struct {
	Cluster  string
	Services []string
},
) (any, *deployd.Failure) {
	if !s.hasCluster(in.Cluster) {
		return nil, deployd.Fail("ClusterNotFoundException", "Cluster not found.")
	}
	found, failures := []deployd.Object{}, []deployd.Object{}
	for _, name := range in.Services {
		if v := s.find(in.Cluster, name); v != nil {
			found = append(found, v.object())
			continue
		}
		failures = append(failures, deployd.Object{"arn": arn("service", last(in.Cluster)+"/"+last(name)), "reason": "MISSING"})
	}
	return deployd.Object{"services": found, "failures": failures}, nil
}

// object is a service as it is described.
func (v *service) object() deployd.Object {
	d := v.newest()
	primary := deployd.Object{
		"id": d.id, "status": "PRIMARY", "taskDefinition": arn("task-definition", v.definition), "desiredCount": v.desired, "runningCount": v.desired,
		"pendingCount": 0, "failedTasks": 0, "rolloutState": "COMPLETED", "createdAt": deployd.Epoch(d.created), "updatedAt": deployd.Epoch(d.updated),
	}
	deployments := []deployd.Object{primary}
	if !d.over() {
		primary["rolloutState"] = "IN_PROGRESS"
		other := v.revisions[d.source]
		if d.rollingBack() {
			other = v.revisions[d.target]
		}
		deployments = append(deployments, deployd.Object{"id": d.id + "-", "status": "ACTIVE", "taskDefinition": arn("task-definition", other), "desiredCount": v.desired, "rolloutState": "COMPLETED"})
	}
	out := deployd.Object{
		"serviceArn": v.arn(), "serviceName": v.name, "clusterArn": arn("cluster", v.cluster), "status": "ACTIVE", "desiredCount": v.desired,
		"runningCount": v.desired, "pendingCount": 0, "taskDefinition": arn("task-definition", v.definition), "deployments": deployments,
		"deploymentController": deployd.Object{"type": v.controller}, "deploymentConfiguration": v.config, "launchType": "FARGATE",
	}
	if !d.over() {
		out["currentServiceDeployment"] = d.arn
	}
	return out
}

func (s *Server) updateService(in *serviceInput) (any, *deployd.Failure) {
	if !s.hasCluster(in.Cluster) {
		return nil, deployd.Fail("ClusterNotFoundException", "Cluster not found.")
	}
	v := s.find(in.Cluster, in.Service)
	if v == nil {
		return nil, deployd.Fail("ServiceNotFoundException", "Service not found.")
	}
	definition := v.definition
	if in.TaskDefinition != "" {
		name, _, ok := s.resolve(in.TaskDefinition)
		if !ok {
			return nil, deployd.Fail("ClientException", "TaskDefinition not found.")
		}
		definition = name
		if v.controller != "ECS" {
			return nil, invalid("Unable to update task definition on services with a %s deployment controller.", v.controller)
		}
	}
	if fail := v.configure(in.DeploymentConfiguration); fail != nil {
		return nil, fail
	}
	if in.DesiredCount != nil {
		v.desired = *in.DesiredCount
	}
	if definition != v.definition || in.ForceNewDeployment {
		s.begin(v, definition)
	}
	return deployd.Object{"service": v.object()}, nil
}
