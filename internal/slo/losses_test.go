package slo_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestLosses(t *testing.T) {
	t.Parallel()
	// Two outages five minutes apart are one, six minutes apart are two; a trickle below the budget is none.
	view := build(
		run{29 * slo.Day, 0, 1000}, run{3, 1000, 1000}, run{5, 1, 1000}, run{2, 500, 1000},
		run{100, 0, 1000}, run{1, 900, 1000}, run{6, 0, 1000}, run{1, 800, 1000}, run{1323, 0, 1000},
	)
	got, more := slo.Losses(slo.Input{Objective: monthly(), View: view, At: epoch}, 2)
	at := epoch - 1323 - 1 - 6 - 1 - 100 - 10
	want := []slo.Loss{
		{Span: slo.Span{From: at, To: at + 10}, Bad: slo.Events(4005), Total: slo.Events(10_000), Share: 4005.0 / 43_200},
		{Span: slo.Span{From: at + 110, To: at + 111}, Bad: slo.Events(900), Total: slo.Events(1000), Share: 900.0 / 43_200},
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-4 })
	if d := cmp.Diff(want, got, near); d != "" || len(more) > 0 {
		t.Error(d, more)
	}
	if got, _ := slo.Losses(slo.Input{Objective: monthly(), View: view, At: epoch}, 0); got != nil {
		t.Errorf("none asked for, got %v", got)
	}
}

// The worst day does not hold the worst stretch: that one lies on a midnight,
// and neither of its days costs as much.
func TestLossOverMidnight(t *testing.T) {
	t.Parallel()
	midnight := epoch / slo.Day * slo.Day
	var points []slo.Point
	for m := midnight - 5*slo.Day; m < midnight; m++ {
		c := slo.Count{Good: slo.Events(100), Total: slo.Events(100)}
		switch at := m - midnight + 3*slo.Day; {
		case -30 <= at && at < 30: // 60 minutes on the midnight three days ago
			c.Good = 0
		case 2*slo.Day+100 <= at && at < 2*slo.Day+150: // 50 minutes the day before the end
			c.Good = 0
		}
		points = append(points, slo.Point{At: m, Count: c})
	}
	o := &slo.Objective{Target: slo.MustDecimal("0.99"), Window: slo.Rolling{Length: 5 * slo.Day}}
	var got []slo.Loss
	var loaded []slo.Span
	for round := 0; ; round++ {
		v := &strict{View: slo.NewSeries(1, midnight, points), opened: slo.Needs(o, midnight), loaded: loaded, fail: t.Fatalf}
		var more []slo.Span
		if got, more = slo.Losses(slo.Input{Objective: o, View: v, At: midnight}, 1); len(more) == 0 {
			break
		}
		if round == 3 {
			t.Fatalf("still asks for %v", more)
		}
		loaded = append(loaded, more...)
	}
	want := slo.Span{From: midnight - 3*slo.Day - 30, To: midnight - 3*slo.Day + 30}
	if len(got) != 1 || got[0].Span != want {
		t.Errorf("%+v, want the stretch %v", got, want)
	}
}

// naiveLosses finds the worst stretches by looking at every step.
func (s scenario) naiveLosses() []slo.Loss {
	var out []slo.Loss
	var now slo.Loss
	var gap slo.Count
	w := s.h.whole(s.o.Window.Bounds(s.at))
	for m := w.From; m < w.To; m += s.h.step {
		c, ok := s.h.counts[m]
		if !ok || !s.h.expected(m) {
			continue
		}
		if now.Bad > 0 && m-now.Span.To > 5 {
			out, now = append(out, now), slo.Loss{}
		}
		budget := s.o.Target.Complement().Float()
		if float64(c.Bad()) <= budget*float64(c.Total)*(1+1e-12) {
			gap = gap.Add(c)
			continue
		}
		if now.Bad == 0 {
			now.Span.From, gap = m, slo.Count{}
		}
		now.Bad += c.Bad() + gap.Bad()
		now.Total += c.Total + gap.Total
		now.Span.To, gap = m+s.h.step, slo.Count{}
	}
	if now.Bad > 0 {
		out = append(out, now)
	}
	return out
}

func TestLossesAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		n := rapid.IntRange(1, 4).Draw(t, "n")
		var got []slo.Loss
		var loaded, more []slo.Span
		for range 4 {
			got, more = slo.Losses(slo.Input{Objective: s.o, View: s.view(t, loaded), At: s.at}, n)
			loaded = append(loaded, more...)
			if len(more) == 0 {
				break
			}
		}
		if len(more) > 0 {
			t.Fatal("asks for points a fifth time")
		}
		all := s.naiveLosses()
		if st := s.evaluate(t); st.Level == slo.Unknown {
			all = nil
		}
		if len(got) != min(n, len(all)) {
			t.Fatalf("%d losses, want %d of %d", len(got), n, len(all))
		}
		worse := 0
		for i, l := range got {
			if i > 0 && l.Share > got[i-1].Share {
				t.Fatal("not the worst first")
			}
			found := false
			for _, x := range all {
				scale := slo.Amount(unitOf(s.o) / 1_000_000)
				found = found || (x.Span == l.Span && (x.Bad-l.Bad*scale < scale && l.Bad*scale-x.Bad < scale))
			}
			if !found {
				t.Fatalf("%+v is not among %+v", l, all)
			}
		}
		if len(got) > 0 {
			last := got[len(got)-1]
			for _, x := range all {
				if float64(x.Bad)/float64(unitOf(s.o)) > float64(last.Bad)/1e6*(1+1e-6)+1e-6 {
					worse++
				}
			}
			if worse >= n {
				t.Fatalf("%d stretches are worse than the last of %d", worse, n)
			}
		}
	})
}

func TestTrendAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScenario(t)
		st := s.evaluate(t)
		got := slo.Trend(slo.Input{Objective: s.o, View: s.view(t, nil), At: s.at})
		if st.Level == slo.Unknown {
			if got != nil {
				t.Fatalf("unknown, but %v", got)
			}
			return
		}
		w := s.h.whole(s.o.Window.Bounds(s.at))
		var want []float64
		for d := (w.From+slo.Day-1)/slo.Day*slo.Day + slo.Day; d < w.To; d += slo.Day {
			want = append(want, s.left(slo.Span{From: w.From, To: d}))
		}
		want = append(want, s.left(w))
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9*(1+math.Abs(a)) })); d != "" {
			t.Fatal(d)
		}
		if got[len(got)-1] != *st.Budget.Remaining {
			t.Fatalf("ends at %v, remaining is %v", got[len(got)-1], *st.Budget.Remaining)
		}
	})
}

func (s scenario) left(w slo.Span) float64 {
	allowed, _ := s.naiveAllowed().Float64()
	return 1 - float64(s.h.sum(w).Bad())/allowed
}
