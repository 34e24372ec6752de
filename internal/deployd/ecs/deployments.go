package ecs

import (
	"slices"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/deployd"
)

func (s *Server) listServiceDeployments(in *struct {
	Cluster, Service, NextToken string
	Status                      []string
	MaxResults                  *int
},
) (any, *deployd.Failure) {
	if !s.hasCluster(in.Cluster) {
		return nil, deployd.Fail("ClusterNotFoundException", "Cluster not found.")
	}
	v := s.find(in.Cluster, in.Service)
	if v == nil {
		return nil, deployd.Fail("ServiceNotFoundException", "Service not found.")
	}
	all := []deployd.Object{}
	for _, d := range slices.Backward(v.deployments) {
		if len(in.Status) == 0 || slices.Contains(in.Status, d.status()) {
			all = append(all, deployd.Object{
				"serviceDeploymentArn": d.arn, "serviceArn": v.arn(), "clusterArn": arn("cluster", v.cluster), "status": d.status(),
				"createdAt": deployd.Epoch(d.created), "startedAt": deployd.Epoch(d.created), "finishedAt": deployd.Epoch(d.finished),
				"targetServiceRevisionArn": d.target,
			})
		}
	}
	size, from := 20, 0
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > 100 {
		return nil, invalid("maxResults must be between 1 and 100.")
	}
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken)
		if err != nil || n < 0 {
			return nil, invalid("Invalid token.")
		}
		from = min(n, len(all))
	}
	out := deployd.Object{"serviceDeployments": all[from:min(from+size, len(all))]}
	if from+size < len(all) {
		out["nextToken"] = strconv.Itoa(from + size)
	}
	return out, nil
}

// most is how many ARNs one call may name.
const most = 20

func (s *Server) describeServiceDeployments(in *struct{ ServiceDeploymentArns []string }) (any, *deployd.Failure) {
	if n := len(in.ServiceDeploymentArns); n == 0 || n > most {
		return nil, invalid("The number of service deployments must be between 1 and %d.", most)
	}
	found, failures := []deployd.Object{}, []deployd.Object{}
	for _, name := range in.ServiceDeploymentArns {
		if v, d := s.deployment(name); d != nil {
			found = append(found, d.object(v))
			continue
		}
		failures = append(failures, deployd.Object{"arn": name, "reason": "MISSING"})
	}
	return deployd.Object{"serviceDeployments": found, "failures": failures}, nil
}

func (s *Server) deployment(arn string) (*service, *deployment) {
	for _, v := range s.services {
		for _, d := range v.deployments {
			if d.arn == arn {
				return v, d
			}
		}
	}
	return nil, nil
}

func (s *Server) describeServiceRevisions(in *struct{ ServiceRevisionArns []string }) (any, *deployd.Failure) {
	if n := len(in.ServiceRevisionArns); n == 0 || n > most {
		return nil, invalid("The number of service revisions must be between 1 and %d.", most)
	}
	found, failures := []deployd.Object{}, []deployd.Object{}
	for _, name := range in.ServiceRevisionArns {
		i := slices.IndexFunc(s.services, func(v *service) bool { return v.revisions[name] != "" })
		if i < 0 {
			failures = append(failures, deployd.Object{"arn": name, "reason": "MISSING"})
			continue
		}
		v := s.services[i]
		found = append(found, deployd.Object{
			"serviceRevisionArn": name, "serviceArn": v.arn(), "clusterArn": arn("cluster", v.cluster),
			"taskDefinition": arn("task-definition", v.revisions[name]), "launchType": "FARGATE", "guardDutyEnabled": false,
		})
	}
	return deployd.Object{"serviceRevisions": found, "failures": failures}, nil
}

func (s *Server) stopServiceDeployment(in *struct{ ServiceDeploymentArn, StopType string }) (any, *deployd.Failure) {
	v, d := s.deployment(in.ServiceDeploymentArn)
	switch {
	case d == nil:
		return nil, deployd.Fail("ServiceDeploymentNotFoundException", "Service deployment not found.")
	case in.StopType == "ABORT":
		return nil, deployd.Fail("UnsupportedFeatureException", "The stop type ABORT is not supported.")
	case in.StopType != "" && in.StopType != "ROLLBACK":
		return nil, invalid("Unknown stop type %s.", in.StopType)
	case d.over():
		return nil, deployd.Fail("ConflictException", "The service deployment is in the state %s and cannot be stopped.", d.status())
	case d.source == d.target:
		return nil, invalid("There is no service revision to roll back to.")
	case !d.rollingBack(): // one that rolls back already goes on
		s.back(v, d, "Service deployment rolled back because of a stop request.")
	}
	return deployd.Object{"serviceDeploymentArn": d.arn}, nil
}

func (s *Server) continueServiceDeployment(in *struct{ ServiceDeploymentArn, HookID, Action string }) (any, *deployd.Failure) {
	v, d := s.deployment(in.ServiceDeploymentArn)
	switch {
	case d == nil:
		return nil, deployd.Fail("ServiceDeploymentNotFoundException", "Service deployment not found.")
	case in.Action != "" && in.Action != "CONTINUE" && in.Action != "ROLLBACK":
		return nil, invalid("Unknown action %s.", in.Action)
	case d.status() != inProgress || d.hookID == "" || d.hookID != in.HookID:
		return nil, invalid("The lifecycle hook %s is not awaiting action.", in.HookID)
	case in.Action == "ROLLBACK":
		s.back(v, d, "Service deployment rolled back at a lifecycle hook.")
	default:
		d.at++
		d.since, d.updated, d.hookID = s.now, s.now, ""
		s.arrive(v, d)
	}
	return deployd.Object{"serviceDeploymentArn": d.arn}, nil
}
