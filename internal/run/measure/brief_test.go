package measure_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/cloudwatch"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/testkit/cases"
	"gitlab.com/nines-sre/nines/internal/timeline"
	store "gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// account is a local CloudWatch in this process, with one metric: 0 for a good
// request, 1 for a bad one.
type account struct {
	server *cloudwatchd.Server
	client *cw.Client
	base   time.Time
}

type handler struct{ http.Handler }

func (h handler) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// failer is what tests and rapid's properties fail by.
type failer interface {
	Fatal(args ...any)
	Context() context.Context
}

func newAccount(t failer, base time.Time) *account {
	server, err := cloudwatchd.New(t.Context(), cloudwatchd.Config{Clock: func() time.Time { return base }})
	if err != nil {
		t.Fatal(err)
	}
	return &account{server: server, base: base, client: cw.New(cw.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://cloudwatch.test"), HTTPClient: handler{server},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})}
}

// publish puts minutes in; the clock follows, so that none is too old.
func (a *account) publish(t failer, from time.Time, minutes []slo.Count) {
	for chunk := range slices.Chunk(minutes, 1000) {
		var data []types.MetricDatum
		for i, c := range chunk {
			if c.Total == 0 {
				continue
			}
			d := types.MetricDatum{MetricName: aws.String("Failed"), Timestamp: aws.Time(from.Add(time.Duration(i) * time.Minute))}
			for value, n := range []slo.Amount{c.Good, c.Bad()} {
				if n > 0 {
					d.Values, d.Counts = append(d.Values, float64(value)), append(d.Counts, n.Float())
				}
			}
			data = append(data, d)
		}
		from = from.Add(time.Duration(len(chunk)) * time.Minute)
		a.server.Clock().Freeze(from)
		if len(data) == 0 {
			continue
		}
		if _, err := a.client.PutMetricData(t.Context(), &cw.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: data}); err != nil {
			t.Fatal(err)
		}
	}
}

// env is an objective over the metric, and a history of its own.
func (a *account) env(window slo.Minute, change func(*slo.Objective)) *run.Env {
	query := func(stat string) *slo.Query {
		return &slo.Query{Source: "cw", Type: "CloudWatch", Spec: slo.Spec{"region": "eu-west-1", "namespace": "shop", "metric": "Failed", "stat": stat}}
	}
	o := slo.Objective{
		Service: "shop", SLO: "a", Name: "99%", Target: slo.MustDecimal("0.99"), Window: slo.Rolling{Length: window},
		Indicator: "i", MaxAge: 10, Coverage: slo.MustDecimal("0.9"),
	}
	o.Conditions, _ = slo.DefaultConditions(o.Window, o.Target)
	change(&o)
	now := a.server.Clock().Now()
	return &run.Env{
		Catalog: &config.Catalog{
			Sources:    []config.DataSource{{Name: "cw", Type: "CloudWatch"}},
			Indicators: []config.Indicator{{ID: "i", Source: "cw", Lineage: "v1", Definition: slo.Ratio{Bad: query("Sum"), Total: query("SampleCount")}}},
			Objectives: []config.Objective{{Objective: o}},
		},
		History: timeline.NewHistory(store.New()),
		Open: func(context.Context, config.DataSource) (metric.Source, error) {
			connect := func(context.Context, string, string, string) (cloudwatch.API, error) { return a.client, nil }
			return cloudwatch.New(cloudwatch.Options{Connect: connect, Now: a.server.Clock().Now, DatapointRate: 1e9, Rate: 1e6}), nil
		},
		Now: now,
	}
}

// answer measures and reads how the objective stands.
func answer(t failer, env *run.Env, opt measure.Options) (status.Entry, measure.Report) {
	rep, err := measure.Run(t.Context(), env, opt)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := status.Read(t.Context(), env, status.Options{})
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	return entries[0], rep
}

// TestBriefIsCounted reads 28 days for one answer: 8,064 datapoints a query and
// the minutes of the last hours, in two requests. Slices of a minute cannot be
// read so, and are not.
func TestBriefIsCounted(t *testing.T) {
	a := newAccount(t, t0.Time())
	minutes := make([]slo.Count, 29*slo.Day)
	for i := range minutes {
		minutes[i] = slo.Count{Good: slo.Events(int64(100 - i%3)), Total: slo.Events(100)}
	}
	a.publish(t, t0.Time(), minutes)
	for name, c := range map[string]struct {
		change    func(*slo.Objective)
		brief     bool
		condensed int
		metrics   int
		least     int // datapoints a query
		most      int
	}{
		"brief":                      {brief: true, change: func(*slo.Objective) {}, condensed: 1, metrics: 2, least: 8064, most: 8064 + 420},
		"brief, slices of 5 minutes": {brief: true, change: slices5(5), condensed: 1, metrics: 2, least: 8064, most: 8064 + 420},
		"brief, slices of a minute":  {brief: true, change: slices5(1), metrics: 2, least: 25_000, most: 25_500},
		"stored":                     {change: func(*slo.Objective) {}, metrics: 2, least: 25_000, most: 25_500},
	} {
		a.server.ResetTotals()
		e, rep := answer(t, a.env(28*slo.Day, c.change), measure.Options{Brief: c.brief})
		totals := a.server.Totals()
		points := totals.Datapoints / 2
		t.Logf("%-27s %6d datapoints a query, %d metrics requested in %d calls", name, points, totals.MetricsRequested, totals.Calls["GetMetricData"])
		if rep.Condensed != c.condensed || totals.MetricsRequested != c.metrics || points < c.least || points > c.most {
			t.Errorf("%s: condensed %d, %d metrics, %d datapoints a query", name, rep.Condensed, totals.MetricsRequested, points)
		}
		if cover := e.Status.Stretch.Coverage(); cover != 1 {
			t.Errorf("%s: coverage %v", name, cover)
		}
	}
}

func slices5(length slo.Minute) func(*slo.Objective) {
	return func(o *slo.Objective) {
		o.Budgeting, o.Slice, o.SliceTarget = slo.Timeslices, length, slo.MustDecimal("0.985")
	}
}

// TestBriefAgreesWithStored answers from random series both ways. Sums may
// differ only where a look-back begins inside a wide step, and by no more than
// that step's events; where none does, everything is the same.
func TestBriefAgreesWithStored(t *testing.T) {
	cases.Few(t, "10")
	same, cut := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		length := slo.Minute(rapid.IntRange(800, 3200).Draw(t, "length"))
		if rapid.Bool().Draw(t, "whole") {
			length = length / 5 * 5
		}
		minutes := make([]slo.Count, length)
		bad := rapid.SliceOfN(rapid.Int64Range(0, 20), 8, 8).Draw(t, "bad") // by stretch of the time
		rest := rapid.Int64Range(1, 1<<40).Draw(t, "pattern")
		for i := range minutes {
			if total := (int64(i)*2654435761 ^ rest) >> 7 % 30; total > 0 {
				worst := min(total, bad[i*8/len(minutes)])
				minutes[i] = slo.Count{Good: slo.Events(total - worst*(int64(i)%2)), Total: slo.Events(total)}
			}
		}
		a := newAccount(t, t0.Time())
		a.publish(t, t0.Time(), minutes)
		window := slo.Minute(rapid.SampledFrom([]int{600, 1440, 2880, 10080}).Draw(t, "window"))
		change := func(*slo.Objective) {}
		if rapid.Bool().Draw(t, "slices") {
			change = slices5(10)
		}
		stored, _ := answer(t, a.env(window, change), measure.Options{})
		brief, _ := answer(t, a.env(window, change), measure.Options{Brief: true})
		edge := func(from slo.Minute) slo.Count { // events of the wide step that a look-back cuts
			var sum slo.Count
			for m := from / 5 * 5; from%5 != 0 && m < from/5*5+5; m++ {
				if i := m - t0; i >= 0 && i < length {
					sum = sum.Add(minutes[i])
				}
			}
			return sum
		}
		equal := near(t, "window", stored.Status.Stretch, brief.Status.Stretch, edge(stored.Status.Window.From))
		for i, b := range stored.Status.Burns {
			from := stored.Status.Frontier - b.Lookback
			allowed := edge(from)
			if b.Lookback <= measure.BriefReach {
				allowed = slo.Count{}
			}
			equal = near(t, fmt.Sprint(b.Lookback), b.Stretch, brief.Status.Burns[i].Stretch, allowed) && equal
		}
		if !equal {
			cut++
			return
		}
		same++
		if s, b := text(t, stored, brief), text(t, brief, stored); s != b {
			t.Fatalf("the sums agree, the states do not:\n%s\n%s", s, b)
		}
	})
	t.Logf("%d cases agreed in all, %d met an edge", same, cut)
}

// near says whether two stretches are equal; it fails when they differ by more
// than allowed.
func near(t *rapid.T, what string, a, b slo.Stretch, allowed slo.Count) bool {
	if a == b {
		return true
	}
	off := func(x, y slo.Amount) slo.Amount { return max(x-y, y-x) }
	if off(a.Total, b.Total) > allowed.Total || off(a.Bad(), b.Bad()) > allowed.Bad() || a.Measured != b.Measured || a.Expected != b.Expected {
		t.Fatalf("%s: stored %+v, brief %+v, the edge explains %+v", what, a, b, allowed)
	}
	return false
}

// text is all that a gate would see.
// text is a state as a decision carries it. Forecasts of old minutes that leave
// the window move with the wide steps these lie in: one that lies within a step
// of the other answer's is not told apart.
func text(t *rapid.T, e, other status.Entry) string {
	state, theirs := status.State(e, false), status.State(other, false)
	state.ReopensInSeconds = alike(state.ReopensInSeconds, theirs.ReopensInSeconds)
	for look, in := range state.ExhaustsInSeconds {
		state.ExhaustsInSeconds[look] = alike(in, theirs.ExhaustsInSeconds[look])
	}
	out, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// alike is the smaller of two forecasts in seconds that lie within five minutes
// of each other, the first as it is otherwise.
func alike(a, b *int64) *int64 {
	if a == nil || b == nil || max(*a-*b, *b-*a) > 300 {
		return a
	}
	least := min(*a, *b)
	return &least
}
