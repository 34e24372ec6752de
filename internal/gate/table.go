package gate

import (
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Rows returns the rows of the verdict table, strongest first.
func Rows() []Row {
	return []Row{
		RowRollback, RowOverride, RowFreeze,
		RowExhausted, RowCritical, RowFastBurn,
		RowStale, RowSilent, RowNoTraffic, RowInsufficientData, RowUnknown, RowNew,
		RowCaution, RowSlowBurn, RowHealthy,
	}
}

// Classes returns the change classes.
func Classes() []Class { return []Class{ClassChange, ClassFix, ClassSecurity, ClassRollback} }

// TableVerdict is what the table says to a row for a class, no policy asked.
// Anything it does not know is inconclusive.
func TableVerdict(row Row, class Class) decision.Verdict {
	switch row {
	case RowRollback, RowHealthy, RowExempt, RowClass:
		return decision.Pass
	case RowExhausted, RowCritical, RowFastBurn:
		// What repairs the service must be able to reach it.
		if class == ClassFix || class == ClassSecurity {
			return decision.Warn
		}
		return decision.Fail
	case RowFreeze:
		return decision.Fail
	case RowOverride, RowCaution, RowSlowBurn:
		return decision.Warn
	case RowStale, RowSilent, RowNoTraffic, RowInsufficientData, RowUnknown, RowNew,
		RowInvalid, RowError, RowUnmeasured:
	}
	return decision.Inconclusive
}

// VerdictOf is what the policy says to a row for a class: its class-specific
// mapping, else its plain one, else the table.
func (p *Policy) VerdictOf(row Row, class Class) decision.Verdict {
	if row == RowRollback {
		return decision.Pass // never gated, whatever a policy says
	}
	if v, ok := p.Verdicts[string(class)+":"+string(row)]; ok {
		return v
	}
	if v, ok := p.Verdicts[string(row)]; ok {
		return v
	}
	return TableVerdict(row, class)
}

// missing says whether a row stands for evidence that is not there.
func (r Row) missing() bool {
	switch r {
	case RowStale, RowSilent, RowNoTraffic, RowInsufficientData, RowUnknown, RowNew, RowUnmeasured:
		return true
	case RowRollback, RowOverride, RowFreeze, RowExhausted, RowCritical, RowFastBurn,
		RowCaution, RowSlowBurn, RowHealthy, RowInvalid, RowError, RowExempt, RowClass:
	}
	return false
}

// rank orders rows, strongest first. What is no row of the table stands where
// missing evidence stands, and an exemption, which is only a remark, at the end.
func (r Row) rank() int {
	switch r {
	case RowError, RowUnmeasured, RowInvalid:
		r = RowStale
	case RowExempt, RowClass:
		return len(Rows())
	case RowRollback, RowOverride, RowFreeze, RowExhausted, RowCritical, RowFastBurn, RowStale,
		RowSilent, RowNoTraffic, RowInsufficientData, RowUnknown, RowNew, RowCaution, RowSlowBurn, RowHealthy:
	}
	return slices.Index(Rows(), r)
}

// rowsOf returns every row a state matches, strongest first; at least one.
func rowsOf(s *BudgetState) []Row {
	has := func(f slo.Flag) bool { return slices.Contains(s.Flags, f) }
	var out []Row
	switch s.Level {
	case slo.Exhausted:
		out = append(out, RowExhausted)
	case slo.Critical:
		out = append(out, RowCritical)
	case slo.Caution:
		out = append(out, RowCaution)
	case slo.Healthy:
		out = append(out, RowHealthy)
	case slo.Unknown:
		fallthrough
	default:
		// Without any event there is no budget to have a level of: that is one
		// circumstance, not two, and a policy maps it with one row.
		if !has(slo.NoTraffic) {
			out = append(out, RowUnknown)
		}
	}
	for _, f := range []struct {
		flag slo.Flag
		row  Row
	}{
		{slo.FastBurn, RowFastBurn},
		{slo.SlowBurn, RowSlowBurn},
		{slo.Stale, RowStale},
		{slo.Silent, RowSilent},
		{slo.NoTraffic, RowNoTraffic},
		{slo.InsufficientData, RowInsufficientData},
		{slo.New, RowNew},
	} {
		if has(f.flag) {
			out = append(out, f.row)
		}
	}
	slices.SortFunc(out, func(a, b Row) int { return a.rank() - b.rank() })
	return out
}

// ParseClass reads a change class; the empty string is ClassChange. The error
// is of kind Invalid and names the classes.
func ParseClass(s string) (Class, error) {
	if s == "" {
		return ClassChange, nil
	}
	if slices.Contains(Classes(), Class(s)) {
		return Class(s), nil
	}
	return "", fault.New(fault.Invalid, "change class "+quote(s), "there is no such class", "it is one of "+list(Classes()))
}

// ParseRow reads a key of Policy.Verdicts: a row, or class:row. The class is
// empty for a plain row. The error is of kind Invalid and names what there is.
func ParseRow(key string) (Class, Row, error) {
	class, row, specific := strings.Cut(key, ":")
	if !specific {
		class, row = "", key
	}
	op := "verdict for " + quote(key)
	if specific {
		c, err := ParseClass(class)
		if err != nil || class == "" {
			return "", "", fault.New(fault.Invalid, op, "there is no change class "+quote(class), "it is one of "+list(Classes()))
		}
		if c == ClassRollback {
			return "", "", fault.New(fault.Invalid, op, "rolling back is never gated", "leave it out")
		}
	}
	if !slices.Contains(Rows(), Row(row)) {
		return "", "", fault.New(fault.Invalid, op, "the verdict table has no row "+quote(row), "it is one of "+list(Rows()))
	}
	return Class(class), Row(row), nil
}

func quote(s string) string { return `"` + s + `"` }

func list[T ~string](xs []T) string {
	words := make([]string, len(xs))
	for i, x := range xs {
		words[i] = string(x)
	}
	return strings.Join(words, ", ")
}
