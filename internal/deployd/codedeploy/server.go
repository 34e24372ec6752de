package codedeploy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/deployd"
)

// Account and Region are those of all names.
const (
	Account = "123456789012"
	Region  = "eu-west-1"
)

// How long parts of a deployment take. (Made up: the documentation gives no
// figures. They are long enough that a caller has to poll.)
const (
	starting = 10 * time.Second
	stopping = 5 * time.Second
)

// Statuses of deployments.
const (
	created    = "Created"
	inProgress = "InProgress"
	succeeded  = "Succeeded"
	failed     = "Failed"
	stopped    = "Stopped"
)

// Server is a local CodeDeploy. It is safe for concurrent use.
type Server struct {
	*deployd.JSON

	now         time.Time
	serial      int
	group       *group
	configs     map[string]routing
	deployments []*deployment // oldest first
	aliases     map[string]alias
	versions    map[string]bool // "function:version" that is there
	red         map[string]bool
}

// group is the one deployment group there is.
type group struct {
	application, name, config string
	alarms                    []string
	rollback                  []string // events that roll back by themselves
}

// alias is how traffic of an alias lies.
type alias struct {
	stable, canary string
	percent        float64
}

// routing is how a configuration moves traffic.
type routing struct {
	kind     string // "AllAtOnce", "TimeBasedCanary", "TimeBasedLinear"
	percent  int
	interval time.Duration
}

// step is a weight and how long it is kept.
type step struct {
	percent float64
	lasts   time.Duration
}

// deployment is one deployment.
type deployment struct {
	id, function, alias, current, target string
	content                              string // its AppSpec
	config, description, creator, status string
	created, finished, since             time.Time
	steps                                []step
	at                                   int
	weight                               float64
	code, message                        string // of its error
	stopAt                               time.Time
	stopBack                             bool
	triggeredBy, rolledBackBy            string
	alarmsOff                            bool
	tried                                bool // it took the alias
}

func (d *deployment) over() bool {
	return slices.Contains([]string{succeeded, failed, stopped}, d.status)
}

// New returns a service with nothing in it; now tells its time.
func New(now func() time.Time) *Server {
	s := &Server{configs: map[string]routing{"CodeDeployDefault.LambdaAllAtOnce": {kind: "AllAtOnce"}}, aliases: map[string]alias{}, versions: map[string]bool{}, red: map[string]bool{}}
	for _, minutes := range []int{5, 10, 15, 30} {
		s.configs[fmt.Sprintf("CodeDeployDefault.LambdaCanary10Percent%dMinutes", minutes)] = routing{"TimeBasedCanary", 10, time.Duration(minutes) * time.Minute}
	}
	for name, minutes := range map[string]int{"1Minute": 1, "2Minutes": 2, "3Minutes": 3, "10Minutes": 10} {
		s.configs["CodeDeployDefault.LambdaLinear10PercentEvery"+name] = routing{"TimeBasedLinear", 10, time.Duration(minutes) * time.Minute}
	}
	s.JSON = deployd.NewJSON("CodeDeploy_20141006", now, map[string]deployd.Operation{
		"CreateDeploymentConfig":    deployd.With(s.createDeploymentConfig),
		"GetDeploymentGroup":        deployd.With(s.getDeploymentGroup),
		"CreateDeployment":          deployd.With(s.createDeployment),
		"GetDeployment":             deployd.With(s.getDeployment),
		"ListDeployments":           deployd.With(s.listDeployments),
		"ListDeploymentTargets":     deployd.With(s.listDeploymentTargets),
		"BatchGetDeploymentTargets": deployd.With(s.batchGetDeploymentTargets),
		"StopDeployment":            deployd.With(s.stopDeployment),
	}, s.advance)
	return s
}

// Make makes an application with a deployment group of one function and its
// alias, which was deployed once: the first version has all the traffic.
func (s *Server) Make(application, name, function, at string, versions ...string) {
	s.Locked(func() {
		s.group = &group{application: application, name: name, config: "CodeDeployDefault.LambdaCanary10Percent5Minutes", rollback: []string{"DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_FAILURE"}}
		for _, v := range versions {
			s.versions[function+":"+v] = true
		}
		s.aliases[function+":"+at] = alias{stable: versions[0]}
		s.set(function, at, alias{stable: versions[0]}, "made")
	})
}

// Alarms gives the group alarms, which roll back when they go off.
func (s *Server) Alarms(names ...string) {
	s.Locked(func() {
		s.group.alarms, s.group.rollback = names, append(s.group.rollback, "DEPLOYMENT_STOP_ON_ALARM")
	})
}

// SetAlarm says whether an alarm is in ALARM.
func (s *Server) SetAlarm(name string, red bool) { s.Locked(func() { s.red[name] = red }) }

// Alias returns how the traffic of an alias lies, in per cent.
func (s *Server) Alias(function, at string) (stable, canary string, percent float64) {
	s.Locked(func() {
		a := s.aliases[function+":"+at]
		stable, canary, percent = a.stable, a.canary, a.percent
	})
	return stable, canary, percent
}

// Set makes the alias lie as somebody deployed it by CodeDeploy: with a canary,
// their deployment is under way; describe is its description.
func (s *Server) Set(function, at, stable, canary string, percent float64, describe string) {
	s.Locked(func() { s.set(function, at, alias{stable, canary, percent}, describe) })
}

// Move changes the alias without CodeDeploy.
func (s *Server) Move(function, at, version string) {
	s.Locked(func() { s.aliases[function+":"+at] = alias{stable: version} })
}

func (s *Server) set(function, at string, to alias, describe string) {
	for _, d := range s.deployments {
		if !d.over() {
			d.status, d.finished = stopped, s.now
		}
	}
	s.aliases[function+":"+at] = to
	d := s.add(spec(function, at, to.stable, to.stable), "CodeDeployDefault.LambdaAllAtOnce", "user", describe)
	d.status, d.finished, d.weight, d.tried = succeeded, s.now, 100, true
	if to.canary == "" {
		return
	}
	d = s.add(spec(function, at, to.stable, to.canary), "", "user", describe)
	d.status, d.weight, d.tried = inProgress, to.percent, true
	d.steps = []step{{to.percent, 48 * time.Hour}, {100, 0}}
}

// Changes counts what was begun: deployments, rollbacks included.
func (s *Server) Changes() (n int) {
	s.Locked(func() { n = len(s.deployments) })
	return n
}

func fail(code, format string, args ...any) *deployd.Failure {
	return deployd.Fail(code+"Exception", format, args...)
}

func (s *Server) find(id string) *deployment {
	i := slices.IndexFunc(s.deployments, func(d *deployment) bool { return d.id == id })
	if i < 0 {
		return nil
	}
	return s.deployments[i]
}

// underWay is the deployment that has not ended.
func (s *Server) underWay() *deployment {
	i := slices.IndexFunc(s.deployments, func(d *deployment) bool { return !d.over() })
	if i < 0 {
		return nil
	}
	return s.deployments[i]
}

// add appends a deployment that has not begun.
func (s *Server) add(content, config, creator, description string) *deployment {
	s.serial++
	d := &deployment{
		id: fmt.Sprintf("d-%09d", s.serial), content: content, config: config, creator: creator, description: description,
		status: created, created: s.now, since: s.now,
	}
	if f, err := parse(content); err == nil {
		d.function, d.alias, d.current, d.target = f.Name, f.Alias, f.CurrentVersion, f.TargetVersion
	}
	s.deployments = append(s.deployments, d)
	return d
}

func targetID(d *deployment) string { return strings.Join([]string{d.function, d.alias}, ":") }
