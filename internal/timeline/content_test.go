package timeline_test

import (
	"context"
	"errors"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// caps is a store that cuts its history otherwise.
type caps struct {
	timeline.Store
	caps timeline.Caps
}

func (c caps) Caps() timeline.Caps { return c.caps }

// filled records some indicators over some days, in an order, in stretches.
func filled(t *testing.T, s timeline.Store, step slo.Minute, backwards bool) {
	t.Helper()
	h := timeline.NewHistory(s)
	whole := slo.Span{From: noon - 3*slo.Day, To: noon}
	ids := []timeline.ID{"a", "b", "c", "d", "e"}
	for n := slo.Minute(0); n*step < whole.Len(); n++ {
		at := whole.From + n*step
		if backwards {
			at = whole.To - (n+1)*step
		}
		for i := range ids {
			if backwards {
				i = len(ids) - 1 - i
			}
			w := timeline.Write{ID: ids[i], Lineage: "q", Span: slo.Span{From: at, To: at + step}}
			for m := at; m < at+step; m++ {
				if int(m)%(5+i) != 0 {
					w.Points = append(w.Points, timeline.Point{At: m, Width: 1, Count: count(int64(m%50), int64(m%50)+int64(m%7))})
				}
			}
			if _, err := h.Record(t.Context(), noon-30, []timeline.Write{w}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func digest(t *testing.T, s timeline.Store) timeline.Content {
	t.Helper()
	c, err := timeline.DigestOf(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDigest holds that it is about what a history says, not about how a store
// cuts it; and that it is about all of it.
func TestDigest(t *testing.T) {
	a := memory.New()
	filled(t, a, 60, false)
	want := digest(t, a)
	if want.Indicators != 5 || want.Minutes == 0 || len(want.Digest) != 64 {
		t.Fatalf("%+v", want)
	}
	b := caps{memory.New(), timeline.Caps{ChunkMinutes: 15, PackSize: 2}}
	filled(t, b, 360, true)
	if got := digest(t, b); got != want {
		t.Errorf("recorded otherwise, in other packs: %+v, want %+v", got, want)
	}
	if got := digest(t, memory.New()); got == want || got.Minutes != 0 {
		t.Errorf("an empty store: %+v", got)
	}
	h := timeline.NewHistory(a)
	seen := map[string]bool{want.Digest: true}
	for name, change := range map[string]func() error{
		"a minute": func() error {
			_, err := h.Record(t.Context(), noon-30, []timeline.Write{{ID: "a", Lineage: "q", Span: slo.Span{From: noon - 3*slo.Day, To: noon}, Points: []timeline.Point{
				{At: noon - 2*slo.Day - (noon-2*slo.Day)%5, Width: 1, Count: count(1, 1)},
			}}})
			return err
		},
		"a wider point": func() error {
			_, err := h.Record(t.Context(), noon-30, []timeline.Write{{ID: "b", Lineage: "q", Span: slo.Span{From: noon - slo.Day, To: noon}, Points: []timeline.Point{
				{At: noon - slo.Day - (noon-slo.Day)%6 + 6, Width: 5, Count: count(1, 1)},
			}}})
			return err
		},
		"an answer": func() error {
			_, err := h.Record(t.Context(), noon-30, []timeline.Write{{ID: "a", Lineage: "q", Span: slo.Span{From: noon, To: noon + 5}}})
			return err
		},
		"a lineage": func() error {
			_, err := h.Record(t.Context(), noon-30, []timeline.Write{{ID: "a", Lineage: "r", Span: slo.Span{From: noon - 10, To: noon - 5}}})
			return err
		},
		"a reset": func() error { return h.Reset(t.Context(), "c", timeline.Reset{At: noon - slo.Day, Author: "mo"}) },
		"a reset's word": func() error {
			return h.Reset(t.Context(), "c", timeline.Reset{At: noon - slo.Day, Author: "m", Reason: "o"})
		},
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if got := digest(t, a); seen[got.Digest] {
			t.Errorf("%s changed nothing about the digest", name)
		} else {
			seen[got.Digest] = true
		}
	}
}

// cutting is a store that breaks off after some saves.
type cutting struct {
	timeline.Store
	left int
}

var errCut = errors.New("cut off")

func (c *cutting) Save(ctx context.Context, items []timeline.Item) error {
	if c.left--; c.left < 0 {
		return errCut
	}
	return c.Store.Save(ctx, items)
}

// TestCopy cuts a copy off after each save it makes; a repeated one goes on, and
// nobody sees half a history meanwhile.
func TestCopy(t *testing.T) {
	from, to := memory.New(), memory.New()
	filled(t, from, 60, false)
	want := digest(t, from)
	rounds := 0
	for {
		_, err := timeline.Copy(t.Context(), from, &cutting{to, 1}, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		if got := digest(t, to); got.Indicators != 0 && got != want {
			t.Fatalf("half a copy reads as %+v", got)
		}
		rounds++
	}
	if got := digest(t, to); got != want || rounds < 4 {
		t.Errorf("after %d rounds %+v, want %+v", rounds, got, want)
	}
	again, err := timeline.Copy(t.Context(), from, to, nil)
	if err != nil || again.Items != 0 || again.Already == 0 {
		t.Errorf("a copy again: %+v, %v", again, err)
	}
	// Other content is refused, and stays as it was.
	other := memory.New()
	filled(t, other, 360, true)
	before := digest(t, other)
	if _, err := timeline.Copy(t.Context(), from, other, nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("got %v, want a conflict", err)
	}
	if got := digest(t, other); got != before {
		t.Errorf("a refused copy changed the other store: %+v", got)
	}
	grown := memory.New()
	filled(t, grown, 60, false)
	filled(t, grown, 30, true)
	if _, err := timeline.NewHistory(grown).Record(t.Context(), noon, []timeline.Write{{ID: "a", Lineage: "q", Span: slo.Span{From: noon, To: noon + 2}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := timeline.Copy(t.Context(), grown, to, nil); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a source that went on: %v, want a conflict", err)
	}
}

// TestEnds holds which items of a store may go, and when.
func TestEnds(t *testing.T) {
	for sort, want := range map[string]string{
		"c/0028971360": "2025-02-01T00:00Z", "c/0000000000": "1970-02-01T00:00Z", "d/2025-02": "2025-03-01T00:00Z", "d/2024-12": "2025-01-01T00:00Z",
		"tail": "", "meta": "", "c/x": "", "d/2025-13": "", "000001": "", "c/-5": "", "c/99999999999": "",
	} {
		end, ok := timeline.Key{Part: "p", Sort: sort}.Ends()
		got := ""
		if ok {
			got = end.Time().Format("2006-01-02T15:04Z07:00")
		}
		if got != want {
			t.Errorf("%s ends %q, want %q", sort, got, want)
		}
	}
}
