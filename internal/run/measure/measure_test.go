package measure_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestCounting looks at the last eight minutes before now-lag; all but the
// last minutes are settled.
func TestCounting(t *testing.T) {
	ratio := slo.Ratio{Good: query("good"), Total: query("total")}
	bad := slo.Ratio{Bad: query("bad"), Total: query("total")}
	base := t0 + 10*slo.Hour
	for _, c := range []struct {
		name    string
		def     slo.Indicator
		missing slo.Missing
		late    bool // the stretch is not settled yet
		fill    func(*world)
		want    string
		note    string
	}{
		{name: "good of total", def: ratio, want: "+0=1/2 +1=2/2 +2..7=0/0 | 0-8", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1, 2)...)
			w.src.Line("total", base, 1, events(2, 2)...)
		}},
		{name: "bad of total", def: bad, want: "+0=1/2 +1=2/2 +2..7=0/0 | 0-8", fill: func(w *world) {
			w.src.Line("bad", base, 1, events(1)...)
			w.src.Line("total", base, 1, events(2, 2)...)
		}},
		{name: "a bad series that nobody knows is read as none, and said", def: bad, want: "+0..1=2/2 +2..7=0/0 | 0-8", note: "has never had a datapoint", fill: func(w *world) {
			w.src.Line("total", base, 1, events(2, 2)...)
		}},
		{name: "only good is silent", def: ratio, want: "+0=1/2 +1=0/2 +2..7=0/0 | 0-8", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1)...)
			w.src.Line("total", base, 1, events(2, 2)...)
		}},
		{name: "only good is silent, and silence says nothing", def: ratio, missing: slo.MissingUnmeasured, want: "+0=1/2 | 0-8", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1)...)
			w.src.Line("total", base, 1, events(2, 2)...)
		}},
		{name: "a good series that nobody knows leaves minutes with traffic open", def: ratio, want: "+2..7=0/0 | 2-8", note: "no such metric or dimension: good", fill: func(w *world) {
			w.src.Line("total", base, 1, events(2, 2)...)
		}},
		{name: "a total that nobody knows leaves everything open", def: ratio, want: "|", note: "no such metric or dimension: total", fill: func(w *world) {
			w.src.Line("good", base-slo.Week, 1, events(2, 2)...)
		}},
		{name: "silence that says nothing", def: ratio, missing: slo.MissingUnmeasured, want: "+0=1/1 | 0-8", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1)...)
			w.src.Line("total", base, 1, events(1)...)
		}},
		{name: "more good than total waits", def: ratio, late: true, want: "+0=1/1 +2..7=0/0 | 0-1 2-8", note: "more good (or bad) events than events, waiting", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1, 3)...)
			w.src.Line("total", base, 1, events(1, 2)...)
		}},
		{name: "and is unmeasured once settled", def: ratio, want: "+0=1/1 +2..7=0/0 | 0-8", note: "more good (or bad) events than events (1 minutes", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1, 3)...)
			w.src.Line("total", base, 1, events(1, 2)...)
		}},
		{name: "good without total", def: ratio, want: "+0=1/1 +2..7=0/0 | 0-8", note: "more good", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1, 3)...)
			w.src.Line("total", base, 1, events(1)...)
		}},
		{name: "more bad than total", def: bad, want: "+0=0/1 +2..7=0/0 | 0-8", note: "more good (or bad)", fill: func(w *world) {
			w.src.Line("bad", base, 1, events(1, 3)...)
			w.src.Line("total", base, 1, events(1, 1)...)
		}},
		{name: "negative", def: bad, want: "+0=1/1 +2..7=0/0 | 0-8", note: "a negative number", fill: func(w *world) {
			w.src.Line("bad", base, 1, events(0, -3)...)
			w.src.Line("total", base, 1, events(1, 1)...)
		}},
		{name: "partly answered", def: ratio, want: "+0=1/2 +4..7=0/0 | 0-1 4-8", fill: func(w *world) {
			w.src.Line("good", base, 1, events(1, 2)...)
			w.src.Line("total", base, 1, events(2, 2)...)
			w.src.Hide("good", slo.Span{From: base + 1, To: base + 3})
			w.src.Hide("total", slo.Span{From: base + 2, To: base + 4})
		}},
		{name: "coarse counts are spread, sums stay exact", def: ratio, want: "+0=0.333334/1.666667 +1=0.333333/1.666667 +2=0.333333/1.666666 +3..7=0/0 | 0-8", fill: func(w *world) {
			w.src.Line("good", base, 3, events(1)...)
			w.src.Line("total", base, 3, events(5)...)
		}},
		{name: "a coarse series and a fine one meet in the coarse step", def: ratio, want: "+0..2=1/1 +3..7=0/0 | 0-8", fill: func(w *world) {
			w.src.Line("good", base, 1, events(3, 0, 0)...)
			w.src.Line("total", base, 3, events(3)...)
		}},
		{name: "a step that has not ended is left out", def: ratio, late: true, want: "+0..4=1/1 | 0-5", fill: func(w *world) {
			w.src.Line("good", base, 5, events(5, 5)...)
			w.src.Line("total", base, 5, events(5, 5)...)
		}},
		{name: "a ratio", def: slo.RawRatio{Raw: query("raw")}, want: "+0=0.5/1 +1=1/1 +3..7=0/0 | 0-8", note: "not between 0 and 1", fill: func(w *world) {
			w.src.Line("raw", base, 1, 500_000, 1_000_000, 1_000_001)
		}},
		{name: "a ratio of failures, coarse", def: slo.RawRatio{Raw: query("raw"), Failure: true}, missing: slo.MissingUnmeasured, want: "+0..1=0.75/1 | 0-8", fill: func(w *world) {
			w.src.Line("raw", base, 2, 250_000)
		}},
		{name: "a value below a bound", def: slo.Threshold{Metric: query("ms"), Op: slo.LessThan, Bound: slo.MustDecimal("0.3")}, missing: slo.MissingUnmeasured, want: "+0=1/1 +1..3=0/1 +5=1/1 | 0-8", fill: func(w *world) {
			w.src.Line("ms", base, 1, 299_999, 300_000, 300_001)
			w.src.Line("ms", base+3, 1, 999_999)
			w.src.Line("ms", base+5, 1, 0)
		}},
		{name: "no value is no traffic where zero is said", def: slo.Threshold{Metric: query("ms"), Op: slo.GreaterOrEqual, Bound: slo.MustDecimal("0.3")}, want: "+0=0/1 +1=1/1 +2..7=0/0 | 0-8", fill: func(w *world) {
			w.src.Line("ms", base, 1, 299_999, 300_000)
		}},
		{name: "a counter", def: slo.Ratio{Good: query("good"), Total: query("total"), Counter: true}, want: "+1=2/3 +2..4=1/1 | 1-5", fill: func(w *world) {
			w.src.Line("good", base, 1, events(100, 102, 1)...) // begins again at minute 2
			w.src.Line("total", base, 1, events(200, 203, 1)...)
			w.src.Line("good", base+4, 1, events(3)...)
			w.src.Line("total", base+4, 1, events(3)...)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(base + 8 + lag)
			w.indicator("i", c.def, c.missing)
			c.fill(w)
			if !c.late {
				// The same question, asked when the stretch has settled.
				w.at(base + 8 + settle)
				for _, name := range []string{"good", "total", "bad", "raw", "ms"} {
					w.src.Hide(name, slo.Span{From: base + 8, To: base + slo.Day})
				}
			}
			rep := w.run(t, measure.Options{})
			span := slo.Span{From: base, To: base + 8}
			if got := w.history(t, "i", span); got != c.want {
				t.Errorf("kept %s\nwant %s", got, c.want)
			}
			if notes := strings.Join(rep.Notes, "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			again := w.run(t, measure.Options{})
			if again.Filled != 0 || again.Replaced != 0 || again.Kept != 0 {
				t.Errorf("a second run changed something: %+v", again)
			}
		})
	}
}

func TestLateData(t *testing.T) {
	base := t0 + 10*slo.Hour
	w := newWorld(base + 10)
	w.indicator("i", slo.Ratio{Good: query("good"), Total: query("total")}, slo.MissingZero)
	o := w.objective("slices", "i")
	o.Budgeting, o.Slice, o.SliceTarget = slo.Timeslices, 5, slo.MustDecimal("0.9")
	id := measure.SliceID(o)
	for _, name := range []string{"good", "total"} {
		w.src.Line(name, base, 1, events(10, 10, 10, 10, 10)...)
	}
	span := slo.Span{From: base, To: base + 5}
	w.run(t, measure.Options{})
	if got := w.history(t, id, span); got != "+0=1/1 | 0-5" {
		t.Fatalf("slices: %s", got)
	}
	// A better answer for a minute that has not settled replaces the first.
	w.src.Line("total", base+2, 1, events(100)...)
	rep := w.at(base+12).run(t, measure.Options{TailOnly: true})
	if got := w.history(t, "i", span); got != "+0..1=10/10 +2=10/100 +3..4=10/10 | 0-5" || rep.Replaced != 2 {
		t.Errorf("minutes: %s, %+v", got, rep)
	}
	if got := w.history(t, id, span); got != "+0=0/1 | 0-5" {
		t.Errorf("slices: %s", got)
	}
	// Once it has settled it is final.
	w.src.Line("total", base+2, 1, events(50)...)
	rep = w.at(base+60).run(t, measure.Options{})
	if got := w.history(t, "i", span); got != "+0..1=10/10 +2=10/100 +3..4=10/10 | 0-5" || rep.Replaced != 0 {
		t.Errorf("minutes: %s, %+v", got, rep)
	}
	// A hole is filled whenever an answer comes, and the slices follow.
	hole := slo.Span{From: base + 60, To: base + 65}
	for _, name := range []string{"good", "total"} {
		w.src.Line(name, base+60, 1, events(10, 10, 10, 10, 10)...)
		w.src.Hide(name, slo.Span{From: base + 62, To: base + 63})
	}
	w.at(base+600).run(t, measure.Options{})
	if a, b := w.history(t, "i", hole), w.history(t, id, hole); a != "+0..1=10/10 +3..4=10/10 | 0-2 3-5" || b != "|" {
		t.Errorf("with a hole: %s, slices %s", a, b)
	}
	w.src.Show("good")
	w.src.Show("total")
	w.run(t, measure.Options{})
	if a, b := w.history(t, "i", hole), w.history(t, id, hole); a != "+0..4=10/10 | 0-5" || b != "+0=1/1 | 0-5" {
		t.Errorf("with the hole filled: %s, slices %s", a, b)
	}
}

func TestSlices(t *testing.T) {
	w := newWorld(t0 + slo.Day)
	w.indicator("i", slo.Ratio{Good: query("good"), Total: query("total")}, slo.MissingZero)
	w.src.Line("good", t0+60, 1, events(9, 9, 9, 9, 9, 1, 9, 9, 9, 9)...)
	w.src.Line("total", t0+60, 1, events(9, 9, 9, 9, 9, 9, 9, 9, 9, 9)...)
	for _, c := range []struct {
		name   string
		change func(*slo.Objective)
		want   string
	}{
		{"slices", func(o *slo.Objective) { o.Budgeting, o.SliceTarget = slo.Timeslices, slo.MustDecimal("0.9") }, "+0=1/1 +5=0/1 +10=0/0 | 0-15"},
		{"kinder", func(o *slo.Objective) { o.Budgeting, o.SliceTarget = slo.Timeslices, slo.MustDecimal("0.8") }, "+0=1/1 +5=1/1 +10=0/0 | 0-15"},
		{"ratio", func(o *slo.Objective) { o.Budgeting = slo.RatioTimeslices }, "+0=1e+06/1e+06 +5=822222.222222/1e+06 +10=0/0 | 0-15"},
		{"silence is bad", func(o *slo.Objective) {
			o.Budgeting, o.SliceTarget, o.Missing = slo.Timeslices, slo.MustDecimal("0.9"), slo.MissingBad
		}, "+0=1/1 +5=0/1 +10=0/1 | 0-15"},
	} {
		o := w.objective(c.name, "i")
		o.Slice = 5
		c.change(o)
		w.run(t, measure.Options{})
		if got := w.history(t, measure.SliceID(o), slo.Span{From: t0 + 60, To: t0 + 75}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	// Coarse data: the slice is finer than what it would be judged by.
	w.src.Line("good", t0+120, 10, events(90)...)
	w.src.Line("total", t0+120, 10, events(100)...)
	v := newWorld(t0 + slo.Day)
	v.src = w.src
	v.indicator("i", slo.Ratio{Good: query("good"), Total: query("total")}, slo.MissingZero)
	o := v.objective("slices", "i")
	o.Budgeting, o.Slice, o.SliceTarget = slo.Timeslices, 5, slo.MustDecimal("0.9")
	v.run(t, measure.Options{})
	if got := v.history(t, measure.SliceID(o), slo.Span{From: t0 + 115, To: t0 + 135}); got != "+0=0/0 +15=0/0 | 0-20" {
		t.Errorf("coarse: %s", got)
	}
}

func TestReachAndRequests(t *testing.T) {
	w := newWorld(t0 + 100*slo.Day)
	for i := range 600 {
		name := fmt.Sprintf("total%d", i)
		w.src.Line(name, t0, 1, events(1)...)
		w.indicator(fmt.Sprintf("i%d", i), slo.Ratio{Good: query(name), Total: query(name)}, slo.MissingZero)
	}
	var last measure.Progress
	rep := w.run(t, measure.Options{Progress: func(p measure.Progress) {
		if p.Done < last.Done || p.Total < last.Total {
			t.Fatalf("progress went back: %+v after %+v", p, last)
		}
		last = p
	}, Since: 2 * slo.Hour, Elapsed: func() time.Duration { return time.Second }})
	if last.Done != last.Total || last.Total != 600*120 || last.Elapsed != time.Second || last.Indicator == "" {
		t.Errorf("progress ended at %+v", last)
	}
	if want := (t0 + 100*slo.Day - lag).Time(); rep.Indicators != 600 || !rep.Frontier.Equal(want) || rep.Requests != len(w.src.Asked()) {
		t.Errorf("report %+v", rep)
	}
	for _, q := range w.src.Asked() {
		if q.Span.To > t0+100*slo.Day-lag || q.Span.From < t0+100*slo.Day-lag-2*slo.Hour {
			t.Errorf("asked for %v", q.Span)
		}
	}
	if n := len(w.src.Asked()); n != 1 { // how many calls that takes is the source's business
		t.Errorf("%d requests", n)
	}
	before := len(w.src.Asked())
	rep = w.at(w.now+1).run(t, measure.Options{TailOnly: true})
	for _, q := range w.src.Asked()[before:] {
		if q.Span.From < w.now-settle {
			t.Errorf("the tail asked for %v", q.Span)
		}
	}
	if rep.Filled != 600 {
		t.Errorf("one more minute of 600 indicators filled %d", rep.Filled)
	}
}

func TestDefaultReach(t *testing.T) {
	w := newWorld(t0 + 100*slo.Day)
	w.src.Line("total", t0, 1, events(1)...)
	o := w.indicator("i", slo.Ratio{Good: query("total"), Total: query("total")}, slo.MissingZero)
	o.Window = slo.Rolling{Length: 40 * slo.Day}
	w.run(t, measure.Options{})
	end := t0 + 100*slo.Day - lag
	metas, err := w.env.History.Meta(t.Context(), "i")
	if err != nil {
		t.Fatal(err)
	}
	if got := metas["i"].Answered; len(got) != 1 || got[0] != (slo.Span{From: end - 40*slo.Day, To: end}) {
		t.Errorf("answered %v, want forty days up to %d", got, end)
	}
	if l := metas["i"].Lineages; len(l) != 1 || l[0].Digest != "v1" {
		t.Errorf("lineages %v", l)
	}
}

func TestOneFailureDoesNotStopTheOthers(t *testing.T) {
	w := newWorld(t0 + slo.Day)
	w.src.Line("total", t0, 1, events(1)...)
	w.indicator("good", slo.Ratio{Good: query("total"), Total: query("total")}, slo.MissingZero)
	w.indicator("bad", slo.Threshold{Metric: &slo.Query{Source: "live", Spec: slo.Spec{}}}, slo.MissingZero)
	w.indicator("nowhere", slo.Threshold{Metric: query("total")}, slo.MissingZero)
	w.env.Catalog.Indicators[2].Source = "elsewhere"
	rep, err := measure.Run(t.Context(), w.env, measure.Options{})
	if fault.KindOf(err) != fault.Invalid || len(rep.Failed) != 2 || rep.Failed["bad"] == "" || rep.Failed["nowhere"] == "" {
		t.Errorf("%v, %+v", err, rep)
	}
	if got := w.history(t, "good", slo.Span{From: t0, To: t0 + 3}); got != "+0=1/1 +1..2=0/0 | 0-3" {
		t.Errorf("the sound one: %s", got)
	}
	w.src.Fail(func(metric.Request) error { return fault.New(fault.Throttled, "fetch", "slow down", "wait") })
	rep, err = measure.Run(t.Context(), w.at(t0+slo.Day+5).env, measure.Options{})
	if fault.KindOf(err) == fault.Internal || len(rep.Failed) != 3 {
		t.Errorf("%v, %+v", err, rep)
	}
}

func TestSelect(t *testing.T) {
	w := newWorld(t0 + slo.Day)
	w.src.Line("total", t0, 1, events(1)...)
	w.indicator("a", slo.Ratio{Good: query("total"), Total: query("total")}, slo.MissingZero)
	w.indicator("b", slo.Ratio{Good: query("total"), Total: query("total")}, slo.MissingZero)
	if rep := w.run(t, measure.Options{Select: []string{"shop/b"}}); rep.Indicators != 1 {
		t.Errorf("shop/b is %d indicators", rep.Indicators)
	}
	if rep := w.run(t, measure.Options{Select: []string{"shop"}}); rep.Indicators != 2 {
		t.Errorf("shop is %d indicators", rep.Indicators)
	}
	_, err := measure.Run(t.Context(), w.env, measure.Options{Select: []string{"shop", "shap"}})
	if fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.HintOf(err), "shop/a, shop/b") {
		t.Errorf("an unknown selection: %v (%s)", err, fault.HintOf(err))
	}
}

func TestASeriesKnownOnlyFromBefore(t *testing.T) {
	// Total exists in an old stretch only, and the source forgets: what is silent
	// since then is no traffic, because the history has seen the series.
	w := newWorld(t0 + 12*slo.Hour)
	w.indicator("i", slo.Ratio{Good: query("good"), Total: query("total")}, slo.MissingZero)
	w.src.Line("good", t0, 1, events(1)...)
	w.src.Line("total", t0, 1, events(1)...)
	w.run(t, measure.Options{})
	fresh := newWorld(t0 + 13*slo.Hour)
	fresh.env.History, fresh.env.Catalog = w.env.History, w.env.Catalog
	fresh.run(t, measure.Options{})
	if got := fresh.history(t, "i", slo.Span{From: t0 + 12*slo.Hour, To: t0 + 13*slo.Hour}); got != "+0..56=0/0 | 0-57" {
		t.Errorf("kept %s", got)
	}
}
