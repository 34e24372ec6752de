package measure_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// model is a source, minute by minute: what each series says of it.
type model struct {
	said  [2]map[slo.Minute]slo.Amount // total, good
	known [2]map[slo.Minute]bool       // answered for
}

// judge says what a settled minute must be: measured with a count, answered
// without one, or open.
func (m *model) judge(at slo.Minute, missing slo.Missing) (c slo.Count, measured, answered bool) {
	if !m.known[0][at] || !m.known[1][at] {
		return c, false, false
	}
	total, hasTotal := m.said[0][at]
	good, hasGood := m.said[1][at]
	switch {
	case !hasTotal && good == 0:
		return c, missing != slo.MissingUnmeasured, true
	case !hasGood && total > 0 && missing == slo.MissingUnmeasured:
		return c, false, true
	case good > total:
		return c, false, true
	}
	return slo.Count{Good: good, Total: total}, true, true
}

// TestAgreesWithAMinuteByMinuteModel draws sources of one-minute series with
// holes and silences, and runs that come at any time, whole or tail only.
func TestAgreesWithAMinuteByMinuteModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		missing := rapid.SampledFrom([]slo.Missing{slo.MissingZero, slo.MissingUnmeasured, slo.MissingBad}).Draw(t, "missing")
		const from, length = t0 + 23*slo.Hour, 120
		w := newWorld(from + length + 4*settle)
		w.indicator("i", slo.Ratio{Good: query("good"), Total: query("total")}, missing)
		m := &model{}
		for k, name := range []string{"total", "good"} {
			m.said[k], m.known[k] = make(map[slo.Minute]slo.Amount), make(map[slo.Minute]bool)
			w.src.Put(name)
			for at := from; at < from+length; at++ {
				m.known[k][at] = true
				if rapid.IntRange(0, 3).Draw(t, "has") > 0 {
					v := slo.Events(rapid.Int64Range(0, 3).Draw(t, "value"))
					m.said[k][at] = v
					w.src.Put(name, metric.Point{At: at, Width: 1, Value: v})
				}
			}
			for range rapid.IntRange(0, 3).Draw(t, "holes") {
				hole := slo.Span{From: from + slo.Minute(rapid.IntRange(0, length).Draw(t, "hole"))}
				hole.To = hole.From + slo.Minute(rapid.IntRange(0, 20).Draw(t, "width"))
				w.src.Hide(name, hole)
				for at := hole.From; at < hole.To; at++ {
					m.known[k][at] = false
				}
			}
		}
		// Earlier runs, at any times: what they saw was the same.
		final := w.now
		for range rapid.IntRange(0, 3).Draw(t, "runs") {
			w.at(from + slo.Minute(rapid.IntRange(1, length).Draw(t, "now")))
			if _, err := measure.Run(t.Context(), w.env, measure.Options{TailOnly: rapid.Bool().Draw(t, "tail")}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := measure.Run(t.Context(), w.at(final).env, measure.Options{}); err != nil {
			t.Fatal(err)
		}
		all := slo.Span{From: from, To: from + length}
		views, err := w.env.History.Open(t.Context(), []timeline.Request{{ID: "i", Points: []slo.Span{all}, Frontier: all.To}})
		if err != nil {
			t.Fatal(err)
		}
		metas, err := w.env.History.Meta(t.Context(), "i")
		if err != nil {
			t.Fatal(err)
		}
		got := maps.Collect(views["i"].Points(all))
		for at := all.From; at < all.To; at++ {
			want, measured, answered := m.judge(at, missing)
			c, ok := got[at]
			if ok != measured || c != want {
				t.Fatalf("minute %d: %v %v, want %v %v", at-from, c, ok, want, measured)
			}
			if is := metric.Covers(metas["i"].Answered, slo.Span{From: at, To: at + 1}); is != answered {
				t.Fatalf("minute %d: answered %v, want %v", at-from, is, answered)
			}
		}
	})
}

// TestSharesAddUp spreads counts over the minutes of steps of every width.
func TestSharesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := slo.Minute(rapid.IntRange(1, 60).Draw(t, "width"))
		total := slo.Amount(rapid.Int64Range(0, 1<<40).Draw(t, "total"))
		good := slo.Amount(rapid.Int64Range(0, int64(total)).Draw(t, "good"))
		w := newWorld(t0 + 2*slo.Hour + settle)
		w.indicator("i", slo.Ratio{Good: query("good"), Total: query("total")}, slo.MissingZero)
		w.src.Line("total", t0, width, total)
		w.src.Line("good", t0, width, good)
		if _, err := measure.Run(t.Context(), w.env, measure.Options{}); err != nil {
			t.Fatal(err)
		}
		all := slo.Span{From: t0, To: t0 + width}
		views, err := w.env.History.Open(t.Context(), []timeline.Request{{ID: "i", Points: []slo.Span{all}, Frontier: all.To}})
		if err != nil {
			t.Fatal(err)
		}
		var sum slo.Count
		least, most := slo.Amount(1<<62), slo.Amount(0)
		for _, c := range views["i"].Points(all) {
			if c.Good > c.Total {
				t.Fatalf("a minute has more good events than events: %v", c)
			}
			sum = sum.Add(c)
			least, most = min(least, c.Total), max(most, c.Total)
		}
		if sum != (slo.Count{Good: good, Total: total}) || most-least > 1 {
			t.Fatalf("%v over %d minutes is %v, shares from %d to %d", slo.Count{Good: good, Total: total}, width, sum, least, most)
		}
	})
}
