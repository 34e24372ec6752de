package gate

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// rollbackReason says why a rollback goes, and which freezes it goes through.
func rollbackReason(r *Request) decision.Reason {
	parts := []string{"rolling back is never gated"}
	for i := range r.Freezes {
		parts = append(parts, "in force: "+freezeText(&r.Freezes[i]))
	}
	return decision.Reason{Code: string(RowRollback), Text: strings.Join(parts, "; ")}
}

func freezeText(f *Freeze) string {
	var b strings.Builder
	b.WriteString("freeze")
	if f.Name != "" {
		b.WriteString(" " + quote(f.Name))
	}
	if f.To.IsZero() {
		b.WriteString(" until it is ended")
	} else {
		b.WriteString(" until " + f.To.Format(time.RFC3339))
	}
	if f.Reason != "" {
		b.WriteString(": " + f.Reason)
	}
	if f.Author != "" {
		b.WriteString(" (" + f.Author + ")")
	}
	return b.String()
}

// stateText says what a row means for an objective, with its numbers.
func stateText(s *BudgetState, row Row, at time.Time) string {
	key := s.Key()
	switch row {
	case RowExhausted:
		return key + ": the budget is exhausted, " + s.BudgetText()
	case RowCritical:
		return key + ": the budget is nearly spent, " + s.BudgetText()
	case RowCaution:
		return key + ": the budget runs low, " + s.BudgetText()
	case RowHealthy:
		return key + ": the budget is healthy, " + s.BudgetText()
	case RowFastBurn:
		return key + ": the budget burns fast: " + burnText(s, slo.Page.String())
	case RowSlowBurn:
		return key + ": the budget burns steadily: " + burnText(s, slo.Ticket.String())
	case RowStale:
		return fmt.Sprintf("%s: the newest measured minute is too old (%s, %s before)", key,
			s.Frontier.UTC().Format(time.RFC3339), Length(at.Sub(s.Frontier)))
	case RowSilent:
		return key + ": no traffic where earlier weeks had some; a dead entry point looks like this"
	case RowNoTraffic:
		return fmt.Sprintf("%s: not one event in %s", key, s.Window)
	case RowInsufficientData:
		span, coverage := s.blindest()
		return fmt.Sprintf("%s: too little is measured, only %s of %s", key, Percent(coverage), span)
	case RowNew:
		return fmt.Sprintf("%s: %s has just begun, and there is no period before it to go by", key, s.Window)
	case RowUnknown, RowRollback, RowOverride, RowFreeze, RowInvalid, RowError, RowUnmeasured, RowExempt, RowClass:
	}
	return key + ": the budget cannot be computed"
}

// BudgetText prints "3.2 % left (spent 41,800 of 43,200 events allowed in 30d)".
func (s *BudgetState) BudgetText() string {
	left := "what is left is not known"
	if s.Remaining != nil {
		left = Percent(*s.Remaining) + " left"
	}
	return fmt.Sprintf("%s (spent %s of %s %s allowed in %s)", left, Number(s.Spent), Number(s.Allowed), s.Unit(), s.Window)
}

// blindest is the stretch of which least is measured: the window or one of the
// look-backs; of two with the same share the one whose name sorts first.
func (s *BudgetState) blindest() (span string, coverage float64) {
	span, coverage = "the "+s.Window, s.Coverage
	for _, name := range slices.Sorted(maps.Keys(s.LookbackCoverage)) {
		if c := s.LookbackCoverage[name]; c < coverage {
			span, coverage = "the last "+name, c
		}
	}
	return span, coverage
}

// burnText prints the conditions of a severity that hold.
func burnText(s *BudgetState, severity string) string {
	var parts []string
	for _, c := range s.Conditions {
		if c.Severity != severity || c.Truth != "true" {
			continue
		}
		long, short := cmp.Or(c.LongWindow, "the long window"), cmp.Or(c.ShortWindow, "the short one")
		parts = append(parts, fmt.Sprintf("%s in %s and %s in %s, both above %sx",
			rate(c.Long), long, rate(c.Short), short, c.Threshold))
	}
	if len(parts) == 0 {
		return "a " + severity + " condition is true"
	}
	return strings.Join(parts, "; ")
}

func rate(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return Number(*v) + "x"
}

// Unit is what the state's Allowed and Spent count: "events" or "slices".
func (s *BudgetState) Unit() string {
	if s.Method == slo.Timeslices.String() || s.Method == slo.RatioTimeslices.String() {
		return "slices"
	}
	return "events"
}

func idText(id string) string {
	if id == "" {
		return ""
	}
	return id + " "
}

// Percent prints a ratio for people: "12.4 %", "-3.0 %". A ratio that is not
// zero never reads as zero, and one that is not 1 never as 100 %.
func Percent(ratio float64) string {
	pct := ratio * 100
	if pct == 0 || pct == 100 {
		return strconv.FormatFloat(pct, 'f', 0, 64) + " %"
	}
	for digits := 1; ; digits++ {
		out := strconv.FormatFloat(pct, 'f', digits, 64)
		read, err := strconv.ParseFloat(out, 64)
		if digits == 6 || err != nil || (read != 0 && read != 100) {
			return out + " %"
		}
	}
}

// Number prints an amount for people: thousands apart, one decimal below
// 1,000 where there is one, at least two significant digits.
func Number(x float64) string {
	digits := 0
	switch a := math.Abs(x); {
	case a == math.Trunc(a):
	case a < 0.1:
		return strconv.FormatFloat(x, 'g', 2, 64)
	case a < 1000:
		digits = 1
	}
	whole, frac, _ := strings.Cut(strconv.FormatFloat(x, 'f', digits, 64), ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if frac != "" && frac != "0" {
		whole += "." + frac
	}
	return sign + whole
}

// Length prints a length of time for people in its two largest units: "2 d 4 h",
// "12 min", "40 s".
func Length(d time.Duration) string {
	d = max(d, 0)
	units := []struct {
		len  time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.len {
			continue
		}
		out := fmt.Sprintf("%d %s", d/u.len, u.name)
		if rest := d % u.len; i+1 < len(units) && i < 2 && rest >= units[i+1].len {
			out += fmt.Sprintf(" %d %s", rest/units[i+1].len, units[i+1].name)
		}
		return out
	}
	return "0 s"
}
