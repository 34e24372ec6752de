package poll_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/poll"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	store "gitlab.com/nines-sre/nines/internal/timeline/memory"
)

const (
	// month is the length of a month in bills: 730 hours.
	month = 730 * time.Hour
	// perMetric is the price of a metric requested: $0.01 a thousand.
	perMetric = 0.00001
)

// service is a kind of objective: the two series of its ratio, each a metric
// and a statistic.
type service struct {
	name       string
	dimension  string
	bad, total series
	billed     int // metrics a reading is expected to cost
}

type series struct{ metric, stat string }

func services() []service {
	return []service{
		{name: "Lambda", dimension: "FunctionName", bad: series{"Errors", "Sum"}, total: series{"Invocations", "Sum"}, billed: 2},
		{name: "API Gateway", dimension: "ApiName", bad: series{"5XXError", "Sum"}, total: series{"5XXError", "SampleCount"}, billed: 1},
		{name: "ALB", dimension: "TargetGroup", bad: series{"HTTPCode_Target_5XX_Count", "Sum"}, total: series{"RequestCount", "Sum"}, billed: 2},
	}
}

// document is objective i as somebody would write it.
func (s service) document(i int) string {
	query := func(q series) string {
		return fmt.Sprintf(`{metricSource: {type: CloudWatch, spec: {region: eu-west-1, namespace: test, metric: %s, dimensions: {%s: n%d}, stat: %s}}}`,
			q.metric, s.dimension, i, q.stat)
	}
	return fmt.Sprintf(`---
apiVersion: openslo/v1
kind: SLO
metadata: {name: available}
spec:
  service: n%d
  budgetingMethod: Occurrences
  indicator: {metadata: {name: i%d}, spec: {ratioMetric: {counter: false, bad: %s, total: %s}}}
  objectives: [{target: 0.999}]
  timeWindow: [{duration: 28d, isRolling: true}]
`, i, i, query(s.bad), query(s.total))
}

// account is a local CloudWatch in this process, and the SDK's client of it.
// Its clock is the bubble's.
type account struct {
	t      *testing.T
	server *cloudwatchd.Server
	client *cw.Client
	svc    service
	// objectives are how many there are, one of fifty of which burns all the
	// time.
	objectives, unhealthy int
	filled                time.Time // data are published up to here
}

// direct hands requests to a handler: a bubble's clock stands still while real
// connections are waited for.
type direct struct{ http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func newAccount(t *testing.T, svc service, objectives int) *account {
	t.Helper()
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{t: t, server: server, svc: svc, objectives: objectives, unhealthy: objectives / 50, filled: time.Now().Add(-2 * time.Hour)}
	a.client = cw.New(cw.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://cloudwatch.test"), HTTPClient: direct{server},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	return a
}

// publish keeps data half an hour ahead of the clock: 100 requests a minute
// each, of which 5 fail where something burns.
func (a *account) publish() {
	a.t.Helper()
	for ahead := time.Now().Add(30 * time.Minute); a.filled.Before(ahead); a.filled = a.filled.Add(time.Minute) {
		var data []types.MetricDatum
		add := func(i int, name string, values, counts []float64) {
			data = append(data, types.MetricDatum{
				MetricName: &name, Timestamp: aws.Time(a.filled), Values: values, Counts: counts,
				Dimensions: []types.Dimension{{Name: &a.svc.dimension, Value: aws.String(fmt.Sprintf("n%d", i))}},
			})
		}
		for i := range a.objectives {
			failed := 0.0
			if i < a.unhealthy {
				failed = 5
			}
			if a.svc.bad.metric == a.svc.total.metric {
				add(i, a.svc.bad.metric, []float64{0, 1}, []float64{100 - failed, max(failed, 0)})
				if failed == 0 {
					data[len(data)-1].Values, data[len(data)-1].Counts = []float64{0}, []float64{100}
				}
				continue
			}
			add(i, a.svc.bad.metric, []float64{failed}, []float64{1})
			add(i, a.svc.total.metric, []float64{100}, []float64{1})
		}
		if _, err := a.client.PutMetricData(a.t.Context(), &cw.PutMetricDataInput{Namespace: aws.String("test"), MetricData: data}); err != nil {
			a.t.Fatal(err)
		}
	}
}

// connect hands out the account's client, whatever the place.
func (a *account) connect(context.Context, string, string, string) (cloudwatch.API, error) {
	return a.client, nil
}

// env is documents and an empty history over the account.
func (a *account) env() *run.Env {
	a.t.Helper()
	var docs strings.Builder
	for i := range a.objectives {
		docs.WriteString(a.svc.document(i))
	}
	dir := a.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "slo.yaml"), []byte(docs.String()), 0o600); err != nil {
		a.t.Fatal(err)
	}
	kind := metric.Type{
		Name:  "CloudWatch",
		Check: config.CheckCloudWatch,
		Open: func(context.Context, slo.Spec, string) (metric.Source, error) {
			return cloudwatch.New(cloudwatch.Options{Connect: a.connect, Now: time.Now}), nil
		},
	}
	catalog, problems, err := config.Load(a.t.Context(), []string{dir}, config.Options{Types: map[string]metric.Type{"CloudWatch": kind}})
	if err != nil || problems.Errors() > 0 {
		a.t.Fatal(err, problems)
	}
	return &run.Env{
		Catalog: catalog, History: timeline.NewHistory(store.New()),
		Open: func(ctx context.Context, ds config.DataSource) (metric.Source, error) {
			return kind.Open(ctx, ds.Details, ds.Dir)
		},
	}
}

// watch counts the metrics requested by a loop after its first reading.
func (a *account) watch(length time.Duration, pace poll.Pace) cloudwatchd.Totals {
	a.t.Helper()
	a.publish()
	ctx, cancel := context.WithTimeout(a.t.Context(), length+time.Second)
	defer cancel()
	readings := 0
	err := poll.Run(ctx, a.env(), poll.Options{Pace: pace, Now: time.Now, Tell: func(k poll.Tick) error {
		if len(k.Failed) > 0 || k.Error != "" {
			a.t.Errorf("a reading failed: %+v", k)
		}
		if readings++; readings == 1 {
			a.server.ResetTotals()
		} else if pace.Every > poll.Fast && k.Fast != a.unhealthy {
			a.t.Errorf("%d objectives at the fast pace, want %d", k.Fast, a.unhealthy)
		}
		a.publish()
		return nil
	}})
	if err != nil {
		a.t.Fatal(err)
	}
	return a.server.Totals()
}

// naive is the reader that multi-window alerts are commonly built with: every
// minute it asks for each of eight look-backs again. It adds up what it gets,
// so that it is known to have read.
func (a *account) naive(length time.Duration) cloudwatchd.Totals {
	a.t.Helper()
	a.publish()
	a.server.ResetTotals()
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(time.Minute) {
		now := time.Now().Truncate(time.Minute)
		for _, back := range []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour, 28 * 24 * time.Hour} {
			in := &cw.GetMetricDataInput{StartTime: aws.Time(now.Add(-back)), EndTime: aws.Time(now)}
			period := int32(min(back, 24*time.Hour) / time.Second)
			for i := range a.objectives {
				for k, q := range []series{a.svc.bad, a.svc.total} {
					in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
						Id: aws.String(fmt.Sprintf("q%d_%d", k, i)),
						MetricStat: &types.MetricStat{Stat: aws.String(q.stat), Period: &period, Metric: &types.Metric{
							Namespace: aws.String("test"), MetricName: aws.String(q.metric),
							Dimensions: []types.Dimension{{Name: &a.svc.dimension, Value: aws.String(fmt.Sprintf("n%d", i))}},
						}},
					})
				}
			}
			out, err := a.client.GetMetricData(a.t.Context(), in)
			if err != nil {
				a.t.Fatal(err)
			}
			sum := 0.0
			for _, r := range out.MetricDataResults {
				for _, v := range r.Values {
					sum += v
				}
			}
			if len(out.MetricDataResults) != 2*a.objectives || sum == 0 {
				a.t.Errorf("%v back: %d results with %v events", back, len(out.MetricDataResults), sum)
			}
		}
		a.publish()
	}
	return a.server.Totals()
}

// TestCounted counts what a month of an objective costs, by what a local
// CloudWatch says it was asked: adaptive, every minute, and as the naive reader
// does. NINES_FULL simulates a whole day of each kind of
// service, the ordinary test an hour of one.
func TestCounted(t *testing.T) {
	length, naive, all, objectives := time.Hour, 2*time.Minute, services()[1:2], 50
	if os.Getenv("NINES_FULL") != "" {
		length, naive, all, objectives = 24*time.Hour, time.Hour, services(), 100
	}
	for _, svc := range all {
		monthly := func(totals cloudwatchd.Totals, length time.Duration) float64 {
			return float64(totals.MetricsRequested) / float64(objectives) * float64(month) / float64(length)
		}
		var adaptive, minutely, windows float64
		var calls int
		for _, measure := range []func(*account){
			func(a *account) {
				totals := a.watch(length, poll.Pace{})
				adaptive, calls = monthly(totals, length), totals.Calls["GetMetricData"]
				if totals.SingleRequests > 0 {
					t.Errorf("%s: %d metrics were looked up again and again", svc.name, totals.SingleRequests)
				}
			},
			func(a *account) {
				minutely = monthly(a.watch(length/4, poll.Pace{Every: time.Minute}), length/4)
			},
			func(a *account) { windows = monthly(a.naive(naive), naive) },
		} {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t, svc, objectives)
				measure(a)
				if err := a.server.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		t.Logf("%-11s  %d metrics: adaptive %7.0f $%.3f   every minute %7.0f $%.3f   8 windows %8.0f $%.2f   (%d calls in %v)",
			svc.name, svc.billed, adaptive, adaptive*perMetric, minutely, minutely*perMetric, windows, windows*perMetric, calls, length)
		// Bounds of the reference: a reading costs what its metrics do, 43,800
		// minutes a month; 2 % at the fast pace, the rest at a fifth.
		each := float64(svc.billed) * 43_800
		within(t, svc.name+", adaptive", adaptive, each*(0.02+0.98/5))
		within(t, svc.name+", every minute", minutely, each)
		within(t, svc.name+", eight windows", windows, each*8)
	}
}

// within allows 1 %.
func within(t *testing.T, what string, got, want float64) {
	t.Helper()
	if got < want*0.99 || got > want*1.01 {
		t.Errorf("%s: %.0f metrics an objective-month, want about %.0f", what, got, want)
	}
}
