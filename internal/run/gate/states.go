package gate

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// mostLosses is how many stretches of loss are recorded with a decision.
const mostLosses = 3

// States reads budgets from the history as the gate sees and records them.
func States(ctx context.Context, env *run.Env, opt status.Options) ([]gate.BudgetState, error) {
	entries, err := status.Read(ctx, env, opt)
	if err != nil {
		return nil, err
	}
	out := make([]gate.BudgetState, len(entries))
	for i := range entries {
		out[i] = stateOf(&entries[i])
		detail(&out[i], &entries[i])
	}
	return out, nil
}

// stateOf is an objective's standing in the gate's words.
func stateOf(e *status.Entry) gate.BudgetState {
	st, o := &e.Status, e.Objective
	s := gate.BudgetState{
		Service: o.Service, SLO: o.SLO, Objective: o.Name, Target: o.Target.String(), Window: o.Window.String(),
		Frontier: st.Frontier.Time(), Level: st.Level, Flags: st.Flags,
		Good: st.Stretch.Good.Float(), Total: st.Stretch.Total.Float(),
		Allowed: st.Budget.Allowed, Spent: st.Budget.Spent, Remaining: st.Budget.Remaining,
		Coverage: st.Stretch.Coverage(),
	}
	for _, c := range st.Conditions {
		s.Conditions = append(s.Conditions, gate.ConditionState{
			Name: c.Name, Severity: c.Severity.String(), Threshold: c.Threshold.String(), Truth: truth(c.Truth),
			Long: c.Long, Short: c.Short,
		})
	}
	for _, x := range st.Exhausts {
		if s.ExhaustsInSeconds == nil {
			s.ExhaustsInSeconds = map[string]*int64{}
		}
		s.ExhaustsInSeconds[slo.FormatLength(x.Lookback)] = seconds(x.In)
	}
	if e.Reopen != nil {
		s.ReopensInSeconds = seconds(new(*e.Reopen - st.Frontier))
	}
	return s
}

func seconds(m *slo.Minute) *int64 {
	if m == nil {
		return nil
	}
	return new(int64(*m) * 60)
}

func truth(t slo.Truth) string {
	switch t {
	case slo.True:
		return "true"
	case slo.False:
		return "false"
	case slo.Undetermined:
	}
	return "unknown"
}

// detail adds what explains a state: how it is counted, its look-backs, and
// where most was lost.
func detail(s *gate.BudgetState, e *status.Entry) {
	if o := e.Objective; o != nil && o.Budgeting != slo.Occurrences {
		s.Method = o.Budgeting.String()
	}
	for i := range min(len(s.Conditions), len(e.Status.Conditions)) {
		c := &e.Status.Conditions[i]
		s.Conditions[i].LongWindow, s.Conditions[i].ShortWindow = slo.FormatLength(c.Condition.Long), slo.FormatLength(c.Condition.Short)
	}
	for _, b := range e.Status.Burns {
		if s.LookbackCoverage == nil {
			s.LookbackCoverage = map[string]float64{}
		}
		s.LookbackCoverage[slo.FormatLength(b.Lookback)] = b.Stretch.Coverage()
	}
	s.Losses = nil
	for _, l := range e.Losses[:min(len(e.Losses), mostLosses)] {
		s.Losses = append(s.Losses, gate.Loss{
			From: l.Span.From.Time(), To: l.Span.To.Time(),
			Bad: l.Bad.Float(), Total: l.Total.Float(), Share: l.Share,
		})
	}
}
