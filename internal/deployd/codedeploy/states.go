package codedeploy

import (
	"slices"
	"time"
)

// advance lets all deployments go on to an instant. A rollback is appended while
// it goes on.
func (s *Server) advance(to time.Time) {
	s.now = to
	for went := true; went; {
		went = false
		for _, d := range s.deployments {
			for !d.over() && s.onward(d) {
				went = true // and may have appended a rollback
			}
		}
	}
}

// onward goes one step on, where it is time for it.
func (s *Server) onward(d *deployment) bool {
	switch {
	case !d.stopAt.IsZero():
		if s.now.Before(d.stopAt) {
			return false
		}
		d.end(stopped, "MANUAL_STOP", "The deployment was stopped by the user.", d.stopAt)
		if d.stopBack {
			s.back(d, d.stopAt)
		}
		return true
	case s.alarmed(d):
		return true
	case d.status == created:
		return s.take(d)
	}
	until := d.since.Add(d.steps[d.at].lasts)
	if s.now.Before(until) {
		return false
	}
	d.since = until
	if d.at++; d.at == len(d.steps) {
		d.end(succeeded, "", "", until)
		s.aliases[targetID(d)] = alias{stable: d.target}
		return true
	}
	s.shift(d)
	return true
}

// take is the beginning of a deployment: it looks at the alias and shifts.
func (s *Server) take(d *deployment) bool {
	until := d.since.Add(starting)
	if s.now.Before(until) {
		return false
	}
	a, there := s.aliases[targetID(d)]
	switch {
	case !there || !s.versions[d.function+":"+d.target]:
		d.end(failed, "INVALID_LAMBDA_CONFIGURATION", "The Lambda function, its alias or its version "+d.target+" does not exist.", until)
		return true
	case a.stable != d.current && d.creator != "codeDeployRollback":
		d.end(failed, "INVALID_LAMBDA_CONFIGURATION", "The current alias version "+a.stable+" does not match the CurrentVersion "+d.current+" of the AppSpec file.", until)
		return true
	}
	d.status, d.since, d.tried = inProgress, until, true
	d.steps = steps(s.configs[d.config])
	s.shift(d)
	return true
}

func (s *Server) shift(d *deployment) {
	d.weight = d.steps[d.at].percent
	a := alias{stable: d.current, canary: d.target, percent: d.weight}
	if d.weight == 100 {
		a = alias{stable: d.target}
	}
	s.aliases[targetID(d)] = a
}

// steps are the weights that a configuration goes through.
func steps(r routing) (out []step) {
	switch r.kind {
	case "TimeBasedCanary":
		return []step{{float64(r.percent), r.interval}, {100, stopping}}
	case "TimeBasedLinear":
		for p := r.percent; p < 100; p += r.percent {
			out = append(out, step{float64(p), r.interval})
		}
	}
	return append(out, step{100, stopping})
}

// alarmed ends a deployment one of whose alarms is red: CodeDeploy asks before
// and while it deploys, whatever was before.
func (s *Server) alarmed(d *deployment) bool {
	if d.alarmsOff || d.creator == "codeDeployRollback" {
		return false
	}
	for _, name := range s.group.alarms {
		if !s.red[name] {
			continue
		}
		d.end(failed, "ALARM_ACTIVE", "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected: "+name, s.now)
		if d.tried && slices.Contains(s.group.rollback, "DEPLOYMENT_STOP_ON_ALARM") {
			s.back(d, s.now)
		}
		return true
	}
	return false
}

func (d *deployment) end(status, code, message string, at time.Time) {
	d.status, d.code, d.message, d.finished = status, code, message, at
}

// back rolls a deployment back by a deployment of its own.
func (s *Server) back(d *deployment, at time.Time) {
	r := s.add(spec(d.function, d.alias, d.target, d.current), "CodeDeployDefault.LambdaAllAtOnce", "codeDeployRollback", "")
	r.created, r.since, r.triggeredBy, d.rolledBackBy = at, at, d.id, r.id
}
