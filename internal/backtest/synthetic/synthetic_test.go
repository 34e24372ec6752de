package synthetic_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/alert"
	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/backtest/synthetic"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// score holds policies against fleets, taken together.
func score(policies []backtest.Policy, fleets ...synthetic.Fleet) []backtest.Score {
	var cases []*backtest.Case
	var incidents []backtest.Incident
	for i, f := range fleets {
		f.Each(func(s *backtest.Subject, known []backtest.Incident) {
			o := *s.Objective
			o.Service = fmt.Sprintf("%s-%d", o.Service, i)
			s.Objective = &o
			for k := range known {
				known[k].Subject = o.Key()
			}
			c := backtest.Prepare(s)
			c.Judge(policies...)
			c.Release()
			cases, incidents = append(cases, c), append(incidents, known...)
		})
	}
	var out []backtest.Score
	for _, p := range policies {
		same := make([]backtest.Policy, len(cases))
		for i := range same {
			same[i] = p
		}
		s := backtest.Scoring{Cases: cases, Incidents: incidents, Replayed: backtest.Replay(cases, same, backtest.Options{})}
		out = append(out, s.Evaluate())
	}
	return out
}

func recommended() backtest.Policy {
	return backtest.Recommended(slo.Rolling{Length: 30 * slo.Day}, slo.MustDecimal("0.999"), false)
}

// TestRecommended holds the recommended policy to what it is recommended for.
func TestRecommended(t *testing.T) {
	t.Parallel()
	for _, perMin := range []float64{1000, 100, 10} {
		t.Run(fmt.Sprint(perMin), func(t *testing.T) {
			t.Parallel()
			s := score([]backtest.Policy{recommended()}, synthetic.Fleet{Services: 60, Seed: 1, PerMin: perMin})[0]
			t.Logf("%d incidents, %d notices: precision %.3f, recall %.3f, delay %v and %v min, reset %v min, %.2f a week", s.Recall.Of, s.Total,
				s.Precision.Value, s.Recall.Value, value(s.Delay.P50), value(s.Delay.P90), value(s.Reset.P50), s.PerWeek)
			if s.Precision.Value < 0.96 || s.Recall.Value < 0.96 || s.PerWeek > 0.5 {
				t.Errorf("precision %.3f, recall %.3f, %.2f notifications a week", s.Precision.Value, s.Recall.Value, s.PerWeek)
			}
			if value(s.Delay.P50) > 5 || value(s.Delay.P90) > 34 || value(s.Reset.P50) > 29 {
				t.Errorf("delay %v and %v, reset %v minutes", value(s.Delay.P50), value(s.Delay.P90), value(s.Reset.P50))
			}
		})
	}
}

// TestTooQuiet: at one request a minute no rule is good, and that is said.
func TestTooQuiet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		perMin float64
		says   string
	}{{1, "cannot be alerted on"}, {10, ""}} {
		synthetic.Fleet{Services: 1, PerMin: tt.perMin}.Each(func(s *backtest.Subject, _ []backtest.Incident) {
			o := *s.Objective
			o.Conditions, o.MinBad, _ = slo.Recommended(o.Window, o.Target)
			o.Conditions = o.Conditions[:2]
			st, _ := slo.Evaluate(slo.Input{Objective: &o, View: s.View, At: s.Span.To})
			var text []string
			for _, r := range alert.Volume(&st) {
				text = append(text, r.Text)
			}
			if got := strings.Join(text, "; "); !strings.Contains(got, tt.says) || tt.says == "" && got != "" {
				t.Errorf("at %v a minute: %q", tt.perMin, got)
			} else {
				t.Log(got)
			}
		})
	}
}

func value(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// BenchmarkAlertQuality is a comparison of rule sets over 240 services, sixty
// days and several seeds. What it measures stands in the metrics; with -v each
// rule set is a line, with 95 % intervals over the seeds.
func BenchmarkAlertQuality(b *testing.B) {
	const seeds = 3
	policies := append(backtest.Peers(), recommended())
	for _, perMin := range []float64{1000, 100, 10, 1} {
		b.Run(fmt.Sprintf("%v-a-minute", perMin), func(b *testing.B) {
			for b.Loop() {
				bySeed := make([][]backtest.Score, seeds)
				for seed := range bySeed {
					bySeed[seed] = score(policies, synthetic.Fleet{Seed: uint64(seed) + 1, PerMin: perMin})
				}
				report(b, bySeed)
			}
		})
	}
}

func report(b *testing.B, bySeed [][]backtest.Score) {
	b.Helper()
	for i := range bySeed[0] {
		over := func(what func(*backtest.Score) float64) (mean, half float64) {
			values := make([]float64, len(bySeed))
			for k := range bySeed {
				values[k] = what(&bySeed[k][i])
			}
			return backtest.Mean(values)
		}
		name := bySeed[0][i].Policy
		var text strings.Builder
		fmt.Fprintf(&text, "%-28s", name)
		for _, c := range []struct {
			name   string
			digits int
			what   func(*backtest.Score) float64
		}{
			{"/week", 2, func(s *backtest.Score) float64 { return s.PerWeek }},
			{"precision", 3, func(s *backtest.Score) float64 { return s.Precision.Value }},
			{"recall", 3, func(s *backtest.Score) float64 { return s.Recall.Value }},
			{"p50", 0, func(s *backtest.Score) float64 { return value(s.Delay.P50) }},
			{"p90", 0, func(s *backtest.Score) float64 { return value(s.Delay.P90) }},
			{"reset", 0, func(s *backtest.Score) float64 { return value(s.Reset.P50) }},
		} {
			mean, half := over(c.what)
			fmt.Fprintf(&text, "  %s %.*f±%.*f", c.name, c.digits, mean, max(1, c.digits), half)
			if name == "recommended" {
				b.ReportMetric(mean, c.name)
			}
		}
		b.Log(text.String())
	}
}
