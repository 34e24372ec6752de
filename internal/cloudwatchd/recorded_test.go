package cloudwatchd_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Cases whose answers others recorded from AWS and published: the same
// publications must give the same answers here.
func TestAnswersRecordedFromAWS(t *testing.T) {
	b := start(t)
	at := noon.Add(-2 * time.Minute)
	for i := range 11 {
		b.put(datum("metric1", at, float64(i+1)))
	}
	for stat, want := range map[string]float64{"Sum": 66, "SampleCount": 11, "Minimum": 1, "Maximum": 11, "Average": 6} {
		r := b.get(window(at, noon, ask("result1", "metric1", stat, 60))).MetricDataResults[0]
		if len(r.Values) != 1 || r.Values[0] != want || *r.Label != "metric1" || r.StatusCode != types.StatusCodeComplete || r.Messages != nil {
			t.Errorf("%s: %+v, want %v", stat, r, want)
		}
	}
	// Zeros and a set of values, all statistics of one metric in one call.
	b.put(types.MetricDatum{MetricName: aws.String("zero"), Timestamp: &at, Values: []float64{0, 0, 0, 0, 0.5, 100}, Counts: []float64{1, 1, 1, 1, 1, 1}}, datum("zero", at.Add(-time.Hour), 16))
	for stat, want := range map[string]float64{"Sum": 100.5, "Minimum": 0, "Maximum": 100, "SampleCount": 6} {
		if r := b.get(window(at, noon, ask("r", "zero", stat, 60))).MetricDataResults[0]; r.Values[0] != want {
			t.Errorf("zero: %s = %v, want %v", stat, r.Values, want)
		}
	}
	for i := range 10 {
		b.put(datum("metric", at.Add(time.Duration(i)*time.Second), float64(i)))
	}
	out, err := b.cw.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("shop"), MetricName: aws.String("metric"), StartTime: &at, EndTime: aws.Time(noon), Period: aws.Int32(60),
		Statistics: []types.Statistic{types.StatisticAverage, types.StatisticSum, types.StatisticMinimum, types.StatisticMaximum, types.StatisticSampleCount},
	})
	if err != nil || len(out.Datapoints) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	p := out.Datapoints[0]
	if *p.Average != 4.5 || *p.Sum != 45 || *p.Minimum != 0 || *p.Maximum != 9 || *p.SampleCount != 10 || p.Unit != types.StandardUnitNone || *out.Label != "metric" {
		t.Errorf("%+v", p)
	}
	// A metric that nobody published: complete, and without values.
	if r := b.get(window(at, noon, ask("result", "nobody", "Sum", 60))).MetricDataResults[0]; r.StatusCode != types.StatusCodeComplete || len(r.Values) != 0 {
		t.Errorf("%+v", r)
	}
	// Three units: the first of CloudWatch's own order is read, and all are named.
	for unit, v := range map[types.StandardUnit]float64{types.StandardUnitMilliseconds: 60000, types.StandardUnitSeconds: 60, types.StandardUnitCount: 5} {
		d := datum("m-test", at, v)
		d.Unit = unit
		b.put(d)
	}
	r := b.get(window(at, noon, ask("m1", "m-test", "Sum", 60))).MetricDataResults[0]
	if r.Values[0] != 5 || *r.Messages[0].Value != "Multiple units returned: '[Count, Milliseconds, Seconds]'" {
		t.Errorf("%+v", r)
	}
}
