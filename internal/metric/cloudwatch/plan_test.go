package cloudwatch //nolint:testpackage // what is planned shows in no answer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// These tests are of the inside, because the plan is where limits and money are
// decided; what a Source does is tested from the outside.

const now = slo.Minute(29_000_000) // in 2025

func statSpec(metric, stat string) slo.Spec {
	return slo.Spec{"namespace": "App", "metric": metric, "stat": stat, "dimensions": slo.Spec{"Service": "pay", "Env": "prod"}}
}

func questions(t *testing.T, specs ...slo.Spec) []*asked {
	t.Helper()
	qs := map[string]*question{}
	for i, s := range specs {
		q, err := parse(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		qs[fmt.Sprint("k", i)] = q
	}
	return gather(qs)
}

func TestCutsFollowRetention(t *testing.T) {
	// Asked on a whole hour: 15 days back is exactly kept, an hour of margin is given.
	n := roundDown(now, slo.Hour)
	got := cuts(slo.Span{From: n - 500*slo.Day, To: n}, 1, n)
	want := []cut{
		{slo.Span{From: n - 15*slo.Day + slo.Hour, To: n}, 1},
		{slo.Span{From: n - 63*slo.Day + slo.Hour, To: n - 15*slo.Day + slo.Hour}, 5},
		{slo.Span{From: n - 455*slo.Day + slo.Hour, To: n - 63*slo.Day + slo.Hour}, 60},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(cut{})); diff != "" {
		t.Errorf("cuts (-want +got):\n%s", diff)
	}
}

func TestCutsTileTheSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := now + slo.Minute(rapid.Int64Range(0, 10000).Draw(t, "now"))
		to := n - slo.Minute(rapid.Int64Range(0, 500*1440).Draw(t, "age"))
		span := slo.Span{From: to - slo.Minute(rapid.Int64Range(60, 500*1440).Draw(t, "length")), To: to}
		// Whole hours hold whole steps of every period, so nothing is rounded.
		span = slo.Span{From: roundDown(span.From, slo.Hour), To: roundDown(span.To, slo.Hour)}
		own := rapid.SampledFrom([]slo.Minute{1, 5, 10, 60}).Draw(t, "own")
		end := span.To
		for _, c := range cuts(span, own, n) {
			if c.span.Empty() || c.span.To != end {
				t.Fatalf("cut %+v does not join %v", c, end)
			}
			end = c.span.From
			age := n - c.span.From
			for _, tier := range tiers() {
				if c.period%tier.period == 0 && age <= tier.keep {
					age = 0
				}
			}
			if age != 0 {
				t.Fatalf("cut %+v asks for what is not kept any more (now %v)", c, n)
			}
			if c.period%own != 0 {
				t.Fatalf("period %d is no multiple of the source's %d", c.period, own)
			}
		}
		if oldest := n - 455*slo.Day + 2*slo.Hour; end > max(span.From, oldest) {
			t.Fatalf("kept minutes from %v to %v are not asked for", max(span.From, oldest), end)
		}
	})
}

func TestEqualQuestionsAreAskedOnce(t *testing.T) {
	all := questions(t, statSpec("Latency", "SampleCount"), statSpec("Latency", "TC(:300)"), statSpec("Latency", "SampleCount"), statSpec("Errors", "Sum"))
	if len(all) != 3 {
		t.Fatalf("%d questions, want 3", len(all))
	}
	calls := plan(all, slo.Span{From: now - 60, To: now}, now)
	if len(calls) != 1 {
		t.Fatalf("%d calls, want 1", len(calls))
	}
	// Two statistics of Latency are one metric on the bill, Errors is another.
	if calls[0].billed != 2 {
		t.Errorf("billed %d metrics, want 2", calls[0].billed)
	}
}

func TestPlanKeepsTheLimits(t *testing.T) {
	for _, n := range []int{1, 499, 500, 501, 1000, 1203} {
		specs := make([]slo.Spec, n)
		for i := range specs {
			specs[i] = statSpec(fmt.Sprint("M", i), "Sum")
		}
		for _, length := range []slo.Minute{1, 60, 3 * slo.Hour, slo.Day, 28 * slo.Day} {
			seen := map[string]slo.Minute{}
			for _, c := range plan(questions(t, specs...), slo.Span{From: now - length, To: now}, now) {
				in := c.input()
				if len(in.MetricDataQueries) > maxQueries {
					t.Fatalf("%d queries in a call", len(in.MetricDataQueries))
				}
				if points := len(c.asked) * int((c.cut.span.Len()+c.cut.period-1)/c.cut.period); points > maxDatapoints {
					t.Fatalf("%d datapoints in a call", points)
				}
				for _, a := range c.asked {
					seen[a.keys[0]] += c.cut.span.Len()
				}
			}
			if len(seen) != n {
				t.Fatalf("%d of %d questions are asked", len(seen), n)
			}
			for key, minutes := range seen {
				if minutes < length-5 || minutes > length+5 { // a step begins in one part only
					t.Fatalf("%s is asked for %d of %d minutes", key, minutes, length)
				}
			}
		}
	}
}

func TestInsightsStandsAlone(t *testing.T) {
	sql := slo.Spec{"sql": "SELECT SUM(Errors) FROM App"}
	all := questions(t, sql, slo.Spec{"sql": "SELECT SUM(Requests) FROM App"}, statSpec("A", "Sum"),
		slo.Spec{"expression": "SUM(METRICS())", "queries": slo.Spec{"a": statSpec("A", "Sum")}})
	calls := plan(all, slo.Span{From: now - slo.Day, To: now}, now)
	if len(calls) != 4 {
		t.Fatalf("%d calls, want 4: two statements, METRICS() and the plain metric each on their own", len(calls))
	}
	for _, c := range calls {
		if c.asked[0].SQL != "" && now-c.cut.span.From > insightsReach {
			t.Errorf("a statement is asked for %v", c.cut.span)
		}
	}
}

func TestExpressionPartsGetTheirOwnNames(t *testing.T) {
	names := map[string]string{"m1": "q3_m1", "err": "q3_err"}
	for in, want := range map[string]string{
		"m1+m2":                        "q3_m1+m2",
		"FILL(m1,0)/err*100":           "FILL(q3_m1,0)/q3_err*100",
		"SEARCH('{App,err} m1','Sum')": "SEARCH('{App,err} m1','Sum')",
		"m10+xm1+m1":                   "m10+xm1+q3_m1",
		`IF(err>"m1",err,m1)`:          `IF(q3_err>"m1",q3_err,q3_m1)`,
	} {
		if got := rename(in, names); got != want {
			t.Errorf("rename(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestParseRefusesWithTheField(t *testing.T) {
	for want, spec := range map[string]slo.Spec{
		"metric is missing": {"namespace": "A", "stat": "Sum"},
		"stat is missing":   {"namespace": "A", "metric": "M"},
		"period":            {"namespace": "A", "metric": "M", "stat": "Sum", "period": "90s"},
		"dimension":         {"namespace": "A", "metric": "M", "stat": "Sum", "dimensions": slo.Spec{"X": true}},
		"has no id":         {"expression": "a", "queries": []any{map[string]any{"metric": "M"}}},
	} {
		if _, err := parse(spec, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parse(%v) = %v, want a word about %q", spec, err, want)
		}
	}
}
