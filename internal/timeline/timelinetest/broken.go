package timelinetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

func mustTime(s string) time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err) // a literal of this package
	}
	return at
}

// errCutOff stands for the power going off.
var errCutOff = errors.New("cut off")

// dying is a store that fails for good after some saves.
type dying struct {
	timeline.Store
	saves int
}

func (d *dying) Save(ctx context.Context, items []timeline.Item) error {
	if d.saves--; d.saves < 0 {
		return errCutOff
	}
	return d.Store.Save(ctx, items)
}

// counting is a store that counts what is saved.
type counting struct {
	timeline.Store
	saves int
}

func (c *counting) Save(ctx context.Context, items []timeline.Item) error {
	c.saves++
	return c.Store.Save(ctx, items)
}

// backfill is four days of three indicators, enough for many saves.
func backfill() []timeline.Write {
	s := slo.Span{From: start + 100, To: start + 4*slo.Day + 300}
	var writes []timeline.Write
	for i, id := range ids[:3] {
		w := timeline.Write{ID: id, Lineage: "q", Span: s}
		for m := s.From; m < s.To; m++ {
			if int(m)%(11+i) != 0 {
				w.Points = append(w.Points, timeline.Point{At: m, Width: 1, Count: slo.Count{
					Good: slo.Events(int64(m % 13)), Total: slo.Events(int64(m%13) + int64(m)%5/4),
				}})
			}
		}
		writes = append(writes, w)
	}
	return writes
}

// testCutOff lets the store die after every number of saves there is: what was
// recorded is consistent, nothing counts as answered without its minutes, and
// recording again completes it.
func testCutOff(t *testing.T, open Storage) {
	whole := slo.Span{From: start, To: start + days*slo.Day}
	writes := backfill()
	model := NewModel()
	settled := start + 4*slo.Day
	model.Record(settled, writes)
	store := open()
	for saves := 0; ; saves++ {
		h := timeline.NewHistory(&dying{store, 1})
		_, err := h.Record(t.Context(), settled, writes)
		if err == nil {
			break
		}
		if !errors.Is(err, errCutOff) {
			t.Fatal(err)
		}
		checkAnswered(t, timeline.NewHistory(store), model, whole)
		if saves > 100 {
			t.Fatal("repeating a recording does not get further")
		}
	}
	checkAll(t, timeline.NewHistory(open()), model, whole)
}

// checkAnswered checks that every answered minute is measured as it should be.
func checkAnswered(t *testing.T, h *timeline.History, model *Model, whole slo.Span) {
	t.Helper()
	metas, err := h.Meta(t.Context(), ids[:3]...)
	if err != nil {
		t.Fatal(err)
	}
	for id, meta := range metas {
		if len(meta.Answered) == 0 {
			continue
		}
		views, err := h.Open(t.Context(), []timeline.Request{
			{ID: id, Sums: meta.Answered, Points: []slo.Span{whole}, Frontier: whole.To, Step: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range meta.Answered {
			want, got := model.Sum(id, s, whole.To, 1), views[id].Sum(s)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s counts %v as answered (-model +history):\n%s", id, s, diff)
			}
		}
	}
}

// testWritesNothingTwice records the same again: no save, no change.
func testWritesNothingTwice(t *testing.T, open Storage) {
	store := &counting{Store: open()}
	h := timeline.NewHistory(store)
	writes, settled := backfill(), start+4*slo.Day
	first, err := h.Record(t.Context(), settled, writes)
	if err != nil || first.Filled == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	before := store.saves
	for _, again := range []*timeline.History{h, timeline.NewHistory(store)} {
		ch, err := again.Record(t.Context(), settled, writes)
		if err != nil {
			t.Fatal(err)
		}
		if (ch != timeline.Changes{}) || store.saves != before {
			t.Fatalf("recording the same again reported %+v and saved %d times", ch, store.saves-before)
		}
	}
}
