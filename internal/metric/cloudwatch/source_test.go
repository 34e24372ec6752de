package cloudwatch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/metric/metrictest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// clock is the server's and the source's time: behind all data of the suite,
// and near enough that each minute of them is still kept as one.
var clock = time.Date(2025, 2, 9, 0, 0, 0, 0, time.UTC)

// local is a local CloudWatch, spoken to in the SDK's own protocol (CBOR).
type local struct {
	t      *testing.T
	server *cloudwatchd.Server
	http   *httptest.Server
}

func start(t *testing.T) *local {
	t.Helper()
	s, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &local{t: t, server: s, http: h}
}

func (l *local) client(region string) *cw.Client {
	return cw.New(cw.Options{
		Region: region, BaseEndpoint: aws.String(l.http.URL), Retryer: aws.NopRetryer{}, HTTPClient: awskit.Steady(l.http.Client()),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

func (l *local) source() *cloudwatch.Source {
	return cloudwatch.New(cloudwatch.Options{
		Connect: func(_ context.Context, region, _, _ string) (cloudwatch.API, error) { return l.client(region), nil },
		Now:     func() time.Time { return clock },
		Details: slo.Spec{"region": "eu-west-1"},
		Rate:    1000, DatapointRate: 1e9,
	})
}

// put publishes points as a service would, a thousand a call.
func (l *local) put(region, name string, points []metric.Point) {
	l.t.Helper()
	var data []types.MetricDatum
	for i, p := range points {
		data = append(data, types.MetricDatum{
			MetricName: &name, Timestamp: aws.Time(p.At.Time()), Value: aws.Float64(p.Value.Float()),
			Dimensions: []types.Dimension{{Name: aws.String("Service"), Value: aws.String("pay")}},
		})
		if len(data) < 1000 && i < len(points)-1 {
			continue
		}
		if _, err := l.client(region).PutMetricData(l.t.Context(), &cw.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: data}); err != nil {
			l.t.Fatal(err)
		}
		data = nil
	}
}

func spec(name string, period slo.Minute) slo.Spec {
	s := slo.Spec{"namespace": "shop", "metric": name, "stat": "Sum", "dimensions": slo.Spec{"Service": "pay"}}
	if period > 1 {
		s["period"] = fmt.Sprintf("%dm", period)
	}
	return s
}

func TestConformance(t *testing.T) {
	widths := map[string]slo.Minute{}
	metrictest.Run(t, metrictest.Harness{
		Open: func(t *testing.T, data []metrictest.Data) metric.Source {
			l := start(t)
			clear(widths)
			for _, d := range data {
				widths[d.Name] = d.Width
				l.put("eu-west-1", d.Name, d.Points)
			}
			return l.source()
		},
		Spec:       func(name string) slo.Spec { return spec(name, widths[name]) },
		Faults:     faults(),
		Aggregates: true, OnGrid: true, Floats: true, Coarsens: true,
	})
}

// faults are the service's refusals and what they are to us.
func faults() []metrictest.Fault {
	inject := func(f cloudwatchd.Fault) func(*testing.T) (metric.Source, metric.Query) {
		return func(t *testing.T) (metric.Source, metric.Query) {
			l := start(t)
			if err := l.server.Inject(f); err != nil {
				t.Fatal(err)
			}
			return l.source(), metric.Query{Key: "q", Spec: spec("requests", 1)}
		}
	}
	refusal := func(code string, status int) cloudwatchd.Fault {
		return cloudwatchd.Fault{Kind: cloudwatchd.Failure, Code: code, Message: "no", Status: status}
	}
	return []metrictest.Fault{
		{Name: "throttled", Kind: fault.Throttled, Open: inject(cloudwatchd.Fault{Kind: cloudwatchd.Throttle})},
		{Name: "internal", Kind: fault.Unavailable, Open: inject(cloudwatchd.Fault{Kind: cloudwatchd.Internal})},
		{Name: "cut", Kind: fault.Unavailable, Open: inject(cloudwatchd.Fault{Kind: cloudwatchd.Cut})},
		{Name: "denied", Kind: fault.Denied, Open: inject(refusal("AccessDenied", 403))},
		{Name: "expired", Kind: fault.Denied, Open: inject(refusal("ExpiredToken", 403))},
		{Name: "skewed", Kind: fault.Denied, Open: inject(refusal("RequestTimeTooSkewed", 403))},
		{Name: "credentials", Kind: fault.Denied, Open: func(*testing.T) (metric.Source, metric.Query) {
			src := cloudwatch.New(cloudwatch.Options{
				Connect: func(context.Context, string, string, string) (cloudwatch.API, error) {
					return nil, errors.New("failed to refresh cached credentials, no EC2 IMDS role found")
				},
				Now: func() time.Time { return clock },
			})
			return src, metric.Query{Key: "q", Spec: spec("requests", 1)}
		}},
		{
			Name: "spec", Kind: fault.Invalid, Others: []metric.Query{{Key: "fine", Spec: spec("requests", 1)}},
			Open: func(t *testing.T) (metric.Source, metric.Query) {
				return start(t).source(), metric.Query{Key: "q", Spec: slo.Spec{"namespace": "shop"}}
			},
		},
	}
}
