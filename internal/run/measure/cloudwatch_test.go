package measure_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"gitlab.com/nines-sre/nines/internal/awskit"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/sqlite"
)

// cloud is a local CloudWatch spoken to over HTTP, a history in a file, and
// objectives of latency: good and total are two statistics of one metric.
type cloud struct {
	t      testing.TB
	server *cloudwatchd.Server
	url    string
	path   string
	now    slo.Minute
	env    *run.Env
	rate   float64 // datapoints a second; 0: the source's own
	opened int
}

func newCloud(t testing.TB, objectives int) *cloud {
	t.Helper()
	c := &cloud{t: t, now: t0 + 13*slo.Hour + 7, path: filepath.Join(t.TempDir(), "nines.db")}
	s, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: time.Now, Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	db, err := sqlitedb.Open(t.Context(), c.path, sqlitedb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Close()
		_ = s.Close(context.Background())
		_ = db.Close()
	})
	c.server, c.url = s, h.URL
	c.env = &run.Env{
		Catalog: &config.Catalog{Sources: []config.DataSource{{Name: "prod", Type: "CloudWatch"}}},
		History: timeline.NewHistory(sqlite.New(db)),
		Open:    c.open,
	}
	c.at(c.now)
	for i := range objectives {
		c.latency(fmt.Sprint("s", i), "300")
	}
	return c
}

// open gives each run a source of its own, as the program does.
func (c *cloud) open(context.Context, config.DataSource) (metric.Source, error) {
	c.opened++
	return cloudwatch.New(cloudwatch.Options{
		Connect: func(context.Context, string, string, string) (cloudwatch.API, error) {
			return cw.New(cw.Options{
				Region: "eu-west-1", BaseEndpoint: aws.String(c.url), Retryer: aws.NopRetryer{}, HTTPClient: awskit.Steady(http.DefaultClient),
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
			}), nil
		},
		Now: func() time.Time { return c.now.Time() }, DatapointRate: c.rate,
	}), nil
}

func (c *cloud) at(now slo.Minute) {
	c.now, c.env.Now = now, now.Time()
	c.server.Clock().Freeze(now.Time())
}

func statistic(service, name string) *slo.Query {
	return &slo.Query{Source: "prod", Type: "CloudWatch", Spec: slo.Spec{
		"namespace": "shop", "metric": "Latency", "stat": name, "dimensions": slo.Spec{"Service": service},
	}}
}

// latency adds an objective over 28 days of requests within a bound.
func (c *cloud) latency(service, bound string) {
	id := service + ".latency" + bound
	c.env.Catalog.Indicators = append(c.env.Catalog.Indicators, config.Indicator{
		ID: id, Source: "prod", Lineage: "v1",
		Definition: slo.Ratio{Good: statistic(service, "TC(:"+bound+")"), Total: statistic(service, "SampleCount")},
	})
	c.env.Catalog.Objectives = append(c.env.Catalog.Objectives, config.Objective{Objective: slo.Objective{
		Service: service, SLO: "latency" + bound, Name: "99%", Target: slo.MustDecimal("0.99"),
		Window: slo.Rolling{Length: 28 * slo.Day}, Indicator: id,
	}})
}

// requests is what service i answered in a minute: fast ones, and slow ones.
func requests(i int, at slo.Minute) (fast, slow float64) {
	m := int64(at)
	return float64(800 + (m*31+int64(i)*7)%257), float64((m*13 + int64(i)) % 5)
}

// load puts what the services answered into CloudWatch.
func (c *cloud) load(services int, span slo.Span) {
	c.t.Helper()
	place := store.Place{Account: cloudwatchd.DefaultAccount, Region: "eu-west-1"}
	for i := range services {
		m := store.NewMetric("shop", "Latency", []store.Dimension{{Name: "Service", Value: fmt.Sprint("s", i)}})
		data := make([]store.Datum, 0, span.Len())
		for at := span.From; at < span.To; at++ {
			fast, slow := requests(i, at)
			set := stat.FromSamples([]stat.Sample{{Value: 120, Count: fast}, {Value: 900, Count: slow}})
			data = append(data, store.Datum{Metric: m, Unit: "Milliseconds", At: int64(at) * 60, Set: set})
		}
		if err := c.server.Load(c.t.Context(), place, data); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *cloud) run(opt measure.Options) measure.Report {
	c.t.Helper()
	rep, err := measure.Run(c.t.Context(), c.env, opt)
	if err != nil {
		c.t.Fatal(err)
	}
	return rep
}

// check compares the history of a service with what was put in, in whole steps
// of five minutes.
func (c *cloud) check(i int, span slo.Span) {
	c.t.Helper()
	span.From, span.To = (span.From+4)/5*5, span.To/5*5
	id := timeline.ID(fmt.Sprint("s", i, ".latency300"))
	views, err := c.env.History.Open(c.t.Context(), []timeline.Request{{ID: id, Points: []slo.Span{span}, Frontier: span.To}})
	if err != nil {
		c.t.Fatal(err)
	}
	got := maps.Collect(views[id].Points(span))
	for from := span.From; from < span.To; from += 5 {
		var is, want slo.Count
		for m := from; m < from+5; m++ {
			fast, slow := requests(i, m)
			want = want.Add(slo.Count{Good: slo.Events(int64(fast)), Total: slo.Events(int64(fast + slow))})
			is = is.Add(got[m])
		}
		if is != want {
			c.t.Fatalf("%s at %v: kept %v, put in %v", id, from.Time(), is, want)
		}
	}
}
