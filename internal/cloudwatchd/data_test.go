package cloudwatchd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

func TestPublishAndReadOverCBOR(t *testing.T) {
	b := start(t)
	from := noon.Add(-10 * time.Minute)
	b.put(
		datum("latency", from.Add(20*time.Second), 120),
		types.MetricDatum{MetricName: aws.String("latency"), Timestamp: aws.Time(from.Add(59 * time.Second)), Values: []float64{300, 301, 40}, Counts: []float64{2, 3, 4}},
		types.MetricDatum{MetricName: aws.String("latency"), Timestamp: aws.Time(from.Add(2 * time.Minute)), StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(4), Sum: aws.Float64(100), Minimum: aws.Float64(10), Maximum: aws.Float64(40)}},
	)
	stats := []string{"SampleCount", "Sum", "Average", "Minimum", "Maximum", "TC(:300)", "PR(:300)", "p50", "tm50", "TS(40:300)", "WM(:300)", "IQM"}
	want := []map[int]float64{
		{0: 10, 2: 4},
		{0: 120 + 600 + 903 + 160, 2: 100},
		{0: 178.3, 2: 25},
		{0: 40, 2: 10},
		{0: 301, 2: 40},
		{0: 7},
		{0: 70},
		{0: 120},
		{0: (160 + 120) / 5.0},
		{0: 720},
		{0: (160 + 120 + 600 + 900) / 10.0},
		{0: (40 + 40 + 120 + 300 + 300 + 301) / 6.0}, // ranks 3 to 8 of ten
	}
	var queries []types.MetricDataQuery
	for i, s := range stats {
		queries = append(queries, ask(fmt.Sprintf("q%d", i), "latency", s, 60))
	}
	out := b.get(window(from, noon, queries...))
	if len(out.MetricDataResults) != len(stats) || out.NextToken != nil {
		t.Fatalf("%d results, token %v", len(out.MetricDataResults), out.NextToken)
	}
	for i, r := range out.MetricDataResults {
		if diff := cmp.Diff(want[i], minutes(r, from)); diff != "" || r.StatusCode != types.StatusCodeComplete {
			t.Errorf("%s %s: %s", stats[i], r.StatusCode, diff)
		}
		if got := aws.ToString(r.Label); got != "latency "+stats[i] {
			t.Errorf("label %q", got)
		}
	}
}

func TestExactDimensions(t *testing.T) {
	b := start(t)
	at := noon.Add(-5 * time.Minute)
	b.put(datum("m", at, 1), datum("m", at, 2, dim("a", "x")), datum("m", at, 4, dim("a", "x"), dim("b", "y")))
	out := b.get(window(at, noon,
		ask("none", "m", "Sum", 60), ask("one", "m", "Sum", 60, dim("a", "x")),
		ask("two", "m", "Sum", 60, dim("b", "y"), dim("a", "x")), // order does not matter
		ask("typo", "m", "Sum", 60, dim("a", "X"))))
	for i, want := range []map[int]float64{{0: 1}, {0: 2}, {0: 4}, {}} {
		r := out.MetricDataResults[i]
		if diff := cmp.Diff(want, minutes(r, at)); diff != "" || r.StatusCode != types.StatusCodeComplete {
			t.Errorf("%s: %s", *r.Id, diff)
		}
	}
}

// Periods lie on their own grid, whatever the start.
func TestPeriodsAlign(t *testing.T) {
	b := start(t)
	base := noon.Add(-2 * time.Hour)
	for i := range 120 {
		b.put(datum("m", base.Add(time.Duration(i)*time.Minute), 1))
	}
	out := b.get(window(base.Add(7*time.Minute+42*time.Second), base.Add(21*time.Minute),
		ask("one", "m", "Sum", 60), ask("five", "m", "Sum", 300), ask("hour", "m", "Sum", 3600)))
	want := []map[int]float64{
		{7: 1, 8: 1, 9: 1, 10: 1, 11: 1, 12: 1, 13: 1, 14: 1, 15: 1, 16: 1, 17: 1, 18: 1, 19: 1, 20: 1},
		{5: 5, 10: 5, 15: 5, 20: 1}, // from 5, and the end is exclusive
		{0: 21},
	}
	for i, r := range out.MetricDataResults {
		if diff := cmp.Diff(want[i], minutes(r, base)); diff != "" {
			t.Errorf("%s: %s", *r.Id, diff)
		}
	}
}

// Data are read at a minute for 15 days, at five for 63, at an hour for 455, and
// below a minute for three hours. Asking finer gives nothing there.
func TestRetentionTiers(t *testing.T) {
	b := start(t)
	start := noon
	high := types.MetricDatum{MetricName: aws.String("m"), Timestamp: aws.Time(start.Add(7 * time.Second)), Value: aws.Float64(3), StorageResolution: aws.Int32(1)}
	b.put(high)
	read := func() (out []int) {
		t.Helper()
		from := start.Add(-24 * time.Hour)
		for _, r := range b.get(window(from, start.Add(24*time.Hour), ask("s", "m", "Sum", 1), ask("m", "m", "Sum", 60), ask("f", "m", "Sum", 300), ask("h", "m", "Sum", 3600))).MetricDataResults {
			out = append(out, len(r.Values))
		}
		return out
	}
	for _, c := range []struct {
		age  time.Duration
		want []int
	}{
		{0, []int{1, 1, 1, 1}},
		{3 * time.Hour, []int{1, 1, 1, 1}},
		{3*time.Hour + time.Minute, []int{0, 1, 1, 1}},
		{15 * 24 * time.Hour, []int{0, 1, 1, 1}},
		{15*24*time.Hour + time.Minute, []int{0, 0, 1, 1}},
		{63 * 24 * time.Hour, []int{0, 0, 1, 1}},
		{63*24*time.Hour + 5*time.Minute, []int{0, 0, 0, 1}},
		{455 * 24 * time.Hour, []int{0, 0, 0, 1}},
		{456 * 24 * time.Hour, []int{0, 0, 0, 0}},
	} {
		b.server.Clock().Freeze(start.Add(c.age))
		if got := read(); !slices.Equal(got, c.want) {
			t.Errorf("after %v: %v datapoints at 1 s, 60 s, 300 s, 3600 s; want %v", c.age, got, c.want)
		}
	}
}

// The border of a tier is sharp: of two minutes beside it one is there.
func TestTierBorder(t *testing.T) {
	b := start(t)
	b.put(datum("m", noon, 1), datum("m", noon.Add(time.Minute), 2))
	for late, want := range map[time.Duration]map[int]float64{0: {0: 1, 1: 2}, time.Second: {1: 2}, time.Minute: {1: 2}, 61 * time.Second: {}} {
		b.server.Clock().Freeze(noon.Add(15*24*time.Hour + late))
		if diff := cmp.Diff(want, minutes(b.get(window(noon, noon.Add(time.Hour), ask("m", "m", "Sum", 60))).MetricDataResults[0], noon)); diff != "" {
			t.Errorf("15 days and %v later: %s", late, diff)
		}
	}
}

func TestUnits(t *testing.T) {
	b := start(t)
	at := noon.Add(-time.Minute)
	in := func(value float64, unit types.StandardUnit) types.MetricDatum {
		d := datum("m-test", at, value)
		d.Unit = unit
		return d
	}
	b.put(in(60000, types.StandardUnitMilliseconds), in(60, types.StandardUnitSeconds))
	q := ask("m1", "m-test", "Sum", 60)
	r := b.get(window(at, noon, q)).MetricDataResults[0]
	// As recorded from AWS: one unit is picked, and a message says there are more.
	if diff := cmp.Diff(map[int]float64{0: 60000}, minutes(r, at)); diff != "" || len(r.Messages) != 1 ||
		*r.Messages[0].Code != "MultipleUnits" || *r.Messages[0].Value != "Multiple units returned: '[Milliseconds, Seconds]'" {
		t.Errorf("%s %v", diff, r.Messages)
	}
	q.MetricStat.Unit = types.StandardUnitSeconds
	if r := b.get(window(at, noon, q)).MetricDataResults[0]; minutes(r, at)[0] != 60 || len(r.Messages) != 0 {
		t.Errorf("seconds: %v", r)
	}
	q.MetricStat.Unit = types.StandardUnitCount
	if r := b.get(window(at, noon, q)).MetricDataResults[0]; len(r.Values) != 0 || r.StatusCode != types.StatusCodeComplete {
		t.Errorf("a unit nobody published: %v", r)
	}
	out, err := b.cw.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("shop"), MetricName: aws.String("m-test"), StartTime: &at, EndTime: aws.Time(noon), Period: aws.Int32(60), Statistics: []types.Statistic{types.StatisticAverage},
	})
	if err != nil || len(out.Datapoints) != 2 {
		t.Errorf("GetMetricStatistics gives a datapoint a unit: %v %v", out, err)
	}
}

// The default labels as recorded from AWS.
func TestLabels(t *testing.T) {
	b := start(t)
	for want, q := range map[string][]types.MetricDataQuery{
		"metric1|metric2|metric3":              {ask("a", "metric1", "Sum", 60), ask("b", "metric2", "Sum", 60), ask("c", "metric3", "Sum", 60)},
		"metric1 Sum 60|metric1 Minimum 30":    {ask("a", "metric1", "Sum", 60), ask("b", "metric1", "Minimum", 30)},
		"metric1 Sum|metric1 Minimum":          {ask("a", "metric1", "Sum", 60), ask("b", "metric1", "Minimum", 60)},
		"metric1 60|metric1 30":                {ask("a", "metric1", "Sum", 60), ask("b", "metric1", "Sum", 30)},
		"metric1|metric1":                      {ask("a", "metric1", "Sum", 60), ask("b", "metric1", "Sum", 60)},
		"eu Requests|us Requests":              {ask("a", "Requests", "Sum", 60, dim("Az", "eu")), ask("b", "Requests", "Sum", 60, dim("Az", "us"))},
		"mine: Requests eu 60 -- ${WHAT} 0 ${": {labelled("mine: ${PROP('MetricName')} ${PROP('Dim.Az')} ${PROP('Period')} ${MAX} ${WHAT} ${DATAPOINT_COUNT} ${", ask("a", "Requests", "Sum", 60, dim("Az", "eu")))},
	} {
		var got []string
		for _, r := range b.get(window(noon.Add(-time.Hour), noon, q...)).MetricDataResults {
			got = append(got, *r.Label)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("labels %q, want %q", got, want)
		}
	}
}

func labelled(label string, q types.MetricDataQuery) types.MetricDataQuery {
	q.Label = &label
	return q
}

func TestMathThroughTheAPI(t *testing.T) {
	b := start(t)
	from := noon.Add(-5 * time.Minute)
	for i := range 5 {
		b.put(datum("errors", from.Add(time.Duration(i)*time.Minute), float64(i)), datum("requests", from.Add(time.Duration(i)*time.Minute), 10))
	}
	hidden := ask("errors", "errors", "Sum", 60)
	hidden.ReturnData = aws.Bool(false)
	out := b.get(window(from, noon, formula("rate", "100 * twice / 2"), formula("twice", "2 * errors / requests"), hidden, ask("requests", "requests", "Sum", 60), formula("all", "METRICS()")))
	var got []string
	for _, r := range out.MetricDataResults {
		got = append(got, fmt.Sprint(*r.Id, " ", *r.Label, " ", minutes(r, from)))
	}
	want := []string{
		"rate rate map[0:0 1:10 2:20 3:30 4:40]", "twice twice map[0:0 1:0.2 2:0.4 3:0.6 4:0.8]",
		"requests requests map[0:10 1:10 2:10 3:10 4:10]",
		"all errors map[0:0 1:1 2:2 3:3 4:4]", "all requests map[0:10 1:10 2:10 3:10 4:10]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSearchAndSelect(t *testing.T) {
	b := start(t)
	at := noon.Add(-10 * time.Minute)
	for i, az := range []string{"a", "b", "c"} {
		b.put(datum("RequestCount", at, float64(10*(i+1)), dim("LoadBalancer", "app/web"), dim("Az", az)))
	}
	b.put(datum("RequestCount", at, 1000, dim("LoadBalancer", "app/other")), datum("Latency", at, 7, dim("LoadBalancer", "app/web"), dim("Az", "a")))
	for _, c := range []struct {
		expression string
		want       []string
	}{
		{`SEARCH('{shop,LoadBalancer,Az} MetricName="RequestCount"', 'Sum', 60)`, []string{"a map[0:10]", "b map[0:20]", "c map[0:30]"}},
		{`SUM(SEARCH('{shop,LoadBalancer,Az} request NOT Az=c', 'Sum', 60))`, []string{"e map[0:30]"}},
		{`SELECT SUM(RequestCount) FROM shop`, []string{"e map[0:1060]"}},
		{`select avg(RequestCount) from SCHEMA(shop, Az, LoadBalancer)`, []string{"e map[0:20]"}},
		{`SELECT COUNT(RequestCount) FROM "shop" WHERE LoadBalancer = 'app/web' AND Az != 'b'`, []string{"e map[0:2]"}},
		{`SELECT MAX(RequestCount) FROM shop GROUP BY Az`, []string{"Other map[0:1000]", "a map[0:10]", "b map[0:20]", "c map[0:30]"}},
		{`SELECT MIN(RequestCount) FROM SCHEMA(shop, LoadBalancer, Az) GROUP BY Az ORDER BY MAX() DESC LIMIT 2`, []string{"c map[0:30]", "b map[0:20]"}},
		{`SELECT SUM(Nothing) FROM shop`, []string{"e map[]"}},
	} {
		q := formula("e", c.expression)
		q.Period = aws.Int32(60)
		var got []string
		for _, r := range b.get(window(at, noon, q)).MetricDataResults {
			got = append(got, fmt.Sprint(strings.TrimSuffix(strings.TrimPrefix(*r.Label, "app/web "), " RequestCount"), " ", minutes(r, at)))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.expression, diff)
		}
	}
	// A query reaches three hours back, and its result serves metric math.
	b.server.Clock().Advance(2*time.Hour + 30*time.Minute)
	q := formula("s", "SELECT SUM(RequestCount) FROM shop")
	q.Period = aws.Int32(60)
	if r := b.get(window(at, noon, q, formula("half", "s / 2"))).MetricDataResults; minutes(r[1], at)[0] != 530 {
		t.Errorf("half of the select: %v", r)
	}
	b.server.Clock().Advance(time.Hour)
	if r := b.get(window(at, noon, q)).MetricDataResults[0]; len(r.Values) != 0 {
		t.Errorf("beyond three hours: %v", r.Values)
	}
}

// Whatever the page size and order, the pages add up to the whole, and no
// unfinished result ever says Complete.
func TestPages(t *testing.T) {
	b := start(t)
	from := noon.Add(-time.Hour)
	for i := range 60 {
		b.put(datum("a", from.Add(time.Duration(i)*time.Minute), float64(i)), datum("c", from.Add(time.Duration(i)*time.Minute), float64(2*i)))
	}
	queries := []types.MetricDataQuery{ask("a", "a", "Sum", 60), ask("none", "b", "Sum", 60), ask("c", "c", "Sum", 60), ask("five", "a", "Sum", 300)}
	for _, size := range []int32{1, 7, 60, 61, 119, 120, 131, 132, 1000} {
		for _, order := range []types.ScanBy{types.ScanByTimestampAscending, types.ScanByTimestampDescending} {
			in := window(from, noon, queries...)
			in.ScanBy, in.MaxDatapoints = order, aws.Int32(size)
			got, last := map[string][]float64{}, map[string]types.StatusCode{}
			pages := cloudwatch.NewGetMetricDataPaginator(b.cw, in)
			n := 0
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				points := 0
				for _, r := range page.MetricDataResults {
					if last[*r.Id] == types.StatusCodeComplete {
						t.Errorf("%s comes again after it was complete", *r.Id)
					}
					got[*r.Id], last[*r.Id] = append(got[*r.Id], r.Values...), r.StatusCode
					points += len(r.Values)
				}
				if n++; points > int(size) {
					t.Errorf("page %d has %d datapoints, more than %d", n, points, size)
				}
			}
			want := int((132 + size - 1) / size)
			if n != want {
				t.Errorf("size %d %s: %d pages, want %d", size, order, n, want)
			}
			for id, count := range map[string]int{"a": 60, "none": 0, "c": 60, "five": 12} {
				v := slices.Clone(got[id])
				if order == types.ScanByTimestampDescending {
					slices.Reverse(v)
				}
				if len(v) != count || !slices.IsSorted(v) || last[id] != types.StatusCodeComplete {
					t.Errorf("size %d %s: %s has %d of %d datapoints, %s", size, order, id, len(v), count, last[id])
				}
			}
		}
	}
	in := window(from, noon, queries...)
	in.MaxDatapoints = aws.Int32(5)
	token := b.get(in).NextToken
	other := window(from, noon, queries[:2]...)
	other.NextToken = token
	if _, err := b.cw.GetMetricData(t.Context(), other); refused(t, err).ErrorCode() != "InvalidNextToken" {
		t.Errorf("a token of another request: %v", err)
	}
	other.NextToken = aws.String("garbage")
	if _, err := b.cw.GetMetricData(t.Context(), other); refused(t, err).ErrorCode() != "InvalidNextToken" {
		t.Errorf("garbage: %v", err)
	}
	// With an expression there is no token; what does not fit says so.
	in = window(from, noon, queries[0], formula("e", "a + 1"))
	in.MaxDatapoints = aws.Int32(70)
	out := b.get(in)
	if out.NextToken != nil || len(out.MetricDataResults[1].Values) != 10 || out.MetricDataResults[1].StatusCode != types.StatusCodePartialData {
		t.Errorf("math beyond the limit: token %v, %d values, %s", out.NextToken, len(out.MetricDataResults[1].Values), out.MetricDataResults[1].StatusCode)
	}
}

func TestRegionsAndAccounts(t *testing.T) {
	b := start(t, func(c *cloudwatchd.Config) { c.Linked = []string{"222222222222"} })
	at := noon.Add(-time.Minute)
	put := func(c *cloudwatch.Client, v float64) {
		t.Helper()
		if _, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{datum("m", at, v)}}); err != nil {
			t.Fatal(err)
		}
	}
	put(b.client("eu-west-1", "111111111111"), 1)
	put(b.client("us-east-1", "111111111111"), 2)
	put(b.client("eu-west-1", "222222222222"), 4)
	put(b.client("eu-west-1", "333333333333"), 8)
	reader := b.client("eu-west-1", "111111111111")
	linked, foreign := ask("linked", "m", "Sum", 60), ask("foreign", "m", "Sum", 60)
	linked.AccountId, foreign.AccountId = aws.String("222222222222"), aws.String("333333333333")
	out, err := reader.GetMetricData(t.Context(), window(at, noon, ask("own", "m", "Sum", 60), linked, foreign))
	if err != nil {
		t.Fatal(err)
	}
	r := out.MetricDataResults
	if r[0].Values[0] != 1 || r[1].Values[0] != 4 || r[2].StatusCode != types.StatusCodeForbidden || len(r[2].Values) != 0 {
		t.Errorf("own %v, linked %v, foreign %v %s", r[0].Values, r[1].Values, r[2].Values, r[2].StatusCode)
	}
	list, err := reader.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{IncludeLinkedAccounts: aws.Bool(true)})
	if err != nil || !slices.Equal(list.OwningAccounts, []string{"111111111111", "222222222222"}) {
		t.Errorf("owners %v, %v", list.OwningAccounts, err)
	}
}
