package poll_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/memory"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/poll"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	store "gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// world is services on a live source in memory. The bubble's clock begins at
// the midnight of 2000-01-01.
type world struct {
	src    *memory.Source
	env    *run.Env
	opened int
	ticks  []poll.Tick
	lines  []string
}

func newWorld(services ...string) *world {
	w := &world{src: memory.New(metric.Caps{Lag: 3, Settle: 15})}
	w.env = &run.Env{
		Catalog: &config.Catalog{Sources: []config.DataSource{{Name: "live", Type: "memory"}}},
		History: timeline.NewHistory(store.New()),
		Open: func(context.Context, config.DataSource) (metric.Source, error) {
			w.opened++
			return w.src, nil
		},
	}
	for _, name := range services {
		query := func(series string) *slo.Query {
			return &slo.Query{Source: "live", Type: "memory", Spec: memory.Spec(series + " " + name)}
		}
		w.env.Catalog.Indicators = append(w.env.Catalog.Indicators, config.Indicator{
			ID: name, Source: "live", Lineage: "v1", Definition: slo.Ratio{Bad: query("bad"), Total: query("total")},
		})
		o := slo.Objective{
			Service: name, SLO: "a", Name: "99%", Target: slo.MustDecimal("0.99"), Window: slo.Rolling{Length: 30 * slo.Day},
			Indicator: name, MaxAge: 10, Coverage: slo.MustDecimal("0.9"),
		}
		o.Conditions, _ = slo.DefaultConditions(o.Window, o.Target)
		w.env.Catalog.Objectives = append(w.env.Catalog.Objectives, config.Objective{Objective: o})
	}
	return w
}

// traffic gives a service 100 requests a minute for a day and what the test
// needs after it; bad of them fail between two minutes from the start.
func (w *world) traffic(service string, start slo.Minute, bad int64, from, to slo.Minute) {
	for m := -slo.Day; m < 3*slo.Hour; m++ {
		failed := int64(0)
		if m >= from && m < to {
			failed = bad
		}
		w.src.Line("total "+service, start+m, 1, slo.Events(100))
		w.src.Line("bad "+service, start+m, 1, slo.Events(failed))
	}
}

// run lets the loop go on for a while and notes ticks as "5m: 2 measured".
func (w *world) run(t *testing.T, length time.Duration, opt poll.Options) error {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	opt.Now = time.Now
	tell := opt.Tell
	opt.Tell = func(k poll.Tick) error {
		w.ticks = append(w.ticks, k)
		var line strings.Builder
		fmt.Fprintf(&line, "%v: %d of %d", k.At.Sub(start), k.Objectives, k.Watched)
		for _, c := range k.Changes {
			fmt.Fprintf(&line, ", %s every %s", strings.Split(c.Objective, "/")[0], c.Every)
		}
		for id := range k.Failed {
			line.WriteString(", failed " + id)
		}
		w.lines = append(w.lines, line.String())
		if tell != nil {
			return tell(k)
		}
		return nil
	}
	return poll.Run(ctx, w.env, opt)
}

// TestWhatBurnsIsReadEveryMinute has an outage between minutes 2 and 7 of one
// of two services. It is seen at five minutes (lag: up to minute 2, nothing
// yet) and ten, and given up once it is over and ten minutes have passed.
func TestWhatBurnsIsReadEveryMinute(t *testing.T) {
	w := newWorld("calm", "shop")
	synctest.Test(t, func(t *testing.T) {
		start := slo.MinuteOf(time.Now())
		w.traffic("calm", start, 0, 0, 0)
		w.traffic("shop", start, 100, 2, 7)
		if err := w.run(t, 2*time.Hour+time.Second, poll.Options{}); err != nil {
			t.Fatal(err)
		}
	})
	byMinute := map[time.Duration]bool{}
	var changes []string
	for i, k := range w.ticks {
		at := k.At.Sub(w.ticks[0].At)
		byMinute[at] = true
		if k.Objectives != 2 && at%(5*time.Minute) == 0 || k.Objectives != 1 && at%(5*time.Minute) != 0 {
			t.Errorf("%s", w.lines[i])
		}
		for _, c := range k.Changes {
			changes = append(changes, fmt.Sprintf("%v %s %s %s", at, c.Objective, c.Every, strings.Join(codes(c), " ")))
		}
		if lag := k.At.Sub(k.Frontier); lag < 3*time.Minute || lag >= 9*time.Minute {
			t.Errorf("at %v the frontier is %v old", at, lag)
		}
	}
	if len(changes) != 2 || !strings.HasPrefix(changes[0], "10m0s shop/a/99% 1m0s ") || !strings.Contains(changes[1], "shop/a/99% 5m0s") {
		t.Errorf("changes: %q", changes)
	}
	if !byMinute[11*time.Minute] || byMinute[9*time.Minute] || byMinute[119*time.Minute] {
		t.Errorf("ticks: %q", w.lines)
	}
	if w.opened != 1 {
		t.Errorf("the source was opened %d times", w.opened)
	}
}

func codes(c poll.Change) []string {
	var out []string
	for _, r := range c.Reasons {
		out = append(out, r.Code)
	}
	return out
}

func TestAnObjectiveSaysHowOften(t *testing.T) {
	w := newWorld("rare", "shop")
	w.env.Catalog.Objectives[0].Poll = 15
	synctest.Test(t, func(t *testing.T) {
		start := slo.MinuteOf(time.Now())
		w.traffic("rare", start, 0, 0, 0)
		w.traffic("shop", start, 0, 0, 0)
		if err := w.run(t, 16*time.Minute, poll.Options{Pace: poll.Pace{Every: 10 * time.Minute}}); err != nil {
			t.Fatal(err)
		}
	})
	want := []string{"0s: 2 of 2", "10m0s: 1 of 2", "15m0s: 1 of 2"}
	if d := cmp.Diff(want, w.lines); d != "" {
		t.Error(d)
	}
}

// TestASourceThatFailsIsAskedLessOften fails for twenty minutes, then recovers;
// the hole it left is filled.
func TestASourceThatFailsIsAskedLessOften(t *testing.T) {
	w := newWorld("shop")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		start := slo.MinuteOf(began)
		w.traffic("shop", start, 0, 0, 0)
		w.src.Fail(func(metric.Request) error {
			if at := time.Since(began); at > time.Minute && at < 20*time.Minute {
				return fault.New(fault.Throttled, "fetch", "too fast", "")
			}
			return nil
		})
		if err := w.run(t, 41*time.Minute, poll.Options{}); err != nil {
			t.Fatal(err)
		}
		metas, err := w.env.History.Meta(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if a := metas["shop"].Answered; len(a) != 1 || a[0].To != start+37 {
			t.Errorf("answered %v, want one stretch up to +37 from %d", a, start)
		}
	})
	want := []string{"0s: 1 of 1", "5m0s: 1 of 1, failed shop", "15m0s: 1 of 1, failed shop", "30m0s: 1 of 1", "35m0s: 1 of 1", "40m0s: 1 of 1"}
	if d := cmp.Diff(want, w.lines); d != "" {
		t.Error(d)
	}
}

// TestATypoIsNotAskedForWeeks looks at what is asked about a series nobody
// knows: all of the window once an hour, an hour in between.
func TestATypoIsNotAskedForWeeks(t *testing.T) {
	w := newWorld("typo")
	synctest.Test(t, func(t *testing.T) {
		if err := w.run(t, 61*time.Minute, poll.Options{}); err != nil {
			t.Fatal(err)
		}
	})
	weeks := 0
	for _, r := range w.src.Asked() {
		if r.Span.Len() > slo.Day {
			weeks++
		} else if r.Span.Len() > slo.Hour+10 {
			t.Errorf("asked for %d minutes", r.Span.Len())
		}
	}
	if weeks != 2 || len(w.ticks) != 13 {
		t.Errorf("%d of %d readings asked for the whole window, want 2 of 13", weeks, len(w.ticks))
	}
	if len(w.ticks[3].Notes) == 0 || !strings.Contains(w.ticks[3].Notes[0], "no such metric") {
		t.Errorf("a reading of a typo says %q", w.ticks[3].Notes)
	}
}

// TestTheStoreFails has every reading of the history fail for a while.
func TestTheStoreFails(t *testing.T) {
	w := newWorld("shop")
	items := &flaky{Store: store.New()}
	w.env.History = timeline.NewHistory(items)
	synctest.Test(t, func(t *testing.T) {
		w.traffic("shop", slo.MinuteOf(time.Now()), 0, 0, 0)
		items.down = true
		err := w.run(t, 31*time.Minute, poll.Options{Tell: func(k poll.Tick) error {
			items.down = k.At.Minute() < 10
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	})
	if len(w.ticks) != 4 || w.ticks[0].Error == "" || w.ticks[1].Error == "" || w.ticks[3].Error != "" {
		t.Errorf("%q: %+v", w.lines, w.ticks)
	}
}

type flaky struct {
	timeline.Store
	down bool
}

func (f *flaky) Load(ctx context.Context, keys []timeline.Key) ([]timeline.Item, error) {
	if f.down {
		return nil, fault.New(fault.Unavailable, "store", "away", "")
	}
	return f.Store.Load(ctx, keys)
}

// TestEnds checks what ends a loop: a selection of nothing, and an error of who
// is told.
func TestEnds(t *testing.T) {
	w := newWorld("shop")
	if err := w.run(t, time.Hour, poll.Options{Select: []string{"cart"}}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an unknown service: %v", err)
	}
	if err := newWorld().run(t, time.Hour, poll.Options{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("no objective: %v", err)
	}
	gone := errors.New("the pipe is closed")
	synctest.Test(t, func(t *testing.T) {
		err := w.run(t, time.Hour, poll.Options{Tell: func(poll.Tick) error { return gone }})
		if !errors.Is(err, gone) || len(w.ticks) != 1 {
			t.Errorf("after %d readings: %v", len(w.ticks), err)
		}
	})
}
