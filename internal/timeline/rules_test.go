package timeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// noon is a day's middle, far from any chunk's neighbour day.
var noon = slo.MinuteOf(time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC))

func count(good, total int64) slo.Count {
	return slo.Count{Good: slo.Events(good), Total: slo.Events(total)}
}

func one(at slo.Minute, width uint16, c slo.Count) timeline.Write {
	return timeline.Write{
		ID: "a", Span: slo.Span{From: at, To: at + 1},
		Points: []timeline.Point{{At: at, Width: width, Count: c}},
	}
}

func record(t testing.TB, h *timeline.History, settled slo.Minute, writes ...timeline.Write) timeline.Changes {
	t.Helper()
	ch, err := h.Record(t.Context(), settled, writes)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

func view(t testing.TB, h *timeline.History, r timeline.Request) slo.View {
	t.Helper()
	views, err := h.Open(t.Context(), []timeline.Request{r})
	if err != nil {
		t.Fatal(err)
	}
	return views[r.ID]
}

// TestRules is the rules of writing, one pair of writes each: what is kept, and
// what is reported.
func TestRules(t *testing.T) {
	const final, open = true, false
	type write struct {
		width   uint16
		good    int64
		derived bool
	}
	filled, replaced, kept := timeline.Changes{Filled: 1}, timeline.Changes{Replaced: 1}, timeline.Changes{Kept: 1}
	for name, tc := range map[string]struct {
		settled       bool
		first, second write
		want          int64
		changes       timeline.Changes
	}{
		"newer replaces unsettled":        {open, write{1, 90, false}, write{1, 80, false}, 80, replaced},
		"settled is final":                {final, write{1, 90, false}, write{1, 80, false}, 90, kept},
		"the same changes nothing":        {open, write{1, 90, false}, write{1, 90, false}, 90, timeline.Changes{}},
		"the same, settled":               {final, write{1, 90, false}, write{1, 90, false}, 90, timeline.Changes{}},
		"coarse never replaces fine":      {open, write{1, 90, false}, write{5, 80, false}, 90, kept},
		"fine replaces coarse":            {open, write{5, 90, false}, write{1, 80, false}, 80, replaced},
		"fine comes too late":             {final, write{5, 90, false}, write{1, 80, false}, 90, kept},
		"as coarse replaces":              {open, write{5, 90, false}, write{5, 80, false}, 80, replaced},
		"finer but equal is remembered":   {open, write{5, 90, false}, write{1, 90, false}, 90, replaced},
		"derived rewrites settled":        {final, write{1, 90, true}, write{1, 80, true}, 80, replaced},
		"derived rewrites finer":          {final, write{1, 90, true}, write{5, 80, true}, 80, replaced},
		"a width of zero stands for one":  {open, write{0, 90, false}, write{1, 90, false}, 90, timeline.Changes{}},
		"coarse, then as coarse, settled": {final, write{5, 90, false}, write{5, 80, false}, 90, kept},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			h := timeline.NewHistory(memory.New())
			settled := noon
			if tc.settled {
				settled = noon + 1
			}
			w := one(noon, tc.first.width, count(tc.first.good, 100))
			w.Derived = tc.first.derived
			if got := record(t, h, settled, w); got != filled {
				t.Fatalf("an unmeasured minute is filled at any age, got %+v", got)
			}
			w = one(noon, tc.second.width, count(tc.second.good, 100))
			w.Derived = tc.second.derived
			if got := record(t, h, settled, w); got != tc.changes {
				t.Errorf("changes %+v, want %+v", got, tc.changes)
			}
			got := view(t, h, timeline.Request{ID: "a", Sums: []slo.Span{w.Span}, Frontier: noon + 1}).Sum(w.Span)
			if got.Count != count(tc.want, 100) {
				t.Errorf("kept %+v, want good %d", got.Count, tc.want)
			}
		})
	}
}

func TestRefusesImpossibleWrites(t *testing.T) {
	store := memory.New()
	h := timeline.NewHistory(store)
	span := slo.Span{From: noon, To: noon + 10}
	point := func(at slo.Minute, good, total int64) timeline.Point {
		return timeline.Point{At: at, Width: 1, Count: count(good, total)}
	}
	for name, tc := range map[string]struct {
		w    timeline.Write
		text string
	}{
		"goodAboveTotal": {timeline.Write{ID: "a", Span: span, Points: []timeline.Point{point(noon, 2, 1)}}, "more good events"},
		"negativeGood":   {timeline.Write{ID: "a", Span: span, Points: []timeline.Point{point(noon, -1, 1)}}, "negative"},
		"negativeTotal":  {timeline.Write{ID: "a", Span: span, Points: []timeline.Point{point(noon, -2, -1)}}, "negative"},
		"outside":        {timeline.Write{ID: "a", Span: span, Points: []timeline.Point{point(noon+10, 1, 1)}}, "outside"},
		"before":         {timeline.Write{ID: "a", Span: span, Points: []timeline.Point{point(noon-1, 1, 1)}}, "outside"},
		"twice":          {timeline.Write{ID: "a", Span: span, Points: []timeline.Point{point(noon, 1, 1), point(noon, 1, 1)}}, "not behind"},
		"descending":     {timeline.Write{ID: "a", Span: span, Points: []timeline.Point{point(noon+1, 1, 1), point(noon, 1, 1)}}, "not behind"},
		"noName":         {timeline.Write{Span: span}, "name"},
		"longName":       {timeline.Write{ID: timeline.ID(strings.Repeat("x", 513)), Span: span}, "513"},
		"noText":         {timeline.Write{ID: "\xff", Span: span}, "UTF-8"},
		"before1970":     {timeline.Write{ID: "a", Span: slo.Span{From: -1, To: 5}}, "no stretch"},
		"after9999":      {timeline.Write{ID: "a", Span: slo.Span{From: 0, To: 1 << 40}}, "no stretch"},
		"backwards":      {timeline.Write{ID: "a", Span: slo.Span{From: 10, To: 5}}, "no stretch"},
	} {
		t.Run(name, func(t *testing.T) {
			fine := timeline.Write{ID: "fine", Span: span, Points: []timeline.Point{point(noon, 1, 1)}}
			_, err := h.Record(t.Context(), 0, []timeline.Write{fine, tc.w})
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("want an error of kind invalid that says %q, got %v", tc.text, err)
			}
			if v := view(t, h, timeline.Request{ID: "fine", Sums: []slo.Span{span}, Frontier: span.To}); v.Sum(span).Measured != 0 {
				t.Error("a write beside the refused one was recorded")
			}
		})
	}
}

func TestLineages(t *testing.T) {
	h := timeline.NewHistory(memory.New())
	as := func(digest string, from slo.Minute) {
		t.Helper()
		w := one(from, 1, count(1, 1))
		w.Lineage = digest
		record(t, h, noon+slo.Day, w)
	}
	want := func(want ...timeline.Lineage) {
		t.Helper()
		metas, err := h.Meta(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, metas["a"].Lineages); diff != "" {
			t.Fatalf("lineages (-want +got):\n%s", diff)
		}
	}
	as("q1", noon)
	as("q1", noon-100) // backfill: the first lineage reaches back
	as("", noon+1)     // says nothing
	want(timeline.Lineage{Digest: "q1", Since: noon - 100})
	as("q2", noon+10)
	as("q2", noon-500) // backfill under the new query changes nothing any more
	want(timeline.Lineage{Digest: "q1", Since: noon - 100}, timeline.Lineage{Digest: "q2", Since: noon + 10})
	as("q3", noon-900) // a new query that first fills a hole: ascending all the same
	want(timeline.Lineage{Digest: "q1", Since: noon - 100}, timeline.Lineage{Digest: "q2", Since: noon + 10},
		timeline.Lineage{Digest: "q3", Since: noon + 10})
	if err := h.Reset(t.Context(), "a", timeline.Reset{At: noon + 20, Author: "mo", Reason: "moved"}); err != nil {
		t.Fatal(err)
	}
	want(timeline.Lineage{Digest: "q3", Since: noon + 10}) // only what is in force since
	for i := range slo.Minute(200) {
		as([]string{"x", "y"}[i%2], noon+100+i)
	}
	metas, err := h.Meta(t.Context(), "a")
	if err != nil || len(metas["a"].Lineages) > 64 {
		t.Fatalf("a fight of two documents grew %d lineages, %v", len(metas["a"].Lineages), err)
	}
}

func TestReset(t *testing.T) {
	h := timeline.NewHistory(memory.New())
	whole := slo.Span{From: noon, To: noon + 100}
	var points []timeline.Point
	for m := whole.From; m < whole.To; m++ {
		points = append(points, timeline.Point{At: m, Width: 1, Count: count(1, 1)})
	}
	record(t, h, noon+200, timeline.Write{ID: "a", Span: whole, Points: points})
	order := timeline.Reset{At: noon + 30, Author: "mo", Reason: "new load balancer"}
	for range 2 { // repeating it changes nothing
		if err := h.Reset(t.Context(), "a", order); err != nil {
			t.Fatal(err)
		}
	}
	metas, err := h.Meta(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	want := timeline.Meta{ID: "a", Birth: noon + 30, Answered: []slo.Span{whole}, Resets: []timeline.Reset{order}}
	if diff := cmp.Diff(want, metas["a"]); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
	v := view(t, h, timeline.Request{ID: "a", Sums: []slo.Span{whole}, Points: []slo.Span{whole}, Frontier: whole.To})
	if got := v.Sum(whole); got.Expected != 70 || got.Measured != 70 || got.Total != slo.Events(70) {
		t.Errorf("after the reset: %+v, want 70 of everything", got)
	}
	for at := range v.Points(whole) {
		if at < noon+30 {
			t.Fatalf("minute %d was forgotten and is there", at)
		}
	}
	err = h.Reset(t.Context(), "nobody", order)
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("resetting what was never recorded: %v", err)
	}
	if err := h.Reset(t.Context(), "a", timeline.Reset{At: -1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("resetting at no time: %v", err)
	}
}

// TestDerivedRedefined changes what slices are: nothing counts as answered any
// more, and a rewrite leaves no slice of the old kind in its span.
func TestDerivedRedefined(t *testing.T) {
	h := timeline.NewHistory(memory.New())
	slicesOf := func(digest string, step slo.Minute, s slo.Span) timeline.Write {
		w := timeline.Write{ID: "a", Lineage: digest, Span: s, Derived: true}
		for m := s.From; m < s.To; m += step {
			w.Points = append(w.Points, timeline.Point{At: m, Width: 1, Count: count(1, 1)})
		}
		return w
	}
	day := slo.Span{From: noon - 720, To: noon + 720}
	record(t, h, noon+slo.Day, slicesOf("five", 5, slo.Span{From: day.From - slo.Day, To: day.To}))
	got := record(t, h, noon+slo.Day, slicesOf("ten", 10, day))
	if (got != timeline.Changes{Replaced: 144}) {
		t.Errorf("every other of 288 slices is gone, the rest is the same: %+v", got)
	}
	metas, err := h.Meta(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]slo.Span{day}, metas["a"].Answered); diff != "" {
		t.Errorf("what was derived otherwise has to be derived again:\n%s", diff)
	}
	v := view(t, h, timeline.Request{ID: "a", Sums: []slo.Span{day}, Frontier: day.To, Step: 10})
	if s := v.Sum(day); s.Measured != 144 || s.Expected != 144 {
		t.Errorf("%+v, want 144 slices", s)
	}
}

func TestViewsOfNothing(t *testing.T) {
	h := timeline.NewHistory(memory.New())
	s := slo.Span{From: noon, To: noon + 10}
	record(t, h, 0, timeline.Write{ID: "silent", Span: s}) // answered, without a single point
	for _, id := range []timeline.ID{"silent", "never heard of"} {
		v := view(t, h, timeline.Request{ID: id, Sums: []slo.Span{s}, Points: []slo.Span{s}, Frontier: s.To})
		if _, ok := v.Birth(); ok {
			t.Errorf("%s was born without a minute", id)
		}
		if got := v.Sum(s); got != (slo.Stretch{}) {
			t.Errorf("%s: %+v", id, got)
		}
		for at := range v.Points(s) {
			t.Errorf("%s has a point at %d", id, at)
		}
	}
	if views, err := h.Open(t.Context(), nil); err != nil || len(views) != 0 {
		t.Errorf("opening nothing: %v, %v", views, err)
	}
}

// TestUnrequested asks a view about what was not opened: it is expected and
// unmeasured, never zero of zero.
func TestUnrequested(t *testing.T) {
	h := timeline.NewHistory(memory.New())
	whole := slo.Span{From: noon - 600, To: noon + 600}
	var points []timeline.Point
	for m := whole.From; m < whole.To; m++ {
		points = append(points, timeline.Point{At: m, Width: 1, Count: count(1, 1)})
	}
	record(t, h, whole.To, timeline.Write{ID: "a", Span: whole, Points: points})
	asked := slo.Span{From: noon - 100, To: noon}
	v := view(t, h, timeline.Request{ID: "a", Sums: []slo.Span{asked}, Points: []slo.Span{{From: noon + 5, To: noon + 50}}, Frontier: whole.To})
	for s, want := range map[slo.Span]slo.Stretch{
		asked:                            {Count: count(100, 100), Measured: 100, Expected: 100},
		{From: noon - 99, To: noon}:      {Expected: 99},
		{From: noon + 10, To: noon + 20}: {Count: count(10, 10), Measured: 10, Expected: 10}, // its points are there
		{From: noon + 10, To: noon + 60}: {Expected: 50},
		{From: noon, To: noon}:           {},
		{From: noon, To: noon - 5}:       {},
	} {
		if got := v.Sum(s); got != want {
			t.Errorf("Sum(%v) = %+v, want %+v", s, got, want)
		}
	}
	if v.Loaded(asked) || !v.Loaded(slo.Span{From: noon + 5, To: noon + 50}) {
		t.Error("only points that were asked for are loaded")
	}
}

func TestJoinedRequests(t *testing.T) {
	h := timeline.NewHistory(memory.New())
	record(t, h, 0, one(noon, 1, count(1, 1)), one(noon+5, 1, count(1, 1)))
	a, b := slo.Span{From: noon - 10, To: noon + 1}, slo.Span{From: noon + 2, To: noon + 9}
	views, err := h.Open(t.Context(), []timeline.Request{
		{ID: "a", Sums: []slo.Span{a}, Frontier: noon + 9}, {ID: "a", Sums: []slo.Span{b}, Frontier: noon + 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := views["a"]
	if v.Sum(a).Measured != 1 || v.Sum(b).Measured != 1 || v.Frontier() != noon+8 {
		t.Errorf("%+v %+v frontier %d", v.Sum(a), v.Sum(b), v.Frontier())
	}
	_, err = h.Open(t.Context(), []timeline.Request{{ID: "a", Step: 1}, {ID: "a", Step: 5}})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("two slice lengths of one history: %v", err)
	}
}
