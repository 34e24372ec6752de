package status

import (
	"math"

	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// State turns an entry into what the gate sees and records. Dependency says
// that it is the budget of a service which the one asked about depends on.
func State(e Entry, dependency bool) gate.BudgetState {
	st, o := &e.Status, e.Objective
	out := gate.BudgetState{
		Service: o.Service, SLO: o.SLO, Objective: o.Name, Dependency: dependency,
		Target: o.Target.String(),
		Level:  st.Level, Flags: st.Flags,
		Good: st.Stretch.Good.Float(), Total: st.Stretch.Total.Float(),
		Allowed: finite(st.Budget.Allowed), Spent: finite(st.Budget.Spent),
		ExhaustsInSeconds: map[string]*int64{},
	}
	if o.Window != nil {
		out.Window = o.Window.String()
	}
	if st.Frontier > 0 {
		out.Frontier = st.Frontier.Time()
	}
	if r := st.Budget.Remaining; r != nil && !math.IsNaN(*r) && !math.IsInf(*r, 0) {
		out.Remaining = r
	}
	if st.Stretch.Expected > 0 { // otherwise nothing was ever measured
		out.Coverage = st.Stretch.Coverage()
	}
	for _, c := range st.Conditions {
		out.Conditions = append(out.Conditions, gate.ConditionState{
			Name: c.Name, Severity: c.Severity.String(), Threshold: c.Threshold.String(),
			Truth: truth(c.Truth), Long: c.Long, Short: c.Short,
		})
	}
	for _, x := range st.Exhausts {
		out.ExhaustsInSeconds[slo.FormatLength(x.Lookback)] = seconds(x.In)
	}
	out.ReopensInSeconds = seconds(e.Reopen)
	return out
}

// truth is a condition's truth as it is recorded.
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

func seconds(m *slo.Minute) *int64 {
	if m == nil {
		return nil
	}
	return new(int64(*m) * 60)
}

// finite is f, or 0 for what JSON cannot write.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
