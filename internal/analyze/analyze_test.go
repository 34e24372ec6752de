package analyze_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// monday is 2025-01-06T00:00:00Z.
var monday = slo.MinuteOf(time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC))

// steady is days of hourly steps with 1,000 events each; bad says how many of
// an hour's failed.
func steady(days int, bad func(hour int) int64) []analyze.Step {
	out := make([]analyze.Step, 0, days*24)
	for h := range days * 24 {
		out = append(out, analyze.Step{
			At: monday + slo.Minute(h)*slo.Hour, Width: slo.Hour,
			Count: slo.Count{Good: slo.Events(1000 - bad(h)), Total: slo.Events(1000)},
		})
	}
	return out
}

func none(int) int64 { return 0 }

func TestTargetText(t *testing.T) {
	for target, want := range map[analyze.Target][2]string{
		900_000: {"90", "0.9"}, 999_500: {"99.95", "0.9995"}, 999_990: {"99.999", "0.99999"}, 1_000_000: {"100", "1"}, 50: {"0.005", "0.00005"},
	} {
		if got := [2]string{target.Percent(), target.String()}; got != want {
			t.Errorf("%d prints %q, want %q", int64(target), got, want)
		}
	}
}

// At the target exactly is met, one millionth of an event below is not.
func TestTargetIsExact(t *testing.T) {
	for _, tc := range []struct {
		good, total slo.Amount
		want        bool
	}{
		{9995, 10000, true},
		{9994, 10000, false},
		{0, 0, true},
		{slo.Events(9_995_000) - 1, slo.Events(10_000_000), false},
		{slo.Events(9_995_000), slo.Events(10_000_000), true},
		{math.MaxInt64, math.MaxInt64, true},
		{math.MaxInt64 / 2, math.MaxInt64, false},
	} {
		if got := analyze.Target(999_500).Met(slo.Count{Good: tc.good, Total: tc.total}); got != tc.want {
			t.Errorf("%d/%d met: %v, want %v", tc.good, tc.total, got, tc.want)
		}
	}
}

// Two weeks: 60 of 168,000 fail in the first (99.964 %), 200 in the second
// (99.881 %); as a whole 260 of 336,000 (99.923 %).
func TestSuggestedIsKeptEveryWeek(t *testing.T) {
	r := analyze.Counts(steady(14, func(h int) int64 {
		switch h {
		case 10:
			return 60
		case 200:
			return 200
		}
		return 0
	}), analyze.Options{})
	if r.Suggested != 998_000 {
		t.Errorf("suggested %s %%, want 99.8: 99.9 holds as a whole but not in the second week", r.Suggested.Percent())
	}
	trial := r.Trials[6]
	want := analyze.Trial{
		Target: 999_000, Whole: true, DaysMet: 12, Days: 14, WeeksMet: 1, Weeks: 2,
		Worst: slo.Span{From: monday, To: monday + 14*slo.Day}, Remaining: new(1 - 260.0/336.0),
	}
	if diff := cmp.Diff(want, trial, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })); diff != "" {
		t.Errorf("99.9 %%: (-want +got)\n%s", diff)
	}
}

func TestWorstWindowSlides(t *testing.T) {
	// 240 lost on day 3 and 240 on day 40: no 30-day window holds both.
	r := analyze.Counts(steady(60, func(h int) int64 {
		if h == 3*24 || h == 40*24 {
			return 240
		}
		return 0
	}), analyze.Options{Targets: []analyze.Target{999_000}})
	got := r.Trials[0]
	if want := 1 - 240.0/720.0; got.Remaining == nil || math.Abs(*got.Remaining-want) > 1e-12 {
		t.Errorf("the worst window left %v, want %v", got.Remaining, want)
	}
	if got.Worst.Len() != 30*slo.Day {
		t.Errorf("the worst window is %d minutes long", got.Worst.Len())
	}
}

func TestDoubts(t *testing.T) {
	for _, tc := range []struct {
		name  string
		steps []analyze.Step
		want  string
	}{
		{"nothing", nil, "nothing to analyse"},
		{"no event", []analyze.Step{{At: monday, Width: 5}}, "no event was recorded"},
		{"short", steady(3, none), "covers 3 d of a 30 d window"},
		{"perfect", steady(31, none), "nothing failed"},
		{"hopeless", steady(31, func(int) int64 { return 500 }), "no round target was met"},
		{"few", []analyze.Step{{At: monday, Width: 60, Count: slo.Count{Good: slo.Events(9), Total: slo.Events(10)}}}, "10 events are few"},
		{"low volume", []analyze.Step{{At: monday, Width: 31 * slo.Day, Count: slo.Count{Good: slo.Events(1999), Total: slo.Events(2000)}}}, "one bad event burns faster"},
		{"gap", append(steady(10, none), analyze.Step{At: monday + 30*slo.Day, Width: 60, Count: slo.Count{Good: 1, Total: 1}}), "is measured"},
		{"overlap", append(steady(1, none), steady(1, none)...), "24 steps were left out: they overlap"},
		{"impossible", append(steady(1, none), analyze.Step{At: monday + slo.Week, Width: 1, Count: slo.Count{Good: 2, Total: 1}}), "1 steps were left out: more good than total"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := analyze.Counts(tc.steps, analyze.Options{})
			if all := strings.Join(r.Warnings, "\n"); !strings.Contains(all, tc.want) {
				t.Errorf("warnings:\n%s\nwant one with %q", all, tc.want)
			}
		})
	}
}

// A civil day is 23 hours long when the clocks go forward, and the days add up.
func TestDaysFollowTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone database: ", err)
	}
	from := slo.MinuteOf(time.Date(2025, 3, 29, 0, 0, 0, 0, berlin))
	var steps []analyze.Step
	for h := range slo.Minute(72) {
		steps = append(steps, analyze.Step{At: from + h*slo.Hour, Width: slo.Hour, Count: slo.Count{Good: slo.Unit, Total: slo.Unit}})
	}
	var hours []int64
	for _, d := range analyze.Counts(steps, analyze.Options{Zone: berlin}).Days {
		hours = append(hours, int64(d.Stretch.Total/slo.Unit))
	}
	if diff := cmp.Diff([]int64{24, 23, 24, 1}, hours); diff != "" {
		t.Errorf("events a civil day (-want +got)\n%s", diff)
	}
}

// TestAgainstNaive recomputes everything by re-adding with big numbers.
func TestAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := drawSteps(t)
		window := slo.Minute(rapid.IntRange(1, 20).Draw(t, "window days")) * slo.Day
		r := analyze.Counts(steps, analyze.Options{Window: window})
		var whole slo.Count
		for _, s := range steps {
			whole = whole.Add(s.Count)
		}
		if r.Whole.Stretch.Count != whole {
			t.Fatalf("whole %v, want %v", r.Whole.Stretch.Count, whole)
		}
		agree(t, steps, r.Days, slo.Day)
		agree(t, steps, r.Weeks, slo.Week)
		for _, trial := range r.Trials {
			if want := naiveMet(trial.Target, whole); trial.Whole != want {
				t.Fatalf("%s met: %v, want %v", trial.Target, trial.Whole, want)
			}
			want := naiveWorst(steps, r.Whole.Span, window, trial.Target)
			if (want == nil) != (trial.Remaining == nil) || want != nil && math.Abs(*want-*trial.Remaining) > 1e-9 {
				t.Fatalf("%s: worst window leaves %v, want %v", trial.Target, trial.Remaining, want)
			}
		}
	})
}

func drawSteps(t *rapid.T) []analyze.Step {
	n := rapid.IntRange(1, 200).Draw(t, "steps")
	at := monday + slo.Minute(rapid.IntRange(0, 10_000).Draw(t, "start"))
	out := make([]analyze.Step, n)
	for i := range out {
		at += slo.Minute(rapid.IntRange(0, 600).Draw(t, "gap"))
		width := slo.Minute(rapid.IntRange(1, 300).Draw(t, "width"))
		total := rapid.Int64Range(0, 5000).Draw(t, "total")
		good := rapid.Int64Range(total*9/10, total).Draw(t, "good")
		out[i] = analyze.Step{At: at, Width: width, Count: slo.Count{Good: slo.Events(good), Total: slo.Events(total)}}
		at += width
	}
	return out
}

func agree(t *rapid.T, steps []analyze.Step, periods []analyze.Period, length slo.Minute) {
	var events slo.Amount
	for _, p := range periods {
		var want slo.Count
		for _, s := range steps {
			if p.Span.Contains(s.At) {
				want = want.Add(s.Count)
			}
		}
		if p.Stretch.Count != want || p.Span.Len() != length {
			t.Fatalf("period %v holds %v, want %v", p.Span, p.Stretch.Count, want)
		}
		events += want.Total
	}
	var all slo.Amount
	for _, s := range steps {
		all += s.Count.Total
	}
	if events != all {
		t.Fatalf("the periods hold %d of %d events", events, all)
	}
}

func naiveMet(target analyze.Target, c slo.Count) bool {
	if c.Total == 0 {
		return true
	}
	want, _ := new(big.Rat).SetString(target.String())
	return big.NewRat(int64(c.Good), int64(c.Total)).Cmp(want) >= 0
}

func naiveWorst(steps []analyze.Step, data slo.Span, window slo.Minute, target analyze.Target) *float64 {
	var out *float64
	for _, last := range steps {
		end := last.At + last.Width
		if end-data.From < min(window, data.Len()) {
			continue
		}
		var sum slo.Count
		for _, s := range steps {
			if s.At >= end-window && s.At+s.Width <= end {
				sum = sum.Add(s.Count)
			}
		}
		budget, _ := new(big.Rat).SetString(target.String())
		budget.Sub(big.NewRat(1, 1), budget)
		if sum.Total == 0 {
			continue
		}
		spent, _ := new(big.Rat).Quo(big.NewRat(int64(sum.Bad()), int64(sum.Total)), budget).Float64()
		if out == nil || 1-spent < *out {
			out = new(1 - spent)
		}
	}
	return out
}

func values(n int, value func(i int) float64) []metric.Point {
	out := make([]metric.Point, n)
	for i := range out {
		out[i] = metric.Point{At: monday + slo.Minute(i)*5, Width: 5, Value: slo.Amount(math.Round(value(i) * 1e6))}
	}
	return out
}

func TestValues(t *testing.T) {
	// 1 to 1,000 in a scattered order: 7 is prime to 1,000.
	r := analyze.Values(values(1000, func(i int) float64 { return float64(i*7%1000 + 1) }), slo.LessOrEqual, analyze.Options{})
	var quantiles []float64
	for _, q := range r.Quantiles {
		quantiles = append(quantiles, q.Value.Float())
	}
	if diff := cmp.Diff([]float64{500, 900, 950, 990, 999, 1000}, quantiles); diff != "" {
		t.Errorf("quantiles (-want +got)\n%s", diff)
	}
	for target, want := range map[analyze.Target]float64{950_000: 1000, 990_000: 1000, 999_000: 1000} {
		if got := r.Bounds[target].Value.Float(); got != want {
			t.Errorf("%s %% within %g, want %g", target.Percent(), got, want)
		}
	}
}

func TestValuesEitherSide(t *testing.T) {
	// 97 of 100 steps at 200, three at 900.
	slow := func(i int) float64 {
		if i%100 < 3 {
			return 900
		}
		return 200
	}
	for _, tc := range []struct {
		name string
		op   slo.Op
		want map[analyze.Target]float64
	}{
		{"small is good", slo.LessOrEqual, map[analyze.Target]float64{950_000: 200, 990_000: 1000, 999_000: 1000}},
		{"strictly", slo.LessThan, map[analyze.Target]float64{950_000: 250, 990_000: 1000, 999_000: 1000}},
		{"large is good", slo.GreaterOrEqual, map[analyze.Target]float64{950_000: 200, 990_000: 200, 999_000: 200}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := analyze.Values(values(2100, slow), tc.op, analyze.Options{})
			for target, want := range tc.want {
				if got, ok := r.Bounds[target]; !ok || got.Value.Float() != want {
					t.Errorf("%s %%: bound %g (found %v), want %g", target.Percent(), got.Value.Float(), ok, want)
				}
			}
		})
	}
}

// A bound that Values names is kept, and the next tighter round one is not.
func TestValuesBoundIsTight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Int64Range(-1_000_000_000, 100_000_000_000), 1, 300).Draw(t, "values")
		points := make([]metric.Point, len(raw))
		for i, v := range raw {
			points[i] = metric.Point{At: monday + slo.Minute(i), Width: 1, Value: slo.Amount(v)}
		}
		r := analyze.Values(points, slo.LessOrEqual, analyze.Options{})
		for _, target := range analyze.ValueTargets() {
			b, ok := r.Bounds[target]
			if !ok {
				t.Fatalf("no bound for %s, though the largest value is one", target)
			}
			within := 0
			for _, v := range raw {
				if slo.Amount(v) <= b.Value {
					within++
				}
			}
			if int64(within)*1_000_000 < int64(target)*int64(len(raw)) {
				t.Fatalf("%d of %d are within %d: less than %s", within, len(raw), b.Value, target)
			}
		}
	})
}

func TestNoValues(t *testing.T) {
	if r := analyze.Values(nil, slo.LessOrEqual, analyze.Options{}); len(r.Warnings) != 1 || len(r.Bounds) != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestDocument(t *testing.T) {
	counts := string(analyze.Document(analyze.Start{
		Service: "payment-api", SLO: "availability", Path: "a b.csv",
		Objective: "available", Target: 999_500, Window: 30 * slo.Day, Good: "good", Total: "total",
	}))
	for _, want := range []string{"\n  name: payment-api\n", `{path: "a b.csv", column: good}`, `{path: "a b.csv", column: total}`, "target: 0.9995\n", "duration: 30d\n"} {
		if !strings.Contains(counts, want) {
			t.Errorf("no %q in\n%s", want, counts)
		}
	}
	valued := string(analyze.Document(analyze.Start{
		Service: "on", SLO: "cpu", Path: "cpu.csv", Objective: "calm", Target: 990_000,
		Window: 28 * slo.Day, Value: "value", Op: slo.LessOrEqual, Bound: slo.Events(80), Step: 5,
	}))
	for _, want := range []string{"\n  name: \"on\"\n", "op: lte", "value: 80\n", "timeSliceTarget: 0.99\n", "timeSliceWindow: 5m\n"} {
		if !strings.Contains(valued, want) {
			t.Errorf("no %q in\n%s", want, valued)
		}
	}
}
