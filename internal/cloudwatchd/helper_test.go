package cloudwatchd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

// noon is when the tests' clock begins, unless one says otherwise.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// bench is a server with clients.
type bench struct {
	t      testing.TB
	server *cloudwatchd.Server
	url    string
	http   *http.Client // of this server alone: no other test closes its connections
	cw     *cloudwatch.Client
}

type change func(*cloudwatchd.Config)

func start(t testing.TB, changes ...change) *bench {
	t.Helper()
	cfg := cloudwatchd.Config{Clock: func() time.Time { return noon }}
	for _, c := range changes {
		c(&cfg)
	}
	s, err := cloudwatchd.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	b := &bench{t: t, server: s, url: h.URL, http: h.Client()}
	b.cw = b.client("eu-west-1", "AKIDEXAMPLE")
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// client is an SDK client that does not retry, so that every answer is seen.
func (b *bench) client(region, key string, opts ...func(*cloudwatch.Options)) *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: region, BaseEndpoint: aws.String(b.url), Retryer: aws.NopRetryer{}, HTTPClient: steady{b.http},
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
	}, opts...)
}

// put publishes data of namespace shop.
func (b *bench) put(data ...types.MetricDatum) {
	b.t.Helper()
	if _, err := b.cw.PutMetricData(b.t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: data}); err != nil {
		b.t.Fatal(err)
	}
}

func datum(name string, at time.Time, value float64, dims ...types.Dimension) types.MetricDatum {
	return types.MetricDatum{MetricName: &name, Timestamp: &at, Value: &value, Dimensions: dims}
}

func dim(name, value string) types.Dimension {
	return types.Dimension{Name: &name, Value: &value}
}

// ask is a query for a metric of namespace shop.
func ask(id, metric, stat string, period int32, dims ...types.Dimension) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("shop"), MetricName: &metric, Dimensions: dims}, Period: &period, Stat: &stat,
	}}
}

func formula(id, expression string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &expression}
}

func window(from, to time.Time, queries ...types.MetricDataQuery) *cloudwatch.GetMetricDataInput {
	return &cloudwatch.GetMetricDataInput{StartTime: &from, EndTime: &to, MetricDataQueries: queries, ScanBy: types.ScanByTimestampAscending}
}

func (b *bench) get(in *cloudwatch.GetMetricDataInput) *cloudwatch.GetMetricDataOutput {
	b.t.Helper()
	out, err := b.cw.GetMetricData(b.t.Context(), in)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// minutes shows a result as minutes since a start, with values.
func minutes(r types.MetricDataResult, from time.Time) map[int]float64 {
	out := map[int]float64{}
	for i, at := range r.Timestamps {
		out[int(at.Sub(from)/time.Minute)] = r.Values[i]
	}
	return out
}

// refused returns the API error of a call, which must have one.
func refused(t testing.TB, err error) smithy.APIError {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("want an API error, got %v", err)
	}
	return api
}

// do sends a request of another protocol and returns status, headers and body.
func (b *bench) do(method, path, body string, headers ...string) (int, http.Header, []byte) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, bytes.NewBufferString(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, out
}

func (b *bench) json(method, path, body string, into any) int {
	b.t.Helper()
	status, _, out := b.do(method, path, body)
	if err := json.Unmarshal(out, into); err != nil {
		b.t.Fatalf("%s: %v", out, err)
	}
	return status
}
