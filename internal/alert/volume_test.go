package alert_test

import (
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestVolume walks through traffic from one request an hour to a thousand a
// minute.
func TestVolume(t *testing.T) {
	for _, c := range []struct {
		name          string
		every, events int64 // so many events once in so many minutes
		min           string
		want          string
	}{
		{"one in five minutes", 5, 1, "0", "too_few_events hopeless hopeless hopeless hopeless"},
		{"one a minute", 1, 1, "0", "too_few_events hopeless weak"},
		{"one a minute, five bad at least", 1, 1, "5", "too_few_events hopeless"},
		{"ten a minute", 1, 10, "0", ""},
	} {
		var points []slo.Point
		for m := range 30 * slo.Day {
			if int64(m)%c.every != 0 {
				points = append(points, slo.Point{At: t0 + m})
				continue
			}
			points = append(points, slo.Point{At: t0 + m, Count: slo.Count{Good: slo.Events(c.events), Total: slo.Events(c.events)}})
		}
		o := &slo.Objective{Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: 30 * slo.Day}}
		o.Conditions, _ = slo.DefaultConditions(o.Window, o.Target)
		o.MinBad, _ = slo.ParseEvents(c.min)
		st, _ := slo.Evaluate(slo.Input{Objective: o, View: slo.NewSeries(1, t0+30*slo.Day, points), At: t0 + 30*slo.Day})
		var codes []string
		for _, r := range alert.Volume(&st) {
			codes = append(codes, r.Code)
			whole := map[string]string{
				"one in five minutes": "this objective cannot be alerted on at this volume: one failure is 12 % of the budget (0.2 events a minute leave 8.64 failures in 30d); its tickets cannot either",
				"one a minute":        "this objective cannot be alerted on at this volume: one failure is 2.3 % of the budget (1 events a minute leave 43.2 failures in 30d); its tickets can be told from chance",
			}[c.name]
			if r.Code == alert.TooFew && whole != "" && r.Text != whole {
				t.Errorf("%s", r.Text)
			}
			if c.name == "one a minute" && r.Code == alert.Hopeless && !strings.Contains(r.Text, "one failure is 2.3 % of the budget") {
				t.Errorf("%s", r.Text)
			}
		}
		if got := strings.Join(codes, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
