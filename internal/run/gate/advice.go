package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Advice says what may be done now about a request that was decided before:
// the same as its [Outcome] said, as of the environment's instant.
func Advice(ctx context.Context, env *run.Env, req gate.Request) []string {
	q := &question{env: env, req: req}
	if env.Ledger != nil {
		// Without the freezes by command their end cannot be named; the rest can.
		if marks, err := mark.Freezes(ctx, env); err == nil {
			q.marks = marks
		}
	}
	return q.advice(ctx, gate.Decide(req))
}

// advice says what may be done now: nothing where the change may go, else what
// to wait for, what ships in spite of it, and what an override takes.
func (q *question) advice(ctx context.Context, d decision.Decision) []string {
	out := slices.Clone(q.notes)
	if d.Verdict == decision.Pass || d.Verdict == decision.Warn {
		return out
	}
	codes := map[string]bool{}
	for _, reason := range d.Reasons {
		codes[reason.Code] = true
	}
	if codes[string(gate.RowFreeze)] {
		out = append(out, q.thaws()...)
	}
	if codes[string(gate.RowExhausted)] || codes[string(gate.RowCritical)] {
		out = append(out, q.reopens()...)
	}
	if codes[string(gate.RowFastBurn)] {
		out = append(out, "stop the errors: the fast burn ends by itself soon after they do")
	}
	for _, m := range mends() {
		if codes[string(m.row)] {
			out = append(out, m.text)
		}
	}
	out = append(out, q.repairs()...)
	return append(out, q.leave(ctx)...)
}

// thaws says when the freezes in force end for this class.
func (q *question) thaws() []string {
	end, ok, err := thaw(q.frozen, q.req.Change.Class, q.req.At)
	switch {
	case err != nil:
		return nil
	case !ok:
		return []string{"the freeze has no end in sight: end it (`nines freeze`), or ship what is exempt"}
	case !q.env.Now.Before(end):
		return []string{"the freeze ended at " + q.env.Show(end) + ": ask again"}
	}
	return []string{"wait until " + q.env.Show(end) + ", when the freeze ends"}
}

// reopens says when the budget that holds the change is out of critical again
// at the present burn: the last of the objectives that hold it.
func (q *question) reopens() []string {
	at, held, ok := Reopens(&q.req)
	switch {
	case !held:
		return nil
	case !ok:
		return []string{"waiting alone does not help: at the present burn the budget does not come back"}
	case !q.env.Now.Before(at):
		return []string{"ask again: the budget was expected out of critical by " + q.env.Show(at)}
	}
	return []string{"wait until " + q.env.Show(at) + ": at the present burn the budget is out of critical by then"}
}

// repairs says which other classes may go, by deciding for them.
func (q *question) repairs() []string {
	var out []string
	for _, class := range []gate.Class{gate.ClassFix, gate.ClassSecurity} {
		other := q.req
		other.Change.Class, other.Policy.Classes.Verify = class, false
		if v := gate.Decide(other).Verdict; q.req.Change.Class != class && (v == decision.Pass || v == decision.Warn) {
			text := fmt.Sprintf("ship a %s: `--class %s` goes with %s", noun(class), class, v)
			if needs := q.req.Policy.LeaveFor(class); needs != "" {
				text += ", " + needs
			}
			out = append(out, text)
			break
		}
	}
	if q.req.Policy.Classes.Verify {
		return append(out, "roll back: `--class rollback` is never held, to a version that was there before")
	}
	return append(out, "roll back: `--class rollback` is never held")
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
	if may := q.req.Policy.Overriders(); may != "" {
		who = " by " + may
	}
	return []string{fmt.Sprintf("override%s with --override --reason TEXT, for at most %s (%d of %d left in seven days)",
		who, gate.Length(maxFor(rule)), left, perWeek(rule))}
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

// Reopens is when every objective that holds a request by its level lets it go,
// if errors keep arriving as in the last hour. held is false where no level
// holds it, ok where it cannot be foreseen.
func Reopens(r *gate.Request) (at time.Time, held, ok bool) {
	ok = true
	for i := range r.States {
		s := &r.States[i]
		if !holds(r, s) {
			continue
		}
		held = true
		if s.ReopensInSeconds == nil {
			ok = false
			continue
		}
		from := s.Frontier
		if from.IsZero() {
			from = r.At
		}
		if then := from.Add(time.Duration(*s.ReopensInSeconds) * time.Second); then.After(at) {
			at = then
		}
	}
	return at, held, held && ok
}

// holds says whether a state holds the request by its level.
func holds(r *gate.Request, s *gate.BudgetState) bool {
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
