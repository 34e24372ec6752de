package slo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestDefaultConditions(t *testing.T) {
	t.Parallel()
	type pair struct {
		Long, Short slo.Minute
		Threshold   string
	}
	days := func(n slo.Minute) slo.Window { return slo.Rolling{Length: n * slo.Day} }
	full := func(thresholds ...string) []pair {
		out := []pair{{60, 5, ""}, {360, 30, ""}, {1440, 120, ""}, {4320, 360, ""}}
		for i, s := range thresholds {
			out[i].Threshold = s
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		window slo.Window
		target string
		want   []pair
		left   []string
	}{
		{"30 days", days(30), "0.999", full("14.4", "6", "3", "1"), nil},
		{"28 days", days(28), "0.999", full("13.44", "5.6", "2.8", "1"), nil},
		{"31 days", days(31), "0.999", full("14.88", "6.2", "3.1", "1.033333"), nil},
		{"90 days", days(90), "0.999", full("43.2", "18", "9", "3"), nil},
		{"a calendar month", slo.Calendar{N: 1, Unit: slo.CalendarMonth}, "0.999", full("14.4", "6", "3", "1"), nil},
		{"a quarter", slo.Calendar{N: 1, Unit: slo.CalendarQuarter}, "0.999", full("43.2", "18", "9", "3"), nil},
		{"7 days", days(7), "0.999", []pair{{15, 1, "13.44"}, {90, 8, "5.6"}, {360, 30, "2.8"}, {1080, 90, "1"}}, nil},
		{"14 days", days(14), "0.999", []pair{{30, 3, "13.44"}, {180, 15, "5.6"}, {720, 60, "2.8"}, {2160, 180, "1"}}, nil},
		{"1 day", days(1), "0.999", []pair{{2, 1, "13.44"}, {13, 1, "5.6"}, {51, 4, "2.8"}, {154, 13, "1"}}, nil},
		{"an hour", slo.Rolling{Length: slo.Hour}, "0.999", []pair{{1, 1, "13.44"}, {1, 1, "5.6"}, {2, 1, "2.8"}, {6, 1, "1"}}, nil},
		{"90 % on 30 days", days(30), "0.9", full("14.4", "6", "3", "1")[1:], []string{"page-fast"}},
		{"at the ceiling", days(30), "0.6666666666666666", full("14.4", "6", "3", "1")[3:], []string{"page-fast", "page-slow", "ticket-fast"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, left := slo.DefaultConditions(tt.window, slo.MustDecimal(tt.target))
			var pairs []pair
			for _, c := range got {
				pairs = append(pairs, pair{c.Long, c.Short, c.Threshold.String()})
			}
			if d := cmp.Diff(tt.want, pairs) + cmp.Diff(tt.left, left); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDefaultConditionsCanFire(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		target := slo.MustDecimal(rapid.StringMatching(`0\.[0-9]{1,6}`).Draw(t, "target"))
		w := slo.Rolling{Length: slo.Minute(rapid.IntRange(1, 400_000).Draw(t, "window"))}
		got, left := slo.DefaultConditions(w, target)
		if len(got)+len(left) != 4 {
			t.Fatalf("%d kept and %d left out", len(got), len(left))
		}
		for _, c := range got {
			if !slo.CanFire(c.Threshold, target) || c.Threshold.Cmp(slo.MustDecimal("1")) < 0 || c.Short < 1 || c.Long < c.Short {
				t.Fatalf("%+v", c)
			}
		}
	})
}

func TestCeiling(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]float64{"0.9": 10, "0.999": 1000, "0.9999": 10_000, "0.95": 20, "0": 1, "1": 0, "1.5": 0} {
		if got := slo.Ceiling(slo.MustDecimal(target)); got != want {
			t.Errorf("Ceiling(%s) = %v, want %v", target, got, want)
		}
	}
	if slo.CanFire(slo.MustDecimal("10"), slo.MustDecimal("0.9")) || !slo.CanFire(slo.MustDecimal("9.999"), slo.MustDecimal("0.9")) {
		t.Error("the ceiling itself can never be exceeded, anything below it can")
	}
}

func TestRecommended(t *testing.T) {
	t.Parallel()
	got, minBad, left := slo.Recommended(slo.Rolling{Length: 30 * slo.Day}, slo.MustDecimal("0.999"))
	var text []string
	for _, c := range got {
		if !c.Weighted {
			t.Errorf("%s is not in the count form", c.Name)
		}
		text = append(text, c.Name+" "+c.Threshold.String())
	}
	if d := cmp.Diff([]string{"page-fast 14.4", "page-slow 7.2", "ticket-fast 3", "ticket-slow 1"}, text); d != "" || minBad != slo.Events(5) || left != nil {
		t.Error(d, minBad, left)
	}
	if _, _, left = slo.Recommended(slo.Rolling{Length: 30 * slo.Day}, slo.MustDecimal("0.9")); len(left) != 1 {
		t.Errorf("left out at 90 %%: %v", left)
	}
}
