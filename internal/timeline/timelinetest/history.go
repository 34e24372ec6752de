package timelinetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

func runHistory(t *testing.T, fresh func(t testing.TB) Storage) {
	t.Run("likeTheModel", func(t *testing.T) { testLikeModel(t, fresh) })
	t.Run("likeTheModelSmallChunks", func(t *testing.T) {
		testLikeModel(t, func(t testing.TB) Storage {
			open := fresh(t)
			return func() timeline.Store {
				s := open()
				caps := s.Caps()
				caps.ChunkMinutes, caps.PackSize = 15, 2
				return withCaps{s, caps}
			}
		})
	})
	t.Run("anyOrder", func(t *testing.T) { testAnyOrder(t, fresh) })
	t.Run("concurrentWriters", func(t *testing.T) { testConcurrentWriters(t, fresh(t)) })
	t.Run("readWhileWriting", func(t *testing.T) { testReadWhileWriting(t, fresh(t)) })
	t.Run("cutOff", func(t *testing.T) { testCutOff(t, fresh(t)) })
	t.Run("writesNothingTwice", func(t *testing.T) { testWritesNothingTwice(t, fresh(t)) })
}

// withCaps is a store that likes its items otherwise.
type withCaps struct {
	timeline.Store
	caps timeline.Caps
}

func (s withCaps) Caps() timeline.Caps { return s.caps }

// start is where the suite's histories lie: around a month's end.
var start = slo.MinuteOf(mustTime("2025-02-26T00:00:00Z"))

const days = 6

// machine is one random life of a history beside its model.
type machine struct {
	handles []*timeline.History
	model   *Model
	settled slo.Minute
	frames  int
}

func testLikeModel(t *testing.T, fresh func(t testing.TB) Storage) {
	rapid.Check(t, func(rt *rapid.T) {
		open := fresh(t)
		m := &machine{model: NewModel(), settled: start}
		for range 2 {
			s := open()
			defer s.Close()
			m.handles = append(m.handles, timeline.NewHistory(s))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"record": m.record,
			"late":   m.late,
			"derive": m.derive,
			"reset":  m.reset,
			"meta":   m.meta,
			"":       m.compare,
		})
	})
}

func (m *machine) history(rt *rapid.T) *timeline.History {
	return m.handles[rapid.IntRange(0, len(m.handles)-1).Draw(rt, "handle")]
}

func drawMinute(rt *rapid.T, label string) slo.Minute {
	return start + slo.Minute(rapid.IntRange(0, days-1).Draw(rt, label+" day"))*slo.Day +
		slo.Minute(rapid.OneOf(rapid.IntRange(0, 1439), rapid.SampledFrom([]int{0, 1, 59, 60, 61, 720, 1380, 1439})).Draw(rt, label))
}

// drawPoints draws the measured minutes of a span. All of them carry the given
// step's grid.
func drawPoints(rt *rapid.T, s slo.Span, step slo.Minute) []timeline.Point {
	density := rapid.IntRange(0, 10).Draw(rt, "density")
	kind := rapid.IntRange(0, 4).Draw(rt, "kind")
	seed := rapid.Uint64().Draw(rt, "seed")
	var out []timeline.Point
	for at := s.From; at < s.To; at++ {
		// A cheap generator of our own: drawing each minute from rapid is slow.
		seed = seed*6364136223846793005 + 1442695040888963407
		x := seed >> 33
		if at%step != 0 || x%10 >= uint64(density) {
			continue
		}
		p := timeline.Point{At: at, Width: uint16(step)}
		switch kind {
		case 0: // whole events, few bad
			p.Count.Total = slo.Events(int64(1000 + x%50))
			p.Count.Good = p.Count.Total - slo.Events(max(0, int64(x>>8%12)-9))
		case 1: // fractions
			p.Count.Total = slo.Amount(x % 10_000_000)
			p.Count.Good = p.Count.Total / 3
		case 2: // slices, silence
			p.Count.Total = slo.Unit * slo.Amount(x>>4&1)
			p.Count.Good = p.Count.Total * slo.Amount(x>>5&1)
		case 3: // far too much
			p.Count.Total = 1 << 61
			p.Count.Good = 1 << 60
		case 4: // widths
			p.Width = uint16(1 + x>>3%5)
			p.Count.Total = slo.Events(int64(x % 3))
		}
		out = append(out, p)
	}
	return out
}

func drawSpan(rt *rapid.T, longest int) slo.Span {
	from := drawMinute(rt, "from")
	return slo.Span{From: from, To: from + slo.Minute(rapid.IntRange(0, longest).Draw(rt, "length"))}
}

func (m *machine) write(rt *rapid.T, settled slo.Minute, writes []timeline.Write) {
	got, err := m.history(rt).Record(context.Background(), settled, writes)
	if err != nil {
		rt.Fatalf("Record: %v", err)
	}
	if want := m.model.Record(settled, writes); got != want {
		rt.Fatalf("Record reported %+v, the model says %+v", got, want)
	}
}

var ids = []timeline.ID{"a/availability", "a/latency", "b", "c ü", "d"}

// record brings in a stretch of several indicators near the settled boundary,
// which moves on.
func (m *machine) record(rt *rapid.T) {
	m.settled = max(m.settled, drawMinute(rt, "settled"))
	span := drawSpan(rt, 180)
	if rapid.Bool().Draw(rt, "at the tail") {
		span = slo.Span{From: m.settled - 20, To: m.settled + 30}
	}
	var writes []timeline.Write
	for _, id := range rapid.SliceOfN(rapid.SampledFrom(ids), 1, 4).Draw(rt, "ids") {
		writes = append(writes, timeline.Write{ID: id, Lineage: "q", Span: span, Points: drawPoints(rt, span, 1)})
	}
	m.write(rt, m.settled, writes)
}

// late brings in up to three days of one indicator.
func (m *machine) late(rt *rapid.T) {
	span := drawSpan(rt, 3*1440)
	id := rapid.SampledFrom(ids).Draw(rt, "id")
	settled := m.settled
	if rapid.Bool().Draw(rt, "nothing settled") {
		settled = 0
	}
	m.write(rt, settled, []timeline.Write{{ID: id, Span: span, Points: drawPoints(rt, span, 1)}})
}

const (
	slices5 timeline.ID = "slices of five"
	slices7 timeline.ID = "slices of seven"
)

func stepOf(id timeline.ID) slo.Minute {
	switch id {
	case slices5:
		return 5
	case slices7:
		return 7
	}
	return 1
}

// derive rewrites slices; the first ones are written from the beginning, so
// that the first slice is never erased without another in its stead.
func (m *machine) derive(rt *rapid.T) {
	id := rapid.SampledFrom([]timeline.ID{slices5, slices7}).Draw(rt, "id")
	span := drawSpan(rt, 2*1440)
	span.From = max(span.From, start+60)
	span.To = max(span.To, span.From)
	writes := []timeline.Write{{ID: id, Span: span, Points: drawPoints(rt, span, stepOf(id)), Derived: true}}
	first := ceilTo(start, stepOf(id))
	if !m.model.look(id).Born {
		writes = append(writes, timeline.Write{
			ID: id, Span: slo.Span{From: start, To: start + 30}, Derived: true,
			Points: []timeline.Point{{At: first, Width: 5, Count: slo.Count{Good: 0, Total: slo.Unit}}},
		})
	}
	m.write(rt, m.settled, writes)
}

func ceilTo(m, step slo.Minute) slo.Minute { return (m + step - 1) / step * step }

func (m *machine) reset(rt *rapid.T) {
	if rapid.IntRange(0, 4).Draw(rt, "seldom") != 0 {
		return
	}
	id := rapid.SampledFrom(ids).Draw(rt, "id")
	at := drawMinute(rt, "at")
	err := m.history(rt).Reset(context.Background(), id, timeline.Reset{At: at, Author: "mo", Reason: "moved"})
	if _, known := m.model.Indicators[id]; !known {
		if fault.KindOf(err) != fault.NotFound {
			rt.Fatalf("resetting what was never recorded: %v", err)
		}
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	m.model.Reset(id, at)
}

func (m *machine) meta(rt *rapid.T) {
	got, err := m.history(rt).Meta(context.Background(), append(ids, slices5)...)
	if err != nil {
		rt.Fatal(err)
	}
	for id, meta := range got {
		in := m.model.Indicators[id]
		if in == nil {
			if len(meta.Answered) > 0 || meta.Birth != 0 {
				rt.Fatalf("%s was never recorded: %+v", id, meta)
			}
			continue
		}
		if diff := cmp.Diff(m.model.Spans(id), meta.Answered); diff != "" {
			rt.Fatalf("answered stretches of %s (-model +history):\n%s", id, diff)
		}
		if in.Born && meta.Birth != max(in.First, in.Forgot) {
			rt.Fatalf("birth of %s is %d, the model says %d", id, meta.Birth, max(in.First, in.Forgot))
		}
	}
}

// compare opens everything and asks for random spans, whole days and what is
// left at the ends.
func (m *machine) compare(rt *rapid.T) {
	if m.frames++; m.frames%4 != 1 {
		return
	}
	frontier := drawMinute(rt, "frontier")
	var reqs []timeline.Request
	for _, id := range append(ids, slices5, slices7, "never heard of") {
		r := timeline.Request{ID: id, Frontier: frontier, Step: stepOf(id)}
		for range rapid.IntRange(1, 3).Draw(rt, "sums") {
			r.Sums = append(r.Sums, drawSpan(rt, 5*1440))
		}
		if rapid.Bool().Draw(rt, "points") {
			r.Points = append(r.Points, drawSpan(rt, 1440))
		}
		reqs = append(reqs, r)
	}
	views, err := m.history(rt).Open(context.Background(), reqs)
	if err != nil {
		rt.Fatalf("Open: %v", err)
	}
	for _, r := range reqs {
		if diff := m.model.Diff(r, views[r.ID]); diff != "" {
			rt.Fatal(diff)
		}
	}
}

// Diff compares a view with the model on everything its request covers, and
// returns what differs, or "".
func (m *Model) Diff(r timeline.Request, v slo.View) string {
	step := max(1, r.Step)
	for _, s := range r.Sums {
		for _, part := range parts(s) {
			want := m.Sum(r.ID, part, r.Frontier, step)
			if want.Saturated() {
				if got := v.Sum(part); !got.Saturated() {
					return fmt.Sprintf("%s: the sum of %v has outgrown its type, the view says %+v", r.ID, part, got)
				}
				continue
			}
			got := v.Sum(part)
			if got.Saturated() { // a running sum outgrew its type before: unknown, never wrong
				got.Count = want.Count
			}
			if got != want {
				return fmt.Sprintf("%s: Sum(%v) = %+v, the model says %+v (frontier %d)", r.ID, part, got, want, r.Frontier)
			}
		}
	}
	for _, s := range r.Points {
		var got []timeline.Point
		for at, c := range v.Points(s) {
			got = append(got, timeline.Point{At: at, Count: c})
		}
		if diff := cmp.Diff(m.Points(r.ID, s, r.Frontier, step), got); diff != "" {
			return fmt.Sprintf("%s: Points(%v) (-model +view):\n%s", r.ID, s, diff)
		}
		if !v.Loaded(s) {
			return fmt.Sprintf("%s: Loaded(%v) is false although it was asked for", r.ID, s)
		}
	}
	in := m.look(r.ID)
	if birth, ok := v.Birth(); ok != in.Born || ok && birth != max(in.First, in.Forgot) {
		return fmt.Sprintf("%s: Birth() = %d, %v; the model says %d, %v", r.ID, birth, ok, max(in.First, in.Forgot), in.Born)
	}
	if v.Frontier() != r.Frontier {
		return fmt.Sprintf("%s: Frontier() = %d, asked for %d", r.ID, v.Frontier(), r.Frontier)
	}
	return ""
}

// parts is what a view opened for a span must answer: the span, the whole days
// in it, and what lies before and behind them.
func parts(s slo.Span) []slo.Span {
	out := []slo.Span{s}
	first, last := ceilTo(s.From, slo.Day), s.To/slo.Day*slo.Day
	if first > last {
		return out
	}
	for d := first; d < last; d += slo.Day {
		out = append(out, slo.Span{From: d, To: d + slo.Day})
	}
	return append(out, slo.Span{From: s.From, To: first}, slo.Span{From: last, To: s.To})
}
