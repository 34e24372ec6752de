package status_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	ledger "gitlab.com/nines-sre/nines/internal/ledger/memory"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/mark"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// recorded is an environment whose history holds minutes of 10 events over a
// span; those that bad names are bad.
func recorded(t *testing.T, span slo.Span, bad func(slo.Minute) bool) *run.Env {
	t.Helper()
	env := house(t, "")
	env.Ledger = ledger.New()
	env.Catalog.Indicators = []config.Indicator{{ID: "i", Lineage: "v1"}}
	put(t, env, "i", "v1", span, bad)
	return env
}

func put(t *testing.T, env *run.Env, id timeline.ID, lineage string, span slo.Span, bad func(slo.Minute) bool) {
	t.Helper()
	w := timeline.Write{ID: id, Lineage: lineage, Span: span}
	for m := span.From; m < span.To; m++ {
		p := timeline.Point{At: m, Width: 1, Count: slo.Count{Good: slo.Events(10), Total: slo.Events(10)}}
		if bad != nil && bad(m) {
			p.Count.Good = 0
		}
		w.Points = append(w.Points, p)
	}
	if _, err := env.History.Record(t.Context(), 0, []timeline.Write{w}); err != nil {
		t.Fatal(err)
	}
}

// answered marks a stretch as asked for, without anything in it.
func answered(t *testing.T, env *run.Env, id timeline.ID, span slo.Span) {
	t.Helper()
	if _, err := env.History.Record(t.Context(), 0, []timeline.Write{{ID: id, Span: span}}); err != nil {
		t.Fatal(err)
	}
}

func hasFlag(e status.Entry, f slo.Flag) bool { return slices.Contains(e.Status.Flags, f) }

// TestExclusions takes minutes out in every way there is: the sums equal those
// of the minutes that are left.
func TestExclusions(t *testing.T) {
	window := slo.Span{From: day - 30*slo.Day, To: day}
	clock := func(m slo.Minute) slo.Minute { return m % slo.Day }
	at := func(m slo.Minute) time.Time { return m.Time() }
	for _, c := range []struct {
		name  string
		docs  []config.Exclusion
		marks []mark.Mark
		out   func(slo.Minute) bool
	}{
		{
			name: "once", docs: []config.Exclusion{{Services: []string{"shop"}, From: at(day - 100), To: at(day - 50)}},
			out: func(m slo.Minute) bool { return m >= day-100 && m < day-50 },
		},
		{
			name: "seconds touch a minute", docs: []config.Exclusion{{Services: []string{"*"}, From: at(day - 100).Add(30 * time.Second), To: at(day - 98).Add(time.Second)}},
			out: func(m slo.Minute) bool { return m >= day-100 && m < day-97 },
		},
		{
			name: "of another service", docs: []config.Exclusion{{Services: []string{"other", "shop/other"}, From: at(day - 100), To: at(day - 50)}},
			out: func(slo.Minute) bool { return false },
		},
		{
			name: "nightly", docs: []config.Exclusion{{Services: []string{"shop/events"}, Cron: "0 2 * * *", Duration: 90 * time.Minute}},
			out: func(m slo.Minute) bool { return clock(m) >= 120 && clock(m) < 210 },
		},
		{
			name: "nightly over midnight, in a zone", docs: []config.Exclusion{{Services: []string{"shop"}, Cron: "30 0 * * *", Duration: time.Hour, Zone: "Europe/Berlin"}},
			out: func(m slo.Minute) bool { return clock(m) >= 23*60+30 || clock(m) < 30 },
		}, // January: UTC+1
		{name: "overlapping ones count once", docs: []config.Exclusion{
			{Services: []string{"shop"}, From: at(day - 100), To: at(day - 50)},
			{Services: []string{"shop"}, From: at(day - 80), To: at(day - 20)},
		}, out: func(m slo.Minute) bool { return m >= day-100 && m < day-20 }},
		{
			name: "by command, ended", marks: []mark.Mark{{Subject: "shop", From: at(day - 100), To: at(day - 50), Author: "ann", Reason: "load test"}},
			out: func(m slo.Minute) bool { return m >= day-100 && m < day-50 },
		},
		{
			name: "by command, open", marks: []mark.Mark{{Subject: "shop/events", From: at(day - 100), Author: "ann", Reason: "load test"}},
			out: func(m slo.Minute) bool { return m >= day-100 },
		},
		{
			name: "open from the documents", docs: []config.Exclusion{{Services: []string{"shop"}, From: at(day - 100)}},
			out: func(m slo.Minute) bool { return m >= day-100 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := func(m slo.Minute) bool { return m%97 == 0 }
			env := recorded(t, window, bad)
			env.Catalog.Exclusions = c.docs
			objective(env, "events", "i", nil)
			for _, m := range c.marks {
				if _, err := mark.AddExclusion(t.Context(), env, m); err != nil {
					t.Fatal(err)
				}
			}
			var want slo.Stretch
			for m := window.From; m < window.To; m++ {
				if c.out(m) {
					continue
				}
				one := slo.Stretch{Count: slo.Count{Good: slo.Events(10), Total: slo.Events(10)}, Measured: 1, Expected: 1}
				if bad(m) {
					one.Good = 0
				}
				want = want.Add(one)
			}
			if got := read(t, env, status.Options{})["events"].Status.Stretch; got != want {
				t.Errorf("the window holds %+v, want %+v", got, want)
			}
		})
	}
}

func TestWhereMinutesBeginToBeExpected(t *testing.T) {
	window := slo.Span{From: day - 30*slo.Day, To: day}
	half := slo.Span{From: day - 15*slo.Day + 100, To: day}
	for _, c := range []struct {
		name     string
		prepare  func(*testing.T, *run.Env)
		expected slo.Minute // from here on
		measured slo.Minute
	}{
		{"the first measured minute, all before was asked for", func(t *testing.T, env *run.Env) {
			t.Helper()
			answered(t, env, "i", slo.Span{From: window.From, To: half.From})
		}, half.From, half.From},
		{"the window, while the history is being filled", func(*testing.T, *run.Env) {}, window.From, half.From},
		{"the part not asked for yet", func(t *testing.T, env *run.Env) {
			t.Helper()
			answered(t, env, "i", slo.Span{From: window.From, To: half.From - 500})
		}, half.From - 500, half.From},
		{"the document's since, earlier", func(_ *testing.T, env *run.Env) {
			env.Catalog.Indicators[0].Since = half.From - 77
		}, half.From - 77, half.From},
		{"the document's since, later", func(_ *testing.T, env *run.Env) {
			env.Catalog.Indicators[0].Since = half.From + 777
		}, half.From + 777, half.From + 777},
		{"a reset", func(t *testing.T, env *run.Env) {
			t.Helper()
			if err := env.History.Reset(t.Context(), "i", timeline.Reset{At: half.From + 999, Author: "a", Reason: "b"}); err != nil {
				t.Fatal(err)
			}
		}, half.From + 999, half.From + 999},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := recorded(t, half, nil)
			objective(env, "events", "i", nil)
			c.prepare(t, env)
			e := read(t, env, status.Options{Detail: true})["events"]
			s := e.Status.Stretch
			if s.Expected != int64(day-c.expected) || s.Measured != int64(day-c.measured) || s.Total != slo.Events(10*int64(day-c.measured)) {
				t.Errorf("%d of %d minutes with %v events, want %d of %d", s.Measured, s.Expected, s.Total.Float(), day-c.measured, day-c.expected)
			}
			if thin := s.Coverage() < 0.9; thin != hasFlag(e, slo.InsufficientData) {
				t.Errorf("coverage %v, flags %v", s.Coverage(), e.Status.Flags)
			}
		})
	}
}

func TestFrontierAndAt(t *testing.T) {
	env := recorded(t, slo.Span{From: day - 60*slo.Day, To: day}, func(m slo.Minute) bool { return m >= day-slo.Day })
	env.Now = (day + 7).Time()
	objective(env, "recorded", "i", nil)
	objective(env, "live", "i", func(o *slo.Objective) { o.MaxAge = 5 })
	objective(env, "both", "", func(o *slo.Objective) {
		member := env.Catalog.Objectives[0].Objective
		member.Indicator = "j"
		o.Members = []slo.Member{{Objective: &env.Catalog.Objectives[1].Objective}, {Objective: &member}}
	})
	put(t, env, "j", "v1", slo.Span{From: day - 60*slo.Day, To: day - 30}, nil)
	got := read(t, env, status.Options{})
	if st := got["recorded"].Status; st.Frontier != day || st.At != day || hasFlag(got["recorded"], slo.Stale) {
		t.Errorf("recorded: frontier %d, at %d, %v", st.Frontier-day, st.At-day, st.Flags)
	}
	if st := got["live"].Status; st.Frontier != day || st.At != day+7 || !hasFlag(got["live"], slo.Stale) {
		t.Errorf("live: frontier %d, at %d, %v", st.Frontier-day, st.At-day, st.Flags)
	}
	if st := got["both"].Status; st.Frontier != day-30 {
		t.Errorf("both: frontier %d", st.Frontier-day)
	}
	at := day - slo.Day
	got = read(t, env, status.Options{At: at.Time().Add(59 * time.Second)})
	if st := got["live"].Status; st.Frontier != at || st.Stretch.Bad() != 0 || st.Window.To != at || hasFlag(got["live"], slo.Stale) {
		t.Errorf("a day earlier: frontier %d, %v bad, %v", st.Frontier-day, st.Stretch.Bad().Float(), st.Flags)
	}
	got = read(t, env, status.Options{At: (day + slo.Hour).Time()})
	if !hasFlag(got["live"], slo.Stale) || got["live"].Status.Frontier != day {
		t.Errorf("an hour later: %+v", got["live"].Status.Flags)
	}
}

func TestANewLineageIsFlagged(t *testing.T) {
	env := recorded(t, slo.Span{From: day - 60*slo.Day, To: day - 10*slo.Day}, nil)
	objective(env, "events", "i", nil)
	put(t, env, "i", "v2", slo.Span{From: day - 10*slo.Day, To: day}, nil)
	if e := read(t, env, status.Options{})["events"]; !hasFlag(e, slo.Relineaged) || e.Status.Level != slo.Healthy {
		t.Errorf("level %v, flags %v", e.Status.Level, e.Status.Flags)
	}
}

func TestSelection(t *testing.T) {
	env := recorded(t, slo.Span{From: day - slo.Day, To: day}, nil)
	objective(env, "a", "i", nil)
	objective(env, "b", "i", nil)
	for sel, want := range map[string]int{"shop": 2, "shop/b": 1, "shop/a/0.999": 1, "": 2} {
		opt := status.Options{}
		if sel != "" {
			opt.Select = []string{sel}
		}
		got, err := status.Read(t.Context(), env, opt)
		if err != nil || len(got) != want {
			t.Errorf("%q: %d entries, %v", sel, len(got), err)
		}
	}
	_, err := status.Read(t.Context(), env, status.Options{Select: []string{"shop/c"}})
	if fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.HintOf(err), "shop/a, shop/b") {
		t.Errorf("%v (%s)", err, fault.HintOf(err))
	}
}

// TestExhaustedReopens loses a budget in one bad hour that leaves the window.
func TestExhaustedReopens(t *testing.T) {
	hour := slo.Span{From: day - 29*slo.Day, To: day - 29*slo.Day + slo.Hour}
	env := recorded(t, slo.Span{From: day - 60*slo.Day, To: day}, hour.Contains)
	objective(env, "events", "i", nil)
	e := read(t, env, status.Options{Detail: true})["events"]
	if e.Status.Level != slo.Exhausted || e.Reopen == nil {
		t.Fatalf("level %v, reopens %v", e.Status.Level, e.Reopen)
	}
	// 60 bad minutes of 43.2 allowed: it opens when fewer than 90 % of 43.2 are
	// left in the window, so when the 22nd has left it.
	if got := *e.Reopen; got != slo.Day+22 {
		t.Errorf("reopens in %d minutes, want %d", got, slo.Day+22)
	}
	if len(e.Losses) != 1 || e.Losses[0].Span != hour || e.Losses[0].Bad != slo.Events(600) {
		t.Errorf("losses %+v", e.Losses)
	}
	s := status.State(e, false)
	if *s.ReopensInSeconds != int64(slo.Day+22)*60 || s.Level != slo.Exhausted || s.Window != "30d" || s.Target != "0.999" || !s.Frontier.Equal(day.Time()) {
		t.Errorf("state %+v", s)
	}
	want := gate.ConditionState{Name: s.Conditions[0].Name, Severity: "page", Threshold: "14.4", Truth: "false", Long: new(0.0), Short: new(0.0)}
	if c := s.Conditions[0]; c.Truth != want.Truth || c.Threshold != want.Threshold || c.Severity != want.Severity || *c.Long != 0 {
		t.Errorf("condition %+v", c)
	}
	if in, ok := s.ExhaustsInSeconds["1h"]; !ok || in == nil || *in != 0 {
		t.Errorf("exhausts %+v", s.ExhaustsInSeconds)
	}
}
