package cloudwatch_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// direct is a transport that calls the server in place: no socket, so that the
// bubble of a test with its own time may go on while a call is under way.
type direct struct{ server http.Handler }

// Do answers a request. A handler that breaks off is a connection that does.
func (d direct) Do(r *http.Request) (res *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body := []byte{}
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	in := r.Clone(r.Context())
	in.Body, in.RequestURI = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI()
	out := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			res, err = nil, io.ErrUnexpectedEOF
		}
	}()
	d.server.ServeHTTP(out, in)
	return out.Result(), nil
}

// inside is a CloudWatch in the same process, whose real time is the test's and
// whose data end at clock.
type inside struct {
	t      *testing.T
	server *cloudwatchd.Server
	retry  func() aws.Retryer
	opt    cloudwatch.Options // Rate, DatapointRate, Details
}

func within(t *testing.T, change func(*cloudwatchd.Config)) *inside {
	t.Helper()
	cfg := cloudwatchd.Config{Clock: time.Now}
	if change != nil {
		change(&cfg)
	}
	s, err := cloudwatchd.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Clock().Freeze(clock)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return &inside{t: t, server: s, retry: func() aws.Retryer { return aws.NopRetryer{} }}
}

func (l *inside) client(region string) *cw.Client {
	return cw.New(cw.Options{
		Region: region, BaseEndpoint: aws.String("http://cloudwatch.test"), Retryer: l.retry(), HTTPClient: direct{l.server},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

func (l *inside) source() *cloudwatch.Source {
	opt := l.opt
	if opt.Details == nil {
		opt.Details = slo.Spec{"region": "eu-west-1"}
	}
	opt.Now = func() time.Time { return clock }
	if opt.Connect == nil {
		opt.Connect = func(_ context.Context, region, _, _ string) (cloudwatch.API, error) { return l.client(region), nil }
	}
	return cloudwatch.New(opt)
}

// valueAt is what metric i has in a minute.
func valueAt(i int, at slo.Minute) int64 { return 1 + (int64(at)*7+int64(i)*3)%50 }

func name(i int) string { return fmt.Sprint("m", i) }

// load fills n metrics of a place with a value a minute.
func (l *inside) load(account, region string, n int, span slo.Span) {
	l.t.Helper()
	for i := range n {
		m := store.NewMetric("shop", name(i), []store.Dimension{{Name: "Service", Value: "pay"}})
		data := make([]store.Datum, 0, span.Len())
		for at := span.From; at < span.To; at++ {
			data = append(data, store.Datum{Metric: m, Unit: "Count", At: int64(at) * 60, Set: stat.Single(float64(valueAt(i, at)), 1)})
		}
		if err := l.server.Load(l.t.Context(), store.Place{Account: account, Region: region}, data); err != nil {
			l.t.Fatal(err)
		}
	}
}

const ours = cloudwatchd.DefaultAccount

// ask is a request for the sums of n metrics.
func ask(n int, span slo.Span) metric.Request {
	req := metric.Request{Span: span}
	for i := range n {
		req.Queries = append(req.Queries, metric.Query{Key: name(i), Spec: spec(name(i), 1)})
	}
	return req
}

func fetch(t *testing.T, src *cloudwatch.Source, req metric.Request) map[string]metric.Series {
	t.Helper()
	all, err := src.Fetch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]metric.Series{}
	for _, s := range all {
		if _, twice := out[s.Key]; twice {
			t.Errorf("%s is answered twice", s.Key)
		}
		out[s.Key] = s
	}
	return out
}

// whole says whether a series is answered completely and right.
func isWhole(t *testing.T, i int, s metric.Series, span slo.Span) {
	t.Helper()
	if s.Err != nil || len(s.Answered) != 1 || s.Answered[0] != span || len(s.Points) != int(span.Len()) || !s.Exists {
		t.Fatalf("metric %d: %d points, answered %v, exists %t, %v, want all of %v", i, len(s.Points), s.Answered, s.Exists, s.Err, span)
	}
	for _, p := range s.Points {
		if p.Value != slo.Events(valueAt(i, p.At)) || p.Width != 1 {
			t.Fatalf("metric %d at %d: %+v, want %d", i, p.At, p, valueAt(i, p.At))
		}
	}
}
