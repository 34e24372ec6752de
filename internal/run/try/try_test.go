package try_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/discover"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/try"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// service is a source with one service's data: total and bad events a minute,
// how many of them are fast, and how slow an hour is.
type service struct {
	total, bad, fast func(m slo.Minute) int64 // negative: no datapoint
	slow             float64                  // p99 of each hour, 0: no datapoint
	refuse           map[string]error         // by role
	asked            int
}

func (*service) Caps() metric.Caps {
	return metric.Caps{Period: 1, Lag: 3, Settle: 15, MaxAge: 10, History: 455 * slo.Day}
}

func (s *service) Fetch(ctx context.Context, req metric.Request) ([]metric.Series, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.asked++
	var out []metric.Series
	for _, q := range req.Queries {
		series := metric.Series{Key: q.Key, Answered: []slo.Span{req.Span}}
		if err := s.refuse[q.Role]; err != nil {
			out = append(out, metric.Series{Key: q.Key, Err: err})
			continue
		}
		count, step := s.count(q)
		for m := req.Span.From; m < req.Span.To; m += step {
			if v := count(m); v >= 0 {
				series.Points = append(series.Points, metric.Point{At: m, Width: step, Value: slo.Amount(v)})
			}
		}
		series.Exists = len(series.Points) > 0
		out = append(out, series)
	}
	return out, nil
}

// count is the series a query asks for, in millionths.
func (s *service) count(q metric.Query) (of func(slo.Minute) int64, step slo.Minute) {
	whole := func(f func(slo.Minute) int64) func(slo.Minute) int64 {
		return func(m slo.Minute) int64 { return f(m) * int64(slo.Unit) }
	}
	switch {
	case q.Period == slo.Hour:
		return func(slo.Minute) int64 {
			if s.slow == 0 {
				return -1
			}
			return int64(s.slow * float64(slo.Unit))
		}, slo.Hour
	case q.Role == "bad":
		return whole(s.bad), 1
	case q.Role == "good":
		return whole(s.fast), 1
	}
	return whole(s.total), 1
}

func always(n int64) func(slo.Minute) int64 { return func(slo.Minute) int64 { return n } }

// directory knows some functions.
type directory struct{ functions []string }

func (d directory) List(_ context.Context, l metric.Listing) (metric.Found, error) {
	var out metric.Found
	for _, f := range d.functions {
		if want := l.Dimensions["FunctionName"]; want == "" || want == f {
			out.Names = append(out.Names, metric.Name{Namespace: l.Namespace, Metric: l.Metric, Dimensions: map[string]string{"FunctionName": f}})
		}
	}
	return out, nil
}

func (directory) Alarms(context.Context) ([]metric.Alarm, error)       { return nil, nil }
func (directory) Objectives(context.Context) ([]metric.Managed, error) { return nil, nil }
func (directory) Requests() int64                                      { return 1 }

func attempt(ctx context.Context, s *service, change func(*try.Options)) (*try.Outcome, error) {
	env := &try.Env{
		Source: s, Directory: directory{[]string{"pay"}},
		Run: &run.Env{
			History: timeline.NewHistory(memory.New()), Now: now,
			Open: func(context.Context, config.DataSource) (metric.Source, error) { return s, nil },
		},
	}
	opt := try.Options{Ref: discover.Ref{Kind: "lambda", Name: "pay"}, Since: 3 * slo.Day}
	if change != nil {
		change(&opt)
	}
	return try.Run(ctx, env, opt)
}

func healthy() *service {
	return &service{total: always(1000), bad: always(1), fast: always(990), slow: 240}
}

// TestSuggestions: what the data carry is suggested, and nothing more.
func TestSuggestions(t *testing.T) {
	for name, c := range map[string]struct {
		change           func(*service)
		available, speed string
		from             try.Origin
	}{
		"one in a thousand":      {nil, "99.8% available", "98% < 250ms", try.Suggested},
		"nothing fails":          {func(s *service) { s.bad = always(0) }, "99.99% available", "98% < 250ms", try.Suggested},
		"few events":             {func(s *service) { s.total, s.bad, s.fast = rare(10), rare(0), rare(10) }, "99.9% available", "99% < 250ms", try.Assumed},
		"half of them bad":       {func(s *service) { s.bad = always(500) }, "99.9% available", "98% < 250ms", try.Assumed},
		"no figures of slowness": {func(s *service) { s.slow = 0 }, "99.8% available", "98% < 300ms", try.Suggested},
		"very fast":              {func(s *service) { s.slow = 0.2 }, "99.8% available", "98% < 5ms", try.Suggested},
	} {
		s := healthy()
		if c.change != nil {
			c.change(s)
		}
		out, err := attempt(t.Context(), s, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		a, l := out.Objectives[0], out.Objectives[1]
		if a.Text != c.available || a.TargetFrom != c.from || l.Text != c.speed || a.State != try.Measured {
			t.Errorf("%s: %q (%s), %q, want %q (%s), %q", name, a.Text, a.TargetFrom, l.Text, c.available, c.from, c.speed)
		}
		if got := strings.Join(out.Doc.Objectives, ", "); got != a.Text+", "+l.Text {
			t.Errorf("%s: the document says %q", name, got)
		}
	}
}

// rare happens once in twelve hours.
func rare(n int64) func(slo.Minute) int64 {
	return func(m slo.Minute) int64 {
		if m%720 == 0 {
			return n
		}
		return 0
	}
}

// TestStates: a silence that the source vouches for is no traffic, a name
// nobody knows is an error with those that look like it, and one objective's
// trouble is not the other's.
func TestStates(t *testing.T) {
	s := healthy()
	s.total, s.bad, s.fast = rare(0), rare(0), rare(0)
	out, err := attempt(t.Context(), s, nil)
	if err != nil || out.Objectives[0].State != try.NoTraffic || out.Objectives[0].Remaining != nil {
		t.Errorf("no traffic: %v %+v", err, out.Objectives[0])
	}
	nobody := &service{total: always(-1), bad: always(-1), fast: always(-1)}
	_, err = attempt(t.Context(), nobody, func(o *try.Options) { o.Ref.Name = "pya" })
	if fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.HintOf(err), "did you mean lambda/pay?") {
		t.Errorf("a typo: %v, hint %q", err, fault.HintOf(err))
	}
	out, err = attempt(t.Context(), nobody, nil)
	if err != nil || out.Objectives[0].State != try.NoData || out.Objectives[0].Remaining != nil || out.Objectives[0].Coverage != 0 {
		t.Errorf("a metric that is silent all along: %v %+v", err, out.Objectives[0])
	}
	s = healthy()
	s.refuse = map[string]error{"good": fault.New(fault.Unavailable, "ask", "half of it is broken", "")}
	out, err = attempt(t.Context(), s, nil)
	if err != nil || out.Objectives[0].State != try.Measured || out.Objectives[1].State != try.NoData || !strings.Contains(out.Objectives[1].Why, "half of it is broken") {
		t.Errorf("half is broken: %v %+v", err, out)
	}
	s.refuse = map[string]error{"total": fault.New(fault.Denied, "ask", "no", "allow it")}
	if _, err = attempt(t.Context(), s, nil); fault.KindOf(err) != fault.Denied {
		t.Errorf("denied: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = attempt(ctx, healthy(), nil); err == nil {
		t.Error("a cancelled trial has an answer")
	}
}

// TestYoung: a service that is younger than what was asked for says so.
func TestYoung(t *testing.T) {
	s := healthy()
	born := slo.MinuteOf(now) - 30*slo.Hour
	since := func(f func(slo.Minute) int64) func(slo.Minute) int64 {
		return func(m slo.Minute) int64 {
			if m < born {
				return -1
			}
			return f(m)
		}
	}
	s.total, s.bad, s.fast = since(s.total), since(s.bad), since(s.fast)
	out, err := attempt(t.Context(), s, nil)
	if err != nil || !strings.Contains(strings.Join(out.Objectives[0].Report.Warnings, "; "), "the first event is at 2026-03-01 06:00 UTC") {
		t.Errorf("%v %q", err, out.Objectives[0].Report.Warnings)
	}
}

// TestFirst: the newest day is told before the rest is read, and only then.
func TestFirst(t *testing.T) {
	s, asked := healthy(), 0
	var first *try.Outcome
	out, err := attempt(t.Context(), s, func(o *try.Options) { o.First = func(x *try.Outcome) { first, asked = x, s.asked } })
	if err != nil || first == nil || first.Span.Len() != slo.Day || out.Span.Len() != 3*slo.Day || asked >= s.asked {
		t.Errorf("%v %+v after %d of %d", err, first, asked, s.asked)
	}
	first = nil
	if _, err = attempt(t.Context(), healthy(), func(o *try.Options) { o.Since, o.First = 6*slo.Hour, func(x *try.Outcome) { first = x } }); err != nil || first != nil {
		t.Errorf("six hours are told twice: %v %+v", err, first)
	}
}

// TestAskedForIsKept: what is asked for is what is held against the data.
func TestAskedForIsKept(t *testing.T) {
	out, err := attempt(t.Context(), healthy(), func(o *try.Options) { o.Target, o.Latency = "99.87 %", "97.5% within 1.5s" })
	if err != nil {
		t.Fatal(err)
	}
	a, l := out.Objectives[0], out.Objectives[1]
	if a.Text != "99.87% available" || a.TargetFrom != try.Given || l.Text != "97.5% < 1.5s" || l.BoundFrom != try.Given {
		t.Errorf("%+v\n%+v", a, l)
	}
	tried := false
	for _, x := range a.Report.Trials {
		tried = tried || x.Target == 998_700
	}
	if !tried || a.Remaining == nil || *a.Remaining < 0.23 || *a.Remaining > 0.2308 {
		t.Errorf("0.1 %% bad of 0.13 %% allowed leave %v; tried %v", a.Remaining, tried)
	}
}

// TestSuggestionsAreKept: whatever happened, a suggested target was kept in the
// whole and leaves a tenth, and the document lints.
func TestSuggestionsAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, 5000).Draw(t, "total")
		bad := rapid.Int64Range(0, max(1, total/10)).Draw(t, "bad")
		every := rapid.Int64Range(1, 400).Draw(t, "every")
		s := &service{
			total: always(total), fast: always(total - min(total, bad)), slow: rapid.Float64Range(0, 40_000).Draw(t, "slow"),
			bad: func(m slo.Minute) int64 {
				if int64(m)%every == 0 {
					return min(bad, total)
				}
				return 0
			},
		}
		out, err := attempt(t.Context(), s, func(o *try.Options) { o.Since = slo.Day + 6*slo.Hour })
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out.Objectives {
			if o.TargetFrom == try.Suggested && (o.Remaining == nil || *o.Remaining < 0.1-1e-9) {
				t.Fatalf("%s leaves %v", o.Text, o.Remaining)
			}
		}
		if len(out.Doc.Objectives) == 0 {
			return
		}
		body := discover.Document(out.Doc)
		if _, problems := config.Parse([]config.File{{Name: "a.yaml", Data: body}}, config.Options{Strict: true}); len(problems) > 0 {
			t.Fatalf("%v\n%s", problems, body)
		}
	})
}
