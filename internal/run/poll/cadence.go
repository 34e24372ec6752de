package poll

import (
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Pace is how often an objective is read: Every while nothing burns, Fast while
// something does and for Hold after that, so that a burn that comes and goes
// does not change the pace each minute.
type Pace struct {
	Every, Fast, Hold time.Duration
}

// current is how old the newest minute of what burns now may be.
const current = 30 * time.Minute

// Cadence is how often an objective is read from an instant on, and why. There
// are no reasons at the slow pace.
type Cadence struct {
	Every   time.Duration
	Reasons []decision.Reason
	// Until is how long the fast pace lasts without a new reason.
	Until time.Time
}

// Fast says whether something made the objective be read oftener.
func (c Cadence) Fast() bool { return len(c.Reasons) > 0 }

// Decide says how often to read an objective, given its status, what was
// decided before, and the instant. It is fast while
//
//   - a page or a ticket condition holds: how it goes on is what people look at;
//   - half of a page condition holds, its short look-back: the other half may
//     follow within minutes, and a page should not wait for the slow pace;
//   - little budget is left (caution or critical) and the last hour spent more
//     than it earned: a few bad minutes more change the verdict;
//
// and for a while afterwards. What is unknown, stale or silent stays slow:
// asking oftener makes no source answer, and asking a throttled one oftener
// makes it worse. So does an exhausted budget that does not burn: its verdict
// stands whatever the next minute brings, and a burn whose newest minute is long
// past: a finished recording.
func Decide(st *slo.Status, was Cadence, pace Pace, now time.Time) Cadence {
	if pace.Fast >= pace.Every {
		return Cadence{Every: pace.Every}
	}
	var reasons []decision.Reason
	if now.Sub(st.Frontier.Time()) <= current {
		reasons = burning(st)
	}
	if len(reasons) > 0 {
		return Cadence{Every: pace.Fast, Reasons: reasons, Until: now.Add(pace.Hold)}
	}
	if was.Fast() && now.Before(was.Until) {
		held := decision.Reason{Code: "held", Text: "it burned until a moment ago"}
		return Cadence{Every: pace.Fast, Reasons: []decision.Reason{held}, Until: was.Until}
	}
	return Cadence{Every: pace.Every}
}

// burning lists what calls for the fast pace.
func burning(st *slo.Status) []decision.Reason {
	var out []decision.Reason
	for i := range st.Conditions {
		c := &st.Conditions[i]
		switch {
		case c.Truth == slo.True && c.Severity == slo.Page:
			out = append(out, decision.Reason{Code: "fast_burn", Text: c.Name + " holds: " + rates(c)})
		case c.Truth == slo.True:
			out = append(out, decision.Reason{Code: "slow_burn", Text: c.Name + " holds: " + rates(c)})
		case c.Truth == slo.False && c.Severity == slo.Page && half(st, c):
			out = append(out, decision.Reason{Code: "half_burn", Text: "half of " + c.Name + " holds: " + rates(c)})
		}
	}
	if st.Level != slo.Caution && st.Level != slo.Critical {
		return out
	}
	for _, b := range st.Burns {
		if b.Lookback == slo.Hour && b.Rate != nil && *b.Rate > 1 {
			text := fmt.Sprintf("little is left (%s) and it goes: %.3gx in 1h", st.Level, *b.Rate)
			out = append(out, decision.Reason{Code: "low_budget", Text: text})
		}
	}
	return out
}

// half says whether the short look-back of a condition is above the threshold
// and the bad events suffice. A weighted condition compares counts, not rates;
// it is waited for at the slow pace.
func half(st *slo.Status, c *slo.ConditionState) bool {
	limit, _ := c.Threshold.Rat().Float64()
	if c.Weighted || c.Short == nil || *c.Short <= limit {
		return false
	}
	for _, b := range st.Burns {
		if b.Lookback == c.Condition.Long && st.Objective != nil && b.Stretch.Bad() < st.Objective.MinBad {
			return false
		}
	}
	return true
}

// rates prints both burn rates of a condition beside its threshold.
func rates(c *slo.ConditionState) string {
	rate := func(v *float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprintf("%.3gx", *v)
	}
	return rate(c.Long) + " in " + slo.FormatLength(c.Condition.Long) + " and " +
		rate(c.Short) + " in " + slo.FormatLength(c.Condition.Short) + ", threshold " + c.Threshold.String()
}
