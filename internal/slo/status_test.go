package slo_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// run is a stretch of equal minutes; a negative total leaves it unmeasured.
type run struct {
	minutes    slo.Minute
	bad, total int64
}

// build lays runs one behind the other so that they end at epoch.
func build(runs ...run) *slo.Series {
	var length slo.Minute
	for _, r := range runs {
		length += r.minutes
	}
	var points []slo.Point
	at := epoch - length
	for _, r := range runs {
		for range r.minutes {
			if r.total >= 0 {
				points = append(points, slo.Point{At: at, Count: slo.Count{Good: slo.Events(r.total - r.bad), Total: slo.Events(r.total)}})
			}
			at++
		}
	}
	return slo.NewSeries(1, epoch, points)
}

func monthly() *slo.Objective {
	o := &slo.Objective{Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: 30 * slo.Day}}
	o.Conditions, _ = slo.DefaultConditions(o.Window, o.Target)
	return o
}

const quiet = 30 * slo.Day

func TestFlags(t *testing.T) {
	t.Parallel()
	type flags = []slo.Flag
	for _, tt := range []struct {
		name  string
		view  slo.View
		tweak func(*slo.Input)
		level slo.Level
		want  flags
	}{
		{"healthy", build(run{quiet, 0, 1000}), nil, slo.Healthy, nil},
		{"fast burn", build(run{quiet, 0, 1000}, run{1, 1000, 1000}), nil, slo.Healthy, flags{slo.FastBurn}},
		{"both burn", build(run{quiet, 0, 1000}, run{10, 1000, 1000}), nil, slo.Healthy, flags{slo.FastBurn, slo.SlowBurn}},
		{"slow burn", build(run{quiet, 0, 1000}, run{2 * slo.Day, 2, 1000}), nil, slo.Healthy, flags{slo.SlowBurn}},
		{"a blind hour", build(run{quiet, 0, 1000}, run{60, 0, -1}, run{60, 0, 1000}), nil, slo.Healthy, flags{slo.InsufficientData}},
		{"a blind quarter of the window", build(run{10 * slo.Day, 0, 1000}, run{8 * slo.Day, 0, -1}, run{12 * slo.Day, 0, 1000}), nil, slo.Healthy, flags{slo.InsufficientData}},
		{"nine tenths suffice", build(run{quiet, 0, 1000}, run{6, 0, -1}, run{54, 0, 1000}), nil, slo.Healthy, nil},
		{"born a day ago", build(run{slo.Day, 0, 1000}), nil, slo.Healthy, nil},
		{"never measured", slo.NewSeries(1, epoch, nil), nil, slo.Unknown, flags{slo.InsufficientData}},
		{"no traffic at all", build(run{quiet, 0, 0}), nil, slo.Unknown, flags{slo.NoTraffic}},
		{"silent", build(run{quiet, 0, 1000}, run{60, 0, 0}), nil, slo.Healthy, flags{slo.Silent}},
		{"quiet as every week", build(run{29 * slo.Day, 0, 0}, run{slo.Day - 60, 0, 1000}, run{60, 0, 0}), nil, slo.Healthy, nil},
		{"blind is not silent", build(run{quiet, 0, 1000}, run{60, 0, -1}), nil, slo.Healthy, flags{slo.InsufficientData}},
		{"stale", build(run{quiet, 0, 1000}), func(in *slo.Input) { in.Objective.MaxAge, in.At = 10, epoch+11 }, slo.Healthy, flags{slo.Stale}},
		{"just not stale", build(run{quiet, 0, 1000}), func(in *slo.Input) { in.Objective.MaxAge, in.At = 10, epoch+10 }, slo.Healthy, nil},
		{"a recording is never stale", build(run{quiet, 0, 1000}), func(in *slo.Input) { in.At = epoch + 100_000 }, slo.Healthy, nil},
		{"relineaged", build(run{quiet, 0, 1000}), func(in *slo.Input) { in.Lineages = []slo.Minute{epoch - 100} }, slo.Healthy, flags{slo.Relineaged}},
		{"relineaged before the window", build(run{quiet, 0, 1000}), func(in *slo.Input) { in.Lineages = []slo.Minute{epoch - quiet} }, slo.Healthy, nil},
		{"impossible counts", build(run{quiet, -1, 1000}), nil, slo.Unknown, nil},
		{"saturated", build(run{2, 0, math.MaxInt64 / 1_000_000}), nil, slo.Unknown, nil},
		{"a target of 1", build(run{quiet, 0, 1000}), func(in *slo.Input) { in.Objective.Target = slo.MustDecimal("1") }, slo.Unknown, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := slo.Input{Objective: monthly(), View: tt.view, At: epoch}
			if tt.tweak != nil {
				tt.tweak(&in)
			}
			st, more := slo.Evaluate(in)
			if st.Level != tt.level || !slices.Equal(st.Flags, tt.want) || len(more) > 0 {
				t.Errorf("%v %v %v, want %v %v", st.Level, st.Flags, more, tt.level, tt.want)
			}
		})
	}
}

// Levels change exactly at 0.25, 0.10 and 0: 43,200 bad events are allowed.
func TestLevels(t *testing.T) {
	t.Parallel()
	for bad, want := range map[int64]slo.Level{
		0: slo.Healthy, 32_399: slo.Healthy, 32_400: slo.Caution, 38_879: slo.Caution, 38_880: slo.Critical,
		43_199: slo.Critical, 43_200: slo.Exhausted, 86_400: slo.Exhausted,
	} {
		view := build(run{1, bad, 1000 * int64(quiet)}, run{quiet - 1, 0, 0})
		st, _ := slo.Evaluate(slo.Input{Objective: monthly(), View: view, At: epoch})
		if st.Level != want {
			t.Errorf("%d bad: %v, want %v", bad, st.Level, want)
		}
		if r := *st.Budget.Remaining; r != float64(43_200-bad)/43_200 {
			t.Errorf("%d bad: remaining %v", bad, r)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for l := slo.Unknown; l <= slo.Exhausted; l++ {
		b, err := json.Marshal(l)
		var back slo.Level
		if err != nil || json.Unmarshal(b, &back) != nil || back != l || string(b) != `"`+l.String()+`"` {
			t.Errorf("%v is %s and back %v", l, b, back)
		}
	}
	var l slo.Level
	if err := json.Unmarshal([]byte(`"fine"`), &l); err == nil {
		t.Error("an unknown level is read")
	}
	if s := slo.True.String() + slo.False.String() + slo.Undetermined.String(); s != "truefalseunknown" {
		t.Error(s)
	}
}

// A condition's truth: strict, false without traffic, unknown without data, and
// false as soon as one window surely is.
func TestTruth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		view  slo.View
		tweak func(*slo.Objective)
		want  slo.Truth
	}{
		{"over", build(run{55, 0, 1000}, run{5, 1000, 1000}), nil, slo.True},
		{"exactly at the threshold", build(run{60, 144, 10_000}), nil, slo.False},
		{"no traffic", build(run{55, 1000, 1000}, run{5, 0, 0}), nil, slo.False},
		{"blind in the short window", build(run{55, 1000, 1000}, run{5, 0, -1}), nil, slo.Undetermined},
		{"blind in the long window", build(run{600, 0, 1000}, run{50, 0, -1}, run{10, 1000, 1000}), nil, slo.Undetermined},
		{"blind, but surely not", build(run{600, 0, 1000}, run{50, 0, -1}, run{10, 0, 1000}), nil, slo.False},
		{"blind before the birth is nothing", build(run{10, 1000, 1000}), nil, slo.True},
		{"too few bad events", build(run{60, 1, 1}), func(o *slo.Objective) { o.MinBad = slo.Events(61) }, slo.False},
		{"enough bad events", build(run{60, 1, 1}), func(o *slo.Objective) { o.MinBad = slo.Events(60) }, slo.True},
		{"a lower coverage is enough", build(run{10, 1000, 1000}, run{50, 0, -1}), func(o *slo.Objective) { o.Coverage = slo.MustDecimal("0.1") }, slo.Undetermined},
		{"weighted over", build(run{quiet - 60, 0, 1000}, run{60, 15, 1000}), func(o *slo.Objective) { o.Conditions[0].Weighted = true }, slo.True},
		{"weighted at the threshold", build(run{quiet - 60, 15, 10_000}, run{60, 144, 10_000}), func(o *slo.Objective) { o.Conditions[0].Weighted = true }, slo.False},
		{"weighted, born an hour ago", build(run{60, 10, 1000}), func(o *slo.Objective) { o.Conditions[0].Weighted = true }, slo.False},
		{"weighted, born an hour ago, over", build(run{60, 15, 1000}), func(o *slo.Objective) { o.Conditions[0].Weighted = true }, slo.True},
		{"weighted and blind", build(run{quiet - 60, 0, 1000}, run{60, 0, -1}), func(o *slo.Objective) { o.Conditions[0].Weighted = true }, slo.Undetermined},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := monthly()
			if tt.tweak != nil {
				tt.tweak(o)
			}
			st, _ := slo.Evaluate(slo.Input{Objective: o, View: tt.view, At: epoch})
			if got := st.Conditions[0].Truth; got != tt.want {
				t.Errorf("%v, want %v (%s, %s)", got, tt.want, show(st.Conditions[0].Long), show(st.Conditions[0].Short))
			}
		})
	}
}

// A month with and without a predecessor: 100 requests a minute in January,
// 200 in February so far.
func TestCalendarProjection(t *testing.T) {
	t.Parallel()
	jan := slo.MinuteOf(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	feb := jan + 31*slo.Day
	series := func(from, to slo.Minute) slo.View {
		var points []slo.Point
		for m := from; m < to; m++ {
			n := slo.Events(100)
			if m >= feb {
				n = slo.Events(200)
			}
			points = append(points, slo.Point{At: m, Count: slo.Count{Good: n, Total: n}})
		}
		return slo.NewSeries(1, to, points)
	}
	for _, tt := range []struct {
		name     string
		from, to slo.Minute
		allowed  float64
		young    bool
	}{
		{"with a predecessor", jan, feb + slo.Day, float64(200*slo.Day+100*27*slo.Day) / 1000, false},
		{"with a patchy predecessor", feb - 2*slo.Day, feb + slo.Day, float64(200*slo.Day+100*27*slo.Day) / 1000, false},
		{"with next to none", feb - slo.Day, feb + 2*slo.Day, float64(200*28*slo.Day) / 1000, false},
		{"with next to none, too young", feb - slo.Day, feb + slo.Day, float64(200*28*slo.Day) / 1000, true},
		{"without one", feb, feb + 2*slo.Day, float64(200*28*slo.Day) / 1000, false},
		{"without one, too young", feb, feb + slo.Day, float64(200*28*slo.Day) / 1000, true},
		{"without one, just young", feb, feb + 2015, float64(200*28*slo.Day) / 1000, true},
		{"without one, a twentieth", feb, feb + 2016, float64(200*28*slo.Day) / 1000, false},
		{"at the end", jan, feb + 28*slo.Day, float64(200*28*slo.Day) / 1000, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := &slo.Objective{Target: slo.MustDecimal("0.999"), Window: slo.Calendar{N: 1, Unit: slo.CalendarMonth}}
			st, _ := slo.Evaluate(slo.Input{Objective: o, View: series(tt.from, tt.to), At: tt.to})
			if st.Budget.Allowed != tt.allowed || slices.Contains(st.Flags, slo.New) != tt.young {
				t.Errorf("allowed %v %v, want %v %v", st.Budget.Allowed, st.Flags, tt.allowed, tt.young)
			}
		})
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	o := monthly()
	o.Window = slo.Calendar{N: 1, Unit: slo.CalendarMonth}
	now := slo.MinuteOf(time.Date(2025, 2, 10, 12, 0, 0, 0, time.UTC))
	got := slo.Needs(o, now)
	feb := slo.MinuteOf(time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC))
	for _, want := range []slo.Span{
		{From: feb, To: now},
		{From: feb - 31*slo.Day, To: feb},
		{From: now - 5, To: now},
		{From: now - 3*slo.Day, To: now},
		{From: now - slo.Hour - slo.Week, To: now - slo.Week},
		{From: now - slo.Hour - 4*slo.Week, To: now - 4*slo.Week},
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%v is not needed", want)
		}
	}
	if slo.Needs(nil, 0) != nil || slo.Needs(&slo.Objective{}, 0) != nil {
		t.Error("nothing needs something")
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	c := func(n int64) slo.Count { return slo.Count{Good: slo.Events(n), Total: slo.Events(n)} }
	s := slo.NewSeries(5, 30, []slo.Point{{At: 20, Count: c(9)}, {At: 5, Count: c(1)}, {At: 20, Count: c(2)}, {At: 28, Count: c(7)}, {At: 30, Count: c(7)}})
	if got := s.Sum(slo.Span{From: 0, To: 100}); got != (slo.Stretch{Count: c(3), Measured: 2, Expected: 5}) {
		t.Errorf("%+v", got)
	}
	var at []slo.Minute
	for m := range s.Points(slo.Span{From: 0, To: 100}) {
		at = append(at, m)
	}
	if b, ok := s.Birth(); b != 5 || !ok || s.Frontier() != 30 || !s.Loaded(slo.Span{}) {
		t.Errorf("born %d %v", b, ok)
	}
	if d := cmp.Diff([]slo.Minute{5, 20}, at); d != "" {
		t.Error(d)
	}
	if _, ok := slo.NewSeries(0, 10, nil).Birth(); ok {
		t.Error("nothing was born")
	}
}

// Whatever an input holds, an answer comes back, and one that is not known has
// no numbers that could pass for it.
func TestEvaluateSurvivesAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		decimals := rapid.SampledFrom([]string{"0", "1", "1.5", "-1", "0.999", "0.000000000000000001", "999999999999999999"})
		d := func(label string) slo.Decimal { return slo.MustDecimal(decimals.Draw(t, label)) }
		minutes := rapid.SampledFrom([]slo.Minute{-5, 0, 1, 7, 60, slo.Day, slo.Week})
		counts := rapid.SampledFrom([]slo.Amount{-1, 0, 1, slo.Unit, 1_000_000 * slo.Unit, math.MaxInt64 - 1, math.MaxInt64})
		var points []slo.Point
		for range rapid.IntRange(0, 5).Draw(t, "points") {
			at := epoch - slo.Minute(rapid.IntRange(1, 20_000).Draw(t, "at"))
			points = append(points, slo.Point{At: at, Count: slo.Count{Good: counts.Draw(t, "good"), Total: counts.Draw(t, "total")}})
		}
		o := &slo.Objective{
			Target: d("target"), Budgeting: slo.Budgeting(rapid.IntRange(0, 3).Draw(t, "method")), Coverage: d("coverage"),
			Slice: minutes.Draw(t, "slice"), SliceTarget: d("slice target"), MinBad: counts.Draw(t, "min bad"),
		}
		o.Window = slo.Window(slo.Rolling{Length: minutes.Draw(t, "length")})
		if rapid.Bool().Draw(t, "calendar") {
			o.Window = slo.Calendar{N: int(minutes.Draw(t, "n")), Unit: slo.CalendarUnit(rapid.IntRange(0, 9).Draw(t, "unit"))}
		}
		o.Conditions = []slo.Condition{{
			Long: minutes.Draw(t, "long"), Short: minutes.Draw(t, "short"), Threshold: d("threshold"), Weighted: rapid.Bool().Draw(t, "weighted"),
		}}
		in := slo.Input{Objective: o, View: slo.NewSeries(1, epoch, points), At: epoch}
		for range rapid.IntRange(0, 2).Draw(t, "members") {
			m := member("0", "")
			m.Objective.Target, m.Weight = d("member target"), d("weight")
			o.Members = append(o.Members, m)
			in.Members = append(in.Members, in.View)
		}
		in.View = slo.Exclude(in.View, []slo.Span{{From: epoch - 100, To: epoch - 90}}, minutes.Draw(t, "exclusion step"))
		st, _ := slo.Evaluate(in)
		if r := st.Budget.Remaining; (r == nil) != (st.Level == slo.Unknown) || (r != nil && math.IsNaN(*r)) {
			t.Fatalf("level %v, remaining %s", st.Level, show(r))
		}
		slo.Reopening(in)
		slo.Losses(in, 3)
		slo.Trend(in)
		slo.Needs(o, epoch)
	})
}
