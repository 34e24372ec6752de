package cloudwatch_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// The server keeps AWS's default quotas by the second; a source with its
// defaults never meets them, and is not much slower than its rate either.
func TestDefaultsStayUnderTheQuotas(t *testing.T) {
	end := slo.MinuteOf(clock)
	for _, c := range []struct {
		what    string
		metrics int
		length  slo.Minute
		rate    float64 // datapoints a second
		quota   int
	}{
		{"days", 400, 2 * slo.Day, 316_800, 396_000},
		{"the last three hours", 2500, 175, 144_000, 180_000},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := within(t, func(cfg *cloudwatchd.Config) { cfg.Quota = cloudwatchd.AWSQuota() })
				span := slo.Span{From: end - c.length, To: end}
				l.load(ours, "eu-west-1", c.metrics, span)
				begin := time.Now()
				got := fetch(t, l.source(), ask(c.metrics, span))
				took := time.Since(begin).Seconds()
				for i := range c.metrics {
					isWhole(t, i, got[name(i)], span)
				}
				totals := l.server.Totals()
				if len(totals.Errors) > 0 || totals.BusiestDatapoints > c.quota || totals.BusiestCalls > 50 {
					t.Errorf("%+v", totals)
				}
				if floor := float64(totals.Datapoints) / c.rate; took < floor*0.8 || took > floor*1.1 {
					t.Errorf("took %.2f s for %d datapoints, the rate allows %.2f s", took, totals.Datapoints, floor)
				}
			})
		})
	}
}

// Small requests do not wait for room that only large ones need.
func TestSmallRequestsAreNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := within(t, nil)
		end := slo.MinuteOf(clock)
		l.load(ours, "eu-west-1", 3, slo.Span{From: end - 60, To: end})
		src := l.source()
		begin := time.Now()
		for range 5 {
			fetch(t, src, ask(3, slo.Span{From: end - 30, To: end}))
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("five small requests waited for %v", took)
		}
	})
}

// ListMetrics has a quota of its own, and so have requests.
func TestRequestsKeepTheirRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := within(t, func(cfg *cloudwatchd.Config) { cfg.Quota = cloudwatchd.AWSQuota() })
		src := l.source()
		end := slo.MinuteOf(clock)
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range 100 { // none of these metrics exists, so each is looked up
			wg.Go(func() {
				req := metric.Request{Span: slo.Span{From: end - 5, To: end}, Queries: []metric.Query{{Key: "q", Spec: spec(fmt.Sprint("x", i), 1)}}}
				if _, err := src.Fetch(t.Context(), req); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		// 100 look-ups at 20 a second.
		if took := time.Since(begin).Seconds(); took < 4.5 || took > 5.5 {
			t.Errorf("took %.2f s", took)
		}
		per := map[string]map[int64]int{}
		for _, e := range l.server.Requests() {
			if per[e.Operation] == nil {
				per[e.Operation] = map[int64]int{}
			}
			per[e.Operation][e.At.Unix()]++
		}
		for op, most := range map[string]int{"GetMetricData": 50, "ListMetrics": 25} {
			for second, n := range per[op] {
				if n > most {
					t.Errorf("%d calls of %s in second %d", n, op, second)
				}
			}
		}
		if u := src.Usage(); u.Requests != 200 {
			t.Errorf("used %+v", u)
		}
	})
}

// A service that throttles slows the source down; every attempt keeps the rate
// and is counted, and nothing is lost. The SDK's adaptive mode waits in steps
// that a test's own time does not get past, so this one takes real seconds.
func TestThrottlingLosesNothing(t *testing.T) {
	t.Parallel()
	end := slo.MinuteOf(clock)
	for _, c := range []struct {
		what   string
		quota  cloudwatchd.Quota
		faults []cloudwatchd.Fault
	}{
		{"a quota of calls below the rate", cloudwatchd.Quota{Calls: 3}, nil},
		{"a quota of datapoints below the rate", cloudwatchd.Quota{OldDatapoints: 90_000, RecentDatapoints: 90_000}, nil},
		{"every third call, and trouble besides", cloudwatchd.Quota{}, []cloudwatchd.Fault{
			{Kind: cloudwatchd.Throttle, After: 1, Times: 5}, {Kind: cloudwatchd.Internal, After: 2, Times: 3}, {Kind: cloudwatchd.Cut, After: 4, Times: 2},
		}},
		{"an outage", cloudwatchd.Quota{}, []cloudwatchd.Fault{{Kind: cloudwatchd.Throttle, After: 3, Times: 12}}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			l := within(t, func(cfg *cloudwatchd.Config) { cfg.Quota = c.quota })
			l.retry = cloudwatch.Retryer
			const metrics = 24
			span := slo.Span{From: end - 14*slo.Day, To: end}
			l.load(ours, "eu-west-1", metrics, span)
			for _, f := range c.faults {
				if err := l.server.Inject(f); err != nil {
					t.Fatal(err)
				}
			}
			src := l.source()
			got := fetch(t, src, ask(metrics, span))
			for i := range metrics {
				isWhole(t, i, got[name(i)], span)
			}
			totals := l.server.Totals()
			if len(totals.Errors) == 0 || totals.BusiestCalls > 50 {
				t.Errorf("%+v", totals)
			}
			if n := int64(totals.Calls["GetMetricData"]); src.Usage() != (metric.Usage{Requests: n, Metrics: metrics, Datapoints: metrics * int64(span.Len())}) {
				t.Errorf("used %+v, the server counts %d calls", src.Usage(), n)
			}
		})
	}
}
