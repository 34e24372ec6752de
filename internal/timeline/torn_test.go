package timeline_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// torn is a store that reads one item after the other, as some do, and calls
// meanwhile before the n-th.
type torn struct {
	timeline.Store
	n         int
	backwards bool
	meanwhile func()
}

func (s *torn) Load(ctx context.Context, keys []timeline.Key) ([]timeline.Item, error) {
	keys = slices.SortedFunc(slices.Values(keys), func(a, b timeline.Key) int {
		if (a.Sort < b.Sort) != s.backwards {
			return -1
		}
		return 1
	})
	var out []timeline.Item
	for i := range keys {
		if s.n--; s.n == 0 {
			s.meanwhile()
		}
		items, err := s.Store.Load(ctx, keys[i:i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// TestTornReads changes a pack at every point of a reading: minutes settle, and
// late ones arrive. The answer is that of before or of after, never a mix.
func TestTornReads(t *testing.T) {
	from := noon - 300
	each := func(s slo.Span, skip slo.Minute) []timeline.Write {
		w := timeline.Write{ID: "a", Span: s}
		for m := s.From; m < s.To; m++ {
			if skip == 0 || m%skip != 0 {
				w.Points = append(w.Points, timeline.Point{At: m, Width: 1, Count: count(1, 1)})
			}
		}
		return []timeline.Write{w}
	}
	whole := slo.Span{From: from, To: noon + 30}
	first, second := slo.Span{From: from, To: noon - 155}, slo.Span{From: noon - 155, To: noon + 30}
	for name, change := range map[string]func(h *timeline.History) (timeline.Changes, error){
		"settling": func(h *timeline.History) (timeline.Changes, error) {
			return h.Record(t.Context(), noon+10, each(slo.Span{From: noon + 20, To: noon + 30}, 0))
		},
		"late": func(h *timeline.History) (timeline.Changes, error) {
			return h.Record(t.Context(), noon-70, each(slo.Span{From: from, To: noon - 160}, 0))
		},
		"both": func(h *timeline.History) (timeline.Changes, error) {
			return h.Record(t.Context(), noon+40, each(whole, 0))
		},
	} {
		for _, backwards := range []bool{false, true} {
			t.Run(fmt.Sprint(name, backwards), func(t *testing.T) {
				for n := 1; ; n++ {
					store := memory.New()
					writer := timeline.NewHistory(store)
					if _, err := writer.Record(t.Context(), noon-70, each(slo.Span{From: from, To: noon + 20}, 5)); err != nil {
						t.Fatal(err)
					}
					happened := false
					s := &torn{Store: store, n: n, backwards: backwards, meanwhile: func() {
						happened = true
						if ch, err := change(writer); err != nil || ch.Filled == 0 {
							t.Fatalf("%+v, %v", ch, err)
						}
					}}
					v := view(t, timeline.NewHistory(s), timeline.Request{ID: "a", Sums: []slo.Span{whole, first, second}, Frontier: whole.To})
					got := []slo.Stretch{v.Sum(whole), v.Sum(first), v.Sum(second)}
					if !slices.Equal(got, truth(t, store, whole, first, second)) {
						before := memory.New()
						if _, err := timeline.NewHistory(before).Record(t.Context(), noon-70, each(slo.Span{From: from, To: noon + 20}, 5)); err != nil {
							t.Fatal(err)
						}
						if !slices.Equal(got, truth(t, before, whole, first, second)) {
							t.Fatalf("changed before item %d was read: %+v is neither the old nor the new", n, got)
						}
					}
					if !happened {
						return
					}
				}
			})
		}
	}
}

// truth reads sums without disturbance.
func truth(t *testing.T, store timeline.Store, spans ...slo.Span) []slo.Stretch {
	t.Helper()
	v := view(t, timeline.NewHistory(store), timeline.Request{ID: "a", Sums: spans, Frontier: noon + 30})
	var out []slo.Stretch
	for _, s := range spans {
		out = append(out, v.Sum(s))
	}
	return out
}
