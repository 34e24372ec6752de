package ledgertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

// testScanWhile appends while scanning, and breaks off.
func testScanWhile(t *testing.T, open Storage) {
	l := open()
	for n := range 600 {
		add(t, l, draft(n))
	}
	seen := 0
	for _, err := range l.Scan(t.Context(), ledger.Query{Newest: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen%200 == 0 {
			add(t, l, draft(1000+seen))
		}
		if seen == 450 {
			break
		}
	}
	if n := len(all(t, l, ledger.Query{})); n != 602 || seen != 450 {
		t.Fatalf("%d entries after %d seen", n, seen)
	}
}

func testCancellation(t *testing.T, open Storage) {
	l := open()
	e := add(t, l, draft(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Append(ctx, draft(2))
	wantKind(t, err, fault.Canceled, "Append after the caller gave up")
	_, err = l.Get(ctx, e.ID)
	wantKind(t, err, fault.Canceled, "Get after the caller gave up")
	_, err = All(l.Scan(ctx, ledger.Query{}))
	wantKind(t, err, fault.Canceled, "Scan after the caller gave up")
	if n := len(all(t, l, ledger.Query{})); n != 1 {
		t.Fatalf("a cancelled append was written: %d entries", n)
	}
}

// testScanModel compares scans with filtering a slice.
func testScanModel(t *testing.T, l ledger.Ledger) {
	kinds := []ledger.Kind{ledger.KindDecision, ledger.KindOverride, ledger.KindFreeze}
	subjects := []string{"a", "a/b", "a/b/c", "ab", "b"}
	for n := range 700 {
		d := draft(n * 7919 % 1000)
		d.Kind, d.Subject = kinds[n%3], subjects[n*n%5]
		add(t, l, d)
	}
	entries := all(t, l, ledger.Query{})
	rapid.Check(t, func(rt *rapid.T) {
		q := ledger.Query{
			Kinds:   rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 2).Draw(rt, "kinds"),
			Subject: rapid.SampledFrom(append(subjects, "")).Draw(rt, "subject"),
			Newest:  rapid.Bool().Draw(rt, "newest"),
			Limit:   rapid.SampledFrom([]int{0, 1, 5, 255, 256, 257, 1000}).Draw(rt, "limit"),
		}
		if rapid.Bool().Draw(rt, "from") {
			q.From = noon().Add(time.Duration(rapid.IntRange(-1, 1001).Draw(rt, "s")) * time.Second)
		}
		if rapid.Bool().Draw(rt, "to") {
			q.To = noon().Add(time.Duration(rapid.IntRange(-1, 1001).Draw(rt, "s")) * time.Second).In(time.FixedZone("x", 3600))
		}
		got, err := All(l.Scan(context.Background(), q))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(selected(entries, q), got); diff != "" {
			rt.Fatalf("Scan(%+v) (-want +got):\n%s", q, diff)
		}
	})
}

// selected is what a query selects, said another way than Query.Match.
func selected(entries []ledger.Entry, q ledger.Query) []ledger.Entry {
	var out []ledger.Entry
	for _, e := range entries {
		below := len(e.Subject) > len(q.Subject) && e.Subject[:len(q.Subject)] == q.Subject && e.Subject[len(q.Subject)] == '/'
		if q.Subject != "" && q.Subject != e.Subject && !below ||
			len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind) ||
			!q.From.IsZero() && e.At.Before(q.From) || !q.To.IsZero() && !e.At.Before(q.To) {
			continue
		}
		out = append(out, e)
	}
	if q.Newest {
		slices.Reverse(out)
	}
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out
}
