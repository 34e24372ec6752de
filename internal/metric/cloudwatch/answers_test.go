package cloudwatch_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestSpoiledAnswers spoils the answers of the local CloudWatch one way at a
// time. What is answered for is right; what is in doubt is left out.
func TestSpoiledAnswers(t *testing.T) {
	end := slo.MinuteOf(clock)
	span := slo.Span{From: end - 100, To: end}
	for _, c := range []struct {
		what     string
		faults   []cloudwatchd.Fault
		answered slo.Minute // minutes of m0; the other metrics are whole
		note     string
		kind     fault.Kind // of all series
	}{
		{what: "nothing", answered: 100},
		{what: "short pages", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.ShortPage}}, answered: 100},
		{what: "half of one", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.Partial, Metric: "m0"}}, answered: 50, note: `"PartialData"`},
		{what: "half of one on short pages", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.ShortPage}, {Kind: cloudwatchd.Partial, Metric: "m0"}}, answered: 50, note: `"PartialData"`},
		{what: "an error for one", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.RowError, Metric: "m0"}}, note: `"InternalError"`},
		{what: "one forbidden", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.Forbidden, Metric: "m0"}}, note: `"Forbidden"`},
		{what: "a datapoint from before", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.Stray, Metric: "m0"}}, answered: 100, note: "1 datapoints were no numbers or lay outside"},
		{what: "an error on the second page", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.ShortPage}, {Kind: cloudwatchd.Internal, After: 1}}, kind: fault.Unavailable},
		{what: "throttled on the third page", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.ShortPage}, {Kind: cloudwatchd.Throttle, After: 2}}, kind: fault.Throttled},
		{what: "broken off", faults: []cloudwatchd.Fault{{Kind: cloudwatchd.Cut}}, kind: fault.Unavailable},
	} {
		t.Run(c.what, func(t *testing.T) {
			l := within(t, nil)
			l.load(ours, "eu-west-1", 4, span)
			for _, f := range c.faults {
				if err := l.server.Inject(f); err != nil {
					t.Fatal(err)
				}
			}
			got := fetch(t, l.source(), ask(4, span))
			for i := range 4 {
				s := got[name(i)]
				switch {
				case c.kind != 0:
					if fault.KindOf(s.Err) != c.kind || len(s.Points)+len(s.Answered) > 0 {
						t.Errorf("metric %d: %d points, answered %v, %v", i, len(s.Points), s.Answered, s.Err)
					}
				case i > 0 || c.answered == 100:
					checkPoints(t, i, s, 100)
				default:
					checkPoints(t, i, s, c.answered)
				}
			}
			if notes := strings.Join(got["m0"].Notes, "; "); !strings.Contains(notes, c.note) || c.note == "" && c.kind == 0 && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

// checkPoints wants the first n minutes answered for, with their values.
func checkPoints(t *testing.T, i int, s metric.Series, n slo.Minute) {
	t.Helper()
	covered := slo.Minute(0)
	for _, a := range s.Answered {
		covered += a.Len()
	}
	if s.Err != nil || covered != n || len(s.Points) != int(n) {
		t.Fatalf("metric %d: %d points, answered %v, %v; want %d", i, len(s.Points), s.Answered, s.Err, n)
	}
	for _, p := range s.Points {
		if p.Value != slo.Events(valueAt(i, p.At)) {
			t.Fatalf("metric %d at %d: %v", i, p.At, p.Value)
		}
	}
}

// The 500th query goes with the others, the 501st into a second call.
func TestAsManyQueriesAsACallTakes(t *testing.T) {
	end := slo.MinuteOf(clock)
	span := slo.Span{From: end - 10, To: end}
	for n, calls := range map[int]int{1: 1, 499: 1, 500: 1, 501: 2, 1000: 2, 1001: 3} {
		l := within(t, nil)
		l.opt.Rate = 1000
		l.load(ours, "eu-west-1", n, span)
		got := fetch(t, l.source(), ask(n, span))
		for i := range n {
			isWhole(t, i, got[name(i)], span)
		}
		if totals := l.server.Totals(); totals.Calls["GetMetricData"] != calls || totals.Queries != n {
			t.Errorf("%d queries: %+v", n, totals)
		}
	}
}

// script is a CloudWatch that answers page after page as it is told, and the
// last page again and again.
type script struct {
	pages []*cw.GetMetricDataOutput
	asked []*cw.GetMetricDataInput
}

func (s *script) GetMetricData(_ context.Context, in *cw.GetMetricDataInput, _ ...func(*cw.Options)) (*cw.GetMetricDataOutput, error) {
	copied := *in
	s.asked = append(s.asked, &copied)
	return s.pages[min(len(s.asked), len(s.pages))-1], nil
}

func (*script) ListMetrics(context.Context, *cw.ListMetricsInput, ...func(*cw.Options)) (*cw.ListMetricsOutput, error) {
	return &cw.ListMetricsOutput{}, nil
}

// result is one query's part of a page, from some minute on.
func result(id string, status types.StatusCode, from slo.Minute, values ...float64) types.MetricDataResult {
	r := types.MetricDataResult{Id: &id, StatusCode: status, Values: values}
	for i := range values {
		r.Timestamps = append(r.Timestamps, (from + slo.Minute(i)).Time())
	}
	return r
}

func page(next string, results ...types.MetricDataResult) *cw.GetMetricDataOutput {
	out := &cw.GetMetricDataOutput{MetricDataResults: results}
	if next != "" {
		out.NextToken = aws.String(next)
	}
	return out
}

// TestPages reads pages that the local CloudWatch does not make.
func TestPages(t *testing.T) {
	end := slo.MinuteOf(clock)
	at := end - 4
	const done, part, broken = types.StatusCodeComplete, types.StatusCodePartialData, types.StatusCodeInternalError
	said := page("", result("q0", done, at, 1, 2, 3, 4), result("q1", done, at))
	said.Messages = []types.MessageData{{Code: aws.String("MaxMetricsExceeded"), Value: aws.String("too many")}}
	for _, c := range []struct {
		what  string
		pages []*cw.GetMetricDataOutput
		want  string // of m0: its points, "|", minutes answered
		other string // of m1
		note  string
		kind  fault.Kind
	}{
		{what: "partial, then complete", pages: []*cw.GetMetricDataOutput{
			page("a", result("q0", part, at, 1, 2), result("q1", part, at)), page("", result("q0", done, at+2, 3, 4), result("q1", done, at, 5)),
		}, want: "1 2 3 4 | 4", other: "5 | 4"},
		{what: "a query that appears on a later page only", pages: []*cw.GetMetricDataOutput{
			page("a", result("q0", done, at, 1, 2, 3, 4)), page("b"), page("", result("q1", done, at, 5)),
		}, want: "1 2 3 4 | 4", other: "5 | 4"},
		{what: "a query that never appears", pages: []*cw.GetMetricDataOutput{page("", result("q0", done, at, 1, 2, 3, 4))}, want: "1 2 3 4 | 4", other: "| 0"},
		{what: "complete, then an error", pages: []*cw.GetMetricDataOutput{
			page("a", result("q0", part, at, 1), result("q1", done, at, 5)), page("", result("q0", broken, at)),
		}, want: "1 | 1", other: "5 | 4", note: "InternalError"},
		{what: "partial to the end", pages: []*cw.GetMetricDataOutput{page("", result("q0", part, at, 1), result("q1", "", at, 5))}, want: "1 | 1", other: "5 | 1", note: "PartialData"},
		{what: "a message for all", pages: []*cw.GetMetricDataOutput{said}, want: "1 2 3 4 | 4", other: "| 4", note: "MaxMetricsExceeded: too many"},
		{what: "what is no number, and what lies outside", pages: []*cw.GetMetricDataOutput{
			page("", result("q0", done, at-1, 9, 1, math.NaN(), 3, math.Inf(1), 9), result("q1", done, at, 5)),
		}, want: "1 3 | 2", other: "5 | 4", note: "4 datapoints"},
		{what: "the same datapoint on two pages", pages: []*cw.GetMetricDataOutput{
			page("a", result("q0", part, at, 1, 2), result("q1", done, at)), page("", result("q0", done, at+1, 2, 3, 4)),
		}, want: "1 2 3 4 | 4", other: "| 4"},
		{what: "newest first", pages: []*cw.GetMetricDataOutput{
			page("a", result("q0", part, at+2, 3, 4), result("q1", done, at)), page("", result("q0", done, at, 1, 2)),
		}, want: "1 2 3 4 | 4", other: "| 4"},
		{what: "values without instants", pages: []*cw.GetMetricDataOutput{
			page("", types.MetricDataResult{Id: aws.String("q0"), StatusCode: done, Values: []float64{1, 2}}, result("q1", done, at, 5)),
		}, want: "| 4", other: "5 | 4"},
		{what: "a query nobody asked", pages: []*cw.GetMetricDataOutput{page("", result("q0", done, at, 1), result("q1", done, at), result("q7", done, at, 8))}, want: "1 | 4", other: "| 4"},
		{what: "the same page again and again", pages: []*cw.GetMetricDataOutput{page("a", result("q0", part, at, 1)), page("a", result("q0", part, at, 1))}, kind: fault.Unavailable},
		{what: "two pages in turn", pages: []*cw.GetMetricDataOutput{page("a"), page("b"), page("a"), page("b"), page("a")}, kind: fault.Unavailable},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := &script{pages: c.pages}
			src := cloudwatch.New(cloudwatch.Options{
				Connect: func(context.Context, string, string, string) (cloudwatch.API, error) { return s, nil },
				Now:     func() time.Time { return clock },
			})
			got := fetch(t, src, ask(2, slo.Span{From: at, To: end}))
			if c.kind != 0 {
				if fault.KindOf(got["m0"].Err) != c.kind || len(got["m0"].Points) > 0 || len(s.asked) > 5 {
					t.Errorf("%+v after %d calls", got["m0"], len(s.asked))
				}
				return
			}
			if is := told(got["m0"]); is != c.want {
				t.Errorf("m0: %s, want %s", is, c.want)
			}
			if is := told(got["m1"]); is != c.other {
				t.Errorf("m1: %s, want %s", is, c.other)
			}
			if notes := strings.Join(got["m0"].Notes, "; "); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q", notes)
			}
			if most := s.asked[0].MaxDatapoints; aws.ToInt32(most) != 100_800 || len(s.asked) != len(c.pages) {
				t.Errorf("%d calls, of at most %d datapoints", len(s.asked), aws.ToInt32(most))
			}
		})
	}
}

func told(s metric.Series) string {
	var out []string
	for _, p := range s.Points {
		out = append(out, fmt.Sprint(p.Value.Float()))
	}
	n := slo.Minute(0)
	for _, a := range s.Answered {
		n += a.Len()
	}
	return strings.Join(append(out, "|", fmt.Sprint(int64(n))), " ")
}

// TestRegionsAndAccounts reads one metric from several places.
func TestRegionsAndAccounts(t *testing.T) {
	end := slo.MinuteOf(clock)
	span := slo.Span{From: end - 20, To: end}
	two := func(more slo.Spec) metric.Request {
		q := spec("m0", 1)
		q["regions"] = []any{"eu-west-1", "us-east-1"}
		maps.Copy(q, more)
		return metric.Request{Span: span, Queries: []metric.Query{{Key: "q", Spec: q}}}
	}
	t.Run("summed", func(t *testing.T) {
		l := within(t, nil)
		l.load(ours, "eu-west-1", 1, span)
		l.load(ours, "us-east-1", 1, slo.Span{From: end - 10, To: end})
		s := fetch(t, l.source(), two(nil))["q"]
		if len(s.Points) != 20 || s.Points[0].Value != slo.Events(valueAt(0, end-20)) || s.Points[19].Value != slo.Events(2*valueAt(0, end-1)) {
			t.Errorf("%+v", s)
		}
	})
	t.Run("one region answers half", func(t *testing.T) {
		eu, us := within(t, nil), within(t, nil)
		eu.load(ours, "eu-west-1", 1, span)
		us.load(ours, "us-east-1", 1, span)
		if err := us.server.Inject(cloudwatchd.Fault{Kind: cloudwatchd.Partial}); err != nil {
			t.Fatal(err)
		}
		s := fetch(t, pair(eu, us), two(nil))["q"]
		if told(s) == "" || len(s.Points) != 10 || len(s.Answered) != 1 || s.Answered[0] != (slo.Span{From: end - 20, To: end - 10}) {
			t.Errorf("%+v", s)
		}
	})
	t.Run("one region refuses", func(t *testing.T) {
		eu, us := within(t, nil), within(t, nil)
		eu.load(ours, "eu-west-1", 2, span)
		if err := us.server.Inject(cloudwatchd.Fault{Kind: cloudwatchd.Failure, Code: "AccessDenied", Status: 403}); err != nil {
			t.Fatal(err)
		}
		req := two(nil)
		req.Queries = append(req.Queries, metric.Query{Key: "alone", Spec: spec("m1", 1)})
		got := fetch(t, pair(eu, us), req)
		if s := got["q"]; fault.KindOf(s.Err) != fault.Denied || len(s.Points)+len(s.Answered) > 0 || !strings.Contains(s.Err.Error(), "us-east-1") {
			t.Errorf("%+v", s)
		}
		isWhole(t, 1, got["alone"], span)
	})
	t.Run("a linked account", func(t *testing.T) {
		l := within(t, func(c *cloudwatchd.Config) { c.Linked = []string{"123456789012"} })
		l.load(ours, "eu-west-1", 1, slo.Span{From: end - 5, To: end})
		l.load("123456789012", "eu-west-1", 1, span)
		q := spec("m0", 1)
		q["accountId"] = "123456789012"
		isWhole(t, 0, fetch(t, l.source(), metric.Request{Span: span, Queries: []metric.Query{{Key: "q", Spec: q}}})["q"], span)
	})
	t.Run("an account that is not linked", func(t *testing.T) {
		l := within(t, nil)
		l.load("123456789012", "eu-west-1", 1, span)
		q := spec("m0", 1)
		q["accountId"] = "123456789012"
		if s := fetch(t, l.source(), metric.Request{Span: span, Queries: []metric.Query{{Key: "q", Spec: q}}})["q"]; len(s.Points) > 0 || s.Exists {
			t.Errorf("%+v", s)
		}
	})
}

// pair is a source whose American region is another server.
func pair(eu, us *inside) *cloudwatch.Source {
	eu.opt.Connect = func(_ context.Context, region, _, _ string) (cloudwatch.API, error) {
		if region == "us-east-1" {
			return us.client(region), nil
		}
		return eu.client(region), nil
	}
	return eu.source()
}

// Sums that no count may have stay at the largest amount, which is refused.
func TestRegionsThatAddUpToTooMuch(t *testing.T) {
	end := slo.MinuteOf(clock)
	huge := &script{pages: []*cw.GetMetricDataOutput{page("", result("q0", types.StatusCodeComplete, end-2, 9e12, 1))}}
	src := cloudwatch.New(cloudwatch.Options{
		Connect: func(context.Context, string, string, string) (cloudwatch.API, error) { return huge, nil },
		Now:     func() time.Time { return clock }, Parallel: 1,
	})
	q := spec("m0", 1)
	q["regions"] = []any{"eu-west-1", "us-east-1"}
	s := fetch(t, src, metric.Request{Span: slo.Span{From: end - 2, To: end}, Queries: []metric.Query{{Key: "q", Spec: q}}})["q"]
	if len(s.Points) != 2 || s.Points[0].Value != math.MaxInt64 || s.Points[1].Value != slo.Events(2) {
		t.Errorf("%+v", s)
	}
}

// The role and its external ID come from the query or from the data source.
func TestWhoIsAsked(t *testing.T) {
	end := slo.MinuteOf(clock)
	var asked []string
	src := cloudwatch.New(cloudwatch.Options{
		Connect: func(_ context.Context, region, role, external string) (cloudwatch.API, error) {
			asked = append(asked, region+" "+role+" "+external)
			return &script{pages: []*cw.GetMetricDataOutput{page("")}}, nil
		},
		Now: func() time.Time { return clock }, Parallel: 1,
		Details: slo.Spec{"region": "eu-west-1", "roleArn": "ours", "externalId": "x1"},
	})
	theirs := spec("m1", 1)
	theirs["roleArn"], theirs["externalId"] = "theirs", "x2"
	fetch(t, src, metric.Request{Span: slo.Span{From: end - 2, To: end}, Queries: []metric.Query{{Key: "a", Spec: spec("m0", 1)}, {Key: "b", Spec: theirs}}})
	slices.Sort(asked)
	if got := strings.Join(asked, ", "); got != "eu-west-1 ours x1, eu-west-1 theirs x2" {
		t.Errorf("connected to %s", got)
	}
}
