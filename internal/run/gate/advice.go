package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// advice says what may be done now: nothing where the change may go, else what
// to wait for, what ships in spite of it, and what an override takes.
func (q *question) advice(ctx context.Context, d decision.Decision) []string {
	out := slices.Clone(q.notes)
	if d.Verdict == decision.Pass || d.Verdict == decision.Warn {
		return out
	}
	out = append(out, q.wait(d)...)
	out = append(out, Ways(&q.req, q.env.Show)...)
	return append(out, q.leave(ctx)...)
}

// wait says when the freezes in force end for this class.
func (q *question) wait(d decision.Decision) []string {
	if !slices.ContainsFunc(d.Reasons, func(r decision.Reason) bool { return r.Code == string(gate.RowFreeze) }) {
		return nil
	}
	end, ok, err := thaw(q.frozen, q.req.Change.Class, q.req.At)
	switch {
	case err != nil:
		return nil
	case !ok:
		return []string{"the freeze has no end in sight: end it (`nines freeze`), or ship what is exempt"}
	}
	return []string{"wait until " + q.env.Show(end) + ", when the freeze ends"}
}

// leave says whether an override is possible, and what it takes.
func (q *question) leave(ctx context.Context) []string {
	rule := q.req.Policy.Override
	if q.req.Policy.VerdictOf(gate.RowOverride, q.req.Change.Class) == decision.Fail || perWeek(rule) < 0 || q.env.Ledger == nil {
		return nil
	}
	all, err := q.overrides(ctx)
	if err != nil {
		return nil // said already, where the evidence was gathered
	}
	left, next := remaining(rule, all, q.env.Now)
	if left == 0 {
		return []string{"no override is left; the next is possible from " + q.env.Show(next)}
	}
	who := ""
	if len(rule.Actors) > 0 {
		who = " by " + strings.Join(rule.Actors, ", ")
	}
	return []string{fmt.Sprintf("override%s with --override --reason TEXT, for at most %s (%d of %d left in seven days)",
		who, gate.Length(maxFor(rule)), left, perWeek(rule))}
}

// Ways says what a held request can do by itself, from what was recorded with
// it: wait for the budget, mend the evidence, ship a fix, roll back. show
// prints an instant.
func Ways(r *gate.Request, show func(time.Time) string) []string {
	d := gate.Decide(*r)
	if d.Verdict == decision.Pass || d.Verdict == decision.Warn {
		return nil
	}
	var out []string
	codes := map[string]bool{}
	for _, reason := range d.Reasons {
		codes[reason.Code] = true
	}
	if codes[string(gate.RowExhausted)] || codes[string(gate.RowCritical)] {
		out = append(out, reopens(r, show))
	}
	if codes[string(gate.RowFastBurn)] {
		out = append(out, "stop the errors: the fast burn ends by itself soon after they do")
	}
	for _, m := range mends() {
		if codes[string(m.row)] {
			out = append(out, m.text)
		}
	}
	for _, class := range []gate.Class{gate.ClassFix, gate.ClassSecurity} {
		other := *r
		other.Change.Class = class
		if v := gate.Decide(other).Verdict; r.Change.Class != class && (v == decision.Pass || v == decision.Warn) {
			out = append(out, fmt.Sprintf("ship a %s: `--class %s` goes with %s", noun(class), class, v))
			break
		}
	}
	return append(out, "roll back: `--class rollback` is never held")
}

func noun(c gate.Class) string {
	if c == gate.ClassSecurity {
		return "security update"
	}
	return string(c)
}

type mend struct {
	row  gate.Row
	text string
}

// mends says for each kind of missing evidence how it is mended.
func mends() []mend {
	return []mend{
		{gate.RowError, "bring the source or the store back, then ask again"},
		{gate.RowStale, "bring the newest minutes in with `nines measure`; where nothing comes, the source is silent: look there"},
		{gate.RowSilent, "check that requests reach the service at all: nothing arrives where something always did"},
		{gate.RowNoTraffic, "without traffic there is no evidence: send some, or let the policy map no_traffic"},
		{gate.RowInsufficientData, "fill the gaps with `nines measure`"},
		{gate.RowNew, "wait until a twentieth of the period has passed, or let the policy map new"},
		{gate.RowUnknown, "see `nines status` for what is missing"},
		{gate.RowUnmeasured, "bring history in with `nines measure`; `nines lint` says what the documents measure"},
	}
}

// reopens says when the budget that holds the change is out of critical again
// at the present burn: the last of the objectives that hold it.
func reopens(r *gate.Request, show func(time.Time) string) string {
	at, ok := Reopens(r)
	if !ok {
		return "waiting alone does not help: at the present burn the budget does not come back"
	}
	return "wait until " + show(at) + ": at the present burn the budget is out of critical by then"
}

// Reopens is when every objective that holds a request by its level lets it go,
// if errors keep arriving as in the last hour; ok is false when that cannot be
// foreseen.
func Reopens(r *gate.Request) (at time.Time, ok bool) {
	for i := range r.States {
		s := &r.States[i]
		if !held(r, s) {
			continue
		}
		if s.ReopensInSeconds == nil {
			return time.Time{}, false
		}
		from := s.Frontier
		if from.IsZero() {
			from = r.At
		}
		if then := from.Add(time.Duration(*s.ReopensInSeconds) * time.Second); then.After(at) {
			at, ok = then, true
		}
	}
	return at, ok
}

// held says whether a state holds the request by its level.
func held(r *gate.Request, s *gate.BudgetState) bool {
	row := gate.RowExhausted
	switch s.Level {
	case slo.Exhausted:
	case slo.Critical:
		row = gate.RowCritical
	case slo.Unknown, slo.Healthy, slo.Caution:
		fallthrough
	default:
		return false
	}
	p := &r.Policy
	if s.Dependency && p.DependencyVerdict != decision.Fail {
		return false
	}
	if !s.Dependency && len(p.Objectives) > 0 && !slices.Contains(p.Objectives, s.SLO) {
		return false
	}
	v := p.VerdictOf(row, r.Change.Class)
	return v == decision.Fail || v == decision.Inconclusive
}
