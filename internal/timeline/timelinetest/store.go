// Package timelinetest is the suite a timeline.Store must pass: what the port
// promises, and that a History over the store answers like a naive model.
package timelinetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Storage opens another handle on one and the same storage at each call.
type Storage func() timeline.Store

// Run runs the whole suite. fresh makes an empty storage for one test; it is
// removed when the test ends.
func Run(t *testing.T, fresh func(t testing.TB) Storage) {
	t.Run("store", func(t *testing.T) { runStore(t, fresh) })
	t.Run("history", func(t *testing.T) { runHistory(t, fresh) })
}

func runStore(t *testing.T, fresh func(t testing.TB) Storage) {
	for name, test := range map[string]func(t *testing.T, open Storage){
		"versions":     testVersions,
		"conflict":     testConflict,
		"atomic":       testAtomic,
		"onePart":      testOnePart,
		"range":        testRange,
		"loadMany":     testLoadMany,
		"largeItem":    testLargeItem,
		"ownBytes":     testOwnBytes,
		"reopen":       testReopen,
		"concurrent":   testConcurrent,
		"cancellation": testCancellation,
		"caps":         testCaps,
		"note":         testNote,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

// testNote holds that what is kept beside the history is there for the next
// program, and that of two who change it one is first.
func testNote(t *testing.T, open Storage) {
	a, b := timeline.NewHistory(open()), timeline.NewHistory(open())
	n, err := a.Note(t.Context(), "n")
	if err != nil || n.Version != 0 || n.Data != nil {
		t.Fatalf("a note that nobody wrote: %+v, %v", n, err)
	}
	n.Data = []byte("one")
	if err := a.Keep(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := b.Keep(t.Context(), n); fault.KindOf(err) != fault.Conflict {
		t.Errorf("written over unseen: %v", err)
	}
	m, err := b.Note(t.Context(), "n")
	if err != nil || m.Version != 1 || string(m.Data) != "one" {
		t.Fatalf("%+v, %v", m, err)
	}
	m.Data = []byte("two")
	if err := b.Keep(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := a.Keep(t.Context(), m); fault.KindOf(err) != fault.Conflict {
		t.Errorf("written over: %v", err)
	}
	if c, err := timeline.DigestOf(t.Context(), open()); err != nil || c.Indicators != 0 {
		t.Errorf("a note is taken for history: %+v, %v", c, err)
	}
}

func item(part, sort string, version int64, data string) timeline.Item {
	return timeline.Item{Key: timeline.Key{Part: part, Sort: sort}, Version: version, Data: []byte(data)}
}

func save(t testing.TB, s timeline.Store, items ...timeline.Item) {
	t.Helper()
	if err := s.Save(t.Context(), items); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

// load returns one item; a missing one has version 0.
func load(t testing.TB, s timeline.Store, part, sort string) timeline.Item {
	t.Helper()
	items, err := s.Load(t.Context(), []timeline.Key{{Part: part, Sort: sort}})
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if len(items) == 0 {
		return timeline.Item{}
	}
	return items[0]
}

func wantKind(t testing.TB, err error, kind fault.Kind, rule string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("%s: want an error of kind %q, got %v (kind %q)", rule, kind, err, fault.KindOf(err))
	}
}

func testVersions(t *testing.T, open Storage) {
	s := open()
	if got := load(t, s, "p", "a"); got.Version != 0 {
		t.Fatalf("an item that does not exist has version 0, got %d", got.Version)
	}
	for i := range int64(3) {
		save(t, s, item("p", "a", i, fmt.Sprint("v", i)))
		got := load(t, s, "p", "a")
		if got.Version != i+1 || string(got.Data) != fmt.Sprint("v", i) {
			t.Fatalf("after write %d: version %d, data %q; a version counts the writes", i+1, got.Version, got.Data)
		}
	}
	save(t, s, item("p", "empty", 0, ""))
	if got := load(t, s, "p", "empty"); got.Version != 1 || got.Data == nil || len(got.Data) != 0 {
		t.Fatalf("empty data is data: got %+v", got)
	}
	gone := item("p", "a", 3, "")
	gone.Data = nil
	save(t, s, gone)
	if got := load(t, s, "p", "a"); got.Version != 0 {
		t.Fatalf("nil data deletes, got %+v", got)
	}
	save(t, s, item("p", "a", 0, "again"))
}

func testConflict(t *testing.T, open Storage) {
	s := open()
	save(t, s, item("p", "a", 0, "one"))
	for _, version := range []int64{0, 2, -1} {
		err := s.Save(t.Context(), []timeline.Item{item("p", "a", version, "other")})
		wantKind(t, err, fault.Conflict, fmt.Sprintf("version 1 is stored, saved at %d", version))
	}
	wantKind(t, s.Save(t.Context(), []timeline.Item{item("p", "b", 1, "x")}), fault.Conflict, "the item does not exist")
	gone := item("p", "b", 1, "")
	gone.Data = nil
	wantKind(t, s.Save(t.Context(), []timeline.Item{gone}), fault.Conflict, "deleting what is not there")
	if got := load(t, s, "p", "a"); string(got.Data) != "one" || got.Version != 1 {
		t.Fatalf("a refused save changed the item: %+v", got)
	}
}

func testAtomic(t *testing.T, open Storage) {
	s := open()
	save(t, s, item("p", "a", 0, "a1"), item("p", "c", 0, "c1"))
	err := s.Save(t.Context(), []timeline.Item{item("p", "a", 1, "a2"), item("p", "b", 0, "b1"), item("p", "c", 7, "c2")})
	wantKind(t, err, fault.Conflict, "one of three moved")
	if got := load(t, s, "p", "a"); string(got.Data) != "a1" {
		t.Errorf("the item before the conflict was written: %q", got.Data)
	}
	if got := load(t, s, "p", "b"); got.Version != 0 {
		t.Errorf("a new item beside the conflict was written: %q", got.Data)
	}
}

func testOnePart(t *testing.T, open Storage) {
	s := open()
	err := s.Save(t.Context(), []timeline.Item{item("p", "a", 0, "x"), item("q", "a", 0, "x")})
	wantKind(t, err, fault.Invalid, "a save is about one part")
	err = s.Save(t.Context(), []timeline.Item{item("p", "a", 0, "x"), item("p", "a", 0, "y")})
	wantKind(t, err, fault.Invalid, "a save names an item once")
	err = s.Save(t.Context(), []timeline.Item{{Key: timeline.Key{Part: "p", Sort: "a"}}})
	wantKind(t, err, fault.Invalid, "deleting what must not exist")
	if err := s.Save(t.Context(), nil); err != nil {
		t.Errorf("saving nothing is allowed: %v", err)
	}
}

func testRange(t *testing.T, open Storage) {
	s := open()
	for _, sort := range []string{"c/2", "c/10", "tail", "c/1", "c/3"} {
		save(t, s, item("p", sort, 0, sort))
	}
	save(t, s, item("other", "c/2", 0, "not this one"))
	for _, tc := range []struct {
		from, to string
		want     []string
	}{
		{"c/1", "c/3", []string{"c/1", "c/10", "c/2"}},
		{"c/", "c/~", []string{"c/1", "c/10", "c/2", "c/3"}},
		{"c/3", "c/3", nil},
		{"", "~", []string{"c/1", "c/10", "c/2", "c/3", "tail"}},
		{"x", "z", nil},
	} {
		items, err := s.Range(t.Context(), "p", tc.from, tc.to)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, it := range items {
			got = append(got, it.Sort)
			if it.Part != "p" || it.Version != 1 || string(it.Data) != it.Sort {
				t.Errorf("Range returned %+v", it)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("Range [%q, %q) = %q, want %q: half-open, ascending by bytes", tc.from, tc.to, got, tc.want)
		}
	}
}

func testLoadMany(t *testing.T, open Storage) {
	s := open()
	const n = 1500
	var keys []timeline.Key
	for i := range n {
		part := fmt.Sprint("p", i%7)
		if i%3 != 0 {
			save(t, s, item(part, fmt.Sprint(i), 0, fmt.Sprint(i)))
		}
		keys = append(keys, timeline.Key{Part: part, Sort: fmt.Sprint(i)})
	}
	items, err := s.Load(t.Context(), append(keys, keys[1], keys[1]))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[timeline.Key]bool{}
	for _, it := range items {
		if string(it.Data) != it.Sort {
			t.Fatalf("item %v has data %q", it.Key, it.Data)
		}
		seen[it.Key] = true
	}
	if len(seen) != n-n/3 {
		t.Fatalf("loaded %d of %d items that exist", len(seen), n-n/3)
	}
	if items, err := s.Load(t.Context(), nil); err != nil || len(items) != 0 {
		t.Errorf("loading nothing: %d items, %v", len(items), err)
	}
}

func testLargeItem(t *testing.T, open Storage) {
	s := open()
	size := 1 << 20
	if limit := s.Caps().MaxItemBytes; limit > 0 {
		size = limit
		err := s.Save(t.Context(), []timeline.Item{item("p", "big", 0, string(make([]byte, limit+1)))})
		wantKind(t, err, fault.Full, "an item above Caps.MaxItemBytes")
	}
	data := bytes.Repeat([]byte{0, 1, 0xff, '\''}, size/4)
	save(t, s, timeline.Item{Key: timeline.Key{Part: "p", Sort: "big"}, Data: data})
	if got := load(t, s, "p", "big"); !bytes.Equal(got.Data, data) {
		t.Fatalf("%d bytes came back as %d others", len(data), len(got.Data))
	}
}

func testOwnBytes(t *testing.T, open Storage) {
	s := open()
	it := item("p", "a", 0, "mine")
	save(t, s, it)
	copy(it.Data, "THEM")
	got := load(t, s, "p", "a")
	if string(got.Data) != "mine" {
		t.Fatalf("the store kept the caller's slice: %q", got.Data)
	}
	copy(got.Data, "THEM")
	if again := load(t, s, "p", "a"); string(again.Data) != "mine" {
		t.Fatalf("the store handed out its own slice: %q", again.Data)
	}
}

func testReopen(t *testing.T, open Storage) {
	s := open()
	save(t, s, item("p", "a", 0, "kept"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := load(t, open(), "p", "a"); string(got.Data) != "kept" || got.Version != 1 {
		t.Fatalf("after closing and opening again: %+v", got)
	}
}

// testConcurrent lets several handles add marks to one item: no mark may get
// lost, none may be there twice.
func testConcurrent(t *testing.T, open Storage) {
	const writers, rounds = 4, 25
	var wg sync.WaitGroup
	failed := make(chan error, writers)
	for w := range writers {
		s := open()
		wg.Go(func() {
			for done := 0; done < rounds; {
				err := addMark(t.Context(), s, fmt.Sprintf("%d.%02d|", w, done))
				switch {
				case err == nil:
					done++
				case fault.KindOf(err) != fault.Conflict:
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	got := load(t, open(), "p", "marks")
	if n := bytes.Count(got.Data, []byte("|")); n != writers*rounds || got.Version != writers*rounds {
		t.Fatalf("%d writers added %d marks each, the item has %d at version %d: a lost update",
			writers, rounds, n, got.Version)
	}
}

// addMark adds a mark unless it is there: after a conflict it may be.
func addMark(ctx context.Context, s timeline.Store, mark string) error {
	items, err := s.Load(ctx, []timeline.Key{{Part: "p", Sort: "marks"}})
	if err != nil {
		return err
	}
	it := item("p", "marks", 0, "")
	if len(items) > 0 {
		it = items[0]
	}
	if bytes.Contains(it.Data, []byte(mark)) {
		return nil
	}
	it.Data = append(it.Data, mark...)
	return s.Save(ctx, []timeline.Item{it})
}

func testCancellation(t *testing.T, open Storage) {
	s := open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantKind(t, s.Save(ctx, []timeline.Item{item("p", "a", 0, "x")}), fault.Canceled, "Save after the caller gave up")
	_, err := s.Load(ctx, []timeline.Key{{Part: "p", Sort: "a"}})
	wantKind(t, err, fault.Canceled, "Load after the caller gave up")
	_, err = s.Range(ctx, "p", "", "~")
	wantKind(t, err, fault.Canceled, "Range after the caller gave up")
	if got := load(t, s, "p", "a"); got.Version != 0 {
		t.Fatal("a cancelled save was written")
	}
}

func testCaps(t *testing.T, open Storage) {
	c := open().Caps()
	if c.ChunkMinutes < 1 || 1440%c.ChunkMinutes != 0 || c.PackSize < 1 || c.MaxItemBytes < 0 {
		t.Fatalf("Caps %+v: a chunk divides a day, a pack holds at least one", c)
	}
}
