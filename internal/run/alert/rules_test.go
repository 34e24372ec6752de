package alert_test

import (
	"slices"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/notify"
	runalert "gitlab.com/nines-sre/nines/internal/run/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestWhere holds that a target without an address tells nobody, and that two of
// one name are two.
func TestWhere(t *testing.T) {
	address := func(s string) notify.Address {
		a, err := notify.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	cond := slo.Condition{Name: "fast", Long: slo.Hour, Short: 5, Threshold: slo.MustDecimal("14.4")}
	slow := slo.Condition{Name: "slow", Long: 6 * slo.Hour, Short: 30, Threshold: slo.MustDecimal("6")}
	c := &config.Catalog{
		Objectives: []config.Objective{{
			Objective:     slo.Objective{Service: "s", SLO: "o", Name: "99%", Conditions: []slo.Condition{cond, slow}},
			AlertPolicies: []string{"a", "b"},
		}},
		AlertPolicies: []config.AlertPolicy{
			{Name: "a", Condition: cond, Breaching: true, Targets: []config.AlertTarget{
				{Name: "chat", Target: "slack", Address: address("slack:$CHAT"), Hours: "Mon-Fri 09:00-17:00"}, {Name: "lost", Target: "slack"}, {Name: "nobody", Target: "none"},
			}},
			{Name: "b", Condition: slow, Breaching: true, Targets: []config.AlertTarget{{Name: "chat", Target: "slack", Address: address("slack:$OTHER")}}},
		},
	}
	r := runalert.Of(c)
	if len(r.Rules) != 2 || !slices.Equal(r.Rules[0].Targets, []string{"chat"}) || !slices.Equal(r.Rules[1].Targets, []string{"chat'"}) {
		t.Errorf("rules %+v", r.Rules)
	}
	if r.Where["chat"].Address.Variable != "CHAT" || r.Where["chat"].Hours == "" || r.Where["chat'"].Address.Variable != "OTHER" || !slices.Equal(r.Nowhere, []string{"lost"}) {
		t.Errorf("%+v, nowhere %v", r.Where, r.Nowhere)
	}
	c.AlertPolicies[0].Targets = c.AlertPolicies[0].Targets[1:]
	if r = runalert.Of(c); !r.Rules[0].Mute {
		t.Error("a rule whose only target has no address is not said to tell nobody")
	}
}
