package cloudwatchd_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// What one protocol writes every protocol reads, answers and errors alike.
func TestThreeProtocolsAgree(t *testing.T) {
	b := start(t)
	clients := map[string]*cloudwatch.Client{
		"cbor": b.cw,
		"json": b.client("eu-west-1", "AKIDEXAMPLE", func(o *cloudwatch.Options) { o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801) }),
		"query": b.client("eu-west-1", "AKIDEXAMPLE", func(o *cloudwatch.Options) {
			o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801)
		}),
	}
	from := noon.Add(-5 * time.Minute)
	for name, c := range clients {
		_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{
			{MetricName: aws.String("m"), Timestamp: aws.Time(from), Values: []float64{1.5, 2, 1e-7}, Counts: []float64{1, 2, 3}, Dimensions: []types.Dimension{dim("by", name), dim("text", `<&"é'>`)}, Unit: types.StandardUnitSeconds},
		}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var queries []types.MetricDataQuery
	for name := range clients {
		queries = append(queries, ask(name, "m", "Sum", 60, dim("by", name), dim("text", `<&"é'>`)))
	}
	ignore := cmp.Options{
		cmpopts.IgnoreTypes(middleware.Metadata{}),
		cmpopts.IgnoreUnexported(cloudwatch.GetMetricDataOutput{}, types.MetricDataResult{}, cloudwatch.ListMetricsOutput{}, types.Metric{}, types.Dimension{}, cloudwatch.GetMetricStatisticsOutput{}, types.Datapoint{}),
		cmpopts.EquateEmpty(),
	}
	for name, c := range clients {
		data, err := c.GetMetricData(t.Context(), window(from, noon, queries...))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(b.get(window(from, noon, queries...)), data, ignore); diff != "" {
			t.Errorf("GetMetricData over %s differs from CBOR: %s", name, diff)
		}
		for _, r := range data.MetricDataResults {
			if len(r.Values) != 1 || r.Values[0] != 5.5+3e-7 || !r.Timestamps[0].Equal(from) {
				t.Errorf("%s reads of %s: %v %v", name, *r.Id, r.Values, r.Timestamps)
			}
		}
		list, err := c.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
		if want, _ := b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{}); err != nil || cmp.Diff(want, list, ignore) != "" || len(list.Metrics) != 3 {
			t.Errorf("ListMetrics over %s: %v %s", name, err, cmp.Diff(want, list, ignore))
		}
		in := &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("shop"), MetricName: aws.String("m"), Dimensions: queries[0].MetricStat.Metric.Dimensions,
			StartTime: &from, EndTime: aws.Time(noon), Period: aws.Int32(300), ExtendedStatistics: []string{"p90", "PR(:2)"},
		}
		stats, err := c.GetMetricStatistics(t.Context(), in)
		if want, _ := b.cw.GetMetricStatistics(t.Context(), in); err != nil || cmp.Diff(want, stats, ignore) != "" || len(stats.Datapoints) != 1 {
			t.Errorf("GetMetricStatistics over %s: %v %s", name, err, cmp.Diff(want, stats, ignore))
		}
		_, err = c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{datum("m", noon.Add(24*time.Hour), 1)}})
		if api := refused(t, err); code(api) != "InvalidParameterValue" || !strings.Contains(api.ErrorMessage(), "MetricData.member.1.Timestamp") {
			t.Errorf("%s: %v", name, err)
		}
		_, err = c.GetMetricData(t.Context(), window(from, noon, formula("e", "nobody")))
		if api := refused(t, err); code(api) != "ValidationError" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if calls := b.server.Totals().Calls; calls["PutMetricData"] != 6 {
		t.Errorf("counted %v", calls)
	}
}

// code is an error's code in the older protocols. Over Query the client turns it
// into the modeled name; over the others it is told the code by a header.
func code(e smithy.APIError) string {
	return strings.Replace(strings.Replace(e.ErrorCode(), "ValueException", "Value", 1), "ValidationException", "ValidationError", 1)
}

// A Query answer looks as the older clients expect it.
func TestQueryXML(t *testing.T) {
	b := start(t)
	b.put(datum("m", noon.Add(-time.Minute), 4))
	form := url.Values{
		"Action": {"GetMetricData"}, "Version": {"2010-08-01"}, "StartTime": {"2026-03-02T11:00:00Z"}, "EndTime": {"2026-03-02T12:00:00Z"},
		"MetricDataQueries.member.1.Id": {"a"}, "MetricDataQueries.member.1.MetricStat.Stat": {"Sum"}, "MetricDataQueries.member.1.MetricStat.Period": {"60"},
		"MetricDataQueries.member.1.MetricStat.Metric.Namespace": {"shop"}, "MetricDataQueries.member.1.MetricStat.Metric.MetricName": {"m"},
	}.Encode()
	auth := []string{"Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260302/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"}
	for _, send := range []func() (int, []byte){
		func() (int, []byte) {
			s, _, body := b.do("POST", "/", form, append(auth, "Content-Type", "application/x-www-form-urlencoded")...)
			return s, body
		},
		func() (int, []byte) { s, _, body := b.do("GET", "/?"+form, "", auth...); return s, body },
	} {
		status, body := send()
		var got struct {
			XMLName xml.Name `xml:"http://monitoring.amazonaws.com/doc/2010-08-01/ GetMetricDataResponse"`
			Values  []string `xml:"GetMetricDataResult>MetricDataResults>member>Values>member"`
			Times   []string `xml:"GetMetricDataResult>MetricDataResults>member>Timestamps>member"`
			ID      string   `xml:"ResponseMetadata>RequestId"`
		}
		if err := xml.Unmarshal(body, &got); err != nil || status != 200 || fmt.Sprint(got.Values, got.Times) != "[4] [2026-03-02T11:59:00Z]" || len(got.ID) != 36 {
			t.Errorf("%d %v %s", status, err, body)
		}
	}
}

// Bodies that cannot be read are answered, in their protocol, with 400.
func TestMalformedBodies(t *testing.T) {
	b := start(t)
	jsonHead := []string{"X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData", "Content-Type", "application/x-amz-json-1.0"}
	cborHead := []string{"Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor"}
	for _, c := range []struct {
		path, body string
		head       []string
	}{
		{"/", "{", jsonHead},
		{"/", `[1]`, jsonHead},
		{"/", `{"Namespace":5}`, jsonHead},
		{"/", `{"Namespace":"a","MetricData":{}}`, jsonHead},
		{"/", `{"Namespace":"a","MetricData":[5]}`, jsonHead},
		{"/", `{"Namespace":"a","MetricData":[{"MetricName":"m","Value":"5"}]}`, jsonHead},
		{"/", `{"Namespace":"a","MetricData":[{"MetricName":"m","Value":5,"Timestamp":"soon"}]}`, jsonHead},
		{"/", `{}`, []string{"X-Amz-Target", "Other.PutMetricData"}},
		{"/service/GraniteServiceVersion20100801/operation/PutMetricData", "\xbf\x61", cborHead},
		{"/service/GraniteServiceVersion20100801/operation/PutMetricData", "\x81\x01", cborHead},
		{"/service/GraniteServiceVersion20100801/operation/GetMetricData", "", cborHead},
		{"/", "Action=PutMetricData&A.B=1&A.B.C=2", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"/", "Action=PutMetricData&MetricData.member.x.Value=2", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"/", "nothing", nil},
		{"/", "%zz", nil},
	} {
		status, head, body := b.do("POST", c.path, c.body, c.head...)
		if status != 400 || head.Get("X-Amzn-Requestid") == "" || head.Get("X-Amzn-Query-Error") == "" || len(body) == 0 {
			t.Errorf("%q: %d %v %s", c.body, status, head, body)
		}
	}
	if status, _, _ := b.do("POST", "/elsewhere", "", "Smithy-Protocol", "rpc-v2-cbor"); status != 404 {
		t.Errorf("another path: %d", status)
	}
	status, _, body := b.do("POST", "/", `{"Namespace":"a","MetricData":[{"MetricName":"m","Value":"NaN"}]}`, jsonHead...)
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || status != 400 || e.Type != "com.amazonaws.cloudwatch#InvalidParameterValueException" || !strings.Contains(e.Message, "MetricData.member.1.Value") {
		t.Errorf("%d %s", status, body)
	}
}
