package cloudwatch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/testkit/moto"
)

// TestDirectoryAlarms reads alarms that moto keeps: of one metric, and of a
// formula over several; more than one page of them.
func TestDirectoryAlarms(t *testing.T) {
	client := cw.New(cw.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(moto.Start(t)), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}, func(o *cw.Options) {
		o.Protocol, o.DisableRequestCompression = awsjson.New10(schemas.GraniteServiceVersion20100801), true
	})
	dims := []types.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("pay")}}
	put := func(in *cw.PutMetricAlarmInput) {
		in.ComparisonOperator, in.EvaluationPeriods, in.Threshold = types.ComparisonOperatorGreaterThanThreshold, aws.Int32(1), aws.Float64(1)
		if _, err := client.PutMetricAlarm(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 120 {
		put(&cw.PutMetricAlarmInput{
			AlarmName: aws.String(fmt.Sprintf("errors %03d", i)), Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Errors"),
			Dimensions: dims, Period: aws.Int32(60), Statistic: types.StatisticSum,
		})
	}
	part := func(id, name string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: aws.String(id), ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("AWS/Lambda"), MetricName: aws.String(name), Dimensions: dims}, Period: aws.Int32(60), Stat: aws.String("Sum"),
		}}
	}
	put(&cw.PutMetricAlarmInput{AlarmName: aws.String("ratio"), Metrics: []types.MetricDataQuery{
		{Id: aws.String("r"), Expression: aws.String("e / i")}, part("e", "Errors"), part("i", "Invocations"),
	}})
	d := cloudwatch.NewDirectory(cloudwatch.DirectoryOptions{Rate: 1000, Connect: func(context.Context, string, string) (cloudwatch.Lookers, error) {
		return cloudwatch.Lookers{Metrics: client}, nil
	}})
	got, err := d.Alarms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, a := range got {
		var names []string
		for _, n := range a.Metrics {
			names = append(names, n.Namespace+" "+n.Metric+" "+n.Dimensions["FunctionName"])
		}
		slices.Sort(names)
		seen[a.Name] = a.State + ": " + strings.Join(names, ", ")
	}
	if len(got) != 121 || len(seen) != 121 {
		t.Errorf("%d alarms, %d names, want 121", len(got), len(seen))
	}
	for name, want := range map[string]string{
		"errors 007": "OK: AWS/Lambda Errors pay",
		"ratio":      "OK: AWS/Lambda Errors pay, AWS/Lambda Invocations pay",
	} {
		if seen[name] != want {
			t.Errorf("%s is %q, want %q", name, seen[name], want)
		}
	}

	// One goes off: it says so, and since when.
	before := time.Now().Add(-time.Minute)
	if _, err := client.SetAlarmState(t.Context(), &cw.SetAlarmStateInput{
		AlarmName: aws.String("errors 007"), StateValue: types.StateValueAlarm, StateReason: aws.String("a test"),
	}); err != nil {
		t.Fatal(err)
	}
	if got, err = d.Alarms(t.Context()); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got, func(a metric.Alarm) bool { return a.Name == "errors 007" })
	if a := got[i]; a.State != "ALARM" || a.Since.Before(before) || a.Since.After(time.Now().Add(time.Minute)) {
		t.Errorf("it went off, and is %s since %v", a.State, a.Since)
	}
}
