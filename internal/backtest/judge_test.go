package backtest_test

import (
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const start = 20089 * slo.Day // 2025-01-01

// history draws a history of steps with gaps, quiet and bad stretches.
func history(t *rapid.T, step slo.Minute) (*slo.Series, slo.Minute) {
	n := rapid.IntRange(1, 400).Draw(t, "steps")
	var points []slo.Point
	// Slices lie on the grid of their length.
	at := (start+step-1)/step*step + slo.Minute(rapid.IntRange(0, 3).Draw(t, "birth"))*step
	for len(points) < n {
		length := rapid.IntRange(1, 60).Draw(t, "length")
		total := rapid.SampledFrom([]int64{0, 1, 7, 10, 1000, 1_000_003}).Draw(t, "total")
		bad := min(total, rapid.SampledFrom([]int64{0, 0, 0, 1, 5, 144, 1000}).Draw(t, "bad"))
		gap := rapid.IntRange(0, 6).Draw(t, "kind") == 0
		for range length {
			if !gap {
				points = append(points, slo.Point{At: at, Count: slo.Count{Good: slo.Events(total - bad), Total: slo.Events(total)}})
			}
			at += step
		}
		if gap {
			n--
		}
	}
	frontier := at + slo.Minute(rapid.IntRange(0, 3).Draw(t, "behind"))
	return slo.NewSeries(step, frontier, points), frontier
}

func drawObjective(t *rapid.T) *slo.Objective {
	o := &slo.Objective{
		Service: "shop", SLO: "pay", Name: "x",
		Target: slo.MustDecimal(rapid.SampledFrom([]string{"0.9", "0.99", "0.999", "0.9995"}).Draw(t, "target")),
		Window: rapid.SampledFrom([]slo.Window{
			slo.Rolling{Length: 6 * slo.Hour}, slo.Rolling{Length: slo.Day}, slo.Rolling{Length: 100}, slo.Calendar{N: 1, Unit: slo.CalendarDay},
		}).Draw(t, "window"),
	}
	if rapid.Bool().Draw(t, "slices") {
		o.Budgeting = rapid.SampledFrom([]slo.Budgeting{slo.Timeslices, slo.RatioTimeslices}).Draw(t, "method")
		o.Slice, o.SliceTarget = slo.Minute(rapid.SampledFrom([]int{1, 5, 7}).Draw(t, "slice")), slo.MustDecimal("0.95")
	}
	if rapid.Bool().Draw(t, "cover") {
		o.Coverage = slo.MustDecimal("0.5")
	}
	return o
}

// TestJudge holds every instant against what the product itself would have
// said.
func TestJudge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawObjective(t)
		series, frontier := history(t, max(1, o.Slice))
		var conditions []slo.Condition
		for range rapid.IntRange(1, 3).Draw(t, "conditions") {
			long := slo.Minute(rapid.IntRange(1, 200).Draw(t, "long"))
			conditions = append(conditions, slo.Condition{
				Name: "c", Long: long, Short: slo.Minute(rapid.IntRange(1, int(long)).Draw(t, "short")), Weighted: rapid.Bool().Draw(t, "weighted"),
				Threshold: slo.MustDecimal(rapid.SampledFrom([]string{"1", "14.4", "0.233333", "5", "1000"}).Draw(t, "threshold")),
			})
		}
		minBad := slo.Events(int64(rapid.SampledFrom([]int{0, 0, 1, 5, 100}).Draw(t, "min bad")))
		s := &backtest.Subject{Objective: o, View: series, Span: slo.Span{From: start + slo.Minute(rapid.IntRange(0, 40).Draw(t, "from")), To: frontier + 2}}
		if rapid.Bool().Draw(t, "exclude") {
			from := start + slo.Minute(rapid.IntRange(0, 500).Draw(t, "x"))
			s.Excluded = []slo.Span{{From: from, To: from + 33}, {From: from + 20, To: from + 60}}
		}
		got := backtest.Judge(s, conditions, minBad)
		want := *o
		want.Conditions, want.MinBad = conditions, minBad
		view := slo.Exclude(series, s.Excluded, max(1, o.Slice))
		cursor := make([]int, len(conditions))
		for at := s.Span.From + 1; at <= s.Span.To; at++ {
			st, _ := slo.Evaluate(slo.Input{Objective: &want, View: view, At: at})
			for i := range conditions {
				if truth := truthAt(got[i], &cursor[i], at); truth != st.Conditions[i].Truth {
					t.Fatalf("minute %d: condition %+v is %v, and %v for the product", at-start, conditions[i], truth, st.Conditions[i].Truth)
				}
			}
		}
	})
}

func truthAt(runs []backtest.Run, at *int, m slo.Minute) slo.Truth {
	for *at < len(runs) && runs[*at].To <= m {
		*at++
	}
	switch {
	case *at == len(runs) || !runs[*at].Contains(m):
		return slo.False
	case runs[*at].Unknown:
		return slo.Undetermined
	}
	return slo.True
}
