package timelinetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// testAnyOrder records the same answers in two orders, with other cuts and
// repetitions: the histories must be the same.
func testAnyOrder(t *testing.T, fresh func(t testing.TB) Storage) {
	rapid.Check(t, func(rt *rapid.T) {
		whole := slo.Span{From: start, To: start + 3*slo.Day}
		truth := map[timeline.ID][]timeline.Point{}
		for _, id := range ids[:3] {
			truth[id] = drawPoints(rt, whole, 1)
		}
		var pieces []timeline.Write
		for _, id := range ids[:3] {
			for from := whole.From; from < whole.To; {
				to := min(whole.To, from+slo.Minute(rapid.IntRange(30, 2000).Draw(rt, "cut")))
				pieces = append(pieces, cutWrite(id, truth[id], slo.Span{From: max(whole.From, from-15), To: to}))
				from = to
			}
		}
		settled := drawMinute(rt, "settled")
		want := recordAll(t, rt, fresh, settled, pieces)
		got := recordAll(t, rt, fresh, settled, rapid.Permutation(append(pieces, pieces[:3]...)).Draw(rt, "order"))
		if !slices.Equal(want, got) { // a difference is slow to look for
			rt.Fatalf("another order, another history:\n%s", cmp.Diff(want, got))
		}
	})
}

func cutWrite(id timeline.ID, points []timeline.Point, s slo.Span) timeline.Write {
	w := timeline.Write{ID: id, Lineage: "q", Span: s}
	for _, p := range points {
		if s.Contains(p.At) {
			w.Points = append(w.Points, p)
		}
	}
	return w
}

// recordAll records writes one by one into a fresh history and returns
// everything it knows.
func recordAll(t testing.TB, rt *rapid.T, fresh func(t testing.TB) Storage, settled slo.Minute, writes []timeline.Write) []string {
	s := fresh(t)()
	defer s.Close()
	h := timeline.NewHistory(s)
	for _, w := range writes {
		if _, err := h.Record(context.Background(), settled, []timeline.Write{w}); err != nil {
			rt.Fatal(err)
		}
	}
	out, err := Dump(context.Background(), h, slo.Span{From: start, To: start + 3*slo.Day}, ids[:3]...)
	if err != nil {
		rt.Fatal(err)
	}
	return out
}

// Dump writes down everything a history knows about indicators in a span, a
// line a minute and a line a day, so that histories can be compared.
func Dump(ctx context.Context, h *timeline.History, s slo.Span, ids ...timeline.ID) ([]string, error) {
	reqs := make([]timeline.Request, len(ids))
	for i, id := range ids {
		reqs[i] = timeline.Request{ID: id, Sums: []slo.Span{s}, Points: []slo.Span{s}, Frontier: s.To, Step: 1}
	}
	views, err := h.Open(ctx, reqs)
	if err != nil {
		return nil, err
	}
	metas, err := h.Meta(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, id := range ids {
		v := views[id]
		out = append(out, fmt.Sprintf("%s: %+v", id, metas[id]))
		for _, part := range parts(s) {
			out = append(out, fmt.Sprintf("%s %v: %+v", id, part, v.Sum(part)))
		}
		for at, c := range v.Points(s) {
			out = append(out, fmt.Sprintf("%s %d: %+v", id, at, c))
		}
	}
	return out, nil
}

// testConcurrentWriters lets handles record overlapping stretches at once:
// nothing is lost, and all see the same.
func testConcurrentWriters(t *testing.T, open Storage) {
	const writers = 4
	whole := slo.Span{From: start, To: start + 2*slo.Day}
	model := NewModel()
	var all [][]timeline.Write
	for w := range writers {
		var writes []timeline.Write
		for at := whole.From; at < whole.To; at += 90 {
			s := slo.Span{From: at, To: at + 90}
			for i, id := range ids {
				var points []timeline.Point
				for m := s.From; m < s.To; m++ {
					// Each writer knows other minutes; what two know, they agree on.
					if int(m)%writers == w || int(m)%(writers+i) == w {
						points = append(points, timeline.Point{At: m, Width: 1, Count: slo.Count{
							Good: slo.Events(int64(m%100) + int64(m%7)%2), Total: slo.Events(int64(m%100) + 1),
						}})
					}
				}
				writes = append(writes, timeline.Write{ID: id, Lineage: "q", Span: s, Points: points})
			}
		}
		all = append(all, writes)
		model.Record(0, writes)
	}
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		h := timeline.NewHistory(open())
		wg.Go(func() {
			for batch := range slices.Chunk(all[w], len(ids)) {
				if _, err := h.Record(t.Context(), start+slo.Day+300, batch); err != nil {
					errs[w] = err
					return
				}
			}
		})
	}
	wg.Wait()
	for w, err := range errs {
		if err != nil {
			t.Fatalf("writer %d: %v", w, err)
		}
	}
	for range 2 {
		checkAll(t, timeline.NewHistory(open()), model, whole)
	}
}

func checkAll(t *testing.T, h *timeline.History, model *Model, whole slo.Span) {
	t.Helper()
	var reqs []timeline.Request
	for _, id := range ids {
		reqs = append(reqs, timeline.Request{ID: id, Sums: []slo.Span{whole}, Points: []slo.Span{whole}, Frontier: whole.To, Step: 1})
	}
	views, err := h.Open(t.Context(), reqs)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reqs {
		if diff := model.Diff(r, views[r.ID]); diff != "" {
			t.Fatal(diff)
		}
	}
}

// testReadWhileWriting reads sums while minutes settle and arrive late: what is
// read is always what some save left, so a sum of n minutes of one event each
// says n, and never shrinks.
func testReadWhileWriting(t *testing.T, open Storage) {
	h, reader := timeline.NewHistory(open()), timeline.NewHistory(open())
	whole := slo.Span{From: start, To: start + slo.Day}
	done := make(chan error, 1)
	go func() {
		var err error
		for at := whole.From; at < whole.To && err == nil; at += 7 {
			s := slo.Span{From: at, To: min(at+7, whole.To)}
			var points []timeline.Point
			for m := s.From; m < s.To; m++ {
				points = append(points, timeline.Point{At: m, Width: 1, Count: slo.Count{Good: slo.Unit, Total: slo.Unit}})
			}
			_, err = h.Record(t.Context(), at-15, []timeline.Write{{ID: "a", Span: s, Points: points}})
		}
		done <- err
	}()
	last := int64(0)
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if last = readCount(t, reader, whole, last); last != int64(slo.Day) {
				t.Fatalf("in the end %d minutes were counted", last)
			}
			return
		default:
			last = readCount(t, reader, whole, last)
		}
	}
}

func readCount(t *testing.T, h *timeline.History, whole slo.Span, last int64) int64 {
	t.Helper()
	half := slo.Span{From: whole.From, To: whole.From + slo.Day/2 + 30}
	rest := slo.Span{From: half.To, To: whole.To}
	views, err := h.Open(t.Context(), []timeline.Request{{ID: "a", Sums: []slo.Span{whole, half, rest}, Frontier: whole.To, Step: 1}})
	if err != nil {
		t.Fatal(err)
	}
	got := views["a"].Sum(whole)
	if sum := views["a"].Sum(half).Add(views["a"].Sum(rest)); sum.Count != got.Count {
		t.Fatalf("the halves add up to %+v, the whole is %+v", sum, got)
	}
	if got.Measured < last || got.Total != slo.Events(got.Measured) || got.Measured%7 != 0 && got.Measured != int64(slo.Day) {
		t.Fatalf("read %+v after %d minutes: not a state that any save left", got, last)
	}
	return got.Measured
}
