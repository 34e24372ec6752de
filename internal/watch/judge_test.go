package watch_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// even is a stretch of the same minute again and again.
func even(from slo.Minute, total, bad int64) watch.Counts {
	c := watch.Counts{From: from}
	for range 30 {
		c.Total, c.Bad = append(c.Total, total), append(c.Bad, bad)
	}
	return c
}

// healthy is a deployment that changes nothing: 300 requests a minute, one of
// which is bad every tenth minute.
func healthy() watch.Request { return world{300, flat(.0003), flat(.0003), flat(.0003)}.request(3) }

// limited is a service with a latency objective of 300 ms, and 200 requests a
// minute of which so many are slow.
func limited(slow int64, limit string) watch.Request {
	req := healthy()
	l, err := watch.ParseLimit(limit)
	if err != nil {
		panic(err)
	}
	req.Policy.Limits = []watch.Limit{l}
	start := req.Start()
	req.Metrics = append(req.Metrics, watch.Metric{
		Name: "latency", Latency: true, Bound: 300, After: even(start, 200, slow), Before: even(start-31, 200, slow),
	})
	return req
}

func TestVerdicts(t *testing.T) {
	values := func(n int, v float64) []*float64 {
		out := make([]*float64, n)
		for i := range out {
			out[i] = &v
		}
		return out
	}
	for _, c := range []struct {
		name    string
		req     func() watch.Request
		now     time.Duration // after the deployment; 0: its end
		verdict decision.Verdict
		over    bool
		codes   string // that reasons begin with
	}{
		{"healthy", healthy, 0, decision.Pass, true, "healthy"},
		{"not over yet", func() watch.Request { r := healthy(); r.Frontier -= 20; return r }, 12 * time.Minute, decision.Inconclusive, false, "watching"},
		{"just deployed", func() watch.Request { r := healthy(); r.Frontier = r.Start() - 3; return r }, time.Second, decision.Inconclusive, false, "watching"},
		{"the frontier stands still", func() watch.Request { r := healthy(); r.Frontier -= 5; return r }, 46 * time.Minute, decision.Inconclusive, true, "stale"},
		{"no requests, where there were some", func() watch.Request {
			r := healthy()
			r.Metrics[0].After = even(r.Start(), 0, 0)
			return r
		}, 0, decision.Inconclusive, true, "silent"},
		{"unmeasured", func() watch.Request {
			r := healthy()
			for i := range 4 {
				r.Metrics[0].After.Total[3*i] = watch.Unmeasured
			}
			return r
		}, 0, decision.Inconclusive, true, "unmeasured"},
		{"little traffic", func() watch.Request { return world{2, flat(0), flat(0), flat(0)}.request(1) }, 0, decision.Inconclusive, true, "little_traffic"},
		{"nothing to compare with", func() watch.Request {
			r := healthy()
			r.Metrics[0].Before, r.Metrics[0].Weeks = watch.Counts{}, nil
			return r
		}, 0, decision.Inconclusive, true, "no_reference"},
		{"no metric at all", func() watch.Request { r := healthy(); r.Metrics = nil; return r }, 0, decision.Inconclusive, true, "unmeasured"},
		{"an outage", func() watch.Request { return world{300, flat(1), flat(.001), flat(.001)}.request(1) }, 0, decision.Fail, true, "worse"},
		{"errors beyond a limit", func() watch.Request {
			r := healthy()
			r.Policy.Limits = []watch.Limit{{Kind: watch.LimitErrors, Value: 5, Text: "5errors"}}
			r.Metrics[0].After.Bad[10], r.Metrics[0].After.Bad[11] = 6, 6
			return r
		}, 0, decision.Fail, true, "limit"},
		{"once is not in a row", func() watch.Request {
			r := healthy()
			r.Policy.Limits = []watch.Limit{{Kind: watch.LimitRate, Value: .005, Text: "0.5%"}}
			r.Metrics[0].After.Bad[10], r.Metrics[0].After.Bad[12] = 2, 2
			return r
		}, 0, decision.Pass, true, "healthy"},
		{"a gap neither breaks a row nor makes one", func() watch.Request {
			r := healthy()
			r.Policy.Limits = []watch.Limit{{Kind: watch.LimitRate, Value: .005, Text: "0.5%"}}
			r.Metrics[0].After.Bad[10], r.Metrics[0].After.Total[11], r.Metrics[0].After.Bad[12] = 2, watch.Unmeasured, 2
			return r
		}, 0, decision.Fail, true, "limit"},
		// More than 1 % slower than 300 ms is a 99th percentile above it, and above 200.
		{"p99 by the share of slow ones", func() watch.Request {
			r := limited(3, "200")
			r.Metrics[1].Before = even(r.Start()-31, 200, 0)
			return r
		}, 0, decision.Fail, true, "worse,limit"},
		{"it was beyond the limit before", func() watch.Request { return limited(3, "200") }, 0, decision.Warn, true, "limit_before"},
		{"p99 below a limit at the bound", func() watch.Request { return limited(2, "300") }, 0, decision.Pass, true, "healthy"},
		{"p99 cannot be told below the bound", func() watch.Request { return limited(1, "200") }, 0, decision.Inconclusive, true, "unmeasured"},
		{"p99 cannot be told above the bound", func() watch.Request { return limited(3, "400") }, 0, decision.Inconclusive, true, "unmeasured"},
		{"p99 as measured", func() watch.Request {
			r := limited(1, "200")
			r.Metrics[1].After.Value = values(30, 201)
			return r
		}, 0, decision.Fail, true, "limit"},
		{"p99 as measured, at the limit", func() watch.Request {
			r := limited(3, "200")
			r.Metrics[1].After.Value = values(30, 200)
			return r
		}, 0, decision.Pass, true, "healthy"},
		{"a latency limit without latency", func() watch.Request {
			r := healthy()
			r.Policy.Limits = []watch.Limit{{Kind: watch.LimitLatency, Value: 200, Text: "200"}}
			return r
		}, 0, decision.Inconclusive, true, "unmeasured"},
		{"an alarm that has gone off", func() watch.Request {
			r := healthy()
			r.Frontier -= 25
			r.Alarms = []watch.Alarm{{Name: "5xx", Known: true, Red: true, Since: deployed().Add(time.Minute)}}
			return r
		}, 3 * time.Minute, decision.Fail, true, "alarm"},
		{"an alarm from before", func() watch.Request {
			r := healthy()
			r.Alarms = []watch.Alarm{{Name: "5xx", Known: true, Red: true, Since: deployed().Add(-time.Minute)}}
			return r
		}, 0, decision.Warn, true, "alarm_before"},
		{"an alarm that was red at the first look", func() watch.Request {
			r := healthy()
			r.Alarms = []watch.Alarm{{Name: "5xx", Known: true, Red: true, Earlier: true}}
			return r
		}, 0, decision.Warn, true, "alarm_before"},
		{"an alarm that is not there", func() watch.Request { r := healthy(); r.Alarms = []watch.Alarm{{Name: "5xx"}}; return r }, 0, decision.Inconclusive, true, "alarm_unknown"},
		{"it burns fast", func() watch.Request {
			r := healthy()
			r.Policy.Burn, r.Burns = true, []watch.Burn{{Objective: "a/b/c", Now: true}}
			return r
		}, 0, decision.Fail, true, "burn"},
		{"it burned fast before", func() watch.Request {
			r := healthy()
			r.Policy.Burn, r.Burns = true, []watch.Burn{{Objective: "a/b/c", Now: true, Before: true}}
			return r
		}, 0, decision.Warn, true, "burn_before"},
		{"a bad week is left out", func() watch.Request {
			r := world{300, flat(.02), flat(.001), flat(.001)}.request(1)
			r.Metrics[0].Weeks[1].Counts = even(0, 300, 30)
			return r
		}, 0, decision.Fail, true, "worse,week_left_out"},
		{"the week held a deployment", func() watch.Request {
			r := healthy()
			r.Metrics[0].Weeks[1].Without = "it held a deployment"
			return r
		}, 0, decision.Pass, true, "healthy,week_left_out"},
		{"one reference", func() watch.Request { r := healthy(); r.Metrics[0].Weeks = nil; return r }, 0, decision.Pass, true, "healthy,one_reference"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := end()
			if c.now > 0 {
				now = deployed().Add(c.now)
			}
			r := watch.Judge(c.req(), now)
			if r.Verdict != c.verdict || r.Over != c.over || !strings.HasPrefix(codes(r), c.codes) {
				t.Errorf("%v, over %v, %s; want %v, %v, %s\n%+v", r.Verdict, r.Over, codes(r), c.verdict, c.over, c.codes, r.Reasons)
			}
		})
	}
}

// TestWhatIsSaid: the sentence names the version, the metric, since when, beside
// what, and how sure it is.
func TestWhatIsSaid(t *testing.T) {
	late := func(i int) float64 {
		if i >= 12 {
			return .05
		}
		return .001
	}
	req := world{300, late, flat(.001), flat(.001)}.request(5)
	d, res := watch.Decide(req, end())
	text := d.Reasons[0].Text
	for _, want := range []string{"version 8 of payment-api hurts", "availability", "with 7 before", "earlier weeks", "chance brings that about"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if since := res.Since - req.Start(); since < 11 || since > 13 {
		t.Errorf("it shows since minute %d, and began in the 12th", since)
	}
	if res.Confidence() != "high" {
		t.Errorf("confidence %s", res.Confidence())
	}
}

// TestSureStaysSure: more minutes take nothing back, and each look says what a look
// at all of it says of that minute.
func TestSureStaysSure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world{int64(rapid.IntRange(1, 60).Draw(t, "requests")), flat(rapid.SampledFrom([]float64{0, .01, .1, .5}).Draw(t, "after")), flat(.01), flat(.01)}
		req := w.request(rapid.Uint64().Draw(t, "seed"))
		var first slo.Minute
		for k := slo.Minute(1); k <= 30; k += 1 + slo.Minute(rapid.IntRange(0, 6).Draw(t, "later")) {
			part := req
			part.Frontier = req.Start() + k
			r := watch.Judge(part, end())
			if first == 0 {
				first = r.Sure
			}
			if first > 0 && (r.Sure != first || r.Verdict != decision.Fail || !r.Over) {
				t.Fatalf("sure at %d, and at frontier %d it is %v at %d", first, k, r.Verdict, r.Sure)
			}
		}
	})
}

// TestWorseIsNeverBetter: a further bad request never turns a verdict of harm into
// another one.
func TestWorseIsNeverBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req := world{40, flat(.2), flat(.02), flat(.02)}.request(rapid.Uint64().Draw(t, "seed"))
		a := watch.Judge(req, end())
		i := rapid.IntRange(0, 29).Draw(t, "minute")
		c := &req.Metrics[0].After
		if c.Bad[i] == c.Total[i] {
			return
		}
		c.Bad[i]++
		if b := watch.Judge(req, end()); a.Verdict == decision.Fail && (b.Verdict != decision.Fail || b.Sure > a.Sure) {
			t.Fatalf("%v at %d, and with one more bad request %v at %d", a.Verdict, a.Sure, b.Verdict, b.Sure)
		}
	})
}

// TestHostile: whatever is recorded, it does not panic, says something, can be
// written down, and comes out the same again.
func TestHostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(-3, 50)
		series := func(name string) watch.Counts {
			return watch.Counts{
				From:  slo.Minute(rapid.Int64Range(-5, 5).Draw(t, name+" from")),
				Total: rapid.SliceOfN(number, 0, 12).Draw(t, name+" total"), Bad: rapid.SliceOfN(number, 0, 12).Draw(t, name+" bad"),
			}
		}
		req := watch.Request{
			Subject: "a", Deployed: deployed(), Frontier: watch.FirstWhole(deployed()) + slo.Minute(rapid.Int64Range(-5, 40).Draw(t, "frontier")),
			Policy: watch.Policy{Duration: slo.Minute(rapid.Int64Range(1, 40).Draw(t, "duration"))},
		}
		for k := range rapid.IntRange(0, 3).Draw(t, "metrics") {
			m := watch.Metric{Name: string(rune('a' + k)), After: series("after"), Before: series("before")}
			for range rapid.IntRange(0, 4).Draw(t, "weeks") {
				m.Weeks = append(m.Weeks, watch.Week{Back: 1, Counts: series("week")})
			}
			req.Metrics = append(req.Metrics, m)
		}
		d, res := watch.Decide(req, end())
		if len(d.Reasons) == 0 || d.InputDigest == "" {
			t.Fatalf("%+v", d)
		}
		body, err := json.Marshal(watch.Record{Watch: req, Decision: d})
		if err != nil {
			t.Fatal(err)
		}
		var back watch.Record
		if err := json.Unmarshal(body, &back); err != nil {
			t.Fatal(err)
		}
		again, res2 := watch.Decide(back.Watch, back.Decision.At)
		if !reflect.DeepEqual(again, d) || !reflect.DeepEqual(res.Verdict, res2.Verdict) {
			t.Fatalf("%+v, and from its record %+v", d, again)
		}
	})
}

func TestNext(t *testing.T) {
	bad := world{300, flat(.5), flat(.001), flat(.001)}.request(1)
	bad.Policy.Undo = watch.UndoAuto
	s, _, _, do := watch.Next(watch.State{}, bad, end())
	if do != watch.DoUndo || !s.Undone {
		t.Errorf("%+v, %s: want to roll back", s, do)
	}
	if _, _, _, do := watch.Next(s, bad, end()); do != watch.DoEnd {
		t.Errorf("a second time %s: a deployment is rolled back once", do)
	}
	bad.Policy.Undo = watch.UndoNever
	if _, _, _, do := watch.Next(watch.State{}, bad, end()); do != watch.DoEnd {
		t.Errorf("never: %s", do)
	}
	early := healthy()
	early.Frontier -= 10
	if _, _, _, do := watch.Next(watch.State{}, early, deployed().Add(time.Minute)); do != watch.DoWait {
		t.Errorf("before its end %s", do)
	}
}

// TestFlocks: requests that fail in flocks are no evidence as strong as those that
// fail one by one.
func TestFlocks(t *testing.T) {
	runs := trials(30, 500)
	fails := 0
	for seed := range uint64(runs) {
		r := rand.New(rand.NewPCG(seed, 9))
		flock := func(minutes int, from slo.Minute) watch.Counts {
			c := watch.Counts{From: from}
			for range minutes {
				bad := int64(0)
				if r.Float64() < .3 { // three minutes of ten lose up to twenty at once
					bad = r.Int64N(21)
				}
				c.Total, c.Bad = append(c.Total, 300), append(c.Bad, bad)
			}
			return c
		}
		req := healthy()
		m := &req.Metrics[0]
		m.After, m.Before = flock(30, req.Start()), flock(30, req.Start()-31)
		for k := range m.Weeks {
			m.Weeks[k].Counts = flock(30, 0)
		}
		if watch.Judge(req, end()).Verdict == decision.Fail {
			fails++
		}
	}
	if float64(fails) > 3+.02*float64(runs) {
		t.Errorf("%d of %d taken for harmful", fails, runs)
	}
}

// BenchmarkLook is one look at a watch of an hour with three metrics.
func BenchmarkLook(b *testing.B) {
	req := world{300, flat(.001), flat(.001), flat(.001)}.request(1)
	req.Metrics = append(req.Metrics, req.Metrics[0], req.Metrics[0])
	for b.Loop() {
		watch.Judge(req, end())
	}
}
