package codedeploy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/internal/deployd"
)

func (s *Server) createDeploymentConfig(in *struct {
	DeploymentConfigName, ComputePlatform string
	TrafficRoutingConfig                  *struct {
		Type            string
		TimeBasedCanary *struct{ CanaryPercentage, CanaryInterval int }
		TimeBasedLinear *struct{ LinearPercentage, LinearInterval int }
	}
},
) (any, *deployd.Failure) {
	t := in.TrafficRoutingConfig
	switch {
	case in.DeploymentConfigName == "":
		return nil, fail("DeploymentConfigNameRequired", "The deployment configuration name was not specified.")
	case s.configs[in.DeploymentConfigName].kind != "":
		return nil, fail("DeploymentConfigAlreadyExists", "Deployment configuration %s already exists.", in.DeploymentConfigName)
	case in.ComputePlatform != "Lambda":
		return nil, fail("InvalidComputePlatform", "The computePlatform is invalid.")
	case t == nil:
		return nil, fail("InvalidTrafficRoutingConfiguration", "The configuration that specifies how traffic is routed is missing.")
	}
	r := routing{kind: t.Type}
	switch {
	case t.Type == "TimeBasedCanary" && t.TimeBasedCanary != nil:
		r.percent, r.interval = t.TimeBasedCanary.CanaryPercentage, time.Duration(t.TimeBasedCanary.CanaryInterval)*time.Minute
	case t.Type == "TimeBasedLinear" && t.TimeBasedLinear != nil:
		r.percent, r.interval = t.TimeBasedLinear.LinearPercentage, time.Duration(t.TimeBasedLinear.LinearInterval)*time.Minute
	default:
		return nil, fail("InvalidTrafficRoutingConfiguration", "The traffic routing type %s is invalid.", t.Type)
	}
	if r.percent < 1 || r.percent > 99 || r.interval < time.Minute || r.interval > 48*time.Hour {
		return nil, fail("InvalidTrafficRoutingConfiguration", "The percentage must be between 1 and 99, and the interval between 1 and 2880 minutes.")
	}
	s.configs[in.DeploymentConfigName] = r
	return deployd.Object{"deploymentConfigId": in.DeploymentConfigName}, nil
}

type names struct {
	ApplicationName, DeploymentGroupName string
}

func (s *Server) check(in names) *deployd.Failure {
	switch {
	case in.ApplicationName == "":
		return fail("ApplicationNameRequired", "The minimum number of required application names was not specified.")
	case s.group == nil || in.ApplicationName != s.group.application:
		return fail("ApplicationDoesNotExist", "Applications not found for %s.", in.ApplicationName)
	case in.DeploymentGroupName == "":
		return fail("DeploymentGroupNameRequired", "The deployment group name was not specified.")
	case in.DeploymentGroupName != s.group.name:
		return fail("DeploymentGroupDoesNotExist", "No Deployment Group found for name: %s.", in.DeploymentGroupName)
	}
	return nil
}

func (s *Server) getDeploymentGroup(in *names) (any, *deployd.Failure) {
	if f := s.check(*in); f != nil {
		return nil, f
	}
	g := deployd.Object{
		"applicationName": s.group.application, "deploymentGroupName": s.group.name, "deploymentGroupId": "00000000-0000-0000-0000-000000000001",
		"deploymentConfigName": s.group.config, "computePlatform": "Lambda",
		"alarmConfiguration":        deployd.Object{"enabled": len(s.group.alarms) > 0, "alarms": named(s.group.alarms)},
		"autoRollbackConfiguration": deployd.Object{"enabled": true, "events": s.group.rollback},
	}
	last := func(d *deployment) deployd.Object {
		return deployd.Object{"deploymentId": d.id, "status": d.status, "createTime": deployd.Epoch(d.created), "endTime": deployd.Epoch(d.finished)}
	}
	for _, d := range s.deployments {
		g["lastAttemptedDeployment"] = last(d)
		if d.status == succeeded {
			g["lastSuccessfulDeployment"], g["targetRevision"] = last(d), d.revision()
		}
	}
	return deployd.Object{"deploymentGroupInfo": g}, nil
}

func named(all []string) []deployd.Object {
	out := []deployd.Object{}
	for _, n := range all {
		out = append(out, deployd.Object{"name": n})
	}
	return out
}

func (d *deployment) revision() deployd.Object {
	sum := sha256.Sum256([]byte(d.content))
	return deployd.Object{"revisionType": "AppSpecContent", "appSpecContent": deployd.Object{"content": d.content, "sha256": hex.EncodeToString(sum[:])}}
}

type deploymentInput struct {
	names
	DeploymentConfigName, Description string
	Revision                          *struct {
		RevisionType   string
		AppSpecContent *struct{ Content, Sha256 string }
	}
	OverrideAlarmConfiguration *struct{ Enabled bool }
}

func (s *Server) createDeployment(in *deploymentInput) (any, *deployd.Failure) {
	if f := s.check(in.names); f != nil {
		return nil, f
	}
	config := in.DeploymentConfigName
	if config == "" {
		config = s.group.config
	}
	switch {
	case s.configs[config].kind == "":
		return nil, fail("DeploymentConfigDoesNotExist", "The deployment configuration %s does not exist.", config)
	case in.Revision == nil:
		return nil, fail("RevisionRequired", "The revision was not specified.")
	case in.Revision.RevisionType != "AppSpecContent" || in.Revision.AppSpecContent == nil:
		return nil, fail("InvalidRevision", "The revision type %s is invalid for the compute platform Lambda.", in.Revision.RevisionType)
	}
	content := in.Revision.AppSpecContent
	sum := sha256.Sum256([]byte(content.Content))
	if content.Sha256 != "" && content.Sha256 != hex.EncodeToString(sum[:]) {
		return nil, fail("InvalidRevision", "The sha256 of the AppSpec file does not match its content.")
	}
	if _, err := parse(content.Content); err != nil {
		return nil, fail("InvalidRevision", "The AppSpec file is invalid: %v", err)
	}
	if d := s.underWay(); d != nil {
		return nil, fail("DeploymentLimitExceeded", "The Deployment Group '%s' already has an active Deployment '%s'", s.group.name, d.id)
	}
	d := s.add(content.Content, config, "user", in.Description)
	d.alarmsOff = in.OverrideAlarmConfiguration != nil && !in.OverrideAlarmConfiguration.Enabled
	return deployd.Object{"deploymentId": d.id}, nil
}

type byID struct{ DeploymentID string }

func (s *Server) get(id string) (*deployment, *deployd.Failure) {
	if id == "" {
		return nil, fail("DeploymentIdRequired", "At least one deployment ID must be specified.")
	}
	if d := s.find(id); d != nil {
		return d, nil
	}
	return nil, fail("DeploymentDoesNotExist", "The deployment %s could not be found.", id)
}

func (s *Server) getDeployment(in *byID) (any, *deployd.Failure) {
	d, f := s.get(in.DeploymentID)
	if f != nil {
		return nil, f
	}
	o := deployd.Object{
		"applicationName": s.group.application, "deploymentGroupName": s.group.name, "deploymentId": d.id, "deploymentConfigName": d.config,
		"computePlatform": "Lambda", "creator": d.creator, "description": d.description, "status": d.status, "revision": d.revision(),
		"createTime": deployd.Epoch(d.created), "startTime": deployd.Epoch(d.created), "completeTime": deployd.Epoch(d.finished),
		"ignoreApplicationStopFailures": false, "updateOutdatedInstancesOnly": false, "instanceTerminationWaitTimeStarted": false,
	}
	if d.code != "" {
		o["errorInformation"] = deployd.Object{"code": d.code, "message": d.message}
	}
	if d.rolledBackBy != "" || d.triggeredBy != "" {
		info := deployd.Object{}
		if d.rolledBackBy != "" {
			info["rollbackDeploymentId"] = d.rolledBackBy
		}
		if d.triggeredBy != "" {
			info["rollbackTriggeringDeploymentId"] = d.triggeredBy
		}
		o["rollbackInfo"] = info
	}
	return deployd.Object{"deploymentInfo": o}, nil
}

const pageSize = 100

func (s *Server) listDeployments(in *struct {
	names
	IncludeOnlyStatuses []string
	NextToken           string
},
) (any, *deployd.Failure) {
	if f := s.check(in.names); f != nil {
		return nil, f
	}
	from := 0
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken)
		if err != nil || n < 0 {
			return nil, fail("InvalidNextToken", "The next token was specified in an invalid format.")
		}
		from = n
	}
	all := []string{}
	for _, d := range slices.Backward(s.deployments) {
		if len(in.IncludeOnlyStatuses) == 0 || slices.Contains(in.IncludeOnlyStatuses, d.status) {
			all = append(all, d.id)
		}
	}
	out := deployd.Object{"deployments": all[min(from, len(all)):min(from+pageSize, len(all))]}
	if from+pageSize < len(all) {
		out["nextToken"] = strconv.Itoa(from + pageSize)
	}
	return out, nil
}

func (s *Server) listDeploymentTargets(in *byID) (any, *deployd.Failure) {
	d, f := s.get(in.DeploymentID)
	switch {
	case f != nil:
		return nil, f
	case d.status == created:
		return nil, fail("DeploymentNotStarted", "The specified deployment has not started.")
	}
	return deployd.Object{"targetIds": []string{targetID(d)}}, nil
}

func (s *Server) batchGetDeploymentTargets(in *struct {
	byID
	TargetIDs []string
},
) (any, *deployd.Failure) {
	const most = 25
	d, f := s.get(in.DeploymentID)
	switch {
	case f != nil:
		return nil, f
	case len(in.TargetIDs) == 0:
		return nil, fail("DeploymentTargetIdRequired", "A deployment target ID was not provided.")
	case len(in.TargetIDs) > most:
		return nil, fail("DeploymentTargetListSizeExceeded", "The maximum number of targets is %d.", most)
	case d.status == created:
		return nil, fail("DeploymentNotStarted", "The specified deployment has not started.")
	case in.TargetIDs[0] != targetID(d):
		return nil, fail("DeploymentTargetDoesNotExist", "The provided target ID does not belong to the attempted deployment.")
	}
	return deployd.Object{"deploymentTargets": []deployd.Object{{
		"deploymentTargetType": "LambdaTarget",
		"lambdaTarget": deployd.Object{
			"deploymentId": d.id, "targetId": targetID(d), "status": d.status, "lastUpdatedAt": deployd.Epoch(d.since),
			"targetArn": "arn:aws:lambda:" + Region + ":" + Account + ":function:" + targetID(d),
			"lambdaFunctionInfo": deployd.Object{
				"functionName": d.function, "functionAlias": d.alias, "currentVersion": d.current, "targetVersion": d.target, "targetVersionWeight": d.weight,
			},
		},
	}}}, nil
}

func (s *Server) stopDeployment(in *struct {
	byID
	AutoRollbackEnabled *bool
},
) (any, *deployd.Failure) {
	d, f := s.get(in.DeploymentID)
	switch {
	case f != nil:
		return nil, f
	case d.over():
		return nil, fail("DeploymentAlreadyCompleted", "The deployment %s is already completed.", d.id)
	case d.stopAt.IsZero():
		d.stopAt = s.now.Add(stopping)
		d.stopBack = d.tried && (in.AutoRollbackEnabled != nil && *in.AutoRollbackEnabled ||
			in.AutoRollbackEnabled == nil && slices.Contains(s.group.rollback, "DEPLOYMENT_STOP_ON_REQUEST"))
	}
	return deployd.Object{"status": "Pending", "statusMessage": "The deployment is being stopped."}, nil
}
