package e2e_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// tenant is a local CloudWatch with the services of a small company.
type tenant struct {
	t      *testing.T
	server *cloudwatchd.Server
	url    string
	now    time.Time

	mu    sync.Mutex
	calls map[string]int // by operation
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	a := &tenant{t: t, server: server, now: time.Now().UTC().Truncate(time.Minute), calls: map[string]int{}}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.calls[path.Base(r.URL.Path)]++
		a.mu.Unlock()
		server.ServeHTTP(w, r)
	}))
	a.url = h.URL
	t.Cleanup(func() {
		h.Close()
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return a
}

// called is how often each operation was called since it was asked last.
func (a *tenant) called() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := maps.Clone(a.calls)
	clear(a.calls)
	return out
}

// deny refuses an operation from now on.
func (a *tenant) deny(operation string) {
	a.t.Helper()
	body := `{"kind":"error","operation":"` + operation + `","code":"AccessDenied","message":"not authorized","status":403}`
	post(a.t, http.DefaultClient, a.url+"/_nines/faults", "application/json", body)
}

// published is one metric of AWS's with its dimensions, as pairs.
func published(namespace, name string, dims ...string) store.Metric {
	var ds []store.Dimension
	for i := 0; i < len(dims); i += 2 {
		ds = append(ds, store.Dimension{Name: dims[i], Value: dims[i+1]})
	}
	return store.NewMetric(namespace, name, ds)
}

// fill publishes a metric each minute of the last length; nil sets are left out.
func (a *tenant) fill(region string, m store.Metric, length time.Duration, at func(minute int) *stat.Set) {
	a.t.Helper()
	begin := a.now.Add(-length)
	var data []store.Datum
	for i := range int(length / time.Minute) {
		if s := at(i); s != nil {
			data = append(data, store.Datum{Metric: m, Unit: "None", At: begin.Unix() + int64(i)*60, Set: *s})
		}
	}
	place := store.Place{Account: cloudwatchd.DefaultAccount, Region: region}
	for len(data) > 0 {
		n := min(len(data), 2000)
		if err := a.server.Load(a.t.Context(), place, data[:n]); err != nil {
			a.t.Fatal(err)
		}
		data = data[n:]
	}
}

// always is the same set each time.
func always(samples ...stat.Sample) func(int) *stat.Set {
	s := stat.FromSamples(samples)
	return func(int) *stat.Set { return &s }
}

func single(v, n float64) *stat.Set { s := stat.Single(v, n); return &s }

const day = 24 * time.Hour

// function publishes a Lambda function: 100 calls a minute for four weeks, one
// error in 5,000, an hour with one in ten, and a day without any call.
func (a *tenant) function(name string, length time.Duration) {
	of := func(metric string) store.Metric { return published("AWS/Lambda", metric, "FunctionName", name) }
	minutes := int(length / time.Minute)
	midnight := int(a.now.Sub(a.now.Truncate(day)) / time.Minute)
	lost := func(i int) bool { return i >= minutes-midnight-5*1440 && i < minutes-midnight-4*1440 }
	keep := func(f func(int) *stat.Set) func(int) *stat.Set {
		return func(i int) *stat.Set {
			if lost(i) {
				return nil
			}
			return f(i)
		}
	}
	a.fill("eu-west-1", of("Invocations"), length, keep(always(stat.Sample{Value: 1, Count: 100})))
	a.fill("eu-west-1", of("Throttles"), length, keep(always(stat.Sample{Value: 0, Count: 1})))
	a.fill("eu-west-1", of("Errors"), length, keep(func(i int) *stat.Set {
		switch {
		case i >= minutes-10*1440 && i < minutes-10*1440+60:
			return single(10, 1)
		case i%50 == 0:
			return single(1, 1)
		}
		return single(0, 1)
	}))
	a.fill("eu-west-1", of("Duration"), length, keep(always(
		stat.Sample{Value: 40, Count: 60}, stat.Sample{Value: 180, Count: 39}, stat.Sample{Value: 900, Count: 1})))
}

// small publishes one datapoint of each of a namespace's metrics.
func (a *tenant) small(region, namespace string, metrics []string, dims ...string) {
	for _, m := range metrics {
		a.fill(region, published(namespace, m, dims...), 30*time.Minute, always(stat.Sample{Value: 1, Count: 1}))
	}
}

// company is what the tests look around in.
func company(t *testing.T) *tenant {
	t.Helper()
	a := newTenant(t)
	a.function("payment-api", 28*day)
	a.small("eu-west-1", "AWS/Lambda", []string{"Errors", "Invocations", "Throttles", "Duration"}, "FunctionName", "payment-api", "Resource", "payment-api:live")
	a.small("eu-west-1", "AWS/Lambda", []string{"Errors", "Invocations"}, "FunctionName", "odd\x1b[2Jname\u202e")
	a.small("eu-west-1", "AWS/ApiGateway", []string{"Count", "5XXError", "Latency", "IntegrationLatency"}, "ApiName", "payment", "Stage", "prod")
	a.small("eu-west-1", "AWS/ApiGateway", []string{"Count", "Latency"}, "ApiName", "payment")
	a.small("eu-west-1", "AWS/ApiGateway", []string{"Count", "5xx", "Latency"}, "ApiId", "a1b2c3", "Stage", "$default")
	a.small("eu-west-1", "AWS/ApplicationELB", []string{"RequestCount", "TargetResponseTime"}, "LoadBalancer", "app/web/0123456789abcdef")
	a.small("eu-west-1", "AWS/NetworkELB", []string{"NewFlowCount", "RejectedFlowCount"}, "LoadBalancer", "net/edge/0123456789abcdef")
	a.small("eu-west-1", "AWS/ECS", []string{"HTTPCode_Target_2XX_Count", "TargetResponseTime"}, "TargetDiscoveryName", "inner")
	a.small("eu-west-1", "AWS/SQS", []string{"ApproximateAgeOfOldestMessage"}, "QueueName", "jobs")
	a.small("us-east-1", "AWS/CloudFront", []string{"Requests", "5xxErrorRate"}, "DistributionId", "E1ABCDEF", "Region", "Global")
	a.small("eu-west-1", "CloudWatchSynthetics", []string{"SuccessPercent", "Duration"}, "CanaryName", "probe")
	return a
}

// everything names one service of every kind, as `try` takes it.
func everything() []string {
	return []string{
		"alb/app/web/0123456789abcdef", "apigateway/payment@prod", "cloudfront/E1ABCDEF", "ecs/inner", "httpapi/a1b2c3@$default",
		"lambda/payment-api", "nlb/net/edge/0123456789abcdef", "sqs/jobs", "synthetics/probe",
	}
}
