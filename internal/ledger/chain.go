package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// alphabet spells IDs: Crockford's base 32, whose order is that of its bytes,
// without letters that look like digits.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// Seal makes a draft the entry behind prev, the newest one (the zero Entry for
// the first). Everything in it follows from the two: the sequence, the ID, the
// digest. A draft without a time, with a time outside of 1970 to 9999, with a
// body that is not JSON or text that is not UTF-8 is Invalid; a missing body is
// null.
func Seal(d Draft, prev Entry) (Entry, error) {
	refuse := func(text string) (Entry, error) {
		return Entry{}, fault.New(fault.Invalid, "record "+string(d.Kind)+" of "+d.Subject, text, "")
	}
	at := d.At.UTC().Round(0)
	switch {
	case d.At.IsZero():
		return refuse("it has no time")
	case at.Unix() < 0 || at.Year() > 9999:
		return refuse("its time lies outside of the years 1970 to 9999")
	case d.Kind == "":
		return refuse("it has no kind")
	}
	for _, s := range []string{string(d.Kind), d.Subject, d.Actor, d.Key} {
		if !utf8.ValidString(s) {
			return refuse(fmt.Sprintf("%q is not UTF-8", s))
		}
	}
	if len(d.Body) == 0 {
		d.Body = json.RawMessage("null")
	}
	var body bytes.Buffer
	if err := json.Compact(&body, d.Body); err != nil {
		return refuse("its body is not JSON: " + err.Error())
	}
	if !utf8.Valid(body.Bytes()) {
		return refuse("its body is not UTF-8")
	}
	e := Entry{
		Seq: prev.Seq + 1, At: at, Kind: d.Kind, Subject: d.Subject, Actor: d.Actor, Key: d.Key,
		Body: body.Bytes(), Prev: prev.Digest,
	}
	e.ID = id(e.At, e.Seq)
	var err error
	e.Digest, err = digest(e)
	return e, err
}

// id spells the second and the sequence number: sortable by time, unique
// because the sequence is. Seven letters of time last until the year 3058.
func id(at time.Time, seq int64) string {
	return spell(at.Unix(), 7) + spell(seq, 4)
}

// spell writes n in at least width letters.
func spell(n int64, width int) string {
	var b []byte
	for n > 0 || len(b) < width {
		b = append(b, alphabet[n%int64(len(alphabet))])
		n /= int64(len(alphabet))
	}
	slices.Reverse(b)
	return string(b)
}

// NormalID writes an ID, or the beginning of one, as IDs are spelled: people
// type capitals, and O and I for digits.
func NormalID(s string) string {
	return strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// digest is the digest of every field but Digest itself.
func digest(e Entry) (string, error) {
	e.Digest = ""
	return decision.Digest(e)
}

// Verify checks that entries, ascending from the first, are a chain as Append
// made it, and names the first one that is not: an entry that was changed,
// left out, put in or moved. It cannot know of entries cut off at the end. An
// error of the sequence itself ends it and is returned as it is.
func Verify(entries iter.Seq2[Entry, error]) error {
	var prev Entry
	for e, err := range entries {
		if err != nil {
			return err
		}
		if why := follows(prev, e); why != "" {
			return fault.New(fault.Corrupt, fmt.Sprintf("verify ledger, entry %d (%s)", e.Seq, e.ID), why,
				"somebody changed the record; compare with a copy of the store")
		}
		prev = e
	}
	return nil
}

// follows says why e is not the entry behind prev, or "".
func follows(prev, e Entry) string {
	sum, err := digest(e)
	switch {
	case err != nil:
		return "its content cannot be read: " + err.Error()
	case sum != e.Digest:
		return "its content does not fit its digest"
	case e.Seq != prev.Seq+1:
		return fmt.Sprintf("it follows entry %d: entries are missing or moved", prev.Seq)
	case e.Prev != prev.Digest:
		return fmt.Sprintf("it does not refer to entry %d as that one is now", prev.Seq)
	case e.ID != id(e.At, e.Seq):
		return "its ID does not fit its time and number"
	}
	return ""
}

// Match says whether a query selects an entry; Newest and Limit are about the
// order and number of them.
func (q *Query) Match(e *Entry) bool {
	return (len(q.Kinds) == 0 || slices.Contains(q.Kinds, e.Kind)) &&
		(q.Subject == "" || e.Subject == q.Subject || strings.HasPrefix(e.Subject, q.Subject+"/")) &&
		(q.From.IsZero() || !e.At.Before(q.From)) &&
		(q.To.IsZero() || e.At.Before(q.To))
}

// NotFound is what Get returns for an ID that no entry has.
func NotFound(id string) error {
	return fault.New(fault.NotFound, "look up "+id, "the ledger has no such entry", "nines ledger lists what there is")
}

// Ambiguous is what Get returns for a beginning that several IDs have.
func Ambiguous(id string) error {
	return fault.New(fault.Invalid, "look up "+id, "several entries begin like this", "give more letters of the ID")
}
