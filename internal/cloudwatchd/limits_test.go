package cloudwatchd_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

func many[T any](n int, f func(i int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// What CloudWatch refuses is refused, with its code, and nothing is stored.
func TestPublishLimits(t *testing.T) {
	b := start(t, func(c *cloudwatchd.Config) { c.ReserveAWS = true })
	one := func(change func(*types.MetricDatum)) []types.MetricDatum {
		d := datum("m", noon, 1)
		change(&d)
		return []types.MetricDatum{d}
	}
	number := func(i int) float64 { return float64(i) }
	dims := func(n int) []types.Dimension {
		return many(n, func(i int) types.Dimension { return dim(fmt.Sprint("d", i), "v") })
	}
	set := func(n, sum, lowest, highest float64) *types.StatisticSet {
		return &types.StatisticSet{SampleCount: &n, Sum: &sum, Minimum: &lowest, Maximum: &highest}
	}
	for _, c := range []struct {
		name, code, part string
		data             []types.MetricDatum
		namespace        string
	}{
		{"1001 data", "InvalidParameterValue", "1000", many(1001, func(int) types.MetricDatum { return datum("m", noon, 1) }), "shop"},
		{"151 values", "InvalidParameterValue", "150", one(func(d *types.MetricDatum) { d.Value, d.Values = nil, many(151, number) }), "shop"},
		{"31 dimensions", "InvalidParameterValue", "30", one(func(d *types.MetricDatum) { d.Dimensions = dims(31) }), "shop"},
		{"the same dimension twice", "InvalidParameterValue", "twice", one(func(d *types.MetricDatum) { d.Dimensions = []types.Dimension{dim("a", "1"), dim("a", "2")} }), "shop"},
		{"an empty dimension value", "MissingParameter", "Dimensions.member.1.Value", one(func(d *types.MetricDatum) { d.Dimensions = []types.Dimension{dim("a", "")} }), "shop"},
		{"not a number", "InvalidParameterValue", "Value", one(func(d *types.MetricDatum) { d.Value = aws.Float64(math.NaN()) }), "shop"},
		{"infinity", "InvalidParameterValue", "Values", one(func(d *types.MetricDatum) { d.Value, d.Values = nil, []float64{1, math.Inf(1)} }), "shop"},
		{"too large", "InvalidParameterValue", "2^360", one(func(d *types.MetricDatum) { d.Value = aws.Float64(0x1p361) }), "shop"},
		{"older than two weeks", "InvalidParameterValue", "past two weeks", one(func(d *types.MetricDatum) { d.Timestamp = aws.Time(noon.Add(-14*24*time.Hour - time.Second)) }), "shop"},
		{"more than two hours ahead", "InvalidParameterValue", "two hours", one(func(d *types.MetricDatum) { d.Timestamp = aws.Time(noon.Add(2*time.Hour + time.Second)) }), "shop"},
		{"a resolution of 30", "InvalidParameterValue", "StorageResolution", one(func(d *types.MetricDatum) { d.StorageResolution = aws.Int32(30) }), "shop"},
		{"no such unit", "InvalidParameterValue", "Unit", one(func(d *types.MetricDatum) { d.Unit = "Parsec" }), "shop"},
		{"counts of another length", "InvalidParameterValue", "same size", one(func(d *types.MetricDatum) { d.Value, d.Values, d.Counts = nil, []float64{1, 2}, []float64{1} }), "shop"},
		{"a negative count", "InvalidParameterValue", "Counts", one(func(d *types.MetricDatum) { d.Value, d.Values, d.Counts = nil, []float64{1}, []float64{-1} }), "shop"},
		{"value and values", "InvalidParameterCombination", "mutually exclusive", one(func(d *types.MetricDatum) { d.Values = []float64{1} }), "shop"},
		{"no value at all", "MissingParameter", "At least one", one(func(d *types.MetricDatum) { d.Value = nil }), "shop"},
		{"maximum below minimum", "InvalidParameterValue", "Maximum", one(func(d *types.MetricDatum) { d.Value, d.StatisticValues = nil, set(2, 3, 2, 1) }), "shop"},
		{"a name of 256 characters", "InvalidParameterValue", "256", one(func(d *types.MetricDatum) { d.MetricName = aws.String(strings.Repeat("n", 256)) }), "shop"},
		{"a control character", "InvalidParameterValue", "control", one(func(d *types.MetricDatum) { d.MetricName = aws.String("a\x01b") }), "shop"},
		{"a reserved namespace", "InvalidParameterValue", "AWS/", one(func(*types.MetricDatum) {}), "AWS/Lambda"},
		{"no data", "MissingParameter", "MetricData", []types.MetricDatum{}, "shop"},
	} {
		_, err := b.cw.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: &c.namespace, MetricData: c.data})
		if api := refused(t, err); api.ErrorCode() != c.code || !strings.Contains(api.ErrorMessage(), c.part) {
			t.Errorf("%s: %v; want %s with %q", c.name, err, c.code, c.part)
		}
	}
	// On the limits themselves.
	b.put(many(1000, func(i int) types.MetricDatum {
		d := datum("m", noon.Add(-14*24*time.Hour), 0, dims(30)...)
		d.Value, d.Values = nil, many(150, func(k int) float64 { return float64(k*1000 + i) })
		return d
	})[:100]...) // a hundred fit into 1 MB
	b.put(datum("m", noon.Add(2*time.Hour), 0x1p360))
	list, err := b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
	if err != nil || len(list.Metrics) != 1 { // the older one is out of the listing
		t.Errorf("%d metrics after what was refused and what was not, %v", len(list.Metrics), err)
	}
}

func TestReadLimits(t *testing.T) {
	b := start(t)
	query := func(change func(*types.MetricDataQuery)) []types.MetricDataQuery {
		q := ask("a", "m", "Sum", 60)
		change(&q)
		return []types.MetricDataQuery{q}
	}
	selects := math2("b", "SELECT SUM(m) FROM shop")
	from := noon.Add(-time.Hour)
	for _, c := range []struct {
		name, part string
		queries    []types.MetricDataQuery
	}{
		{"501 queries", "500", many(501, func(i int) types.MetricDataQuery { return ask(fmt.Sprint("q", i), "m", "Sum", 60) })},
		{"the same id twice", "not unique", append(query(func(*types.MetricDataQuery) {}), ask("a", "n", "Sum", 60))},
		{"an id in capitals", "pattern", query(func(q *types.MetricDataQuery) { q.Id = aws.String("Abc") })},
		{"no such statistic", "not a valid statistic", query(func(q *types.MetricDataQuery) { q.MetricStat.Stat = aws.String("Mean") })},
		{"a period of 45", "multiple of 60", query(func(q *types.MetricDataQuery) { q.MetricStat.Period = aws.Int32(45) })},
		{"a period of 0", "multiple of 60", query(func(q *types.MetricDataQuery) { q.MetricStat.Period = aws.Int32(0) })},
		{"metric and expression", "mutually exclusive", query(func(q *types.MetricDataQuery) { q.Expression = aws.String("a") })},
		{"neither", "must be specified", query(func(q *types.MetricDataQuery) { q.MetricStat = nil })},
		{"an unknown id", "no query of this request", []types.MetricDataQuery{math2("e", "nobody + 1")}},
		{"a circle", "depends on itself", []types.MetricDataQuery{math2("e", "f + 1"), math2("f", "e + 1")}},
		{"a number as result", "TIME_SERIES", append(query(func(*types.MetricDataQuery) {}), math2("e", "SUM(a)"))},
		{"an unsupported function", "not supported", append(query(func(*types.MetricDataQuery) {}), math2("e", "ANOMALY_DETECTION_BAND(a)"))},
		{"two Metrics Insights queries", "only one", []types.MetricDataQuery{selects, math2("c", "SELECT SUM(m) FROM shop")}},
		{"a bad SELECT", "GROUP", []types.MetricDataQuery{math2("c", "SELECT SUM(m) FROM shop GROUP Az")}},
	} {
		_, err := b.cw.GetMetricData(t.Context(), window(from, noon, c.queries...))
		if api := refused(t, err); api.ErrorCode() != "ValidationError" || !strings.Contains(api.ErrorMessage(), c.part) {
			t.Errorf("%s: %v; want ValidationError with %q", c.name, err, c.part)
		}
	}
	if _, err := b.cw.GetMetricData(t.Context(), window(noon, from, ask("a", "m", "Sum", 60))); refused(t, err).ErrorCode() != "ValidationError" {
		t.Errorf("end before start: %v", err)
	}
	out := b.get(window(from, noon, many(500, func(i int) types.MetricDataQuery { return ask(fmt.Sprint("q", i), "m", "Sum", 60) })...))
	if len(out.MetricDataResults) != 500 {
		t.Errorf("500 queries gave %d results", len(out.MetricDataResults))
	}
}

func math2(id, expression string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &expression, Period: aws.Int32(60)}
}

func TestStatisticsLimits(t *testing.T) {
	b := start(t)
	b.put(datum("m", noon.Add(-time.Minute), 5), datum("m", noon.Add(-time.Minute), 7))
	in := func(change func(*cloudwatch.GetMetricStatisticsInput)) *cloudwatch.GetMetricStatisticsInput {
		i := &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("shop"), MetricName: aws.String("m"), StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: aws.Time(noon),
			Period: aws.Int32(60), Statistics: []types.Statistic{types.StatisticSum, types.StatisticSampleCount},
		}
		change(i)
		return i
	}
	for _, c := range []struct {
		name, code string
		in         *cloudwatch.GetMetricStatisticsInput
	}{
		{"1441 datapoints", "InvalidParameterCombination", in(func(i *cloudwatch.GetMetricStatisticsInput) { i.StartTime = aws.Time(noon.Add(-1441 * time.Minute)) })},
		{"both kinds", "InvalidParameterCombination", in(func(i *cloudwatch.GetMetricStatisticsInput) { i.ExtendedStatistics = []string{"p50"} })},
		{"neither kind", "MissingParameter", in(func(i *cloudwatch.GetMetricStatisticsInput) { i.Statistics = nil })},
		{"a percentile as plain", "InvalidParameterValue", in(func(i *cloudwatch.GetMetricStatisticsInput) { i.Statistics = []types.Statistic{"p50"} })},
		{"end before start", "InvalidParameterValue", in(func(i *cloudwatch.GetMetricStatisticsInput) { i.EndTime = i.StartTime })},
		{"a period of 90", "InvalidParameterValue", in(func(i *cloudwatch.GetMetricStatisticsInput) { i.Period = aws.Int32(90) })},
	} {
		_, err := b.cw.GetMetricStatistics(t.Context(), c.in)
		if api := refused(t, err); api.ErrorCode() != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
	out, err := b.cw.GetMetricStatistics(t.Context(), in(func(i *cloudwatch.GetMetricStatisticsInput) { i.StartTime = aws.Time(noon.Add(-1440 * time.Minute)) }))
	if err != nil || len(out.Datapoints) != 1 || *out.Datapoints[0].Sum != 12 || *out.Datapoints[0].SampleCount != 2 || out.Datapoints[0].Unit != "None" || *out.Label != "m" {
		t.Errorf("%+v, %v", out, err)
	}
	out, err = b.cw.GetMetricStatistics(t.Context(), in(func(i *cloudwatch.GetMetricStatisticsInput) {
		i.Statistics, i.ExtendedStatistics = nil, []string{"p50", "TC(:5)", "tm90"}
	}))
	if err != nil || len(out.Datapoints) != 1 || fmt.Sprint(out.Datapoints[0].ExtendedStatistics) != "map[TC(:5):1 p50:5 tm90:6]" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestListMetrics(t *testing.T) {
	b := start(t)
	for i := range 3 {
		b.put(many(400, func(k int) types.MetricDatum {
			return datum("m", noon, 1, dim("n", fmt.Sprint(i*400+k)), dim("x", "y"))
		})...)
	}
	b.put(datum("old", noon.Add(-4*time.Hour), 1), datum("older", noon.Add(-13*24*time.Hour), 1))
	count := func(in *cloudwatch.ListMetricsInput) (n, pages int) {
		t.Helper()
		p := cloudwatch.NewListMetricsPaginator(b.cw, in)
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n += len(out.Metrics)
			pages++
		}
		return n, pages
	}
	filter := func(name, value string) []types.DimensionFilter {
		f := types.DimensionFilter{Name: &name}
		if value != "" {
			f.Value = &value
		}
		return []types.DimensionFilter{f}
	}
	for _, c := range []struct {
		name        string
		in          cloudwatch.ListMetricsInput
		want, pages int
	}{
		{"all", cloudwatch.ListMetricsInput{}, 1202, 3},
		{"a name", cloudwatch.ListMetricsInput{MetricName: aws.String("old")}, 1, 1},
		{"another namespace", cloudwatch.ListMetricsInput{Namespace: aws.String("Shop")}, 0, 1},
		{"a dimension with any value", cloudwatch.ListMetricsInput{Dimensions: filter("n", "")}, 1200, 3},
		{"a dimension's value", cloudwatch.ListMetricsInput{Dimensions: filter("n", "77")}, 1, 1},
		{"recently active", cloudwatch.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h}, 1200, 3},
	} {
		if n, pages := count(&c.in); n != c.want || pages != c.pages {
			t.Errorf("%s: %d metrics on %d pages, want %d on %d", c.name, n, pages, c.want, c.pages)
		}
	}
	b.server.Clock().Advance(25 * time.Hour)
	if n, _ := count(&cloudwatch.ListMetricsInput{}); n != 1201 {
		t.Errorf("%d metrics a day later; the one without data for two weeks should be gone", n)
	}
	if _, err := b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{NextToken: aws.String("?")}); refused(t, err).ErrorCode() != "InvalidParameterValue" {
		t.Errorf("a garbled token: %v", err)
	}
}

func TestOtherOperations(t *testing.T) {
	b := start(t)
	_, err := b.cw.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	if api := refused(t, err); api.ErrorCode() != "UnsupportedOperation" {
		t.Errorf("DescribeAlarms: %v", err)
	}
	status, _, body := b.do("POST", "/", "Action=Frobnicate&Version=2010-08-01", "Content-Type", "application/x-www-form-urlencoded")
	if status != 400 || !strings.Contains(string(body), "<Code>InvalidAction</Code>") {
		t.Errorf("%d %s", status, body)
	}
}

func TestBodySizes(t *testing.T) {
	b := start(t)
	big := `{"Namespace":"` + strings.Repeat("n", 1<<20) + `"}`
	target := []string{"Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"}
	if status, _, _ := b.do("POST", "/", big, target...); status != 413 {
		t.Errorf("more than 1 MB: status %d, want 413", status)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(`{"Namespace":"shop","MetricData":[{"MetricName":"zipped","Value":3}]}`)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if status, _, body := b.do("POST", "/", z.String(), append(target, "Content-Encoding", "gzip")...); status != 200 {
		t.Errorf("gzip: %d %s", status, body)
	}
	z.Reset()
	w = gzip.NewWriter(&z)
	zeros := make([]byte, 1<<20)
	for range 40 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := b.do("POST", "/", z.String(), append(target, "Content-Encoding", "gzip")...); status != 413 {
		t.Errorf("a small body that unpacks to 40 MB: status %d, want 413", status)
	}
	if status, _, _ := b.do("POST", "/", "not gzip", append(target, "Content-Encoding", "gzip")...); status != 400 {
		t.Errorf("not gzip: status %d", status)
	}
}
