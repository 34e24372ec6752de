package backtest_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestShareOf holds the intervals against those that Newcombe published
// (Statistics in Medicine 17, 1998, table I, method 3).
func TestShareOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n, of     int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
	} {
		got := backtest.ShareOf(tt.n, tt.of)
		if math.Abs(got.Low-tt.low) > 5e-5 || math.Abs(got.High-tt.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, published %.4f to %.4f", tt.n, tt.of, got.Low, got.High, tt.low, tt.high)
		}
		mirrored := backtest.ShareOf(tt.of-tt.n, tt.of)
		if math.Abs(mirrored.Low-(1-got.High)) > 1e-12 || math.Abs(mirrored.High-(1-got.Low)) > 1e-12 {
			t.Errorf("%d of %d is not the mirror of %d", tt.of-tt.n, tt.of, tt.n)
		}
	}
	if got := backtest.ShareOf(0, 0); got.Low != 0 || got.High != 1 || !got.Few() {
		t.Errorf("nothing of nothing: %+v", got)
	}
	if backtest.ShareOf(3, 10).Few() {
		t.Error("ten are few")
	}
}

func TestMean(t *testing.T) {
	t.Parallel()
	// Student's quantile for two degrees of freedom is 4.303.
	mean, half := backtest.Mean([]float64{1, 2, 3})
	if mean != 2 || math.Abs(half-4.303/math.Sqrt(3)) > 1e-9 {
		t.Errorf("%v and %v", mean, half)
	}
	if _, half := backtest.Mean([]float64{1}); !math.IsNaN(half) {
		t.Errorf("one value has an interval of %v", half)
	}
}

// flat is a history of 1,000 events a minute in which some minutes are bad.
func flat(days slo.Minute, bad map[slo.Span]int64) *backtest.Subject {
	var points []slo.Point
	for at := start; at < start+days*slo.Day; at++ {
		n := int64(0)
		for s, k := range bad {
			if s.Contains(at) {
				n = k
			}
		}
		points = append(points, slo.Point{At: at, Count: slo.Count{Good: slo.Events(1000 - n), Total: slo.Events(1000)}})
	}
	o := &slo.Objective{Service: "shop", SLO: "pay", Name: "x", Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: 30 * slo.Day}}
	return &backtest.Subject{Objective: o, View: slo.NewSeries(1, start+days*slo.Day, points), Span: slo.Span{From: start, To: start + days*slo.Day}}
}

func at(day, hour, minute slo.Minute) slo.Minute {
	return start + day*slo.Day + hour*slo.Hour + minute
}

// TestScore works an example that can be checked by hand: two outages that are
// told of, one that is too small for a page, one notification about nothing
// anybody wrote down.
func TestScore(t *testing.T) {
	t.Parallel()
	day, night, small, unlisted := slo.Span{From: at(30, 12, 0), To: at(30, 12, 10)}, slo.Span{From: at(31, 23, 0), To: at(31, 23, 20)},
		slo.Span{From: at(33, 9, 0), To: at(33, 9, 1)}, slo.Span{From: at(34, 12, 0), To: at(34, 12, 10)}
	s := flat(35, map[slo.Span]int64{day: 500, night: 150, small: 100, unlisted: 500})
	p := backtest.Default(s.Objective.Window, s.Objective.Target, false)
	c := backtest.Prepare(s)
	incidents := []backtest.Incident{
		{Subject: "shop", From: day.From, To: day.To}, {Subject: "shop/pay", From: night.From, To: night.To}, {Subject: "*", From: small.From, To: small.To},
	}
	cases := []*backtest.Case{c}
	backtest.Measure(cases, incidents)
	for i, want := range []float64{5000.0 / 43200, 3000.0 / 43200, 100.0 / 43200} {
		if math.Abs(incidents[i].Spent-want) > 1e-12 {
			t.Errorf("incident %d spent %v, want %v", i, incidents[i].Spent, want)
		}
	}
	scoring := backtest.Scoring{Cases: cases, Incidents: incidents, Replayed: backtest.Replay(cases, []backtest.Policy{p}, backtest.Options{})}
	got := scoring.Evaluate()
	if d := cmp.Diff(fmt.Sprint(2, 3, 2, 3, 3, 1), fmt.Sprint(got.Precision.N, got.Precision.Of, got.Recall.N, got.Recall.Of, got.Total, got.Nights.Notifications)); d != "" {
		t.Error(d)
	}
	// 50 % errors fire in the second minute, 15 % in the sixth (vectors V01, V02).
	if *got.Delay.P50 != 2 || *got.Delay.P90 != 6 || got.Delay.N != 2 {
		t.Errorf("delays %v %v", *got.Delay.P50, *got.Delay.P90)
	}
	if math.Abs(*got.Spent.P50-900.0/43200) > 1e-12 || math.Abs(*got.Spent.P90-1000.0/43200) > 1e-12 {
		t.Errorf("spent %v %v", *got.Spent.P50, *got.Spent.P90)
	}
	if want := 8000.0 / 8100; math.Abs(*got.BudgetRecall-want) > 1e-12 {
		t.Errorf("recall by budget %v, want %v", *got.BudgetRecall, want)
	}
	if got.PerWeek != 3/5.0 || got.Nights.Worst != 1 || got.Nights.Over != 0 || got.Duplicates.N != 0 {
		t.Errorf("%+v", got)
	}
	// In Tokyo it is morning when the outage of the night begins, and evening when the others do.
	scoring.Rotation = backtest.Rotation{Zone: time.FixedZone("JST", 9*3600), PerShift: -1}
	if n := scoring.Evaluate().Nights; n.Notifications != 0 {
		t.Errorf("nights in Tokyo: %+v", n)
	}
}

// TestDerive: what spends the share is an incident, what does not is none, and
// short pauses do not end one.
func TestDerive(t *testing.T) {
	t.Parallel()
	first, again := slo.Span{From: at(30, 12, 0), To: at(30, 12, 10)}, slo.Span{From: at(30, 12, 15), To: at(30, 12, 20)}
	small := slo.Span{From: at(31, 12, 0), To: at(31, 12, 8)}
	s := flat(32, map[slo.Span]int64{first: 500, again: 500, small: 100})
	got := backtest.Prepare(s).Derive(backtest.Derivation{})
	want := []backtest.Incident{{Subject: "shop/pay/x", From: first.From, To: again.To, Spent: 7500.0 / 43200}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := backtest.Prepare(s).Derive(backtest.Derivation{Share: 0.01, Gap: 3}); len(got) != 3 {
		t.Errorf("a smaller share and gap: %v", got)
	}
	s.Excluded = []slo.Span{{From: first.From, To: again.To}}
	if got := backtest.Prepare(s).Derive(backtest.Derivation{}); len(got) != 0 {
		t.Errorf("what is excluded: %v", got)
	}
}

// TestReplayAgain: the same history gives the same answer, and letting go of it
// changes nothing.
func TestReplayAgain(t *testing.T) {
	t.Parallel()
	s := flat(32, map[slo.Span]int64{{From: at(30, 12, 0), To: at(30, 12, 30)}: 200, {From: at(30, 14, 0), To: at(30, 20, 0)}: 7})
	p := backtest.Default(s.Objective.Window, s.Objective.Target, true)
	c := backtest.Prepare(s)
	c.Judge(p)
	one := backtest.Replay([]*backtest.Case{c}, []backtest.Policy{p}, backtest.Options{})
	c.Release()
	two := backtest.Replay([]*backtest.Case{c}, []backtest.Policy{p}, backtest.Options{})
	if d := cmp.Diff(one, two); d != "" || len(one.Notices) == 0 {
		t.Error(d, one)
	}
}

// TestSweep finds the policy that tells of the outages under the budget, and
// says what it was worth on the weeks that were held back.
func TestSweep(t *testing.T) {
	t.Parallel()
	bad := map[slo.Span]int64{}
	for day := slo.Minute(2); day < 60; day += 3 {
		bad[slo.Span{From: at(day, 12, 0), To: at(day, 12, 20)}] = 300
		bad[slo.Span{From: at(day+1, 3, 0), To: at(day+1, 3, 3)}] = 150 // 1 % of the budget: no incident
	}
	s := flat(63, bad)
	c := backtest.Prepare(s)
	grid := backtest.Grid()
	sweep := backtest.Sweep{Cases: []*backtest.Case{c}, Incidents: c.Derive(backtest.Derivation{}), Specs: grid, PerWeek: 3}
	got := sweep.Run()
	if got.Tried != len(grid) || got.Within == 0 || got.Within == got.Tried || got.Train.To != got.Holdout.From || got.Train.Len() != 6*slo.Week {
		t.Errorf("%d tried, %d within, %v and %v", got.Tried, got.Within, got.Train, got.Holdout)
	}
	best := got.Best[0]
	if best.Train.F1() != 1 || best.Holdout.Recall.N != best.Holdout.Recall.Of || best.Holdout.Recall.Of < 5 || best.Train.PerWeek > 3 {
		t.Errorf("%s: %+v", best.Spec.Name, best)
	}
	sweep.PerWeek = 0.1
	if got := sweep.Run(); got.Within != 0 || len(got.Best) != 0 {
		t.Errorf("nothing keeps a tenth of a page a week: %+v", got)
	}
}
