package cloudwatchd_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// A server beside the tests of a service: the service's own client writes and
// reads, and the test moves the clock.
func ExampleNew() {
	ctx := context.Background()
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	server, err := cloudwatchd.New(ctx, cloudwatchd.Config{Clock: func() time.Time { return start }})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close(ctx) }()
	h := httptest.NewServer(server)
	defer h.Close()
	cw := cloudwatch.New(cloudwatch.Options{Region: "eu-west-1", BaseEndpoint: aws.String(h.URL), Credentials: aws.AnonymousCredentials{}})
	_, err = cw.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{
		{MetricName: aws.String("Latency"), Unit: types.StandardUnitMilliseconds, Values: []float64{120, 300, 301}, Counts: []float64{90, 5, 5}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Clock().Advance(5 * time.Minute)
	query := func(id, statistic string) types.MetricDataQuery {
		metric := &types.Metric{Namespace: aws.String("shop"), MetricName: aws.String("Latency")}
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: metric, Period: aws.Int32(60), Stat: &statistic}}
	}
	out, err := cw.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: &start, EndTime: aws.Time(server.Clock().Now()),
		MetricDataQueries: []types.MetricDataQuery{query("total", "SampleCount"), query("good", "TC(:300)"), {Id: aws.String("share"), Expression: aws.String("good / total")}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range out.MetricDataResults {
		fmt.Println(*r.Id, r.Values)
	}
	fmt.Println("billed as", server.Totals().MetricsRequested, "metric")
	// Output:
	// total [100]
	// good [95]
	// share [0.95]
	// billed as 1 metric
}

func TestConfigNeedsAClock(t *testing.T) {
	if _, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{}); err == nil {
		t.Error("a server without a clock")
	}
}

// Account and region are read from the signature; without one, the defaults
// serve.
func TestWhoCalls(t *testing.T) {
	b := start(t, func(c *cloudwatchd.Config) { c.Account, c.Region = "999999999999", "eu-north-1" })
	const sig = "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host;x-amz-date, Signature=abc"
	for _, c := range []struct{ auth, query, want string }{
		{fmt.Sprintf(sig, "AKID/20260302/ap-south-1/monitoring/aws4_request"), "", "999999999999 ap-south-1"},
		{fmt.Sprintf(sig, "123456789012/20260302/us-east-2/monitoring/aws4_request"), "", "123456789012 us-east-2"},
		{fmt.Sprintf(sig, "12345678901x/20260302/us-east-2/monitoring/aws4_request"), "", "999999999999 us-east-2"},
		{fmt.Sprintf(sig, "key/with/slash/20260302/us-east-2/monitoring/aws4_request"), "", "999999999999 us-east-2"},
		{"", "&X-Amz-Credential=123456789012%2F20260302%2Fus-west-1%2Fmonitoring%2Faws4_request", "123456789012 us-west-1"},
		{"", "", "999999999999 eu-north-1"},
		{"Bearer x", "", "999999999999 eu-north-1"},
		{"AWS4-HMAC-SHA256 Credential=,", "", "999999999999 eu-north-1"},
	} {
		b.server.ResetTotals()
		b.do(http.MethodGet, "/?Action=ListMetrics"+c.query, "", "Authorization", c.auth)
		e := b.server.Requests()[0]
		if got := e.Account + " " + e.Region; got != c.want || e.Status != 200 {
			t.Errorf("%q %q: %s (%d), want %s", c.auth, c.query, got, e.Status, c.want)
		}
	}
}

func TestClock(t *testing.T) {
	now := noon
	b := start(t, func(c *cloudwatchd.Config) { c.Clock = func() time.Time { return now } })
	clock := b.server.Clock()
	is := func(what string, want time.Time) {
		t.Helper()
		if got := clock.Now(); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	is("at first", noon)
	past := noon.AddDate(-10, 0, 0)
	clock.Set(past)
	now = now.Add(time.Minute)
	is("set, it runs on", past.Add(time.Minute))
	clock.Freeze(past)
	now = now.Add(time.Minute)
	is("frozen, it stands", past)
	clock.Advance(time.Hour)
	is("frozen and moved", past.Add(time.Hour))
	clock.Release()
	is("released", now)
	clock.Advance(-time.Hour)
	is("moved", now.Add(-time.Hour))
}

// The dynamic parts of labels, one by one.
func TestDynamicLabels(t *testing.T) {
	b := start(t)
	from := noon.Add(-5 * time.Minute)
	for i, v := range []float64{3, 9, 1, 5} {
		b.put(datum("m", from.Add(time.Duration(i)*time.Minute), v, dim("az", "a")))
	}
	for label, want := range map[string]string{
		"${LABEL}/${AVG}/${SUM}/${DATAPOINT_COUNT}": "m/4.5/18/4", "${MIN}..${MAX}": "1..9", "${FIRST},${LAST}": "3,5",
		"${MIN_MAX_RANGE}": "1 - 9", "${FIRST_LAST_RANGE}": "3 - 5", "${MAX_TIME}": "2026-03-02 13:26:00 UTC+01:30", "${MIN_TIME}": "2026-03-02 13:27:00 UTC+01:30",
		"${FIRST_TIME}": "2026-03-02 13:25:00 UTC+01:30", "${LAST_TIME}": "2026-03-02 13:28:00 UTC+01:30",
		"${FIRST_LAST_TIME_RANGE}":                         "2026-03-02 13:25:00 UTC+01:30 - 2026-03-02 13:28:00 UTC+01:30",
		"${PROP('Namespace')} ${PROP('Stat')}":             "shop Sum",
		"${PROP('AccountId')} ${PROP('Region')}":           "000000000000 eu-west-1",
		"${PROP('Dim.az')} ${PROP('Dim.no')} ${PROP('X')}": "a ${PROP('Dim.no')} ${PROP('X')}",
		"plain": "plain", "$": "$",
	} {
		in := window(from, noon, labelled(label, ask("a", "m", "Sum", 60, dim("az", "a"))))
		in.LabelOptions = &types.LabelOptions{Timezone: aws.String("+0130")}
		if got := *b.get(in).MetricDataResults[0].Label; got != want {
			t.Errorf("%s: %s, want %s", label, got, want)
		}
	}
	in := window(from, noon, ask("a", "m", "Sum", 60))
	in.LabelOptions = &types.LabelOptions{Timezone: aws.String("Europe/Berlin")}
	if _, err := b.cw.GetMetricData(t.Context(), in); refused(t, err).ErrorCode() != "ValidationError" {
		t.Errorf("a zone's name: %v", err)
	}
}

// History of months arrives at once through Load, past the limits.
func TestLoad(t *testing.T) {
	b := start(t)
	m := store.NewMetric("shop", "old", nil)
	old := noon.Add(-400 * 24 * time.Hour).Truncate(time.Hour)
	if err := b.server.Load(t.Context(), eu, []store.Datum{{Metric: m, Unit: "Count", At: old.Unix(), Set: stat.Single(5, 2)}}); err != nil {
		t.Fatal(err)
	}
	r := b.get(window(old, noon, ask("a", "old", "Sum", 3600))).MetricDataResults[0]
	if len(r.Values) != 1 || r.Values[0] != 10 || b.server.Size(eu).Metrics != 1 {
		t.Errorf("%+v, %+v", r, b.server.Size(eu))
	}
}

// Readers, writers, faults and the clock at once; for the race detector.
func TestAllAtOnce(t *testing.T) {
	b := start(t)
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := range 30 {
				at := noon.Add(-time.Duration(i) * time.Minute)
				_, _ = b.cw.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{datum(fmt.Sprint("m", w), at, 1)}})
				_, _ = b.cw.GetMetricData(t.Context(), window(noon.Add(-time.Hour), noon, ask("a", "m0", "p50", 60), formula("e", "SUM(METRICS())")))
				_, _ = b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
			}
		})
	}
	wg.Go(func() {
		for range 30 {
			_ = b.server.Inject(cloudwatchd.Fault{Kind: cloudwatchd.Late, Delay: cloudwatchd.Delay(time.Second), Rate: 0.5})
			b.server.Clock().Advance(time.Second)
			_, _ = b.server.ReadEMF(t.Context(), eu, strings.NewReader(emfLine(noon, "5")))
			b.server.ClearFaults()
			_, _, _ = b.server.Totals(), b.server.Requests(), b.server.EMFTotals()
		}
	})
	wg.Wait()
	b.server.Clock().Advance(time.Hour)
	n := 0.0
	for w := range 3 {
		for _, v := range b.get(window(noon.Add(-time.Hour), noon.Add(time.Minute), ask("a", fmt.Sprint("m", w), "SampleCount", 3600))).MetricDataResults[0].Values {
			n += v
		}
	}
	if n != 90 {
		t.Errorf("%v samples of 90", n)
	}
}

// FuzzServer: whatever is sent, the server answers with a status that is not
// its own fault.
func FuzzServer(f *testing.F) {
	f.Add(byte(0), "PutMetricData", []byte("\xa1iNamespacead"))
	f.Add(byte(1), "PutMetricData", []byte(`{"Namespace":"a","MetricData":[{"MetricName":"m","Values":[1,2],"Counts":[0,-0.0]}]}`))
	f.Add(byte(1), "GetMetricData", []byte(`{"StartTime":1772450000,"EndTime":1772460000,"MetricDataQueries":[{"Id":"e","Expression":"SEARCH('{a}','p99',60)","Period":1},{"Id":"s","Expression":"SELECT AVG(m) FROM a","Period":60}]}`))
	f.Add(byte(1), "GetMetricData", []byte(`{"StartTime":-62135596800,"EndTime":253402300799,"MetricDataQueries":[{"Id":"e","Expression":"FILL(TIME_SERIES(1),LINEAR)","Period":1}]}`))
	f.Add(byte(1), "GetMetricStatistics", []byte(`{"Namespace":"a","MetricName":"m","StartTime":-9e9,"EndTime":9e9,"Period":86400,"Statistics":["Sum"]}`))
	f.Add(byte(2), "ListMetrics", []byte("Dimensions.member.1.Name=a&NextToken=YQpi"))
	s, err := cloudwatchd.New(f.Context(), cloudwatchd.Config{Clock: func() time.Time { return noon }})
	if err != nil {
		f.Fatal(err)
	}
	seed := []store.Datum{{Metric: store.NewMetric("a", "m", nil), Unit: "None", At: noon.Unix() - 60, Set: stat.FromSamples([]stat.Sample{{Value: 1, Count: 2}, {Value: 5, Count: 1}})}}
	if err := s.Load(f.Context(), store.Place{Account: cloudwatchd.DefaultAccount, Region: cloudwatchd.DefaultRegion}, seed); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind byte, op string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body)))
		switch kind % 5 {
		case 0:
			r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body)))
			r.URL.Path = "/service/GraniteServiceVersion20100801/operation/" + op
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		case 1:
			r.Header.Set("X-Amz-Target", "GraniteServiceVersion20100801."+op)
		case 2:
			r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("Action="+op+"&"+string(body)))
		case 3:
			r.URL.Path = "/emf"
		default:
			r.URL.Path = "/_nines/clock"
			defer s.Clock().Release()
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
