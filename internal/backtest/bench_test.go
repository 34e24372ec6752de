package backtest_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/backtest/synthetic"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// years are histories of a year of minutes.
func years(n int) []*backtest.Subject {
	var out []*backtest.Subject
	synthetic.Fleet{Services: n, Length: 365 * slo.Day}.Each(func(s *backtest.Subject, _ []backtest.Incident) { out = append(out, s) })
	return out
}

// BenchmarkYearOf100 is a year of minutes of 100 objectives (eight different
// histories in turn): four default conditions judged, notifications replayed,
// incidents derived, all of it scored.
func BenchmarkYearOf100(b *testing.B) {
	subjects := years(8)
	b.ReportAllocs()
	for b.Loop() {
		var cases []*backtest.Case
		var policies []backtest.Policy
		var incidents []backtest.Incident
		for i := range 100 {
			s := *subjects[i%len(subjects)]
			o := *s.Objective
			o.SLO = string(rune('A' + i))
			s.Objective = &o
			p := backtest.Default(o.Window, o.Target, true)
			c := backtest.Prepare(&s)
			c.Judge(p)
			incidents = append(incidents, c.Derive(backtest.Derivation{})...)
			c.Release()
			cases, policies = append(cases, c), append(policies, p)
		}
		s := backtest.Scoring{Cases: cases, Incidents: incidents, Replayed: backtest.Replay(cases, policies, backtest.Options{})}
		if got := s.Evaluate(); got.Total == 0 || got.Recall.Of == 0 {
			b.Fatal("nothing was told")
		}
	}
}

// BenchmarkYearNaively is one of those objectives judged by asking slo.Evaluate
// every minute: to be multiplied by 100.
func BenchmarkYearNaively(b *testing.B) {
	s := years(1)[0]
	o := *s.Objective
	o.Conditions, _ = slo.DefaultConditions(o.Window, o.Target)
	for b.Loop() {
		held := 0
		for at := s.Span.From + 1; at <= s.Span.To; at++ {
			st, _ := slo.Evaluate(slo.Input{Objective: &o, View: s.View, At: at})
			for _, c := range st.Conditions {
				if c.Truth == slo.True {
					held++
				}
			}
		}
		if held == 0 {
			b.Fatal("nothing held")
		}
	}
}
