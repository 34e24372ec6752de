package metric_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// set is the naive model of a list of spans: one flag a minute.
func set(spans []slo.Span) [64]bool {
	var out [64]bool
	for _, s := range spans {
		for m := s.From; m < s.To; m++ {
			out[m] = true
		}
	}
	return out
}

func drawSpans(t *rapid.T, name string) []slo.Span {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) slo.Span {
		from := rapid.Int64Range(0, 60).Draw(t, "from")
		return slo.Span{From: slo.Minute(from), To: slo.Minute(from + rapid.Int64Range(-2, 64-from).Draw(t, "len"))}
	}), 0, 8).Draw(t, name)
}

func checkMerged(t *rapid.T, spans []slo.Span) {
	for i, s := range spans {
		if s.Empty() || i > 0 && spans[i-1].To >= s.From {
			t.Fatalf("not merged: %v", spans)
		}
	}
}

func TestSpanArithmeticAgreesWithAFlagPerMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSpans(t, "a"), drawSpans(t, "b")
		fa, fb := set(a), set(b)
		var minus, both [64]bool
		for i := range fa {
			minus[i], both[i] = fa[i] && !fb[i], fa[i] && fb[i]
		}
		checkMerged(t, metric.Merge(a))
		checkMerged(t, metric.Subtract(a, b))
		checkMerged(t, metric.Common(a, b))
		for what, pair := range map[string][2][64]bool{
			"Merge":    {set(metric.Merge(a)), fa},
			"Subtract": {set(metric.Subtract(a, b)), minus},
			"Common":   {set(metric.Common(a, b)), both},
		} {
			if pair[0] != pair[1] {
				t.Fatalf("%s(%v, %v) covers %v, want %v", what, a, b, pair[0], pair[1])
			}
		}
		one := slo.Span{From: slo.Minute(rapid.Int64Range(0, 63).Draw(t, "x")), To: slo.Minute(rapid.Int64Range(0, 64).Draw(t, "y"))}
		want := true
		for m := one.From; m < one.To; m++ {
			want = want && fa[m]
		}
		if got := metric.Covers(metric.Merge(a), one); got != want {
			t.Fatalf("Covers(%v, %v) = %v", a, one, got)
		}
	})
}

func TestClip(t *testing.T) {
	got := metric.Clip([]slo.Span{{From: 0, To: 5}, {From: 7, To: 20}, {From: 30, To: 40}}, slo.Span{From: 3, To: 10})
	want := []slo.Span{{From: 3, To: 5}, {From: 7, To: 10}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Clip: %s", d)
	}
}

func TestMergeLeavesItsArgumentAlone(t *testing.T) {
	in := []slo.Span{{From: 5, To: 6}, {From: 0, To: 3}, {From: 2, To: 4}}
	metric.Merge(in)
	if in[0].From != 5 || in[2].To != 4 {
		t.Errorf("Merge changed its argument: %v", in)
	}
}
