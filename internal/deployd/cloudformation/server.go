package cloudformation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"gitlab.com/nines-sre/nines/internal/deployd"
)

// Account and Region are those of all names.
const (
	Account = "123456789012"
	Region  = "eu-west-1"
)

// How long parts of an operation take. (Made up: long enough that a caller has
// to poll.)
const (
	updating  = 30 * time.Second
	cleaning  = 5 * time.Second
	returning = 20 * time.Second
)

// Statuses of stacks.
const (
	createComplete     = "CREATE_COMPLETE"
	updateInProgress   = "UPDATE_IN_PROGRESS"
	updateCleanup      = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
	updateComplete     = "UPDATE_COMPLETE"
	updateFailed       = "UPDATE_FAILED"
	rollbackInProgress = "UPDATE_ROLLBACK_IN_PROGRESS"
	rollbackCleanup    = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	rollbackComplete   = "UPDATE_ROLLBACK_COMPLETE"
	rollbackFailed     = "UPDATE_ROLLBACK_FAILED"
)

// Server is a local CloudFormation. It is safe for concurrent use.
type Server struct {
	*deployd.Query

	now    time.Time
	serial int
	stacks []*stack
	broken map[string]string // parameter value -> why its update fails
	stuck  bool              // rollbacks fail
}

// parameter is a parameter of a stack, in the order of its template.
type parameter struct{ key, value string }

// step is a status and how long it lasts.
type step struct {
	status string
	lasts  time.Duration
}

// stack is one stack.
type stack struct {
	name, id, template string
	parameters, before []parameter // now, and before the update under way
	beforeTemplate     string
	capabilities       []string
	steps              []step
	at                 int
	since, updated     time.Time
	created            time.Time
	reason             string
	token              string
	tokens             map[string]string // of each ClientRequestToken, what it asked for
	keep               bool              // DisableRollback
	events             []event           // oldest first
	changes            int
}

// event is a stack event.
type event struct {
	id, logical, physical, kind, status, reason, token string
	at                                                 time.Time
}

// New returns a service with nothing in it; now tells its time.
func New(now func() time.Time) *Server {
	s := &Server{broken: map[string]string{}}
	s.Query = deployd.NewQuery("http://cloudformation.amazonaws.com/doc/2010-05-15/", now, map[string]func(deployd.Form) (any, *deployd.Failure){
		"CreateStack": s.createStack, "DescribeStacks": s.describeStacks, "DescribeStackEvents": s.describeStackEvents, "GetTemplate": s.getTemplate,
		"UpdateStack": s.updateStack, "CancelUpdateStack": s.cancelUpdateStack, "RollbackStack": s.rollbackStack,
		"ContinueUpdateRollback": s.continueUpdateRollback,
	}, s.advance)
	return s
}

// Break makes updates to a value of a parameter fail, for a reason.
func (s *Server) Break(value, why string) { s.Locked(func() { s.broken[value] = why }) }

// Stick makes rollbacks fail, or no more.
func (s *Server) Stick(stuck bool) { s.Locked(func() { s.stuck = stuck }) }

// Parameter returns the value by which a stack's resources are made now: during
// an update the one before, and the stack's status.
func (s *Server) Parameter(name, key string) (value, status string) {
	s.Locked(func() {
		st := s.find(name)
		all := st.parameters
		if st.status() == updateInProgress || st.status() == updateFailed {
			all = st.before
		}
		for _, p := range all {
			if p.key == key {
				value = p.value
			}
		}
		status = st.status()
	})
	return value, status
}

// Changes counts the operations on stacks that were begun.
func (s *Server) Changes() (n int) {
	s.Locked(func() {
		for _, st := range s.stacks {
			n += st.changes
		}
	})
	return n
}

// Set gives a stack a parameter's value, as if somebody had updated it.
func (s *Server) Set(name, key, value string) {
	s.Locked(func() {
		st := s.find(name)
		for i := range st.parameters {
			if st.parameters[i].key == key {
				st.parameters[i].value = value
			}
		}
		st.token = ""
		st.updated = s.now
		s.enter(st, step{updateComplete, 0})
	})
}

func (s *Server) find(name string) *stack {
	i := slices.IndexFunc(s.stacks, func(st *stack) bool { return st.name == name || st.id == name })
	if i < 0 {
		return nil
	}
	return s.stacks[i]
}

func (st *stack) status() string { return st.steps[st.at].status }

// enter begins the steps of an operation.
func (s *Server) enter(st *stack, steps ...step) {
	st.steps, st.at, st.since = steps, 0, s.now
	s.note(st, st.name, st.id, "AWS::CloudFormation::Stack", st.status(), st.reason)
}

func (s *Server) note(st *stack, logical, physical, kind, status, reason string) {
	s.serial++
	st.events = append(st.events, event{fmt.Sprintf("e-%06d", s.serial), logical, physical, kind, status, reason, st.token, st.since})
}

// advance lets all operations go on to an instant.
func (s *Server) advance(to time.Time) {
	s.now = to
	for _, st := range s.stacks {
		for st.at+1 < len(st.steps) && !s.now.Before(st.since.Add(st.steps[st.at].lasts)) {
			st.since = st.since.Add(st.steps[st.at].lasts)
			s.onward(st)
		}
	}
}

// onward goes one step on.
func (s *Server) onward(st *stack) {
	why := ""
	for _, p := range st.parameters {
		if s.broken[p.value] != "" {
			why = s.broken[p.value]
		}
	}
	switch was := st.status(); {
	case was == updateInProgress && why != "" && st.reason == "":
		s.note(st, "Function", "payment-api", "AWS::Lambda::Function", updateFailed, why)
		s.note(st, "Role", "payment-role", "AWS::IAM::Role", updateFailed, "Resource update cancelled")
		st.reason = "The following resource(s) failed to update: [Function]. "
		if st.keep {
			st.steps, st.at = []step{{updateFailed, 0}}, 0
			break
		}
		s.return_(st)
		return
	case was == rollbackInProgress && s.stuck:
		s.note(st, "Function", "payment-api", "AWS::Lambda::Function", updateFailed, "Resource handler returned message: \"Function not found\"")
		st.reason = "The following resource(s) failed to update: [Function]. "
		st.steps, st.at = []step{{rollbackFailed, 0}}, 0
	default:
		st.at++
		st.reason = ""
	}
	s.note(st, st.name, st.id, "AWS::CloudFormation::Stack", st.status(), st.reason)
}

// return_ rolls back to what was before.
func (s *Server) return_(st *stack) { //nolint:revive // "return" is taken
	st.parameters, st.template = slices.Clone(st.before), st.beforeTemplate
	st.steps, st.at = []step{{rollbackInProgress, returning}, {rollbackCleanup, cleaning}, {rollbackComplete, 0}}, 0
	s.note(st, st.name, st.id, "AWS::CloudFormation::Stack", rollbackInProgress, st.reason)
}

// declared reads the parameters of a template: their names and defaults.
func declared(template string) (order []string, defaults map[string]string, err error) {
	var t struct {
		Parameters yaml.Node `yaml:"Parameters"`
		Resources  any       `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(template), &t); err != nil {
		return nil, nil, err //nolint:wrapcheck // its text is all that is used
	}
	defaults = map[string]string{}
	for i := 0; i+1 < len(t.Parameters.Content); i += 2 {
		name := t.Parameters.Content[i].Value
		order = append(order, name)
		var p struct {
			Default *string `yaml:"Default"`
		}
		if err := t.Parameters.Content[i+1].Decode(&p); err != nil {
			return nil, nil, err //nolint:wrapcheck // see above
		}
		if p.Default != nil {
			defaults[name] = *p.Default
		}
	}
	if t.Resources == nil {
		return nil, nil, errors.New("at least one Resources member must be defined")
	}
	return order, defaults, nil
}

func invalid(format string, args ...any) *deployd.Failure {
	return deployd.Fail("ValidationError", format, args...)
}

func stackID(name string, n int) string {
	return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%08d-0000-0000-0000-000000000000", Region, Account, name, n)
}

func quoted(all []string) string { return "[" + strings.Join(all, ", ") + "]" }
