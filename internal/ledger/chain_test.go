package ledger_test

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

func draft(at time.Time) ledger.Draft {
	return ledger.Draft{At: at, Kind: ledger.KindDecision, Subject: "a", Actor: "mo", Body: json.RawMessage(`{"x": 1}`)}
}

func chain(t testing.TB, n int) []ledger.Entry {
	t.Helper()
	var out []ledger.Entry
	var prev ledger.Entry
	for i := range n {
		e, err := ledger.Seal(draft(time.Unix(1_738_324_800+int64(i), 5).UTC()), prev)
		if err != nil {
			t.Fatal(err)
		}
		out, prev = append(out, e), e
	}
	return out
}

func seq(entries []ledger.Entry) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// TestSealIsStable pins what is recorded: a change of any of it would break the
// chain of every ledger there is.
func TestSealIsStable(t *testing.T) {
	d := draft(time.Date(2025, 1, 31, 13, 0, 0, 120, time.FixedZone("CET", 3600)))
	d.Key = "k<1>"
	e, err := ledger.Seal(d, ledger.Entry{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"seq":1,"id":"1ksset00001","at":"2025-01-31T12:00:00.00000012Z","kind":"decision","subject":"a","actor":"mo",` +
		`"key":"k\u003c1\u003e","body":{"x":1},"prev":"","digest":"DIGEST"}`
	if string(got) != strings.Replace(want, "DIGEST", e.Digest, 1) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// SHA-256 of the text above with an empty digest, computed by another program.
	const digest = "09c57dca4e27bdbc269a5f7084234ee14137983e1432f07bcbab0b833b231e6d"
	if e.Digest != digest {
		t.Errorf("digest %s, want %s", e.Digest, digest)
	}
}

func TestVerify(t *testing.T) {
	if err := ledger.Verify(seq(nil)); err != nil {
		t.Errorf("an empty ledger: %v", err)
	}
	if err := ledger.Verify(seq(chain(t, 50))); err != nil {
		t.Errorf("an untouched ledger: %v", err)
	}
	broken := errors.New("disk")
	err := ledger.Verify(func(yield func(ledger.Entry, error) bool) { yield(ledger.Entry{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("an error of the scan is not tampering: %v", err)
	}
	for name, tc := range map[string]struct {
		change func(es []ledger.Entry) []ledger.Entry
		want   string
	}{
		"seq":      {func(es []ledger.Entry) []ledger.Entry { es[4].Seq = 9; return es }, "entry 9 "},
		"id":       {func(es []ledger.Entry) []ledger.Entry { es[4].ID = es[3].ID; return es }, "entry 5 "},
		"at":       {func(es []ledger.Entry) []ledger.Entry { es[4].At = es[4].At.Add(1); return es }, "entry 5 "},
		"kind":     {func(es []ledger.Entry) []ledger.Entry { es[4].Kind = "override"; return es }, "entry 5 "},
		"subject":  {func(es []ledger.Entry) []ledger.Entry { es[4].Subject += "x"; return es }, "entry 5 "},
		"actor":    {func(es []ledger.Entry) []ledger.Entry { es[4].Actor = ""; return es }, "entry 5 "},
		"key":      {func(es []ledger.Entry) []ledger.Entry { es[4].Key = "k"; return es }, "entry 5 "},
		"body":     {func(es []ledger.Entry) []ledger.Entry { es[4].Body = []byte(`{"x":2}`); return es }, "entry 5 "},
		"prev":     {func(es []ledger.Entry) []ledger.Entry { es[4].Prev = es[2].Digest; return es }, "entry 5 "},
		"digest":   {func(es []ledger.Entry) []ledger.Entry { es[4].Digest = es[3].Digest; return es }, "entry 5 "},
		"removed":  {func(es []ledger.Entry) []ledger.Entry { return slices.Delete(es, 4, 5) }, "entry 6 "},
		"beheaded": {func(es []ledger.Entry) []ledger.Entry { return es[3:] }, "entry 4 "},
		"moved":    {func(es []ledger.Entry) []ledger.Entry { es[4], es[5] = es[5], es[4]; return es }, "entry 6 "},
		"doubled":  {func(es []ledger.Entry) []ledger.Entry { return slices.Insert(es, 4, es[3]) }, "entry 4 "},
		// Whoever changes an entry and its digest breaks the one behind it.
		"resealed": {func(es []ledger.Entry) []ledger.Entry {
			d := draft(es[4].At)
			d.Actor = "nobody"
			es[4], _ = ledger.Seal(d, es[3])
			return es
		}, "entry 6 "},
	} {
		t.Run(name, func(t *testing.T) {
			err := ledger.Verify(seq(tc.change(chain(t, 10))))
			if fault.KindOf(err) != fault.Corrupt || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("want corrupt, naming %q, got %v", tc.want, err)
			}
		})
	}
}

func TestIDs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, 33_000_000_000), 2, 30).Draw(rt, "times")
		slices.Sort(times)
		prev := ledger.Entry{Seq: rapid.Int64Range(0, 1<<19).Draw(rt, "seq")}
		for _, at := range times {
			e, err := ledger.Seal(draft(time.Unix(at, 0)), prev)
			if err != nil {
				rt.Fatal(err)
			}
			if e.ID <= prev.ID || len(e.ID) != 11 {
				rt.Fatalf("ID %q behind %q: not of one length, or not sortable by time", e.ID, prev.ID)
			}
			if ledger.NormalID(" "+strings.ToUpper(e.ID)) != e.ID {
				rt.Fatalf("ID %q does not survive being typed in capitals", e.ID)
			}
			prev = e
		}
	})
	if got := ledger.NormalID("1kOoIiLl"); got != "1k001111" {
		t.Errorf("letters that look like digits: %q", got)
	}
}

func TestDifferentDraftsHaveDifferentDigests(t *testing.T) {
	base, err := ledger.Seal(draft(time.Unix(1, 0)), ledger.Entry{})
	if err != nil {
		t.Fatal(err)
	}
	// Moving text from one field to the next must not go unnoticed.
	d := draft(time.Unix(1, 0))
	d.Subject, d.Actor = "am", "o"
	other, err := ledger.Seal(d, ledger.Entry{})
	if err != nil || other.Digest == base.Digest {
		t.Errorf("%v %v", other.Digest, err)
	}
}
