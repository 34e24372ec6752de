package poll_test

import (
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/run/poll"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// condition is page-fast or a ticket with burn rates.
func condition(severity slo.Severity, truth slo.Truth, long, short float64) slo.ConditionState {
	return slo.ConditionState{
		Condition: slo.Condition{Name: "c", Severity: severity, Long: slo.Hour, Short: 5, Threshold: slo.MustDecimal("14.4")},
		Truth:     truth, Long: &long, Short: &short,
	}
}

func TestDecide(t *testing.T) {
	pace := poll.Pace{Every: 5 * time.Minute, Fast: time.Minute, Hold: 10 * time.Minute}
	hour := func(rate float64) []slo.BurnRate { return []slo.BurnRate{{Lookback: slo.Hour, Rate: &rate}} }
	weighted := condition(slo.Page, slo.False, 1, 20)
	weighted.Weighted = true
	burned := poll.Cadence{Every: time.Minute, Reasons: []decision.Reason{{Code: "fast_burn"}}, Until: noon.Add(time.Minute)}
	over := burned
	over.Until = noon
	for name, c := range map[string]struct {
		st   slo.Status
		was  poll.Cadence
		pace poll.Pace
		want string // code of the first reason; "" is slow
	}{
		"quiet":                        {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{condition(slo.Page, slo.False, 1, 14.4)}}},
		"a page":                       {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{condition(slo.Page, slo.True, 20, 20)}}, want: "fast_burn"},
		"a ticket":                     {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{condition(slo.Ticket, slo.True, 20, 20)}}, want: "slow_burn"},
		"the short half of a page":     {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{condition(slo.Page, slo.False, 1, 14.5)}}, want: "half_burn"},
		"the short half of a ticket":   {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{condition(slo.Ticket, slo.False, 1, 14.5)}}},
		"the long half of a page":      {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{condition(slo.Page, slo.False, 20, 1)}}},
		"half of a weighted page":      {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{weighted}}},
		"half of an unknown page":      {st: slo.Status{Level: slo.Healthy, Conditions: []slo.ConditionState{condition(slo.Page, slo.Undetermined, 1, 20)}}},
		"half, but too few bad events": {st: slo.Status{Objective: &slo.Objective{MinBad: slo.Events(2)}, Burns: []slo.BurnRate{{Lookback: slo.Hour, Stretch: slo.Stretch{Count: slo.Count{Good: slo.Events(1), Total: slo.Events(2)}}}}, Conditions: []slo.ConditionState{condition(slo.Page, slo.False, 1, 20)}}},
		"little left, and it goes":     {st: slo.Status{Level: slo.Critical, Burns: hour(1.1)}, want: "low_budget"},
		"less left, and it goes":       {st: slo.Status{Level: slo.Caution, Burns: hour(1.1)}, want: "low_budget"},
		"little left, and it stays":    {st: slo.Status{Level: slo.Caution, Burns: hour(1)}},
		"nothing left, nothing burns":  {st: slo.Status{Level: slo.Exhausted, Burns: hour(2)}},
		"healthy, spends a little":     {st: slo.Status{Level: slo.Healthy, Burns: hour(2)}},
		"unknown":                      {st: slo.Status{Flags: []slo.Flag{slo.InsufficientData, slo.Stale}}},
		"silent":                       {st: slo.Status{Level: slo.Healthy, Flags: []slo.Flag{slo.Silent}}},
		"burned a moment ago":          {st: slo.Status{Level: slo.Healthy}, was: burned, want: "held"},
		"burned long ago":              {st: slo.Status{Level: slo.Healthy}, was: over},
		"a recording that burned":      {st: slo.Status{Frontier: slo.MinuteOf(noon) - 31, Conditions: []slo.ConditionState{condition(slo.Page, slo.True, 20, 20)}}},
		"read fast anyway":             {st: slo.Status{Conditions: []slo.ConditionState{condition(slo.Page, slo.True, 20, 20)}}, pace: poll.Pace{Every: time.Minute, Fast: time.Minute}},
	} {
		if c.pace == (poll.Pace{}) {
			c.pace = pace
		}
		if c.st.Frontier == 0 {
			c.st.Frontier = slo.MinuteOf(noon) - 3
		}
		got := poll.Decide(&c.st, c.was, c.pace, noon)
		code := ""
		if got.Fast() {
			code = got.Reasons[0].Code
			if got.Every != c.pace.Fast || !got.Until.After(noon) {
				t.Errorf("%s: %+v", name, got)
			}
		} else if got.Every != c.pace.Every {
			t.Errorf("%s: %+v", name, got)
		}
		if code != c.want {
			t.Errorf("%s: reason %q, want %q", name, code, c.want)
		}
	}
}

// TestHoldingEnds goes minute by minute through a burn and its end.
func TestHoldingEnds(t *testing.T) {
	pace := poll.Pace{Every: 5 * time.Minute, Fast: time.Minute, Hold: 3 * time.Minute}
	var was poll.Cadence
	var fast []int
	for m := range 12 {
		now := noon.Add(time.Duration(m) * time.Minute)
		st := slo.Status{Frontier: slo.MinuteOf(now) - 3}
		if m >= 2 && m < 5 {
			st.Conditions = []slo.ConditionState{condition(slo.Page, slo.True, 20, 20)}
		}
		if was = poll.Decide(&st, was, pace, now); was.Fast() {
			fast = append(fast, m)
		}
	}
	if len(fast) != 5 || fast[0] != 2 || fast[4] != 6 { // burns 2, 3, 4; held 5 and 6
		t.Errorf("fast at minutes %v", fast)
	}
}
