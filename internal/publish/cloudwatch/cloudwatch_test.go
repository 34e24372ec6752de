package cloudwatch_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/publish/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/publish/publishtest"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func serve(t *testing.T) *cw.Client {
	t.Helper()
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: func() time.Time { return noon.Add(time.Minute) }})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(func() {
		h.Close()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return cw.New(cw.Options{
		Region: "eu-west-1", BaseEndpoint: &h.URL, HTTPClient: h.Client(), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

func value(t *testing.T, client *cw.Client, s publish.Sample) (float64, bool) {
	t.Helper()
	m := types.Metric{Namespace: aws.String("Nines"), MetricName: &s.Name}
	for _, d := range s.Dimensions {
		m.Dimensions = append(m.Dimensions, types.Dimension{Name: &d.Name, Value: aws.String(publish.Clean(d.Value))})
	}
	out, err := client.GetMetricData(t.Context(), &cw.GetMetricDataInput{
		StartTime: &s.At, EndTime: aws.Time(s.At.Add(time.Minute)),
		MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("v"), MetricStat: &types.MetricStat{Metric: &m, Period: aws.Int32(60), Stat: aws.String("Average")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.MetricDataResults[0].Values) == 0 {
		return 0, false
	}
	return out.MetricDataResults[0].Values[0], true
}

func TestSuite(t *testing.T) {
	publishtest.Run(t, func(t *testing.T) publishtest.Place {
		client := serve(t)
		return publishtest.Place{
			Sink: cloudwatch.With("Nines", func(context.Context) (cloudwatch.API, error) { return client, nil }),
			At:   noon, Value: func(t *testing.T, s publish.Sample) (float64, bool) { return value(t, client, s) },
		}
	})
}

// recorder notes what is sent and fails from a request on.
type recorder struct {
	sizes []int
	fail  int
	code  string
}

func (r *recorder) PutMetricData(_ context.Context, in *cw.PutMetricDataInput, _ ...func(*cw.Options)) (*cw.PutMetricDataOutput, error) {
	if r.sizes = append(r.sizes, len(in.MetricData)); r.fail == len(r.sizes) {
		return nil, &smithy.GenericAPIError{Code: r.code}
	}
	return &cw.PutMetricDataOutput{}, nil
}

func samples(n, long int) (out []publish.Sample) {
	for i := range n {
		out = append(out, publish.Sample{Name: "m", Value: 1, At: noon, Dimensions: []publish.Dimension{{Name: "Service", Value: fmt.Sprint(i) + strings.Repeat("x", long)}}})
	}
	return out
}

// TestBatches: a request holds at most 1,000 metrics and stays below 1 MB.
func TestBatches(t *testing.T) {
	for _, c := range []struct {
		n, long, requests, most int
	}{{1000, 0, 1, 1000}, {1001, 0, 2, 1000}, {2500, 0, 3, 1000}, {1000, 1015, 2, 900_000 / 1100}} {
		r := &recorder{}
		got, err := cloudwatch.With("Nines", func(context.Context) (cloudwatch.API, error) { return r, nil }).Publish(t.Context(), samples(c.n, c.long))
		if err != nil || got.Published != c.n || got.Requests != c.requests {
			t.Errorf("%d metrics of %d letters: %+v, %v", c.n, c.long, got, err)
		}
		for _, n := range r.sizes {
			if n > c.most {
				t.Errorf("%d metrics of %d letters in one request", n, c.long)
			}
		}
	}
}

// TestFailure: what was published before is counted, and the error is classified.
func TestFailure(t *testing.T) {
	r := &recorder{fail: 2, code: "AccessDenied"}
	got, err := cloudwatch.With("Nines", func(context.Context) (cloudwatch.API, error) { return r, nil }).Publish(t.Context(), samples(2500, 0))
	if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.HintOf(err), "cloudwatch:PutMetricData") || got.Published != 1000 {
		t.Errorf("%+v, %v (%s)", got, err, fault.HintOf(err))
	}
}
