package slo_test

import (
	"testing"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// benchViews are a few different thirty-day histories: clean, trickling, burning.
func benchViews() []slo.View {
	var out []slo.View
	for i := range int64(8) {
		out = append(out, build(run{quiet, i % 3, 1000 + i}, run{2 * slo.Hour, i, 1000}, run{3, 100 * i, 1000}))
	}
	return out
}

// 10,000 objectives: budget, ten look-backs, four pairs, forecasts and flags.
func BenchmarkEvaluate10k(b *testing.B) {
	views, o := benchViews(), monthly()
	b.ReportAllocs()
	for b.Loop() {
		for i := range 10_000 {
			if st, _ := slo.Evaluate(slo.Input{Objective: o, View: views[i%len(views)], At: epoch}); st.Level == slo.Unknown {
				b.Fatal("unknown")
			}
		}
	}
}

// The same budget and pairs by adding up the minutes of each window: one
// objective, to be multiplied.
func BenchmarkNaiveWindows(b *testing.B) {
	view, o := benchViews()[1], monthly()
	spans := slo.Needs(o, epoch)
	for b.Loop() {
		for _, s := range spans {
			var c slo.Count
			for _, x := range view.Points(s) {
				c = c.Add(x)
			}
		}
	}
}

func BenchmarkEvaluateComposite(b *testing.B) {
	views := benchViews()[:3]
	o := &slo.Objective{
		Window:  slo.Rolling{Length: quiet},
		Members: []slo.Member{member("0.995", ""), member("0.999", "3"), member("0.99", "0.5")},
	}
	b.ReportAllocs()
	for b.Loop() {
		slo.Evaluate(slo.Input{Objective: o, Members: views, At: epoch})
	}
}
