package slo_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestSliceOf(t *testing.T) {
	t.Parallel()
	good, bad, none := slo.Count{Good: slo.Unit, Total: slo.Unit}, slo.Count{Total: slo.Unit}, slo.Count{}
	for _, tt := range []struct {
		name            string
		missing         slo.Missing
		good, total     slo.Amount
		measured        int64
		silent, expects int64
		width           slo.Minute
		want            slo.Count
		ok              bool
	}{
		{"at the target", slo.MissingZero, 95, 100, 5, 0, 5, 1, good, true},
		{"just below it", slo.MissingZero, 949_999, 1_000_000, 5, 0, 5, 1, bad, true},
		{"no traffic", slo.MissingZero, 0, 0, 5, 0, 5, 1, none, true},
		{"no traffic, missing is good", slo.MissingGood, 0, 0, 5, 0, 5, 1, good, true},
		{"no traffic, missing is bad", slo.MissingBad, 0, 0, 5, 0, 5, 1, bad, true},
		{"silent", slo.MissingZero, 0, 0, 0, 5, 5, 0, none, true},
		{"silent, missing is good", slo.MissingGood, 0, 0, 0, 5, 5, 0, good, true},
		{"silent, missing is bad", slo.MissingBad, 0, 0, 0, 5, 5, 0, bad, true},
		{"silent, missing is unmeasured", slo.MissingUnmeasured, 0, 0, 0, 5, 5, 0, none, false},
		{"partly silent, judged by the rest", slo.MissingBad, 100, 100, 4, 1, 5, 1, good, true},
		{"partly silent, missing is unmeasured", slo.MissingUnmeasured, 100, 100, 4, 1, 5, 1, none, false},
		{"a minute is missing", slo.MissingGood, 100, 100, 4, 0, 5, 1, none, false},
		{"an excluded minute is not expected", slo.MissingZero, 100, 100, 4, 0, 4, 1, good, true},
		{"nothing is expected", slo.MissingGood, 0, 0, 0, 0, 0, 0, none, false},
		{"as coarse as the slice", slo.MissingZero, 100, 100, 5, 0, 5, 5, good, true},
		{"coarser than the slice", slo.MissingZero, 100, 100, 5, 0, 5, 6, none, false},
		{"more good than there are", slo.MissingZero, 101, 100, 5, 0, 5, 1, none, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := &slo.Objective{Budgeting: slo.Timeslices, Slice: 5, SliceTarget: slo.MustDecimal("0.95"), Missing: tt.missing}
			got, ok := slo.SliceOf(o, slo.SliceEvidence{
				Stretch: slo.Stretch{Count: slo.Count{Good: tt.good, Total: tt.total}, Measured: tt.measured, Expected: tt.expects},
				Silent:  tt.silent, Width: tt.width,
			})
			if got != tt.want || ok != tt.ok {
				t.Errorf("%v, %v; want %v, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// Ratios are kept to 1e-12; halves of that go to the even neighbour.
func TestSliceOfRoundsHalfToEven(t *testing.T) {
	t.Parallel()
	o := &slo.Objective{Budgeting: slo.RatioTimeslices, Slice: 1}
	for good, want := range map[slo.Amount]slo.Amount{1: 0, 2: 1, 3: 2, 5: 2, 7: 4} {
		c := slo.Count{Good: good, Total: 2_000_000_000_000}
		if got, _ := slo.SliceOf(o, slo.SliceEvidence{Stretch: slo.Stretch{Count: c, Measured: 1, Expected: 1}}); got.Good != want {
			t.Errorf("%d halves are kept as %d, want %d", good, got.Good, want)
		}
	}
}

func TestSliceOfIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, 9_000_000_000_000_000_000).Draw(t, "total")
		n := rapid.Int64Range(0, total).Draw(t, "good")
		target := slo.MustDecimal(rapid.SampledFrom([]string{"1", "0.95", "0.999", "0.123456789012345678", "0.5"}).Draw(t, "target"))
		if rapid.Bool().Draw(t, "tie") { // one next to the target
			edge := new(big.Rat).Mul(target.Rat(), new(big.Rat).SetInt64(total))
			n = new(big.Int).Quo(edge.Num(), edge.Denom()).Int64()
		}
		e := slo.SliceEvidence{Stretch: slo.Stretch{Count: slo.Count{Good: slo.Amount(n), Total: slo.Amount(total)}, Measured: 1, Expected: 1}}
		ratio := big.NewRat(n, total)
		o := &slo.Objective{Budgeting: slo.Timeslices, Slice: 1, SliceTarget: target}
		got, ok := slo.SliceOf(o, e)
		if !ok || (got.Good > 0) != (ratio.Cmp(target.Rat()) >= 0) {
			t.Fatalf("%d of %d at %v: %v %v", n, total, target, got, ok)
		}
		o.Budgeting = slo.RatioTimeslices
		got, _ = slo.SliceOf(o, e)
		want := naiveAmount(ratio.Mul(ratio, big.NewRat(1_000_000, 1)))
		if got.Total != 1_000_000*slo.Unit || int64(got.Good) != want {
			t.Fatalf("%d of %d is kept as %v, want %d", n, total, got, want)
		}
	})
}
