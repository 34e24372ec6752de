package gate

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/forge"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Validate says whether a request makes sense: known class, mode, rows and
// flags, numbers that are numbers. Its error is of kind Invalid and names the
// first thing wrong. [Decide] never lets an invalid request pass, but a caller
// that can still ask its user should validate before.
func Validate(r Request) error {
	const op = "gate request"
	if r.Service == "" {
		return fault.New(fault.Invalid, op, "no service is named", "name the service that is to be deployed")
	}
	if r.At.IsZero() {
		return fault.New(fault.Invalid, op, "the instant of the decision is missing", "")
	}
	if _, err := ParseClass(string(r.Change.Class)); err != nil {
		return err
	}
	if err := r.Policy.Validate(); err != nil {
		return err
	}
	for i := range r.States {
		if err := validateState(&r.States[i]); err != nil {
			return err
		}
	}
	for _, f := range r.Freezes {
		if err := validateExempt(f.Name, f.Exempt); err != nil {
			return err
		}
	}
	if o := r.Override; o != nil && (o.Actor == "" || o.Reason == "") {
		return fault.New(fault.Invalid, op, "an override without an actor or without a reason", "an override is recorded with who and why")
	}
	return nil
}

// Validate says whether the policy can be decided by: known mode, onError,
// rows and verdicts. Its error is of kind Invalid. Cron expressions and zones
// of freezes are checked where freezes are computed.
func (p *Policy) Validate() error {
	op := "gate policy " + quote(p.Name)
	if m := p.Mode; m != "" && m != ModeEnforce && m != ModeAdvise {
		return fault.New(fault.Invalid, op, "there is no mode "+quote(string(m)), "it is one of "+list([]Mode{ModeEnforce, ModeAdvise}))
	}
	if e := p.OnError; e != "" && e != OnErrorBlock && e != OnErrorWarn {
		return fault.New(fault.Invalid, op, "onError cannot be "+quote(string(e)), "it is one of "+list([]OnError{OnErrorBlock, OnErrorWarn}))
	}
	if p.Evidence < 0 {
		return fault.New(fault.Invalid, op, "evidence is a negative length", "write how rarely it may be chance, as 5w")
	}
	if p.DependencyVerdict > decision.Fail {
		return fault.New(fault.Invalid, op, "dependencyVerdict is no verdict", "it is one of pass, warn, fail")
	}
	if err := p.validateVerdicts(op); err != nil {
		return err
	}
	if err := p.validateTrust(op); err != nil {
		return err
	}
	for _, f := range p.Freezes {
		if err := validateExempt(f.Name, f.Exempt); err != nil {
			return fault.Wrap(fault.Invalid, op, err, "")
		}
	}
	return nil
}

// validateVerdicts says whether each row that is mapped is one that can be, and
// to a verdict there is.
func (p *Policy) validateVerdicts(op string) error {
	for _, key := range slices.Sorted(maps.Keys(p.Verdicts)) {
		_, row, err := ParseRow(key)
		if err != nil {
			return fault.Wrap(fault.Invalid, op, err, "")
		}
		v := p.Verdicts[key]
		if v > decision.Fail {
			return fault.New(fault.Invalid, op, "the verdict for "+quote(key)+" is no verdict", "it is one of pass, warn, fail, inconclusive")
		}
		if row == RowRollback && v != decision.Pass {
			return fault.New(fault.Invalid, op, "rollback cannot be mapped to "+v.String(), "rolling back is never gated; leave the row out")
		}
	}
	return nil
}

// validateTrust says whether the parts that say whom to believe fit together. A
// policy that asks for proof and names nobody to give it must not read as one
// that asks for none.
func (p *Policy) validateTrust(op string) error {
	w := &p.Override.Allowed
	switch {
	case w.asks() && !p.Identity.On():
		return fault.New(fault.Invalid, op, "override.allowed is about proven names, and identity is not set", "say identity.gitlab and identity.projects")
	case p.Identity.On() && len(p.Identity.Projects) == 0:
		return fault.New(fault.Invalid, op, "identity names no project: every project of "+p.Identity.GitLab+" could speak", "list those that count under identity.projects")
	}
	for _, r := range []forge.Role{w.Role, p.Classes.Fix.Role, p.Classes.Security.Role} {
		if r != "" && !slices.Contains(forge.Roles(), r) {
			return fault.New(fault.Invalid, op, "there is no role "+quote(string(r)), "it is one of "+list(forge.Roles()))
		}
	}
	if u := p.Classes.WhenUnknown; u != "" && u != UnknownPasses && u != UnknownIsNone {
		return fault.New(fault.Invalid, op, "whenUnknown cannot be "+quote(string(u)), "it is one of "+list([]WhenUnknown{UnknownPasses, UnknownIsNone}))
	}
	return nil
}

func validateExempt(freeze string, exempt []Class) error {
	for _, c := range exempt {
		if _, err := ParseClass(string(c)); err != nil {
			return fault.Wrap(fault.Invalid, "freeze "+quote(freeze), err, "")
		}
	}
	return nil
}

func validateState(s *BudgetState) error {
	op := "budget state of " + s.Key()
	if s.Service == "" || s.SLO == "" {
		return fault.New(fault.Invalid, op, "it does not say whose it is", "")
	}
	if s.Level > slo.Exhausted {
		return fault.New(fault.Invalid, op, fmt.Sprintf("there is no level %d", s.Level), "")
	}
	known := []slo.Flag{
		slo.FastBurn, slo.SlowBurn, slo.InsufficientData, slo.Stale,
		slo.Silent, slo.NoTraffic, slo.New, slo.Relineaged,
	}
	for _, f := range s.Flags {
		// A flag this program does not know may be one that must not pass.
		if !slices.Contains(known, f) {
			return fault.New(fault.Invalid, op, "there is no flag "+quote(string(f)), "it is one of "+list(known))
		}
	}
	numbers := []float64{s.Good, s.Total, s.Allowed, s.Spent, s.Coverage}
	if s.Remaining != nil {
		numbers = append(numbers, *s.Remaining)
	}
	for _, c := range s.Conditions {
		for _, p := range []*float64{c.Long, c.Short} {
			if p != nil {
				numbers = append(numbers, *p)
			}
		}
	}
	numbers = slices.AppendSeq(numbers, maps.Values(s.LookbackCoverage))
	for _, l := range s.Losses {
		numbers = append(numbers, l.Bad, l.Total, l.Share)
	}
	if slices.ContainsFunc(numbers, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }) {
		return fault.New(fault.Invalid, op, "one of its numbers is not finite", "")
	}
	return nil
}
