package metrictest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// day is where most cases put their data: 2025-01-31T00:00Z.
const day slo.Minute = 20119 * slo.Day

func cases() []testCase {
	return []testCase{
		{"half-open", "a span holds its first minute and not its end", checkHalfOpen},
		{"silence", "a step without a datapoint inside what is known is answered, without a point", checkSilence},
		{"unknown-series", "a series nobody knows does not exist or is an error; it is never an answered silence that exists", checkUnknown},
		{"exists-outside", "Exists is about the series, not about the span asked for", checkExistsOutside},
		{"order", "points come back ascending however they arrived", checkOrder},
		{"duplicates", "of two points for one step the last one wins", checkDuplicates},
		{"exact", "values are exact in millionths; nothing passes through binary floating point", checkExact},
		{"width", "a coarse step says how wide it is, whether or not that width was asked for", checkWidth},
		{"offset", "a step that begins off the grid covers the minutes from its beginning", checkOffset},
		{"splits", "neighbouring spans answer side by side: cutting a span anywhere changes nothing", checkSplits},
		{"batch", "every query of a request comes back once under its own key", checkBatch},
		{"empty", "no queries or no minutes is an answer, not an error", checkEmpty},
		{"no-clock", "the range comes from the request, never from the clock", checkNoClock},
		{"big", "a range of months comes back whole", checkBig},
		{"cancelled", "a cancelled caller gets an error of kind Canceled", checkCancelled},
		{"concurrent", "a source may be asked from many places at once", checkConcurrent},
		{"caps", "a source describes itself consistently", checkCaps},
	}
}

// line makes points one width apart from a minute on.
func line(at, width slo.Minute, values ...slo.Amount) []metric.Point {
	out := make([]metric.Point, len(values))
	for i, v := range values {
		out[i] = metric.Point{At: at + slo.Minute(i)*width, Width: width, Value: v}
	}
	return out
}

// ramp makes n points with values 0, 1, 2, ... events.
func ramp(at, width slo.Minute, n int) []metric.Point {
	values := make([]slo.Amount, n)
	for i := range values {
		values[i] = slo.Events(int64(i))
	}
	return line(at, width, values...)
}

// one opens a source with a single series named "requests".
func (p *probe) one(width slo.Minute, points []metric.Point) metric.Source {
	return p.h.Open(p.T, []Data{{Name: requests, Width: width, Points: points}})
}

func checkHalfOpen(p *probe) {
	src := p.one(1, ramp(day, 1, 10))
	got := p.fetch(src, slo.Span{From: day + 2, To: day + 5})
	if d := cmp.Diff(ramp(day, 1, 10)[2:5], got.Points); d != "" {
		p.fail("points of three minutes (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]slo.Span{{From: day + 2, To: day + 5}}, got.Answered); d != "" {
		p.fail("answered (-want +got):\n%s", d)
	}
}

func checkSilence(p *probe) {
	points := slices.Delete(ramp(day, 1, 10), 3, 6)
	got := p.fetch(p.one(1, points), slo.Span{From: day, To: day + 10})
	if d := cmp.Diff(points, got.Points); d != "" {
		p.fail("points (-want +got):\n%s", d)
	}
	if !metric.Covers(metric.Merge(got.Answered), slo.Span{From: day, To: day + 10}) {
		p.fail("the three silent minutes are not answered: %v", got.Answered)
	}
}

func checkUnknown(p *probe) {
	src := p.one(1, ramp(day, 1, 10))
	q := metric.Query{Key: "k", Spec: p.h.Spec("nobody_knows")}
	got, err := src.Fetch(p.Context(), metric.Request{Queries: []metric.Query{q}, Span: slo.Span{From: day, To: day + 10}})
	if err != nil {
		p.fail("one unknown series failed the whole request: %v", err)
		return
	}
	if len(got) != 1 || got[0].Exists || len(got[0].Points) > 0 {
		p.fail("got %+v", got)
		return
	}
	if e := got[0].Err; e != nil && fault.KindOf(e) != fault.NotFound && fault.KindOf(e) != fault.Invalid {
		p.fail("an unknown series is of kind NotFound or Invalid, not %v", fault.KindOf(e))
	}
}

func checkExistsOutside(p *probe) {
	src := p.one(1, ramp(day, 1, 10))
	for _, at := range []slo.Minute{day - slo.Week, day + slo.Week} {
		got := p.fetch(src, slo.Span{From: at, To: at + 10})
		if !got.Exists || len(got.Points) > 0 {
			p.fail("at %v: exists %v, %d points", at.Time(), got.Exists, len(got.Points))
		}
	}
}

func checkOrder(p *probe) {
	want := ramp(day, 1, 50)
	shuffled := slices.Clone(want)
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(shuffled), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	got := p.fetch(p.one(1, shuffled), slo.Span{From: day, To: day + 50})
	if d := cmp.Diff(want, got.Points); d != "" {
		p.fail("points (-want +got):\n%s", d)
	}
}

func checkDuplicates(p *probe) {
	if p.h.Aggregates {
		p.Skip("two points of a step are two samples here")
	}
	points := append(ramp(day, 1, 10), metric.Point{At: day + 4, Width: 1, Value: slo.Events(99)})
	got := p.fetch(p.one(1, points), slo.Span{From: day, To: day + 10})
	if len(got.Points) != 10 || got.Points[4].Value != slo.Events(99) {
		p.fail("points: %v", got.Points)
	}
}

func checkExact(p *probe) {
	values := []slo.Amount{0, 1, 100_000, 300_000, 333_333, 999_999, slo.Unit, 123_456_789_123_456}
	if !p.h.Floats {
		values = append(values, math.MaxInt64-1)
	}
	if !p.h.NotNegative {
		values = append(values, -1, -slo.Unit, -123_456_789_123_456)
	}
	want := line(day, 1, values...)
	got := p.fetch(p.one(1, want), slo.Span{From: day, To: day + slo.Minute(len(values))})
	if d := cmp.Diff(want, got.Points); d != "" {
		p.fail("points (-want +got):\n%s", d)
	}
}

func checkWidth(p *probe) {
	want := ramp(day, 5, 12)
	src := p.one(5, want)
	for _, period := range []slo.Minute{0, 5} {
		q := metric.Query{Key: requests, Spec: p.h.Spec(requests), Period: period}
		got := p.query(src, q, slo.Span{From: day, To: day + 60})
		if d := cmp.Diff(want, got.Points); d != "" {
			p.fail("period %d: points (-want +got):\n%s", period, d)
		}
	}
}

func checkOffset(p *probe) {
	if p.h.OnGrid {
		p.Skip("steps lie on the grid of their width")
	}
	want := ramp(day+4, 5, 12)
	got := p.fetch(p.one(5, want), slo.Span{From: day, To: day + 60})
	if d := cmp.Diff(want, got.Points); d != "" {
		p.fail("points (-want +got):\n%s", d)
	}
	if n := len(got.Answered); n != 1 || got.Answered[0].To != day+64 {
		p.fail("the last step begins at minute 59 and covers five: answered %v", got.Answered)
	}
}

func checkSplits(p *probe) {
	at := day
	if !p.h.OnGrid {
		at += 3
	}
	points := ramp(at, 5, 100)
	points = slices.Delete(points, 40, 47)
	src := p.one(5, points)
	whole := p.fetch(src, slo.Span{From: day - 20, To: day + 520})
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		cut := day - 20 + slo.Minute(random.IntN(540))
		left := p.fetch(src, slo.Span{From: day - 20, To: cut})
		right := p.fetch(src, slo.Span{From: cut, To: day + 520})
		if d := cmp.Diff(whole.Points, slices.Concat(left.Points, right.Points)); d != "" {
			p.fail("cut at %v: points (-whole +parts):\n%s", cut.Time(), d)
		}
		answered := slices.Concat(left.Answered, right.Answered)
		if d := cmp.Diff(metric.Merge(whole.Answered), metric.Merge(answered)); d != "" {
			p.fail("cut at %v: answered (-whole +parts):\n%s", cut.Time(), d)
		}
		if len(metric.Common(left.Answered, right.Answered)) > 0 {
			p.fail("cut at %v: both parts answer for the same minutes", cut.Time())
		}
	}
}

func checkBatch(p *probe) {
	data, queries := make([]Data, 0, 30), make([]metric.Query, 0, 30*25)
	for i := range 30 {
		name := fmt.Sprintf("series_%d", i)
		data = append(data, Data{Name: name, Width: 1, Points: line(day, 1, slo.Events(int64(i)))})
		for j := range 25 {
			queries = append(queries, metric.Query{Key: fmt.Sprintf("%s|%d é\n\"", name, j), Spec: p.h.Spec(name)})
		}
	}
	src := p.h.Open(p.T, data)
	got, err := src.Fetch(p.Context(), metric.Request{Queries: queries, Span: slo.Span{From: day, To: day + 1}})
	if err != nil {
		p.Fatalf("Fetch of %d queries: %v", len(queries), err)
	}
	seen := map[string]bool{}
	for _, s := range got {
		var i int
		if _, err := fmt.Sscanf(s.Key, "series_%d|", &i); err != nil || seen[s.Key] {
			p.fail("key %q is unknown or came twice", s.Key)
		}
		seen[s.Key] = true
		if s.Err != nil || len(s.Points) != 1 || s.Points[0].Value != slo.Events(int64(i)) {
			p.fail("key %q got %v, %v", s.Key, s.Points, s.Err)
		}
	}
	if len(seen) != len(queries) {
		p.fail("%d of %d queries came back", len(seen), len(queries))
	}
}

func checkEmpty(p *probe) {
	src := p.one(1, ramp(day, 1, 10))
	if got, err := src.Fetch(p.Context(), metric.Request{Span: slo.Span{From: day, To: day + 1}}); err != nil || len(got) > 0 {
		p.fail("no queries: %v, %v", got, err)
	}
	for _, to := range []slo.Minute{day + 2, day + 1} {
		if got := p.fetch(src, slo.Span{From: day + 2, To: to}); len(got.Points) > 0 || len(got.Answered) > 0 {
			p.fail("no minutes: %v", got)
		}
	}
}

func checkNoClock(p *probe) {
	if p.one(1, nil).Caps().History > 0 {
		p.Skip("the source keeps a limited history")
	}
	for _, year := range []slo.Minute{30, 130} { // 2000 and 2100
		at := (year*365 + 7) * slo.Day
		src := p.one(1, ramp(at, 1, 5))
		if got := p.fetch(src, slo.Span{From: at, To: at + 5}); len(got.Points) != 5 {
			p.fail("around %v: %d of 5 points", at.Time(), len(got.Points))
		}
	}
}

func checkBig(p *probe) {
	if p.h.Coarsens {
		p.Skip("the source keeps months only in coarser steps")
	}
	const n = 120 * int(slo.Day)
	want := ramp(day-slo.Minute(n), 1, n)
	got := p.fetch(p.one(1, want), slo.Span{From: day - slo.Minute(n), To: day})
	if !slices.Equal(want, got.Points) {
		p.fail("%d of %d points came back, or not as they were", len(got.Points), n)
	}
}

func checkCancelled(p *probe) {
	src := p.one(1, ramp(day, 1, 10))
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	q := metric.Query{Key: requests, Spec: p.h.Spec(requests)}
	_, err := src.Fetch(ctx, metric.Request{Queries: []metric.Query{q}, Span: slo.Span{From: day, To: day + 10}})
	if err == nil || fault.KindOf(err) != fault.Canceled {
		p.fail("error: %v", err)
	}
}

func checkConcurrent(p *probe) {
	want := ramp(day, 1, 500)
	src := p.one(1, want)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			from := slo.Minute(i * 50)
			q := metric.Query{Key: "k", Spec: p.h.Spec(requests)}
			got, err := src.Fetch(p.Context(), metric.Request{Queries: []metric.Query{q}, Span: slo.Span{From: day + from, To: day + from + 100}})
			if err != nil || len(got) != 1 || !slices.Equal(got[0].Points, want[from:from+100]) {
				p.fail("asked from eight places, %d got another answer (%v)", i, err)
			}
			_ = src.Caps()
		})
	}
	wg.Wait()
}

func checkCaps(p *probe) {
	src := p.one(1, ramp(day, 1, 10))
	p.fetch(src, slo.Span{From: day, To: day + 10})
	c := src.Caps()
	if c.Period < 1 || c.Lag < 0 || c.Settle < 0 || c.MaxAge < 0 || c.History < 0 {
		p.fail("caps: %+v", c)
	}
	if c.End == 0 && c.Settle < c.Lag {
		p.fail("a minute settles (%d) before it is usable (%d)", c.Settle, c.Lag)
	}
	rec, ok := src.(metric.Recorded)
	if c.End != 0 && !ok {
		p.fail("a recorded source (End %v) does not say where a query's data begin and end", c.End.Time())
	}
	if !ok {
		return
	}
	got, err := rec.Extent(p.Context(), metric.Query{Key: requests, Spec: p.h.Spec(requests)})
	if want := (slo.Span{From: day, To: day + 10}); err != nil || got != want || c.End != 0 && c.End != want.To {
		p.fail("extent %v, %v, caps' end %v; want %v", got, err, c.End, want)
	}
}
