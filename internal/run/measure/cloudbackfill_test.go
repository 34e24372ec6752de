package measure_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// TestBackfillFromCloudWatch is BenchmarkBackfill, small: what is asked, what
// it costs, and that the history is what was put in.
func TestBackfillFromCloudWatch(t *testing.T) {
	const services, days = 20, 3
	c := newCloud(t, services)
	c.load(services, slo.Span{From: c.now - days*slo.Day, To: c.now})
	c.server.ResetTotals()
	want, err := measure.Foresee(t.Context(), c.env, measure.Options{Since: days*slo.Day - slo.Hour})
	if err != nil || len(want) != 1 || len(c.server.Requests()) > 0 {
		t.Fatalf("foreseen %+v, %v; %d requests", want, err, len(c.server.Requests()))
	}
	var last measure.Progress
	rep := c.run(measure.Options{Since: days*slo.Day - slo.Hour, Progress: func(p measure.Progress) { last = p }})
	totals := c.server.Totals()
	if diff := cmp.Diff(want[0].Usage, *rep.Usage); diff != "" {
		t.Errorf("foreseen and used differ:\n%s", diff)
	}
	counted := metric.Usage{Requests: int64(totals.Calls["GetMetricData"]), Metrics: int64(totals.MetricsRequested), Datapoints: int64(totals.Datapoints)}
	if diff := cmp.Diff(counted, *rep.Usage); diff != "" {
		t.Errorf("the server counts something else:\n%s", diff)
	}
	// Good and total are one metric; all of it was within what is kept by the minute.
	if points := int64(services * 2 * (days*1440 - 60 + 4)); rep.Usage.Metrics != services || rep.Usage.Datapoints != points || last.Usage != *rep.Usage {
		t.Errorf("used %+v, last told %+v", rep.Usage, last.Usage)
	}
	for i := range services {
		c.check(i, slo.Span{From: c.now - days*slo.Day + slo.Hour, To: c.now - 4})
	}
}

// A first run reads 63 days, a second one only the tail, and the hours where
// CloudWatch changes its resolution are not asked for again.
func TestDeepFirstRun(t *testing.T) {
	c := newCloud(t, 1)
	c.load(1, slo.Span{From: c.now - 70*slo.Day, To: c.now})
	c.run(measure.Options{Deep: true})
	metas, err := c.env.History.Meta(t.Context(), "s0.latency300")
	if err != nil {
		t.Fatal(err)
	}
	a := metas["s0.latency300"].Answered
	if len(a) != 1 || a[0].To != c.now-3 || a[0].Len() < 63*slo.Day-4*slo.Hour || a[0].Len() > 63*slo.Day {
		t.Errorf("answered %v", a)
	}
	c.check(0, slo.Span{From: a[0].From, To: c.now - 17}) // whole steps of five minutes
	for range 3 {
		c.at(c.now + 1)
		c.server.ResetTotals()
		rep := c.run(measure.Options{Deep: true})
		if totals := c.server.Totals(); totals.Calls["GetMetricData"] != 1 || rep.Usage.Metrics != 1 || totals.Datapoints > 2*(15+1) {
			t.Errorf("the next minute: %+v, %+v", rep.Usage, totals)
		}
	}
}

// loaded is how many days have data, of the 28 that are read: in the full test all
// of them. A silent stretch is asked for all the same.
func loaded() slo.Minute {
	if os.Getenv("NINES_FULL") != "" {
		return 29
	}
	return 6
}

// TestBackfillGoesOnWhereItEnded kills a first run again and again. What was
// recorded is never asked for a second time: apart from the tail, no metric is
// billed more often than in a run that nobody disturbs, but for the question
// that was under way.
func TestBackfillGoesOnWhereItEnded(t *testing.T) {
	const services = 52 // three questions' worth
	c := newCloud(t, services)
	c.rate = 1e9
	c.load(services, slo.Span{From: c.now - loaded()*slo.Day, To: c.now})
	c.server.ResetTotals()
	points, runs := 0, 0
	for done := false; !done; runs++ {
		if runs > 8 {
			t.Fatal("it does not come to an end")
		}
		ctx, cancel := context.WithCancel(t.Context())
		finished := 0
		_, err := measure.Run(ctx, c.env, measure.Options{Progress: func(p measure.Progress) {
			if finished++; finished == services+30 { // the second of the questions that go far back
				cancel()
			}
		}})
		cancel()
		done = err == nil
		if !done && fault.KindOf(err) != fault.Canceled {
			t.Fatal(err)
		}
		points += c.server.Totals().Datapoints
		c.server.ResetTotals()
	}
	calm := newCloud(t, services)
	calm.rate, calm.server, calm.url = 1e9, c.server, c.url
	calm.run(measure.Options{})
	once := c.server.Totals().Datapoints
	t.Logf("%d runs, %d datapoints; undisturbed %d", runs, points, once)
	if runs < 2 || points > 3*once {
		t.Errorf("%d runs asked for %d datapoints, one run for %d", runs, points, once)
	}
	c.server.ResetTotals()
	c.run(measure.Options{})
	if again := c.server.Totals(); again.Datapoints > services*2*15 {
		t.Errorf("a run with nothing left to do: %+v", again)
	}
	for _, i := range []int{0, services / 2, services - 1} {
		c.check(i, slo.Span{From: c.now - (loaded()-2)*slo.Day, To: c.now - 27})
	}
}

// TestSharing counts what objectives that share metrics are billed for, in one
// question or in many.
func TestSharing(t *testing.T) {
	for _, services := range []int{1, 7, 150} {
		t.Run(fmt.Sprint(services), func(t *testing.T) {
			c := newCloud(t, services)
			c.rate = 1e9
			// Each service has three bounds of latency, and availability over the
			// same total; the documents list them one kind after the other.
			for _, bound := range []string{"500", "1000"} {
				for i := range services {
					c.latency(fmt.Sprint("s", i), bound)
				}
			}
			for i := range services {
				c.availability(fmt.Sprint("s", i))
			}
			c.load(services, slo.Span{From: c.now - 3*slo.Hour, To: c.now})
			c.server.ResetTotals()
			rep := c.run(measure.Options{Since: 2 * slo.Hour})
			totals := c.server.Totals()
			// Latency once, with its four statistics, and errors once.
			if totals.MetricsRequested != 2*services || rep.Usage.Metrics != int64(2*services) {
				t.Errorf("%d objectives: %d metrics billed, %d reported, want %d", 4*services, totals.MetricsRequested, rep.Usage.Metrics, 2*services)
			}
			if want := services * 5; totals.Queries != want {
				t.Errorf("%d queries, want %d: equal ones once", totals.Queries, want)
			}
			if n := totals.Calls["GetMetricData"]; n > services*5/400+2 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// availability adds an objective of errors over the requests that latency
// counts too.
func (c *cloud) availability(service string) {
	id := service + ".availability"
	errors := statistic(service, "Sum")
	errors.Spec["metric"] = "Errors"
	c.env.Catalog.Indicators = append(c.env.Catalog.Indicators, config.Indicator{
		ID: id, Source: "prod", Lineage: "v1", Definition: slo.Ratio{Bad: errors, Total: statistic(service, "SampleCount")},
	})
	c.env.Catalog.Objectives = append(c.env.Catalog.Objectives, config.Objective{Objective: slo.Objective{
		Service: service, SLO: "availability", Name: "99%", Target: slo.MustDecimal("0.99"),
		Window: slo.Rolling{Length: slo.Day}, Indicator: id,
	}})
}

// Credentials that expire in the middle of a run end it; what was recorded
// before stays, and the next run takes up there.
func TestCredentialsExpireOnTheWay(t *testing.T) {
	const services = 52
	c := newCloud(t, services)
	c.rate = 1e9
	c.load(services, slo.Span{From: c.now - loaded()*slo.Day, To: c.now})
	expired := cloudwatchd.Fault{Kind: cloudwatchd.Failure, Operation: "GetMetricData", After: 10, Code: "ExpiredToken", Message: "The security token included in the request is expired", Status: 403}
	if err := c.server.Inject(expired); err != nil {
		t.Fatal(err)
	}
	rep, err := measure.Run(t.Context(), c.env, measure.Options{})
	if fault.KindOf(err) != fault.Denied || len(rep.Failed) != services || rep.Filled == 0 {
		t.Fatalf("%v; %d failed, %d filled", err, len(rep.Failed), rep.Filled)
	}
	// It does not go on to ask in vain: the questions under way, and no more.
	if n := c.server.Totals().Errors["ExpiredToken"]; n > 120 {
		t.Errorf("%d calls with expired credentials", n)
	}
	c.server.ClearFaults()
	c.run(measure.Options{})
	c.check(services-1, slo.Span{From: c.now - (loaded()-2)*slo.Day, To: c.now - 27})
}

// The source is opened once a run, whatever has to be asked twice.
func TestOpenedOnce(t *testing.T) {
	c := newCloud(t, 3)
	c.load(2, slo.Span{From: c.now - 2*slo.Day, To: c.now}) // the third service does not exist
	c.run(measure.Options{})
	if c.opened != 1 {
		t.Errorf("opened %d times", c.opened)
	}
}

// A report without a source that counts has no usage.
func TestUsageIsOnlyWhatWasCounted(t *testing.T) {
	w := newWorld(t0 + slo.Day)
	w.indicator("i", slo.Ratio{Good: query("good"), Total: query("total")}, slo.MissingZero)
	raw, err := json.Marshal(w.run(t, measure.Options{}))
	if err != nil || slices.Contains(keys(t, raw), "usage") {
		t.Errorf("%s, %v", raw, err)
	}
	all, err := measure.Foresee(t.Context(), w.env, measure.Options{})
	if err != nil || len(all) != 1 || all[0].Planned || all[0].Usage != (metric.Usage{}) {
		t.Errorf("%+v, %v", all, err)
	}
	if n := len(w.src.Asked()); n != 1 {
		t.Errorf("foreseeing asked: %d requests", n)
	}
	if metas, err := w.env.History.Meta(t.Context(), timeline.ID("i")); err != nil || len(metas) > 1 {
		t.Errorf("%v, %v", metas, err)
	}
}

func keys(t *testing.T, raw []byte) []string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}
