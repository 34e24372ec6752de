package gate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/forge"
)

// finding is one row that one piece of evidence matches.
type finding struct {
	row     Row
	subject string // orders findings of a row; empty for the service itself
	text    string
	table   decision.Verdict // what the table says
	verdict decision.Verdict // what the policy says
	policy  bool             // the two differ
}

// Decide answers whether the change may go. It never passes a request that
// [Validate] refuses, except a rollback, which nothing holds.
func Decide(r Request) decision.Decision {
	class, note := r.Policy.ClassOf(&r.Change)
	d := decision.Decision{
		Subject: r.Service,
		Policy:  cmp.Or(r.Policy.Name, "default"),
		At:      r.At.UTC(),
		// Machines read a list, also where it is empty.
		Evidence: []decision.Evidence{},
	}
	digest, err := decision.Digest(r)
	d.InputDigest = digest
	if err == nil {
		err = Validate(r)
	}
	if class == ClassRollback {
		d.Verdict = decision.Pass
		d.Reasons = remark([]decision.Reason{rollbackReason(&r)}, note)
		if err == nil {
			d.Evidence = evidence(&r)
		}
		return d
	}
	if err != nil {
		d.Verdict = decision.Inconclusive
		d.Reasons = []decision.Reason{{Code: string(RowInvalid), Text: err.Error()}}
		return d
	}
	d.Verdict, d.Reasons = weigh(&r, class)
	d.Reasons = remark(d.Reasons, note)
	d.Evidence = evidence(&r)
	return d
}

// remark adds what is to be said about the class, behind what decides.
func remark(reasons []decision.Reason, note string) []decision.Reason {
	if note == "" {
		return reasons
	}
	return append(reasons, decision.Reason{Code: string(RowClass), Text: note})
}

// ExitCode is the code `nines gate` ends with after deciding r as d: 0 in
// advise mode, 1 when the evidence could not be had and the policy blocks on
// that, the verdict's otherwise.
func ExitCode(r Request, d decision.Decision) int {
	switch {
	case r.Policy.Mode == ModeAdvise:
		return 0
	case r.Error != "" && d.Verdict == decision.Inconclusive:
		return 1
	default:
		return d.Verdict.ExitCode()
	}
}

// weigh puts the findings together: the service's own by the table, those of
// its dependencies at most as heavy as the policy lets them be, then the
// override.
func weigh(r *Request, class Class) (decision.Verdict, []decision.Reason) {
	own := append(freezeFindings(r, class), ownFindings(r, class)...)
	deps := dependencyFindings(r, class)
	if r.Error != "" {
		failed := errorFinding(r)
		excuse(own, failed.verdict)
		excuse(deps, failed.verdict)
		own = append(own, failed)
	}
	verdict := settle(own)
	if len(deps) > 0 {
		verdict = decision.Worst(verdict, r.Policy.capped(settle(deps)))
	}
	for i := range deps {
		if limit := r.Policy.capped(deps[i].verdict); limit != deps[i].verdict {
			deps[i].verdict = limit
			deps[i].text += fmt.Sprintf(" (a dependency counts at most as %s)", limit)
		}
	}
	reasons := explain(append(own, deps...), verdict)
	if r.Override != nil {
		return overridden(r, class, verdict, reasons)
	}
	return verdict, reasons
}

// settle finds the verdict of findings: the first row of the table that any of
// them matches. A row the policy made milder does not hide the rows behind it,
// and a row it made stricter counts wherever it stands.
func settle(fs []finding) decision.Verdict {
	fs = slices.Clone(fs)
	slices.SortStableFunc(fs, func(a, b finding) int { return a.row.rank() - b.row.rank() })
	worst, found, stopped := decision.Inconclusive, false, false
	for _, f := range fs {
		if f.row == RowExempt {
			continue
		}
		// An error is no evidence: it always counts, and it hides nothing.
		if stopped && f.row != RowError && !f.verdict.WorseThan(f.table) {
			continue
		}
		if !found || f.verdict.WorseThan(worst) {
			worst, found = f.verdict, true
		}
		if f.row != RowError && !f.table.WorseThan(f.verdict) {
			stopped = true
		}
	}
	return worst
}

// errorFinding is what the policy makes of evidence that could not be had.
func errorFinding(r *Request) finding {
	f := finding{row: RowError, text: "the evidence could not be had: " + r.Error, verdict: decision.Inconclusive}
	if r.Policy.OnError == OnErrorWarn {
		f.verdict = decision.Warn
		f.text += " (the policy lets it pass with a warning)"
	}
	f.table = f.verdict
	return f
}

// excuse puts missing evidence down to an error: it counts as the error does.
func excuse(fs []finding, as decision.Verdict) {
	for i := range fs {
		if fs[i].row.missing() {
			fs[i].table, fs[i].verdict, fs[i].policy = as, as, false
		}
	}
}

// freezeFindings are the freezes in force, or the remark that they do not hold
// this class.
func freezeFindings(r *Request, class Class) []finding {
	var out []finding
	for i := range r.Freezes {
		f := &r.Freezes[i]
		if r.At.Before(f.From) || (!f.To.IsZero() && !r.At.Before(f.To)) {
			continue // not in force at the instant of the decision
		}
		if slices.Contains(f.Exempt, class) {
			out = append(out, finding{
				row: RowExempt, subject: f.Name, verdict: decision.Pass,
				text: fmt.Sprintf("%s: %s changes are exempt", freezeText(f), class),
			})
			continue
		}
		out = append(out, found(r, RowFreeze, class, f.Name, freezeText(f)))
	}
	return out
}

// ownFindings are the rows the service's own objectives match, and what is
// missing among them.
func ownFindings(r *Request, class Class) []finding {
	var out []finding
	named := map[string]bool{}
	for i := range r.States {
		s := &r.States[i]
		if s.Dependency || !r.Policy.counts(s.SLO) {
			continue
		}
		named[s.SLO] = true
		for _, row := range rowsOf(s) {
			out = append(out, r.Policy.proven(found(r, row, class, s.Key(), stateText(s, row, r.At)), s))
		}
	}
	if r.Error != "" {
		return out // what is missing is the error's doing
	}
	for _, want := range slices.Compact(slices.Sorted(slices.Values(r.Policy.Objectives))) {
		if !named[want] {
			key := r.Service + "/" + want
			out = append(out, found(r, RowUnmeasured, class, key, key+": nothing is measured, though the policy counts it"))
		}
	}
	if len(named) == 0 && len(r.Policy.Objectives) == 0 {
		out = append(out, found(r, RowUnmeasured, class, r.Service, r.Service+": nothing is measured"))
	}
	return out
}

func dependencyFindings(r *Request, class Class) []finding {
	var out []finding
	for i := range r.States {
		s := &r.States[i]
		if !s.Dependency {
			continue
		}
		for _, row := range rowsOf(s) {
			out = append(out, r.Policy.proven(found(r, row, class, s.Key(), "dependency "+stateText(s, row, r.At)), s))
		}
	}
	return out
}

func found(r *Request, row Row, class Class, subject, text string) finding {
	f := finding{row: row, subject: subject, text: text, table: TableVerdict(row, class), verdict: r.Policy.VerdictOf(row, class)}
	f.policy = f.table != f.verdict
	return f
}

// counts says whether an SLO of the service is part of the decision.
func (p *Policy) counts(name string) bool {
	return len(p.Objectives) == 0 || slices.Contains(p.Objectives, name)
}

// capped limits what a dependency can do.
func (p *Policy) capped(v decision.Verdict) decision.Verdict {
	limit := p.DependencyVerdict
	if limit == decision.Inconclusive {
		limit = decision.Warn
	}
	if v.WorseThan(limit) {
		return limit
	}
	return v
}

// explain turns findings into reasons, the deciding ones first. Healthy
// objectives are a reason only where nothing else is. A slow burn beside a fast
// one of the same objective adds nothing, unless it weighs more.
func explain(fs []finding, verdict decision.Verdict) []decision.Reason {
	fast := map[string]decision.Verdict{}
	for _, f := range fs {
		if f.row == RowFastBurn {
			fast[f.subject] = f.verdict
		}
	}
	idle := func(f finding) bool {
		v, burning := fast[f.subject]
		return f.row == RowHealthy && verdict != decision.Pass ||
			f.row == RowSlowBurn && burning && !f.verdict.WorseThan(v)
	}
	fs = slices.Clone(fs)
	slices.SortStableFunc(fs, func(a, b finding) int {
		switch {
		case a.verdict.WorseThan(b.verdict):
			return -1
		case b.verdict.WorseThan(a.verdict):
			return 1
		}
		return cmp.Or(a.row.rank()-b.row.rank(), cmp.Compare(a.subject, b.subject), cmp.Compare(a.text, b.text))
	})
	var out []decision.Reason
	for _, f := range fs {
		if idle(f) {
			continue
		}
		text := f.text
		if f.policy {
			text += fmt.Sprintf(" (the policy says %s)", f.verdict)
		}
		out = append(out, decision.Reason{Code: string(f.row), Text: text})
	}
	return out
}

// overridden applies an override in force to what would hold the change.
func overridden(r *Request, class Class, v decision.Verdict, reasons []decision.Reason) (decision.Verdict, []decision.Reason) {
	o := r.Override
	if v == decision.Pass || v == decision.Warn {
		return v, reasons
	}
	until := o.Expires.UTC().Format(time.RFC3339)
	if !r.At.Before(o.Expires) {
		text := fmt.Sprintf("the override %sof %s expired at %s and does not count", idText(o.ID), o.Actor, until)
		return v, append(reasons, decision.Reason{Code: string(RowOverride), Text: text})
	}
	who := o.Actor
	if o.Proof == forge.ByApproval {
		who += ", by an approval,"
	}
	text := fmt.Sprintf("%s overrides %s until %s: %s", who, v, until, o.Reason)
	as := r.Policy.VerdictOf(RowOverride, class)
	return as, slices.Insert(reasons, 0, decision.Reason{Code: string(RowOverride), Text: text})
}
