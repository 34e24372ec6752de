package timeline_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// spoiled is a store whose items go through a hand that may change them.
type spoiled struct {
	timeline.Store
	spoil func(timeline.Item) (timeline.Item, bool)
}

func (s spoiled) each(items []timeline.Item, err error) ([]timeline.Item, error) {
	var out []timeline.Item
	for _, it := range items {
		if it, ok := s.spoil(it); ok {
			out = append(out, it)
		}
	}
	return out, err
}

func (s spoiled) Load(ctx context.Context, keys []timeline.Key) ([]timeline.Item, error) {
	return s.each(s.Store.Load(ctx, keys))
}

func (s spoiled) Range(ctx context.Context, part, from, to string) ([]timeline.Item, error) {
	return s.each(s.Store.Range(ctx, part, from, to))
}

// sample is a store with every kind of item and every way of writing minutes.
func sample(t testing.TB) (*memory.Store, slo.Span) {
	t.Helper()
	store := memory.New()
	h := timeline.NewHistory(store)
	s := slo.Span{From: noon - slo.Day, To: noon + 100}
	var writes []timeline.Write
	for i := range 5 {
		w := timeline.Write{ID: timeline.ID(fmt.Sprint("id", i)), Lineage: "q", Span: s}
		for m := s.From; m < s.To; m++ {
			if i > 0 && int(m)%(i+1) == 0 {
				continue
			}
			c := count(int64(m)%97, int64(m)%97+int64(m)%13/11)
			if i == 3 {
				c.Total += slo.Amount(m) % 1000
			}
			w.Points = append(w.Points, timeline.Point{At: m, Width: uint16(1 + i/2*int(m)%3), Count: c})
		}
		writes = append(writes, w)
	}
	record(t, h, noon+70, writes...)
	return store, s
}

// use asks everything there is to ask and writes everywhere.
func use(ctx context.Context, store timeline.Store, s slo.Span) error {
	h := timeline.NewHistory(store)
	var reqs []timeline.Request
	var ids []timeline.ID
	for i := range 5 {
		id := timeline.ID(fmt.Sprint("id", i))
		ids = append(ids, id)
		reqs = append(reqs, timeline.Request{
			ID: id, Sums: []slo.Span{s, {From: s.From + 7, To: s.To - 33}}, Points: []slo.Span{s}, Frontier: s.To,
		})
	}
	views, err := h.Open(ctx, reqs)
	if err != nil {
		return err
	}
	for _, r := range reqs {
		views[r.ID].Sum(s)
		for range views[r.ID].Points(s) {
			continue
		}
	}
	if _, err := h.Meta(ctx, ids...); err != nil {
		return err
	}
	_, err = h.Record(ctx, s.To+200, []timeline.Write{
		{ID: "id0", Span: slo.Span{From: s.To, To: s.To + 1}, Points: []timeline.Point{{At: s.To, Count: count(1, 1)}}},
		{ID: "id1", Span: slo.Span{From: s.From, To: s.From + 3}, Points: []timeline.Point{{At: s.From + 1, Count: count(1, 1)}}},
	})
	return err
}

// items lists everything in a store.
func items(t testing.TB, store timeline.Store) []timeline.Item {
	t.Helper()
	var out []timeline.Item
	for _, part := range []string{"registry", "pack/000000"} {
		got, err := store.Range(t.Context(), part, "", "~")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, got...)
	}
	return out
}

// TestDamage changes one bit, cuts, or removes one item after the other: it is
// always noticed, and said.
func TestDamage(t *testing.T) {
	store, s := sample(t)
	all := items(t, store)
	if len(all) < 28 {
		t.Fatalf("the sample has only %d items", len(all))
	}
	for _, victim := range all {
		hurt := func(name string, change func([]byte) []byte) {
			t.Helper()
			fresh, _ := sample(t)
			err := use(t.Context(), spoiled{fresh, func(it timeline.Item) (timeline.Item, bool) {
				if it.Key == victim.Key {
					it.Data = change(it.Data)
				}
				return it, it.Data != nil
			}}, s)
			if fault.KindOf(err) != fault.Corrupt || fault.HintOf(err) == "" {
				t.Errorf("%s/%s %s: %v", victim.Part, victim.Sort, name, err)
			}
		}
		n := len(victim.Data)
		for _, at := range []int{0, 1, 2, n / 3, n / 2, n - 5, n - 1} {
			hurt(fmt.Sprint("bit at ", at), func(b []byte) []byte { b[at] ^= 0x10; return b })
		}
		for _, cut := range []int{0, 1, 5, n / 2, n - 1} {
			hurt(fmt.Sprint("cut to ", cut), func(b []byte) []byte { return b[:cut] })
		}
		if victim.Sort[0] == 'c' {
			hurt("removed", func([]byte) []byte { return nil })
		}
	}
}

// TestSwapped puts one item's value under another's name.
func TestSwapped(t *testing.T) {
	store, s := sample(t)
	var chunks []timeline.Item
	for _, it := range items(t, store) {
		if it.Sort[0] == 'c' {
			chunks = append(chunks, it)
		}
	}
	err := use(t.Context(), spoiled{store, func(it timeline.Item) (timeline.Item, bool) {
		if it.Key == chunks[1].Key {
			it.Data = chunks[2].Data
		}
		return it, true
	}}, s)
	if fault.KindOf(err) != fault.Corrupt {
		t.Errorf("a chunk under another chunk's name: %v", err)
	}
}

// reseal gives changed bytes the checksum they would need.
func reseal(it timeline.Item, body []byte) timeline.Item {
	name := it.Part + "\x00" + it.Sort + "\x00"
	sum := crc32.Checksum(append([]byte(name), body...), crc32.MakeTable(crc32.Castagnoli))
	it.Data = binary.LittleEndian.AppendUint32(append([]byte(nil), body...), sum)
	return it
}

func TestNewerLayout(t *testing.T) {
	store, s := sample(t)
	for _, victim := range items(t, store) {
		err := use(t.Context(), spoiled{store, func(it timeline.Item) (timeline.Item, bool) {
			if it.Key == victim.Key {
				body := it.Data[:len(it.Data)-4]
				body[0]++
				it = reseal(it, body)
			}
			return it, true
		}}, s)
		if fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%s/%s of a newer layout: %v", victim.Part, victim.Sort, err)
		}
	}
}

// FuzzItems replaces one item's content by anything, with a checksum that
// fits: the worst a foreign writer can do. Whatever happens is an error of a
// kind, or an answer; never a panic, never endless.
func FuzzItems(f *testing.F) {
	store, s := sample(f)
	all := items(f, store)
	for i, it := range all {
		if i < 6 || i%7 == 0 {
			f.Add(i, it.Data[:len(it.Data)-4])
		}
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		if which < 0 || len(body) > 1<<16 {
			t.Skip()
		}
		victim := all[which%len(all)]
		fresh := memory.New()
		for _, it := range all {
			if it.Key == victim.Key {
				it = reseal(it, body)
			}
			it.Version = 0
			if err := fresh.Save(t.Context(), []timeline.Item{it}); err != nil {
				t.Fatal(err)
			}
		}
		err := use(t.Context(), fresh, s)
		switch fault.KindOf(err) {
		case fault.Corrupt, fault.Unsupported, fault.Conflict, fault.Full:
		default:
			if err != nil {
				t.Errorf("an error nobody classified: %v", err)
			}
		}
	})
}
