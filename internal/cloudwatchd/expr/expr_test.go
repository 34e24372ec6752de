package expr_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/expr"
)

var none = math.NaN()

// series is a metric with a value a minute from 0 on; none is a missing one.
func series(id string, values ...float64) expr.Series {
	s := expr.Series{ID: id, Label: id, Period: 60}
	for i, v := range values {
		if !math.IsNaN(v) {
			s.Times = append(s.Times, int64(i)*60)
			s.Values = append(s.Values, v)
		}
	}
	return s
}

func env(metrics ...expr.Series) expr.Env {
	return expr.Env{Start: 0, End: 5 * 60, Metrics: metrics}
}

func evaluate(t testing.TB, src string, e expr.Env) (expr.Value, error) {
	t.Helper()
	x, err := expr.Parse(src)
	if err != nil {
		return expr.Value{}, err
	}
	return x.Eval(e)
}

// show prints five minutes of a series, "-" where there is no value.
func show(s expr.Series) string {
	var out []string
	for i := range int64(5) {
		if k, ok := slices.BinarySearch(s.Times, i*60); ok {
			out = append(out, fmt.Sprintf("%.6g", s.Values[k]))
		} else {
			out = append(out, "-")
		}
	}
	return strings.Join(out, " ")
}

func lines(v expr.Value) string {
	var out []string
	for _, s := range v.Series {
		out = append(out, show(s))
	}
	return strings.Join(out, " | ")
}

// The tables of AWS's documentation, and its rules one by one.
func TestDocumented(t *testing.T) {
	if1 := env(series("metric1", 1, 1, 0, 0, none), series("metric2", 30, none, 0, 0, 30), series("metric3", 0, 0, 20, none, 20))
	cmp4 := env(series("metric1", 30, 20, 0, 0, none), series("metric2", 20, none, 20, none, none))
	m := env(series("m1", 10, 20, none, 40, 50), series("m2", 1, 0, 3, none, 5), series("errors_a", 1, 1, 1, 1, 1))
	for _, c := range []struct {
		src  string
		env  expr.Env
		want string
	}{
		{"IF(metric1, metric2, metric3)", if1, "30 0 20 - -"},
		{"IF(metric1, 5, metric3)", if1, "5 5 20 - -"},
		{"IF(metric1, metric2, 5)", if1, "30 0 5 5 -"},
		{"IF(metric1, metric2)", if1, "30 0 - - -"},
		{"IF(1, metric2, metric3)", if1, "30 - 0 0 30"},
		{"IF(0, metric2, metric3)", if1, "0 0 20 - 20"},
		{"IF(0, metric2)", if1, "- - - - -"},
		{"(metric1 < metric2)", cmp4, "0 0 1 0 -"},
		{"(metric1 >= 30)", cmp4, "1 0 0 0 -"},
		{"(metric1 > 15 AND metric2 > 15)", cmp4, "1 0 0 0 -"},
		{"metric1 > 15 || metric2 > 15", cmp4, "1 1 1 0 -"},
		{"metric1 == 30 OR metric1 != 30", cmp4, "1 1 1 1 -"},
		{"m1 + m2", m, "11 20 3 40 55"},
		{"m1 / m2", m, "10 - 0 - 10"},
		{"-5 * m1", m, "-50 -100 - -200 -250"},
		{"2 ^ 3 ^ 0 * m2", m, "2 0 6 - 10"},
		{"m2 - -2 ^ 2", m, "5 4 7 - 9"},
		{"SUM([m1, m2])", m, "11 20 3 40 55"},
		{"AVG([m1, m2])", m, "5.5 10 1.5 20 27.5"},
		{"MAX([m1, m2])", m, "10 20 3 40 50"},
		{"MIN([m1, m2])", m, "1 0 3 40 5"},
		{"DATAPOINT_COUNT([m1,m2])", m, "2 2 1 1 2"},
		{"STDDEV([m1, m2])", m, "4.5 10 0 0 22.5"},
		{"m1 - AVG(m1)", m, "-20 -10 - 10 20"},
		{"m1 / SUM(m1) * DATAPOINT_COUNT(m1) + MIN(m2) * MAX(m2)", m, "0.333333 0.666667 - 1.33333 1.66667"},
		{"m1 / STDDEV(errors_a)", m, "- - - - -"},
		{"METRICS()/100", m, "0.1 0.2 - 0.4 0.5 | 0.01 0 0.03 - 0.05 | 0.01 0.01 0.01 0.01 0.01"},
		{`SUM(METRICS("errors"))`, m, "1 1 1 1 1"},
		{`SUM([METRICS("m1"), METRICS('errors')])`, m, "11 21 1 41 51"},
		{"m1 / METRIC_COUNT(METRICS())", m, "3.33333 6.66667 - 13.3333 16.6667"},
		{"SUM(100/[m1, errors_a])", m, "110 105 100 102.5 102"},
		{"AVG([m1,m2]/errors_a)", m, "5.5 10 1.5 20 27.5"},
		{"ABS(m2 - m1)", m, "9 20 3 40 45"},
		{"CEIL(m2/2)", m, "1 0 2 - 3"},
		{"FLOOR(m2/2)", m, "0 0 1 - 2"},
		{"LOG10(m1 * 10)", m, "2 2.30103 - 2.60206 2.69897"},
		{"LOG(m2)", m, "0 - 1.09861 - 1.60944"},
		{"DIFF(m1)", m, "- 10 - 20 10"},
		{"DIFF_TIME(m1)", m, "- 60 - 120 60"},
		{"RATE(m1)", m, "- 0.166667 - 0.166667 0.166667"},
		{"RUNNING_SUM(m1)", m, "10 30 - 70 120"},
		{"FILL(m1, 7)", m, "10 20 7 40 50"},
		{"FILL(m1, REPEAT)", m, "10 20 20 40 50"},
		{"FILL(m1, LINEAR)", m, "10 20 30 40 50"},
		{"FILL(m1, m2)", m, "10 20 3 40 50"},
		{"FILL(m1, MIN(m1))", m, "10 20 10 40 50"},
		{"FILL(METRICS('m'), 0)", m, "10 20 0 40 50 | 1 0 3 0 5"},
		{"m1 / PERIOD(m1)", m, "0.166667 0.333333 - 0.666667 0.833333"},
		{"TIME_SERIES(5 * MAX(m2))", m, "25 25 25 25 25"},
		{"FIRST(SORT(METRICS(), AVG, DESC))", m, "10 20 - 40 50"},
		{"LAST(SORT(METRICS(), SUM, DESC))", m, "1 1 1 1 1"},
		{"SORT(METRICS(), MIN, ASC, 1)", m, "1 0 3 - 5"},
		{"SLICE(SORT(METRICS(), MAX, ASC), 2)", m, "10 20 - 40 50"},
		{"SLICE(METRICS(), 0, 2)", m, "10 20 - 40 50 | 1 0 3 - 5"},
		{"REMOVE_EMPTY([m1, IF(m1 > 99, m1)])", m, "10 20 - 40 50"},
		{"IF(FIRST(SORT(METRICS(), AVG, DESC)) > 30, 1, 0)", m, "0 0 - 1 1"},
		{"MINUTE(m1)", m, "0 1 2 3 4"},
		{"EPOCH(m1)", m, "0 60 120 180 240"},
		{"DAY(m1)", m, "4 4 4 4 4"}, // 1 January 1970 was a Thursday
		{"IF(DAY(m1) < 6 AND YEAR(m1) == 1970 AND MONTH(m1) == 1 AND DATE(m1) == 1 AND HOUR(m1) == 0, m1)", m, "10 20 0 40 50"},
		{"m1 / (1 / 0)", m, "- - - - -"}, // no value, and not infinity
		{"m1 - SUM(IF(m1 > 99, m1))", m, "- - - - -"},
	} {
		v, err := evaluate(t, c.src, c.env)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
		} else if got := lines(v); got != c.want {
			t.Errorf("%s = %s, want %s", c.src, got, c.want)
		}
	}
}

// Leading and trailing gaps, and what FILL does with them.
func TestFillAtTheEnds(t *testing.T) {
	e := env(series("m", none, 4, none, 8, none))
	for src, want := range map[string]string{
		"FILL(m, 0)": "0 4 0 8 0", "FILL(m, REPEAT)": "- 4 4 8 8", "FILL(m, LINEAR)": "- 4 6 8 -",
	} {
		v, err := evaluate(t, src, e)
		if err != nil || lines(v) != want {
			t.Errorf("%s = %s, %v; want %s", src, lines(v), err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	m := env(series("m1", 1), series("m2", 2))
	m.Results = map[string]expr.Value{"e1": {Kind: expr.Single, Series: []expr.Series{series("", 1)}}}
	for src, part := range map[string]string{
		"": "empty", "m1 +": "ends too early", "m1 m2": `unexpected "m2"`, "sum(m1)": "capitals", "SUM(m1": "ends too early", "m1 @ m2": `"@"`,
		"SUM(m1)": "TIME_SERIES", "5": "TIME_SERIES", "m3": `"m3"`, "Foo": "small letter", "FOO(m1)": "no function FOO",
		"ANOMALY_DETECTION_BAND(m1)": "not supported", "SERVICE_QUOTA(m1)": "not supported", "DB_PERF_INSIGHTS('a','b','c')": "not supported",
		"METRICS() + METRICS()": "another array", "IF(METRICS(), 1)": "not an array", "IF(1, 5, m1)": "time series", "PERIOD(e1)": "not the result",
		"FILL(m1)": "takes 2", "FILL(m1, METRICS())": "not an array", "SORT(METRICS(), MEDIAN, ASC)": "small letter", "SORT(METRICS(), AVG, 1)": "ASC or DESC",
		"SLICE(m1, 1)": "must be an array", "METRICS(1)": "in quotes", "FIRST(m1)": "must be an array", "ABS(5)": "must be a time series",
		"HOUR(METRICS())": "not an array", "'text'": "stands where", "REPEAT + m1": "stands where", "[1, m1]": "not numbers", "m1 + 'x": "not closed",
		"TIME_SERIES(m1)": "must be a number", "1.2.3 * m1": "not a number", "SEARCH('x', 'Sum', 60)": "cannot be used", "SEARCH(m1, 'Sum')": "in quotes",
		strings.Repeat("(", 200) + "m1" + strings.Repeat(")", 200): "nested", strings.Repeat("m1+", 700) + "m1": "characters",
	} {
		v, err := evaluate(t, src, m)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%.40s = %s, %v; want an error with %q", src, lines(v), err, part)
		}
	}
}

func TestNamesOfOthers(t *testing.T) {
	x, err := expr.Parse("m1 + e2 * m1 - SUM(METRICS())")
	if err != nil || !slices.Equal(x.IDs(), []string{"m1", "e2"}) || !x.UsesMetrics() {
		t.Errorf("ids %v, metrics %v, %v", x.IDs(), x.UsesMetrics(), err)
	}
}

func TestSearchIsAsked(t *testing.T) {
	e := env()
	var asked string
	e.Search = func(query, statistic string, period int64) ([]expr.Series, error) {
		asked = fmt.Sprint(query, "/", statistic, "/", period)
		return []expr.Series{series("", 1, 2), series("", 10, 20)}, nil
	}
	v, err := evaluate(t, `SUM(SEARCH(' {AWS/Lambda, FunctionName} MetricName="Errors" ', 'Sum', 300))`, e)
	if err != nil || lines(v) != "11 22 - - -" || asked != ` {AWS/Lambda, FunctionName} MetricName="Errors" /Sum/300` {
		t.Errorf("%s, %v, asked %s", lines(v), err, asked)
	}
}

// Random arithmetic trees against an evaluation instant by instant over maps.
func TestAgainstNaive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(id string) expr.Series {
			values := rapid.SliceOfN(rapid.SampledFrom([]float64{none, none, 0, 1, 2, -3, 7.5, 100}), 5, 5).Draw(rt, id)
			return series(id, values...)
		}
		e := env(draw("a"), draw("b"), draw("c"))
		src, f := drawTree(rt, 3)
		v, err := evaluate(t, src, e)
		if err != nil {
			rt.Fatalf("%s: %v", src, err)
		}
		got := map[int64]float64{}
		for i, at := range v.Series[0].Times {
			got[at] = v.Series[0].Values[i]
		}
		want := f(map[string]map[int64]float64{"a": points(e.Metrics[0]), "b": points(e.Metrics[1]), "c": points(e.Metrics[2])})
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s: %s", src, diff)
		}
	})
}

func points(s expr.Series) map[int64]float64 {
	m := map[int64]float64{}
	for i, at := range s.Times {
		m[at] = s.Values[i]
	}
	return m
}

type metrics = map[string]map[int64]float64

// drawTree draws an expression that is a time series, and what it means.
func drawTree(rt *rapid.T, depth int) (string, func(metrics) map[int64]float64) {
	if depth == 0 || rapid.IntRange(0, 3).Draw(rt, "leaf") == 0 {
		id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "id")
		return id, func(m metrics) map[int64]float64 { return m[id] }
	}
	op := rapid.SampledFrom([]string{"+", "-", "*", "/", "<", ">=", "==", "AND"}).Draw(rt, "op")
	ls, lf := drawTree(rt, depth-1)
	rs, rf := drawTree(rt, depth-1)
	return "(" + ls + " " + op + " " + rs + ")", func(m metrics) map[int64]float64 {
		l, r, out := lf(m), rf(m), map[int64]float64{}
		at := maps.Clone(l)
		maps.Copy(at, r)
		for k := range at {
			if v := naiveOp(op, l[k], r[k]); !math.IsNaN(v) {
				out[k] = v
			}
		}
		return out
	}
}

func naiveOp(op string, x, y float64) float64 {
	is := map[bool]float64{true: 1, false: 0}
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "<":
		return is[x < y]
	case ">=":
		return is[x >= y]
	case "==":
		return is[x == y]
	case "AND":
		return is[x != 0 && y != 0]
	}
	if y == 0 {
		return none
	}
	return x / y
}

func FuzzEval(f *testing.F) {
	for _, s := range []string{
		"m1 + m2 / SUM(m1)", "IF(m1>1,m2,FILL(m1,REPEAT))", "SORT([m1,m2],AVG,DESC,1)", "SEARCH('x','Sum',60)",
		"SLICE(METRICS(),-1,9e99)", "m1^m2^-m1", "TIME_SERIES(1/0)", "DAY(FILL(m1,LINEAR))", "\"\\", "LOG(-m1)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		e := env(series("m1", 1, none, 3), series("m2", none, 0, 9, 4))
		v, err := evaluate(t, src, e)
		if err != nil {
			return
		}
		for _, s := range v.Series {
			if len(s.Times) != len(s.Values) || !slices.IsSorted(s.Times) {
				t.Fatalf("%q: times %v, values %v", src, s.Times, s.Values)
			}
			for _, x := range s.Values {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("%q gives %v", src, x)
				}
			}
		}
	})
}
