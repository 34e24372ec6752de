package cloudformation

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/deployd"
)

// tokens are what ClientRequestToken may be. (API reference, UpdateStack.)
var tokens = regexp.MustCompile(`^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$`)

type idResult struct {
	StackId string //nolint:revive // the wire's name
}

func (s *Server) createStack(f deployd.Form) (any, *deployd.Failure) {
	name := f.Get("StackName")
	if s.find(name) != nil {
		return nil, deployd.Fail("AlreadyExistsException", "Stack [%s] already exists", name)
	}
	s.serial++
	st := &stack{name: name, id: stackID(name, s.serial), template: f.Get("TemplateBody"), created: s.now, tokens: map[string]string{}}
	if fail := st.set(f, f.Get("TemplateBody")); fail != nil {
		return nil, fail
	}
	s.stacks = append(s.stacks, st)
	s.enter(st, step{createComplete, 0})
	return idResult{st.id}, nil
}

// set takes the parameters and capabilities of a call for a template.
func (st *stack) set(f deployd.Form, template string) *deployd.Failure {
	order, defaults, err := declared(template)
	if err != nil {
		return invalid("Template format error: %v", err)
	}
	given := map[string]string{}
	var unknown, missing []string
	for _, m := range f.Members("Parameters") {
		key := f.Get(m + "ParameterKey")
		if !slices.Contains(order, key) {
			unknown = append(unknown, key)
		}
		if f.Get(m+"UsePreviousValue") != "true" {
			given[key] = f.Get(m + "ParameterValue")
			continue
		}
		i := slices.IndexFunc(st.parameters, func(p parameter) bool { return p.key == key })
		if i < 0 {
			return invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", key)
		}
		given[key] = st.parameters[i].value
	}
	var all []parameter
	for _, key := range order {
		value, ok := given[key]
		if !ok {
			if value, ok = defaults[key]; !ok {
				missing = append(missing, key)
			}
		}
		all = append(all, parameter{key, value})
	}
	switch {
	case len(unknown) > 0:
		return invalid("Parameters: %s do not exist in the template", quoted(unknown))
	case len(missing) > 0:
		return invalid("Parameters: %s must have values", quoted(missing))
	}
	st.parameters = all
	st.capabilities = nil
	for i := 1; f.Get("Capabilities.member."+strconv.Itoa(i)) != ""; i++ {
		st.capabilities = append(st.capabilities, f.Get("Capabilities.member."+strconv.Itoa(i)))
	}
	return nil
}

// told finds the stack of a call and looks at its token: again says that the
// call was answered before.
func (s *Server) told(f deployd.Form) (st *stack, again bool, fail *deployd.Failure) {
	name, token := f.Get("StackName"), f.Get("ClientRequestToken")
	st = s.find(name)
	switch {
	case name == "":
		return nil, false, invalid("1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null")
	case st == nil:
		return nil, false, invalid("Stack [%s] does not exist", name)
	case token == "":
		st.token = ""
		return st, false, nil
	case !tokens.MatchString(token):
		return nil, false, invalid("1 validation error detected: Value '%s' at 'clientRequestToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9][-a-zA-Z0-9]*", token)
	case st.tokens[token] == f.Encode():
		return st, true, nil
	case st.tokens[token] != "":
		return nil, false, deployd.Fail("TokenAlreadyExistsException", "A client request token already exists: %s", token)
	}
	return st, false, nil
}

// remember keeps the token of a call that was taken.
func (st *stack) remember(f deployd.Form, now time.Time) {
	st.changes++
	st.updated = now
	if st.token = f.Get("ClientRequestToken"); st.token != "" {
		st.tokens[st.token] = f.Encode()
	}
}

func (s *Server) updateStack(f deployd.Form) (any, *deployd.Failure) {
	st, again, fail := s.told(f)
	switch {
	case fail != nil:
		return nil, fail
	case again:
		return idResult{st.id}, nil
	case !slices.Contains([]string{createComplete, updateComplete, rollbackComplete, updateFailed}, st.status()):
		return nil, invalid("Stack:%s is in %s state and can not be updated.", st.id, st.status())
	}
	template, fail := st.templateOf(f)
	if fail != nil {
		return nil, fail
	}
	old, oldCaps := slices.Clone(st.parameters), st.capabilities
	if fail := st.set(f, template); fail != nil {
		return nil, fail
	}
	if st.status() != updateFailed && template == st.template && slices.Equal(old, st.parameters) {
		st.capabilities = oldCaps
		return nil, invalid("No updates are to be performed.")
	}
	if st.status() != updateFailed { // from there it goes back to before that
		st.before, st.beforeTemplate = old, st.template
	}
	st.template, st.keep, st.reason = template, f.Get("DisableRollback") == "true", ""
	st.remember(f, s.now)
	s.enter(st, step{updateInProgress, updating}, step{updateCleanup, cleaning}, step{updateComplete, 0})
	return idResult{st.id}, nil
}

// templateOf is the template of an update: the one of the call, or the present.
func (st *stack) templateOf(f deployd.Form) (string, *deployd.Failure) {
	template := f.Get("TemplateBody")
	switch previous := f.Get("UsePreviousTemplate") == "true"; {
	case previous && template != "" || !previous && template == "":
		return "", invalid("Either Template URL or Template Body must be specified.")
	case previous:
		template = st.template
	}
	if strings.Contains(template, "AWS::IAM::") && len(f.Members("Capabilities")) == 0 {
		return "", deployd.Fail("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
	}
	return template, nil
}

func (s *Server) cancelUpdateStack(f deployd.Form) (any, *deployd.Failure) {
	st, again, fail := s.told(f)
	switch {
	case fail != nil:
		return nil, fail
	case again:
		return nil, nil
	case st.status() != updateInProgress:
		return nil, invalid("CancelUpdateStack cannot be called from current stack status")
	}
	st.remember(f, s.now)
	st.since, st.reason = s.now, "Cancelled by user"
	s.return_(st)
	return nil, nil
}

func (s *Server) rollbackStack(f deployd.Form) (any, *deployd.Failure) {
	st, again, fail := s.told(f)
	switch {
	case fail != nil:
		return nil, fail
	case again:
		return idResult{st.id}, nil
	case st.status() != updateFailed:
		return nil, invalid("RollbackStack cannot be called from current stack status %s", st.status())
	}
	st.remember(f, s.now)
	st.since, st.reason = s.now, ""
	s.return_(st)
	return idResult{st.id}, nil
}

func (s *Server) continueUpdateRollback(f deployd.Form) (any, *deployd.Failure) {
	st, again, fail := s.told(f)
	switch {
	case fail != nil:
		return nil, fail
	case again:
		return nil, nil
	case st.status() != rollbackFailed:
		return nil, invalid("Stack %s is in %s state and can not continue a rollback.", st.id, st.status())
	}
	st.remember(f, s.now)
	st.since, st.reason = s.now, ""
	s.return_(st)
	return nil, nil
}

func (s *Server) getTemplate(f deployd.Form) (any, *deployd.Failure) {
	st := s.find(f.Get("StackName"))
	if st == nil {
		return nil, invalid("Stack with id %s does not exist", f.Get("StackName"))
	}
	return struct{ TemplateBody string }{st.template}, nil
}

type xmlParameter struct{ ParameterKey, ParameterValue string }

type xmlStack struct {
	StackName, StackId, StackStatus, StackStatusReason string         //nolint:revive // the wire's names
	Parameters                                         []xmlParameter `xml:"Parameters>member"`
	Capabilities                                       []string       `xml:"Capabilities>member"`
	CreationTime                                       string
	LastUpdatedTime                                    string `xml:",omitempty"`
	DisableRollback                                    bool
}

func (s *Server) describeStacks(f deployd.Form) (any, *deployd.Failure) {
	var out struct {
		Stacks []xmlStack `xml:"Stacks>member"`
	}
	for _, st := range s.stacks {
		if name := f.Get("StackName"); name != "" && name != st.name && name != st.id {
			continue
		}
		x := xmlStack{
			StackName: st.name, StackId: st.id, StackStatus: st.status(), StackStatusReason: st.reason, Capabilities: st.capabilities,
			CreationTime: instant(st.created), DisableRollback: st.keep,
		}
		if !st.updated.IsZero() {
			x.LastUpdatedTime = instant(st.updated)
		}
		for _, p := range st.parameters {
			x.Parameters = append(x.Parameters, xmlParameter{p.key, p.value})
		}
		out.Stacks = append(out.Stacks, x)
	}
	if f.Get("StackName") != "" && len(out.Stacks) == 0 {
		return nil, invalid("Stack with id %s does not exist", f.Get("StackName"))
	}
	return out, nil
}

type xmlEvent struct {
	EventId, StackId, StackName, LogicalResourceId, PhysicalResourceId, ResourceType, Timestamp, ResourceStatus string //nolint:revive // the wire's names
	ResourceStatusReason, ClientRequestToken                                                                    string `xml:",omitempty"`
}

// pageSize is how many events a page has. (The service's has more; a short one
// is gone through sooner.)
const pageSize = 5

func (s *Server) describeStackEvents(f deployd.Form) (any, *deployd.Failure) {
	st := s.find(f.Get("StackName"))
	if st == nil {
		return nil, invalid("Stack [%s] does not exist", f.Get("StackName"))
	}
	from := 0
	if t := f.Get("NextToken"); t != "" {
		n, err := strconv.Atoi(t)
		if err != nil || n < 0 || n > len(st.events) {
			return nil, invalid("Invalid NextToken")
		}
		from = n
	}
	var out struct {
		StackEvents []xmlEvent `xml:"StackEvents>member"`
		NextToken   string     `xml:",omitempty"`
	}
	all := slices.Clone(st.events)
	slices.Reverse(all)
	for _, e := range all[from:min(from+pageSize, len(all))] {
		out.StackEvents = append(out.StackEvents, xmlEvent{
			e.id, st.id, st.name, e.logical, e.physical, e.kind, instant(e.at), e.status, e.reason, e.token,
		})
	}
	if from+pageSize < len(all) {
		out.NextToken = strconv.Itoa(from + pageSize)
	}
	return out, nil
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Template is one with a parameter Version, for tests; more are parameters that
// have no default.
func Template(more ...string) string {
	var t strings.Builder
	t.WriteString("Parameters:\n  Version: {Type: String}\n")
	for _, name := range more {
		t.WriteString("  " + name + ": {Type: String}\n")
	}
	return t.String() + "Resources:\n  Function: {Type: 'AWS::Lambda::Function'}\n"
}
