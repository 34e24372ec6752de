package metrictest_test

import (
	"errors"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/metrictest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestBreachesAreSeen shows each shape that is wrong once, beside a sound one.
func TestBreachesAreSeen(t *testing.T) {
	span := slo.Span{From: 100, To: 110}
	all := []slo.Span{span}
	at := func(m, width slo.Minute) metric.Point { return metric.Point{At: m, Width: width} }
	for _, c := range []struct {
		name   string
		series metric.Series
		want   string // part of the one breach; "" for none
	}{
		{"sound", metric.Series{Points: []metric.Point{at(100, 1), at(103, 5)}, Answered: all}, ""},
		{"the last step reaches further", metric.Series{Points: []metric.Point{at(108, 5)}, Answered: []slo.Span{{From: 100, To: 113}}}, ""},
		{"nothing", metric.Series{}, ""},
		{"no width", metric.Series{Points: []metric.Point{at(100, 0)}, Answered: all}, "at least one"},
		{"before the span", metric.Series{Points: []metric.Point{at(99, 1)}, Answered: []slo.Span{{From: 100, To: 110}}}, "outside"},
		{"at the end", metric.Series{Points: []metric.Point{at(110, 1)}, Answered: []slo.Span{{From: 100, To: 111}}}, "outside"},
		{"overlap", metric.Series{Points: []metric.Point{at(100, 5), at(104, 5)}, Answered: all}, "overlap"},
		{"order", metric.Series{Points: []metric.Point{at(104, 1), at(101, 1)}, Answered: all}, "out of order"},
		{"twice", metric.Series{Points: []metric.Point{at(104, 1), at(104, 1)}, Answered: all}, "overlap"},
		{"cut step", metric.Series{Points: []metric.Point{at(108, 5)}, Answered: all}, "no step is cut"},
		{"not answered", metric.Series{Points: []metric.Point{at(104, 1)}, Answered: []slo.Span{{From: 100, To: 104}}}, "not answered"},
		{"empty stretch", metric.Series{Answered: []slo.Span{{From: 105, To: 105}}}, "empty"},
		{"stretches out of order", metric.Series{Answered: []slo.Span{{From: 105, To: 107}, {From: 101, To: 103}}}, "out of order"},
		{"too early", metric.Series{Answered: []slo.Span{{From: 99, To: 103}}}, "reaches beyond"},
		{"too far", metric.Series{Points: []metric.Point{at(105, 1)}, Answered: []slo.Span{{From: 105, To: 111}}}, "reaches beyond"},
		{"far too far", metric.Series{Answered: []slo.Span{{From: 105, To: 171}}}, "reaches beyond"},
		{"a silent last step", metric.Series{Points: []metric.Point{at(100, 5)}, Answered: []slo.Span{{From: 100, To: 114}}}, ""},
		{"failed and answered", metric.Series{Answered: all, Err: errors.New("no")}, "failed query"},
	} {
		got := metrictest.Breaches(c.series, span)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
