package slo_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// lump is a history of one minute that holds everything.
func lump(end slo.Minute, good, total int64) *slo.Series {
	return slo.NewSeries(1, end, []slo.Point{{At: end - 1, Count: slo.Count{Good: slo.Events(good), Total: slo.Events(total)}}})
}

func member(target, weight string) slo.Member {
	m := slo.Member{Objective: &slo.Objective{Service: "shop", SLO: "buy", Name: target, Target: slo.MustDecimal(target)}}
	if weight != "" {
		m.Weight = slo.MustDecimal(weight)
	}
	return m
}

// The worked example of the documentation.
func TestCompositeOccurrences(t *testing.T) {
	t.Parallel()
	o := &slo.Objective{
		Window:  slo.Rolling{Length: 30 * slo.Day},
		Members: []slo.Member{member("0.995", ""), member("0.999", "3")},
	}
	end := epoch
	st, more := slo.Evaluate(slo.Input{Objective: o, At: end, Members: []slo.View{
		lump(end, 999_000, 1_000_000), lump(end, 199_960, 200_000),
	}})
	if len(more) > 0 || math.Abs(*st.Burns[0].Rate-0.8) > 1e-15 || math.Abs(*st.Budget.Remaining-0.2) > 1e-15 {
		t.Errorf("burn %v, remaining %v", *st.Burns[0].Rate, *st.Budget.Remaining)
	}
	if st.Budget.Allowed != 1 || math.Abs(st.Budget.Spent-0.8) > 1e-15 || st.SLI != nil || st.Level != slo.Caution {
		t.Errorf("%+v, sli %v, level %v", st.Budget, st.SLI, st.Level)
	}
}

// In floating point 0.3 + 0.35 + 0.1 is less than 0.75. Three quarters exactly
// spent are no longer healthy all the same.
func TestCompositeLevelIsExact(t *testing.T) {
	t.Parallel()
	o := &slo.Objective{Window: slo.Rolling{Length: slo.Hour}}
	var views []slo.View
	for _, w := range []string{"0.3", "0.35", "0.1"} {
		o.Members = append(o.Members, member("0.9", w))
		views = append(views, lump(epoch, 90, 100))
	}
	st, _ := slo.Evaluate(slo.Input{Objective: o, At: epoch, Members: views})
	if st.Level != slo.Caution {
		t.Errorf("level %v at a spent share of exactly 0.75", st.Level)
	}
}

func TestCompositeRatioTimeslices(t *testing.T) {
	t.Parallel()
	o := &slo.Objective{
		Target: slo.MustDecimal("0.8"), Budgeting: slo.RatioTimeslices, Slice: 1, Window: slo.Rolling{Length: slo.Hour},
		Members: []slo.Member{member("0.99", ""), member("0.99", "")},
	}
	slice := func(good int64) slo.View {
		c, _ := slo.SliceOf(o, slo.SliceEvidence{Stretch: slo.Stretch{
			Count: slo.Count{Good: slo.Events(good), Total: slo.Events(100)}, Measured: 1, Expected: 1,
		}})
		return slo.NewSeries(1, epoch, []slo.Point{{At: epoch - 1, Count: c}})
	}
	in := slo.Input{Objective: o, At: epoch, Members: []slo.View{slice(95), slice(95)}}
	st, _ := slo.Evaluate(in)
	if math.Abs(*st.SLI-0.9) > 1e-15 || math.Abs(*st.Budget.Remaining-0.5) > 1e-15 {
		t.Errorf("sli %v remaining %v", *st.SLI, *st.Budget.Remaining)
	}
	o.Target = slo.Decimal{} // the strictest member's, then: 0.10 / 0.01 is spent
	st, _ = slo.Evaluate(in)
	if math.Abs(*st.Budget.Remaining+9) > 1e-12 || st.Level != slo.Exhausted {
		t.Errorf("remaining %v, level %v", *st.Budget.Remaining, st.Level)
	}
}

func TestCompositeMemberWithoutData(t *testing.T) {
	t.Parallel()
	o := &slo.Objective{Window: slo.Rolling{Length: slo.Hour}, Members: []slo.Member{member("0.9", ""), member("0.9", "")}}
	st, _ := slo.Evaluate(slo.Input{Objective: o, At: epoch, Members: []slo.View{lump(epoch, 100, 100), slo.NewSeries(1, epoch, nil)}})
	if !slices.Contains(st.Flags, slo.InsufficientData) {
		t.Errorf("a blind member is not flagged: %v", st.Flags)
	}
	for name, in := range map[string]slo.Input{
		"no views":  {Objective: o, At: epoch},
		"nil view":  {Objective: o, At: epoch, Members: []slo.View{nil, nil}},
		"no window": {Objective: &slo.Objective{}, At: epoch, View: lump(epoch, 1, 1)},
		"nothing":   {},
	} {
		st, more := slo.Evaluate(in)
		if st.Level != slo.Unknown || !slices.Contains(st.Flags, slo.InsufficientData) || more != nil {
			t.Errorf("%s: %+v", name, st)
		}
	}
}

// A slice is bad when any member's is: against a naive merge of the members.
func TestCompositeTimeslices(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := &slo.Objective{
			Target: slo.MustDecimal("0.99"), Budgeting: slo.Timeslices, Slice: slo.Minute(rapid.SampledFrom([]int{1, 5}).Draw(t, "slice")),
			SliceTarget: slo.MustDecimal("0.98"), Window: slo.Rolling{Length: 3 * slo.Day},
		}
		end := slo.Minute(28_500_000) + slo.Minute(rapid.IntRange(0, 300).Draw(t, "end"))*5
		var hs []*history
		var all []slo.View
		for range rapid.IntRange(1, 3).Draw(t, "members") {
			h := drawHistory(t, o, (end-4*slo.Day)/60*60, end)
			hs = append(hs, h)
			all = append(all, slo.NewSeries(h.step, end, h.points(t)))
			o.Members = append(o.Members, slo.Member{Objective: &slo.Objective{Target: slo.MustDecimal("0.9")}})
		}
		needs := slo.Needs(o, end)
		var loaded []slo.Span
		var st slo.Status
		for round := 0; ; round++ {
			views := make([]slo.View, len(all))
			for i, v := range all {
				views[i] = &strict{View: v, opened: needs, loaded: loaded, fail: t.Fatalf}
			}
			var more []slo.Span
			st, more = slo.Evaluate(slo.Input{Objective: o, Members: views, At: end})
			if len(more) == 0 {
				break
			}
			if round == 3 {
				t.Fatalf("still asks for %v", more)
			}
			loaded = append(loaded, more...)
		}
		want := naiveAny(hs, slo.Span{From: end - 3*slo.Day, To: end})
		if st.Stretch != want {
			t.Fatalf("%+v, want %+v", st.Stretch, want)
		}
		hour := naiveAny(hs, slo.Span{From: end - slo.Hour, To: end})
		for _, b := range st.Burns {
			if b.Lookback == slo.Hour && b.Stretch != hour {
				t.Fatalf("in the last hour %+v, want %+v", b.Stretch, hour)
			}
		}
	})
}

// Members that are bad at different times add up, at the same time they do not.
// Their sums alone cannot tell, so the points are asked for, and until they are
// there the worst is taken.
func TestCompositeTimeslicesShared(t *testing.T) {
	t.Parallel()
	end := epoch / slo.Day * slo.Day
	o := &slo.Objective{
		Target: slo.MustDecimal("0.9"), Budgeting: slo.Timeslices, Slice: 1, Window: slo.Rolling{Length: slo.Day},
		Members: []slo.Member{member("0.9", ""), member("0.9", "")},
	}
	series := func(from, to slo.Minute) slo.View {
		var points []slo.Point
		for m := end - slo.Day; m < end; m++ {
			c := slo.Count{Good: slo.Unit, Total: slo.Unit}
			if from <= end-m && end-m < to {
				c.Good = 0
			}
			points = append(points, slo.Point{At: m, Count: c})
		}
		return slo.NewSeries(1, end, points)
	}
	members := []slo.View{series(10, 50), series(30, 70)}
	st, more := slo.Evaluate(slo.Input{Objective: o, Members: members, At: end})
	if st.Budget.Spent != 60 || len(more) != 0 {
		t.Errorf("%v slices are bad, want 60 (%v)", st.Budget.Spent, more)
	}
	needs := slo.Needs(o, end)
	for i, v := range members {
		members[i] = &strict{View: v, opened: needs, fail: t.Fatalf}
	}
	st, more = slo.Evaluate(slo.Input{Objective: o, Members: members, At: end})
	if st.Budget.Spent != 80 || !slices.Contains(more, slo.Span{From: end - slo.Day, To: end}) {
		t.Errorf("unloaded, %v slices are bad at worst, want 80; asks for %v", st.Budget.Spent, more)
	}
}

func naiveAny(hs []*history, s slo.Span) slo.Stretch {
	var out slo.Stretch
	step := hs[0].step
	for m := s.From; m < s.To; m += step {
		var due, seen, bad, traffic int
		for _, h := range hs {
			if !h.expected(m) {
				continue
			}
			due++
			if c, ok := h.counts[m]; ok {
				seen++
				if c.Bad() > 0 {
					bad++
				}
				if c.Total > 0 {
					traffic++
				}
			}
		}
		if due == 0 {
			continue
		}
		out.Expected++
		if bad == 0 && seen < due {
			continue
		}
		out.Measured++
		if traffic > 0 {
			out.Total += slo.Unit
		}
		if traffic > 0 && bad == 0 {
			out.Good += slo.Unit
		}
	}
	return out
}

// The spent share of members with different targets and weights, in fractions.
func TestCompositeAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := &slo.Objective{Window: slo.Rolling{Length: 2 * slo.Day}}
		end := slo.Minute(28_500_000) + slo.Minute(rapid.IntRange(0, 3000).Draw(t, "end"))
		want := new(big.Rat)
		var views []slo.View
		traffic := false
		for range rapid.IntRange(1, 4).Draw(t, "members") {
			target := rapid.SampledFrom([]string{"0.9", "0.999", "0.9995"}).Draw(t, "target")
			weight := rapid.SampledFrom([]string{"", "0.5", "3", "0.001"}).Draw(t, "weight")
			o.Members = append(o.Members, member(target, weight))
			h := drawHistory(t, o, (end-3*slo.Day)/60*60, end)
			views = append(views, slo.NewSeries(1, end, h.points(t)))
			got := h.sum(o.Window.Bounds(end))
			if got.Total == 0 {
				continue
			}
			traffic = true
			x := big.NewRat(int64(got.Total-got.Good), int64(got.Total))
			x.Quo(x, slo.MustDecimal(target).Complement().Rat())
			if weight != "" {
				x.Mul(x, slo.MustDecimal(weight).Rat())
			}
			want.Add(want, x)
		}
		st, _ := slo.Evaluate(slo.Input{Objective: o, Members: views, At: end})
		if !traffic {
			if st.Budget.Remaining != nil {
				t.Fatalf("without traffic %v remains", *st.Budget.Remaining)
			}
			return
		}
		left := new(big.Rat).Sub(big.NewRat(1, 1), want)
		if diff := math.Abs(*st.Budget.Remaining - float(left)); diff > 1e-12*(1+math.Abs(float(want))) {
			t.Fatalf("remaining %v, want %v", *st.Budget.Remaining, float(left))
		}
		if st.Level != naiveLevel(left) {
			t.Fatalf("level %v, want %v", st.Level, naiveLevel(left))
		}
	})
}
