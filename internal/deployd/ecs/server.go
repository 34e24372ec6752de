package ecs

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

// How long the parts of a deployment take. (Made up: the documentation gives no
// figures. They are long enough that a caller has to poll.)
const (
	starting   = 5 * time.Second
	scaling    = 30 * time.Second
	shifting   = 10 * time.Second
	cleaning   = 10 * time.Second
	requesting = 3 * time.Second
	returning  = 20 * time.Second
)

// Server is a local ECS. It is safe for concurrent use.
type Server struct {
	*deployd.JSON

	now      time.Time // of the call that is answered
	serial   int
	families map[string][]deployd.Object // revisions of task definitions
	services []*service
	red      map[string]bool // alarms in ALARM
	broken   map[string]bool // task definitions whose tasks do not start
}

// service is one service.
type service struct {
	cluster, name string
	desired       int
	definition    string // "family:revision", what it is to run
	controller    string
	config        config
	balanced      bool // has what traffic is shifted with
	revisions     map[string]string
	deployments   []*deployment // oldest first
}

// New returns an ECS with nothing in it; now tells its time.
func New(now func() time.Time) *Server {
	s := &Server{families: map[string][]deployd.Object{}, red: map[string]bool{}, broken: map[string]bool{}}
	s.JSON = deployd.NewJSON("AmazonEC2ContainerServiceV20141113", now, map[string]deployd.Operation{
		"RegisterTaskDefinition":     deployd.With(s.registerTaskDefinition),
		"DescribeTaskDefinition":     deployd.With(s.describeTaskDefinition),
		"CreateService":              deployd.With(s.createService),
		"DescribeServices":           deployd.With(s.describeServices),
		"UpdateService":              deployd.With(s.updateService),
		"ListServiceDeployments":     deployd.With(s.listServiceDeployments),
		"DescribeServiceDeployments": deployd.With(s.describeServiceDeployments),
		"DescribeServiceRevisions":   deployd.With(s.describeServiceRevisions),
		"StopServiceDeployment":      deployd.With(s.stopServiceDeployment),
		"ContinueServiceDeployment":  deployd.With(s.continueServiceDeployment),
	}, s.advance)
	return s
}

// SetAlarm says whether an alarm is in ALARM.
func (s *Server) SetAlarm(name string, red bool) {
	s.Locked(func() {
		s.red[name] = red
		s.advance(s.now)
	})
}

// Break says that tasks of a task definition, "family:revision", never start:
// with the circuit breaker on, their deployment fails.
func (s *Server) Break(definition string) { s.Locked(func() { s.broken[definition] = true }) }

// Weights returns the share of traffic of each task definition of a service, in
// per cent.
func (s *Server) Weights(cluster, name string) map[string]float64 {
	out := map[string]float64{}
	s.Locked(func() {
		v := s.find(cluster, name)
		if v == nil {
			return
		}
		d := v.newest()
		weight := d.weight
		if weight < 100 {
			out[v.revisions[d.source]] += 100 - weight
		}
		if weight > 0 {
			out[v.revisions[d.target]] += weight
		}
	})
	return out
}

func (v *service) newest() *deployment { return v.deployments[len(v.deployments)-1] }

func (v *service) arn() string { return arn("service", v.cluster+"/"+v.name) }

func arn(kind, rest string) string {
	return fmt.Sprintf("arn:aws:ecs:%s:%s:%s/%s", Region, Account, kind, rest)
}

// last is the part of an ARN, or of a name, behind its last slash.
func last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

func (s *Server) find(cluster, name string) *service {
	if cluster == "" {
		cluster = "default"
	}
	i := slices.IndexFunc(s.services, func(v *service) bool { return v.cluster == last(cluster) && v.name == last(name) })
	if i < 0 {
		return nil
	}
	return s.services[i]
}

// hasCluster says whether there is a cluster: one is there where a service is.
func (s *Server) hasCluster(name string) bool {
	return name == "" || slices.ContainsFunc(s.services, func(v *service) bool { return v.cluster == last(name) })
}

func invalid(format string, args ...any) *deployd.Failure {
	return deployd.Fail("InvalidParameterException", format, args...)
}

// next counts what is made: IDs are 21 characters, as the service's.
func (s *Server) next() string {
	s.serial++
	return fmt.Sprintf("%021d", s.serial)
}
