// Package ledgertest is the suite a ledger.Ledger must pass.
package ledgertest

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

// Storage opens another handle on one and the same ledger at each call.
type Storage func() ledger.Ledger

// Run runs the suite. fresh makes an empty ledger for one test; it is removed
// when the test ends.
func Run(t *testing.T, fresh func(t testing.TB) Storage) {
	for name, test := range map[string]func(t *testing.T, open Storage){
		"append":       testAppend,
		"key":          testKey,
		"get":          testGet,
		"subjects":     testSubjects,
		"refused":      testRefused,
		"exactText":    testExactText,
		"concurrent":   testConcurrent,
		"oneKeyRace":   testOneKeyRace,
		"reopen":       testReopen,
		"scanWhile":    testScanWhile,
		"cancellation": testCancellation,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
	t.Run("scanLikeTheModel", func(t *testing.T) { testScanModel(t, fresh(t)()) })
}

// noon is when the suite's entries are recorded.
func noon() time.Time { return time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC) }

func draft(n int) ledger.Draft {
	return ledger.Draft{
		At: noon().Add(time.Duration(n) * time.Second), Kind: ledger.KindDecision, Subject: "payment-api/availability",
		Actor: "mo", Body: json.RawMessage(fmt.Sprintf(`{"n": %d}`, n)),
	}
}

func add(t testing.TB, l ledger.Ledger, d ledger.Draft) ledger.Entry {
	t.Helper()
	e, err := l.Append(t.Context(), d)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return e
}

// All collects a scan.
func All(entries iter.Seq2[ledger.Entry, error]) ([]ledger.Entry, error) {
	var out []ledger.Entry
	for e, err := range entries {
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

func all(t testing.TB, l ledger.Ledger, q ledger.Query) []ledger.Entry {
	t.Helper()
	out, err := All(l.Scan(t.Context(), q))
	if err != nil {
		t.Fatalf("Scan(%+v): %v", q, err)
	}
	return out
}

func wantKind(t testing.TB, err error, kind fault.Kind, rule string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("%s: want an error of kind %q, got %v (kind %q)", rule, kind, err, fault.KindOf(err))
	}
}

func testAppend(t *testing.T, open Storage) {
	l := open()
	if got := all(t, l, ledger.Query{}); len(got) != 0 {
		t.Fatalf("a new ledger has %d entries", len(got))
	}
	var want []ledger.Entry
	for n := range 3 {
		e := add(t, l, draft(n))
		if e.Seq != int64(n+1) || e.ID == "" || e.Digest == "" {
			t.Fatalf("entry %d: %+v", n, e)
		}
		if n > 0 && (e.Prev != want[n-1].Digest || e.ID <= want[n-1].ID) {
			t.Fatalf("entry %d does not follow the one before: %+v", n, e)
		}
		want = append(want, e)
	}
	if diff := cmp.Diff(want, all(t, l, ledger.Query{})); diff != "" {
		t.Fatalf("what was returned is not what was recorded:\n%s", diff)
	}
	if err := ledger.Verify(l.Scan(t.Context(), ledger.Query{})); err != nil {
		t.Fatalf("an untouched ledger does not verify: %v", err)
	}
}

func testKey(t *testing.T, open Storage) {
	l := open()
	d := draft(1)
	d.Key = "pipeline-7"
	first := add(t, l, d)
	add(t, l, draft(2))
	d.Body, d.Actor = json.RawMessage(`"other"`), "somebody else"
	if diff := cmp.Diff(first, add(t, l, d)); diff != "" {
		t.Errorf("the same key again returns the first entry:\n%s", diff)
	}
	if n := len(all(t, l, ledger.Query{})); n != 2 {
		t.Errorf("%d entries: the same key again writes nothing", n)
	}
	a, b := add(t, l, draft(3)), add(t, l, draft(3))
	if a.ID == b.ID {
		t.Errorf("drafts without a key are different entries, even if they are equal")
	}
}

func testGet(t *testing.T, open Storage) {
	l := open()
	var entries []ledger.Entry
	for n := range 5 {
		entries = append(entries, add(t, l, draft(n*40)))
	}
	for _, e := range entries {
		for _, id := range []string{e.ID, e.ID[:len(e.ID)-1], " " + e.ID + " ", upper(e.ID)} {
			got, err := l.Get(t.Context(), id)
			if err != nil || got.Seq != e.Seq {
				t.Errorf("Get(%q) = entry %d, %v; want %d", id, got.Seq, err, e.Seq)
			}
		}
	}
	_, err := l.Get(t.Context(), entries[0].ID[:2])
	wantKind(t, err, fault.Invalid, "a beginning that several entries share")
	for _, id := range []string{"", "zzzzzz", entries[0].ID + "0", "%", "_", "~"} {
		_, err := l.Get(t.Context(), id)
		wantKind(t, err, fault.NotFound, fmt.Sprintf("Get(%q)", id))
	}
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

func testSubjects(t *testing.T, open Storage) {
	l := open()
	for _, s := range []string{
		"payment-api", "payment-api/availability", "payment-api/a/b", "payment-apix", "payment-api0", "payment-ap", "payment-api-2/x",
		"Payment-API", "100%", "100%/x", "100x", "a_b", "axb", "",
	} {
		d := draft(0)
		d.Subject = s
		add(t, l, d)
	}
	for subject, want := range map[string][]string{
		"payment-api":              {"payment-api", "payment-api/availability", "payment-api/a/b"},
		"payment-api/availability": {"payment-api/availability"},
		"payment-api/":             nil,
		"100%":                     {"100%", "100%/x"},
		"a_b":                      {"a_b"},
		"nothing":                  nil,
	} {
		var got []string
		for _, e := range all(t, l, ledger.Query{Subject: subject}) {
			got = append(got, e.Subject)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Subject %q finds %q, want %q: itself and what lies below it", subject, got, want)
		}
	}
}

func testRefused(t *testing.T, open Storage) {
	l := open()
	for name, change := range map[string]func(*ledger.Draft){
		"no time":        func(d *ledger.Draft) { d.At = time.Time{} },
		"before 1970":    func(d *ledger.Draft) { d.At = time.Unix(-1, 0) },
		"year 10000":     func(d *ledger.Draft) { d.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"no kind":        func(d *ledger.Draft) { d.Kind = "" },
		"body not JSON":  func(d *ledger.Draft) { d.Body = json.RawMessage(`{"a":`) },
		"two bodies":     func(d *ledger.Draft) { d.Body = json.RawMessage(`{} {}`) },
		"body not UTF-8": func(d *ledger.Draft) { d.Body = json.RawMessage("\"\xff\"") },
		"text not UTF-8": func(d *ledger.Draft) { d.Actor = "\xff" },
	} {
		d := draft(1)
		change(&d)
		_, err := l.Append(t.Context(), d)
		wantKind(t, err, fault.Invalid, name)
	}
	if n := len(all(t, l, ledger.Query{})); n != 0 {
		t.Errorf("refused drafts left %d entries", n)
	}
}

// testExactText records what is hard to keep: it must come back byte for byte,
// and the chain must hold.
func testExactText(t *testing.T, open Storage) {
	l := open()
	for _, body := range []string{
		`{"big":12345678901234567890.123456789012345678901234567890}`, `{"b":1,"a":2,"a":3}`, "\"<a href='x'>&\u2028\x7f\"",
		`"\u0000 \ud83d\ude00 'x'; DROP TABLE entries; --"`, `"😀"`, `[1, 2,   {"x" : null}]`, "", "null", `""`, `-0.0e-0`,
	} {
		d := draft(1)
		d.Body = json.RawMessage(body)
		d.Subject, d.Actor, d.Key = "s\x00'\"é", "<a>&\u2028", "k"+body
		d.At = time.Date(2025, 3, 30, 2, 30, 0, 123456789, time.FixedZone("odd", 5*3600+1800))
		e := add(t, l, d)
		got, err := l.Get(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("body %q came back otherwise:\n%s", body, diff)
		}
		if !got.At.Equal(d.At) || got.At.Location() != time.UTC {
			t.Errorf("time %v came back as %v", d.At, got.At)
		}
	}
	if err := ledger.Verify(l.Scan(t.Context(), ledger.Query{})); err != nil {
		t.Error(err)
	}
}

func testConcurrent(t *testing.T, open Storage) {
	const writers, each = 4, 25
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		l := open()
		wg.Go(func() {
			for n := range each {
				d := draft(n)
				d.Actor = fmt.Sprint("writer ", w)
				if _, err := l.Append(t.Context(), d); err != nil {
					errs[w] = err
					return
				}
			}
		})
	}
	wg.Wait()
	for w, err := range errs {
		if err != nil {
			t.Fatalf("writer %d: %v; concurrent appends queue", w, err)
		}
	}
	l := open()
	entries := all(t, l, ledger.Query{})
	ids := map[string]bool{}
	for _, e := range entries {
		ids[e.ID] = true
	}
	if len(entries) != writers*each || len(ids) != writers*each {
		t.Fatalf("%d entries with %d IDs, want %d", len(entries), len(ids), writers*each)
	}
	if err := ledger.Verify(l.Scan(t.Context(), ledger.Query{})); err != nil {
		t.Fatal(err)
	}
}

func testOneKeyRace(t *testing.T, open Storage) {
	const writers = 8
	var wg sync.WaitGroup
	seqs := make([]int64, writers)
	for w := range writers {
		l := open()
		wg.Go(func() {
			d := draft(w)
			d.Key = "once"
			if e, err := l.Append(t.Context(), d); err == nil {
				seqs[w] = e.Seq
			}
		})
	}
	wg.Wait()
	for w, seq := range seqs {
		if seq != 1 {
			t.Errorf("writer %d got entry %d: one key, one entry, whoever comes first", w, seq)
		}
	}
}

func testReopen(t *testing.T, open Storage) {
	l := open()
	first := add(t, l, draft(1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open()
	second := add(t, l, draft(2))
	if second.Prev != first.Digest || second.Seq != 2 {
		t.Fatalf("after opening again the chain begins anew: %+v", second)
	}
}
