package meter_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/run/meter"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestVersionsInCloudWatch reads two versions of a service as a service publishes
// itself by EMF, with the dimensions service and version, from a local CloudWatch
// over HTTP: counts of errors, and latency as counts within a bound.
func TestVersionsInCloudWatch(t *testing.T) {
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now, Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(func() {
		h.Close()
		_ = server.Close(context.Background())
	})
	w := newWorld()
	server.Clock().Freeze(w.now.Time())
	place := store.Place{Account: cloudwatchd.DefaultAccount, Region: "eu-west-1"}
	put := func(version, name string, samples ...stat.Sample) {
		dims := []store.Dimension{{Name: "service", Value: "pay"}, {Name: "version", Value: version}}
		var data []store.Datum
		for i := range slo.Minute(10) {
			data = append(data, store.Datum{Metric: store.NewMetric("PaymentAPI", name, dims), Unit: "Count", At: int64(t0+i) * 60, Set: stat.FromSamples(samples)})
		}
		if err := server.Load(t.Context(), place, data); err != nil {
			t.Fatal(err)
		}
	}
	put("7", "Latency", stat.Sample{Value: 120, Count: 95}, stat.Sample{Value: 900, Count: 5})
	put("8", "Latency", stat.Sample{Value: 120, Count: 5}, stat.Sample{Value: 900, Count: 5})
	put("8", "Errors", stat.Sample{Value: 1, Count: 2}) // the old version has never had one
	w.env.Open = func(context.Context, config.DataSource) (metric.Source, error) {
		return cloudwatch.New(cloudwatch.Options{
			Connect: func(context.Context, string, string, string) (cloudwatch.API, error) {
				return cw.New(cw.Options{
					Region: "eu-west-1", BaseEndpoint: aws.String(h.URL), Retryer: aws.NopRetryer{}, HTTPClient: awskit.Steady(http.DefaultClient),
					Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
				}), nil
			},
			Now: func() time.Time { return w.now.Time() },
		}), nil
	}
	q := func(name, statistic string) *slo.Query {
		return &slo.Query{Source: "live", Type: "CloudWatch", Spec: slo.Spec{
			"namespace": "PaymentAPI", "metric": name, "stat": statistic, "dimensions": slo.Spec{"service": "pay"},
		}}
	}
	w.objective("availability", slo.Ratio{Bad: q("Errors", "Sum"), Total: q("Latency", "SampleCount")})
	w.objective("latency", slo.Ratio{Good: q("Latency", "TC(:300)"), Total: q("Latency", "SampleCount")})
	m := w.meter(t, meter.Options{Split: config.Split{Dimension: "version"}})
	old, fresh := read(t, m, "7"), read(t, m, "8")
	if old.Frontier != t0+10 || fresh.Frontier != t0+10 {
		t.Fatalf("usable up to +%d and +%d", old.Frontier-t0, fresh.Frontier-t0)
	}
	got := meter.Pair(old, fresh)
	if len(got) != 2 || len(got[0].Samples) != 10 || len(got[1].Samples) != 10 {
		t.Fatalf("%+v, notes %v %v", got, old.Notes, fresh.Notes)
	}
	if s := got[0].Samples[4]; !cmp.Equal(s.Baseline, count(4, 100, 0).Arm) || !cmp.Equal(s.Canary, count(4, 10, 2).Arm) {
		t.Errorf("errors: %+v", s)
	}
	if s := got[1].Samples[4]; !cmp.Equal(s.Baseline, count(4, 100, 5).Arm) || !cmp.Equal(s.Canary, count(4, 10, 5).Arm) {
		t.Errorf("latency: %+v", s)
	}
}
