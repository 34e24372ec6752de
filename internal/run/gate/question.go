package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/status"
)

// question is one call of Run on its way.
type question struct {
	env   *run.Env
	opt   Options
	req   gate.Request
	marks []mark.Mark // freezes by command
	notes []string    // what the caller should know, before all other advice

	unknown error // why it is not proven who asks; nil: it is, or need not be
	granted bool  // an override was granted
}

// newQuestion checks what was asked and finds the policy.
func newQuestion(env *run.Env, opt Options) (*question, error) {
	if env.Catalog == nil {
		return nil, fault.New(fault.Internal, "gate", "no documents were loaded", "")
	}
	if strings.Contains(opt.Service, "/") {
		return nil, fault.New(fault.Invalid, fmt.Sprintf("gate %q", opt.Service), "deployments are of services, not of SLOs", "name the service")
	}
	if err := run.CheckSubject(env.Catalog, opt.Service); err != nil {
		return nil, err
	}
	class, err := gate.ParseClass(string(opt.Change.Class))
	if err != nil {
		return nil, err
	}
	q := &question{env: env, opt: opt, req: gate.Request{
		Service: opt.Service, Environment: opt.Environment,
		Change: opt.Change, Policy: PolicyFor(env.Catalog, opt.Service),
		At: instantOf(opt.At, env.Now), Documents: opt.Documents,
	}}
	q.req.Change.Class, q.req.Change.By, q.req.Change.Evidence = class, nil, nil
	q.req.Policy.Mode = cmp.Or(opt.Mode, q.req.Policy.Mode)
	q.req.Policy.DependsOn = dependencies(env.Catalog, &q.req)
	if err := gate.Validate(q.req); err != nil && class != gate.ClassRollback {
		return nil, err
	}
	if o := opt.Override; o != nil {
		switch {
		case strings.TrimSpace(o.Reason) == "":
			return nil, fault.New(fault.Invalid, "override", "a reason is missing", "say why; it is recorded")
		case o.For < 0:
			return nil, fault.New(fault.Invalid, "override", fmt.Sprintf("a length of %v", o.For), "say how long it is to hold")
		case !opt.At.IsZero():
			return nil, fault.New(fault.Invalid, "override", "it is about now, and the question is about another time", "leave one of the two out")
		}
	}
	if opt.Trouble != nil {
		q.failed(opt.Trouble)
	}
	return q, nil
}

// instantOf is the instant of the decision. Whole seconds: finer ones decide
// nothing and are hard to read.
func instantOf(at, now time.Time) time.Time {
	if at.IsZero() {
		at = now
	}
	return at.UTC().Truncate(time.Second)
}

// PolicyFor returns the policy of a service: one that names it, else one for
// all, else the default.
func PolicyFor(c *config.Catalog, service string) gate.Policy {
	for _, want := range []string{service, "*"} {
		for i := range c.Policies {
			if slices.Contains(c.Policies[i].Services, want) {
				return c.Policies[i].Policy
			}
		}
	}
	return gate.Policy{}
}

// dependencies gathers what the policy, the service and its objectives say they
// depend on: services and service/slo, sorted.
func dependencies(c *config.Catalog, req *gate.Request) []string {
	all := slices.Clone(req.Policy.DependsOn)
	for i := range c.Services {
		if c.Services[i].Name == req.Service {
			all = append(all, c.Services[i].DependsOn...)
		}
	}
	for i := range c.Objectives {
		o := &c.Objectives[i]
		counts := len(req.Policy.Objectives) == 0 || slices.Contains(req.Policy.Objectives, o.SLO)
		if o.Service == req.Service && counts {
			all = append(all, o.DependsOn...)
		}
	}
	own := func(d string) bool { return d == req.Service || strings.HasPrefix(d, req.Service+"/") }
	all = slices.DeleteFunc(all, own)
	slices.Sort(all)
	return slices.Compact(all)
}

// rollback says whether the change counts as one, as far as that is known yet.
func (q *question) rollback() bool {
	class, _ := q.req.Policy.ClassOf(&q.req.Change)
	return class == gate.ClassRollback
}

// failed notes that the evidence could not be had, and what can be done.
func (q *question) failed(err error) {
	if text := err.Error(); q.req.Error == "" {
		q.req.Error = text
	} else if !strings.Contains(q.req.Error, text) {
		q.req.Error += "; " + text
	}
	if hint := fault.HintOf(err); hint != "" && !slices.Contains(q.notes, hint) {
		q.notes = append(q.notes, hint)
	}
}

// observe gathers what the decision rests on: the freezes in force and the
// budgets. What is out of reach is noted in the request; an error is a question
// that cannot be asked at all.
func (q *question) observe(ctx context.Context) error {
	steps := []func(context.Context) error{q.observeFreezes, q.observeStates, q.observeOverride}
	for _, step := range steps {
		err := step(ctx)
		switch kind := fault.KindOf(err); {
		case err == nil:
		case kind == fault.Canceled:
			return err
		case kind == fault.Invalid && !q.rollback():
			return err // a document that makes no sense, not a store that is away
		default:
			q.failed(err)
		}
	}
	return nil
}

func (q *question) observeFreezes(ctx context.Context) error {
	marks, markErr := mark.Freezes(ctx, q.env)
	q.marks = marks
	in, err := q.frozen(q.req.At)
	q.req.Freezes = in
	if err != nil {
		return err
	}
	return markErr
}

// frozen returns the freezes in force at an instant: the policy's, then those
// by command.
func (q *question) frozen(at time.Time) ([]gate.Freeze, error) {
	out, err := InForce(q.req.Policy.Freezes, at)
	for i := range q.marks {
		m := &q.marks[i]
		if m.Holds(at) && m.Covers(q.req.Service) {
			out = append(out, gate.Freeze{Name: m.ID, Reason: m.Reason, Author: m.Author, From: m.From, To: m.Until(), Exempt: m.Exempt})
		}
	}
	return out, err
}

// Subjects returns what a question about a service reads: the service and what
// it depends on, as far as there are objectives of them. A host brings these up
// to date before it asks. It is empty where nothing is measured.
func Subjects(c *config.Catalog, service string) []string {
	req := gate.Request{Service: service, Policy: PolicyFor(c, service)}
	req.Policy.DependsOn = dependencies(c, &req)
	measured, _ := selection(c, &req)
	return measured
}

// selection splits a service and its dependencies into what the catalog
// measures and what it does not.
func selection(c *config.Catalog, req *gate.Request) (measured, blank []string) {
	known := run.SLOs(c)
	for i := range c.Objectives {
		known = append(known, c.Objectives[i].Service)
	}
	if slices.Contains(known, req.Service) {
		measured = append(measured, req.Service)
	}
	for _, d := range req.Policy.DependsOn {
		if slices.Contains(known, d) {
			measured = append(measured, d)
		} else {
			blank = append(blank, d)
		}
	}
	return measured, blank
}

// observeStates reads the budgets of the service and of what it depends on.
func (q *question) observeStates(ctx context.Context) error {
	measured, blank := selection(q.env.Catalog, &q.req)
	if len(measured) > 0 {
		states, err := q.read(ctx, measured)
		if err != nil {
			return unreadable(err)
		}
		for i := range states {
			states[i].Dependency = states[i].Service != q.req.Service
		}
		q.req.States = states
	}
	for _, d := range blank { // depended on, and nothing is measured of it
		service, name, _ := strings.Cut(d, "/")
		q.req.States = append(q.req.States, gate.BudgetState{Service: service, SLO: cmp.Or(name, "*"), Objective: "nothing measured", Dependency: true})
	}
	slices.SortStableFunc(q.req.States, func(a, b gate.BudgetState) int {
		return cmp.Or(compareBool(a.Dependency, b.Dependency), cmp.Compare(a.Key(), b.Key()))
	})
	return nil
}

func (q *question) read(ctx context.Context, measured []string) ([]gate.BudgetState, error) {
	opt := status.Options{At: q.opt.At, Select: measured, Detail: true}
	switch {
	case q.opt.Read != nil:
		return q.opt.Read(ctx, q.env, opt)
	case q.env.History == nil:
		return nil, fault.New(fault.Unavailable, "read the history", "there is no store", "")
	default:
		return statesWith(ctx, q.env, opt, q.req.Policy.Evidence > 0)
	}
}

// unreadable keeps an error of reading from being taken for one of asking.
func unreadable(err error) error {
	if kind := fault.KindOf(err); kind == fault.Invalid || kind == fault.NotFound {
		return &fault.Error{Op: "read the budgets", Kind: fault.Internal, Hint: fault.HintOf(err), Err: errors.New(err.Error())}
	}
	return err
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// log reports what is no part of the answer: what was being done, and why it
// failed.
func (q *question) log(ctx context.Context, doing string, err error) {
	if q.env.Log != nil {
		q.env.Log.WarnContext(ctx, "the gate could not keep its record",
			slog.String("doing", doing), slog.String("service", q.req.Service), slog.String("error", err.Error()))
	}
}
