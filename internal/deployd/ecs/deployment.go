package ecs

import (
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/deployd"
)

// config is a deployment configuration.
type config struct {
	Strategy          string         `json:"strategy,omitempty"`
	MaximumPercent    *int           `json:"maximumPercent,omitempty"`
	MinimumHealthy    *int           `json:"minimumHealthyPercent,omitempty"`
	BakeTimeInMinutes *int           `json:"bakeTimeInMinutes,omitempty"`
	Canary            *canary        `json:"canaryConfiguration,omitempty"`
	Alarms            *alarms        `json:"alarms,omitempty"`
	Breaker           *breaker       `json:"deploymentCircuitBreaker,omitempty"`
	Hooks             []hook         `json:"lifecycleHooks,omitempty"`
	Linear            map[string]any `json:"linearConfiguration,omitempty"`
}

type canary struct {
	Percent *float64 `json:"canaryPercent,omitempty"`
	Bake    *int     `json:"canaryBakeTimeInMinutes,omitempty"`
}

type alarms struct {
	Names    []string `json:"alarmNames"`
	Enable   bool     `json:"enable"`
	Rollback bool     `json:"rollback"`
}

type breaker struct {
	Enable   bool `json:"enable"`
	Rollback bool `json:"rollback"`
}

type hook struct {
	Type    string   `json:"targetType,omitempty"`
	Target  string   `json:"hookTargetArn,omitempty"`
	Role    string   `json:"roleArn,omitempty"`
	Stages  []string `json:"lifecycleStages"`
	Timeout *timeout `json:"timeoutConfiguration,omitempty"`
}

type timeout struct {
	Minutes int    `json:"timeoutInMinutes,omitempty"`
	Action  string `json:"action,omitempty"`
}

// Statuses of service deployments.
const (
	pending            = "PENDING"
	inProgress         = "IN_PROGRESS"
	successful         = "SUCCESSFUL"
	stopped            = "STOPPED"
	rollbackRequested  = "ROLLBACK_REQUESTED"
	rollbackInProgress = "ROLLBACK_IN_PROGRESS"
	rollbackSuccessful = "ROLLBACK_SUCCESSFUL"
)

// step is a part of a deployment: for how long it stays there, and the traffic
// that it sets when it is entered; a weight below 0 leaves it.
type step struct {
	status, stage string
	lasts         time.Duration
	weight        float64
	hook          *hook // waits for an action
	stuck         bool  // never ends
}

// deployment is one service deployment.
type deployment struct {
	arn, id                           string
	source, target                    string // ARNs of service revisions
	config                            config
	created, updated, finished, since time.Time
	steps                             []step
	at                                int
	weight                            float64
	hookID                            string
	expires                           time.Time
	reason, rollback                  string
	ignored                           map[string]bool // alarms that were red when it began
	triggered                         []string
}

func (d *deployment) status() string { return d.steps[d.at].status }

func (d *deployment) over() bool {
	return slices.Contains([]string{successful, stopped, rollbackSuccessful, "ROLLBACK_FAILED"}, d.status())
}

func (d *deployment) rollingBack() bool {
	return d.status() == rollbackRequested || d.status() == rollbackInProgress
}

// plan is what a deployment goes through.
func plan(c config, reconcile, broken bool) []step {
	keep := func(stage string, lasts time.Duration) step {
		return step{status: inProgress, stage: stage, lasts: lasts, weight: -1}
	}
	shift := func(weight float64, bake time.Duration) []step {
		var out []step
		for i := range c.Hooks {
			if c.Hooks[i].Type == "PAUSE" && slices.Contains(c.Hooks[i].Stages, "PRE_PRODUCTION_TRAFFIC_SHIFT") {
				out = append(out, step{status: inProgress, stage: "PRE_PRODUCTION_TRAFFIC_SHIFT", weight: -1, hook: &c.Hooks[i]})
			}
		}
		s := keep("PRODUCTION_TRAFFIC_SHIFT", shifting+bake)
		s.weight = weight
		return append(out, s)
	}
	steps := []step{{status: pending, lasts: starting, weight: -1}}
	if reconcile {
		s := keep("RECONCILE_SERVICE", starting)
		s.weight = 0
		steps = append(steps, s)
	}
	scale := keep("SCALE_UP", scaling)
	scale.stuck = broken
	steps = append(steps, scale)
	switch c.Strategy {
	case "CANARY":
		percent, bake := 5.0, 10
		if c.Canary != nil && c.Canary.Percent != nil {
			percent = *c.Canary.Percent
		}
		if c.Canary != nil && c.Canary.Bake != nil {
			bake = *c.Canary.Bake
		}
		steps = append(steps, shift(percent, time.Duration(bake)*time.Minute)...)
		steps = append(steps, shift(100, 0)...)
	case "BLUE_GREEN", "LINEAR":
		steps = append(steps, shift(100, 0)...)
	}
	if c.BakeTimeInMinutes != nil && c.Strategy != "" && c.Strategy != "ROLLING" {
		steps = append(steps, keep("BAKE_TIME", time.Duration(*c.BakeTimeInMinutes)*time.Minute))
	}
	steps = append(steps, keep("CLEAN_UP", cleaning))
	return append(steps, step{status: successful, weight: 100})
}

// begin starts a deployment of a service to a task definition. One that is under
// way is stopped.
func (s *Server) begin(v *service, definition string) *deployment {
	id := s.next()
	revision := arn("service-revision", v.cluster+"/"+v.name+"/"+id)
	v.revisions[revision] = definition
	d := &deployment{
		arn: arn("service-deployment", v.cluster+"/"+v.name+"/"+id), id: "ecs-svc/" + id[2:], target: revision, source: revision,
		config: v.config, created: s.now, updated: s.now, since: s.now, ignored: map[string]bool{},
	}
	if v.config.Alarms != nil {
		for _, name := range v.config.Alarms.Names {
			d.ignored[name] = s.red[name]
		}
	}
	reconcile := false
	if len(v.deployments) > 0 {
		old := v.newest()
		d.source = old.source
		if old.over() && old.status() == successful {
			d.source = old.target
		}
		if !old.over() {
			reconcile = true
			s.enter(v, old, []step{{status: stopped, weight: -1}})
			old.reason = "superseded by a new deployment"
		}
	}
	d.steps = plan(v.config, reconcile, s.broken[definition])
	v.definition = definition
	v.deployments = append(v.deployments, d)
	return d
}

// enter gives a deployment other steps, from now on.
func (s *Server) enter(v *service, d *deployment, steps []step) { s.enterAt(v, d, steps, s.now) }

func (s *Server) enterAt(v *service, d *deployment, steps []step, at time.Time) {
	d.steps, d.at, d.since, d.updated, d.hookID = steps, 0, at, at, ""
	s.arrive(v, d)
}

// back rolls a deployment back. The service is to run again what it ran before.
func (s *Server) back(v *service, d *deployment, why string) { s.backAt(v, d, why, s.now) }

func (s *Server) backAt(v *service, d *deployment, why string, at time.Time) {
	d.reason, d.rollback = why, why
	s.enterAt(v, d, []step{
		{status: rollbackRequested, lasts: requesting, weight: -1},
		{status: rollbackInProgress, lasts: returning, weight: 0},
		{status: rollbackSuccessful, weight: 0},
	}, at)
}

// arrive does what the step that a deployment came to does.
func (s *Server) arrive(v *service, d *deployment) {
	now := &d.steps[d.at]
	if now.weight >= 0 {
		d.weight = now.weight
	}
	if now.status == rollbackInProgress {
		v.definition = v.revisions[d.source]
		d.id = "ecs-svc/" + s.next()[2:] // a rollback is a new primary deployment
	}
	if now.hook != nil {
		minutes := 1440
		if now.hook.Timeout != nil && now.hook.Timeout.Minutes != 0 {
			minutes = now.hook.Timeout.Minutes
		}
		d.hookID, d.expires = "ecs-pause-"+s.next(), d.since.Add(time.Duration(minutes)*time.Minute)
	}
	if d.over() {
		d.finished = d.since
	}
}

// advance lets all deployments go on to an instant.
func (s *Server) advance(to time.Time) {
	s.now = to
	for _, v := range s.services {
		for _, d := range v.deployments {
			for !d.over() && (s.alarmed(v, d) || s.onward(v, d)) {
			}
		}
	}
}

// onward goes one step on, where it is time for it.
func (s *Server) onward(v *service, d *deployment) bool {
	now := d.steps[d.at]
	until := d.since.Add(now.lasts)
	switch {
	case now.hook != nil && s.now.Before(d.expires), now.hook == nil && s.now.Before(until):
		return false
	case now.hook != nil && (now.hook.Timeout == nil || now.hook.Timeout.Action != "CONTINUE"):
		s.backAt(v, d, "The lifecycle hook timed out.", d.expires)
		return true
	case now.hook != nil:
		until = d.expires
	case now.stuck && d.config.Breaker != nil && d.config.Breaker.Enable && d.config.Breaker.Rollback:
		s.backAt(v, d, "The deployment circuit breaker was triggered: tasks failed to start.", until)
		return true
	case now.stuck:
		return false
	}
	d.at++
	d.since, d.updated, d.hookID = until, until, ""
	s.arrive(v, d)
	return true
}

// alarmed ends a deployment one of whose alarms went off since it began.
func (s *Server) alarmed(v *service, d *deployment) bool {
	a := d.config.Alarms
	if a == nil || !a.Enable || d.rollingBack() {
		return false
	}
	for _, name := range a.Names {
		if !s.red[name] {
			d.ignored[name] = false // it was red, and is no more: from now on it counts
			continue
		}
		if d.ignored[name] {
			continue
		}
		d.triggered = append(d.triggered, name)
		if !a.Rollback {
			s.enter(v, d, []step{{status: stopped, weight: -1}})
			d.reason = "Service deployment failed: alarm detected."
			return true
		}
		s.back(v, d, "Service deployment rolled back because of the alarm "+name+".")
		return true
	}
	return false
}

// object is a deployment as it is described.
func (d *deployment) object(v *service) deployd.Object {
	revision := func(arn string, weight float64) deployd.Object {
		o := deployd.Object{"arn": arn, "requestedTaskCount": v.desired, "runningTaskCount": v.desired, "pendingTaskCount": 0}
		if v.balanced {
			o["requestedProductionTrafficWeight"] = weight
		}
		return o
	}
	out := deployd.Object{
		"serviceDeploymentArn": d.arn, "serviceArn": v.arn(), "clusterArn": arn("cluster", v.cluster), "status": d.status(),
		"statusReason": d.reason, "createdAt": deployd.Epoch(d.created), "startedAt": deployd.Epoch(d.created),
		"updatedAt": deployd.Epoch(d.updated), "finishedAt": deployd.Epoch(d.finished), "deploymentConfiguration": d.config,
		"sourceServiceRevisions": []deployd.Object{}, "targetServiceRevision": revision(d.target, d.weight),
	}
	if d.source != d.target {
		out["sourceServiceRevisions"] = []deployd.Object{revision(d.source, 100-d.weight)}
	}
	if stage := d.steps[d.at].stage; stage != "" {
		out["lifecycleStage"] = stage
	}
	if h := d.steps[d.at].hook; h != nil {
		action := "ROLLBACK"
		if h.Timeout != nil && h.Timeout.Action != "" {
			action = h.Timeout.Action
		}
		out["lifecycleHookDetails"] = []deployd.Object{{
			"hookId": d.hookID, "targetType": "PAUSE", "status": "AWAITING_ACTION", "expiresAt": deployd.Epoch(d.expires), "timeoutAction": action,
		}}
	}
	if d.rollback != "" {
		out["rollback"] = deployd.Object{"reason": d.rollback, "serviceRevisionArn": d.source}
	}
	if a := d.config.Alarms; a != nil {
		out["alarms"] = deployd.Object{"alarmNames": a.Names, "triggeredAlarmNames": d.triggered, "status": "MONITORING"}
	}
	return out
}
