package gate

import (
	"context"
	"slices"

	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// mostLosses is how many stretches of loss are recorded with a decision.
const mostLosses = 3

// States reads budgets from the history as the gate sees and records them.
func States(ctx context.Context, env *run.Env, opt status.Options) ([]gate.BudgetState, error) {
	return statesWith(ctx, env, opt, false)
}

// statesWith is States with the evidence against objectives whose budget burns,
// where it is asked for.
func statesWith(ctx context.Context, env *run.Env, opt status.Options, evidence bool) ([]gate.BudgetState, error) {
	entries, err := status.Read(ctx, env, opt)
	if err != nil {
		return nil, err
	}
	out := make([]gate.BudgetState, len(entries))
	for i := range entries {
		out[i] = status.State(entries[i], false)
		detail(&out[i], &entries[i])
		flags := entries[i].Status.Flags
		if evidence && (slices.Contains(flags, slo.FastBurn) || slices.Contains(flags, slo.SlowBurn)) {
			if out[i].Evidence, err = status.Evidence(ctx, env, &entries[i], entries[i].Status.Frontier); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
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
