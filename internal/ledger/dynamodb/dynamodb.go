// Package dynamodb keeps the ledger in a DynamoDB table.
//
// Its rows:
//
//	ledger            head         the newest entry's number and digest, and the kinds there are
//	ledger/e/KIND     000000000042 an entry, by its number
//	ledger/id         1ksset00001  an entry's ID: its number and kind
//	ledger/key        SHA-256      a draft's key: its number and kind
//
// An entry, its ID, its key and the head are written together, and only if the
// head is still the one that was read: appends queue, and the chain has no forks.
// Nothing of the ledger expires.
package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gitlab.com/nines-sre/nines/internal/dynamo"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

const (
	pkEntries = "ledger/e/"
	pkIDs     = "ledger/id"
	pkKeys    = "ledger/key"
	opAppend  = "append to the ledger"
	opRead    = "read the ledger"
	// maxRaces bounds how often an append that lost a race is tried again. Every
	// lost race is another writer's progress.
	maxRaces = 200
)

func headKey() dynamo.Key { return dynamo.Key{PK: "ledger", SK: "head"} }

// Ledger is a ledger.Ledger over an open table. Several, in several processes,
// may share the table.
type Ledger struct{ table *dynamo.Table }

// New returns the ledger in a table.
func New(table *dynamo.Table) *Ledger { return &Ledger{table} }

// Append implements ledger.Ledger.
func (l *Ledger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	var last error
	for range maxRaces {
		e, err := l.tryAppend(ctx, d)
		if fault.KindOf(err) != fault.Conflict {
			return e, err
		}
		last = err
	}
	return ledger.Entry{}, fault.Wrap(fault.Conflict, opAppend, last, "others keep writing; try again")
}

func (l *Ledger) tryAppend(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	if d.Key != "" {
		if e, found, err := l.follow(ctx, keyRow(d.Key)); found || err != nil {
			return e, err
		}
	}
	row, _, err := l.table.Get(ctx, opAppend, headKey())
	if err != nil {
		return ledger.Entry{}, err
	}
	e, err := ledger.Seal(d, ledger.Entry{Seq: dynamo.Int(row.Attrs, "seq"), Digest: dynamo.String(row.Attrs, "digest")})
	if err != nil {
		return ledger.Entry{}, err
	}
	kinds := kindsOf(&row)
	if !slices.Contains(kinds, string(e.Kind)) {
		kinds = append(kinds, string(e.Kind))
	}
	list, err := json.Marshal(kinds)
	if err != nil {
		return ledger.Entry{}, fault.Wrap(fault.Internal, opAppend, err, "")
	}
	place := dynamo.Attrs{"seq": number(e.Seq), "kind": text(string(e.Kind))}
	changes := []dynamo.Change{
		{Key: headKey(), Version: row.Version, Attrs: dynamo.Attrs{"seq": number(e.Seq), "digest": text(e.Digest), "kinds": text(string(list))}},
		{Key: entryKey(string(e.Kind), e.Seq), Attrs: attrsOf(&e)},
		{Key: dynamo.Key{PK: pkIDs, SK: e.ID}, Attrs: place},
	}
	if d.Key != "" {
		changes = append(changes, dynamo.Change{Key: keyRow(d.Key), Attrs: place})
	}
	return e, l.table.Write(ctx, opAppend, changes)
}

// follow reads the entry that an ID or key row points to.
func (l *Ledger) follow(ctx context.Context, k dynamo.Key) (ledger.Entry, bool, error) {
	row, ok, err := l.table.Get(ctx, opRead, k)
	if err != nil || !ok {
		return ledger.Entry{}, false, err
	}
	e, err := l.at(ctx, &row)
	return e, err == nil, err
}

// at reads the entry a row points to; it must be there.
func (l *Ledger) at(ctx context.Context, pointer *dynamo.Row) (ledger.Entry, error) {
	k := entryKey(dynamo.String(pointer.Attrs, "kind"), dynamo.Int(pointer.Attrs, "seq"))
	row, ok, err := l.table.Get(ctx, opRead, k)
	if err != nil {
		return ledger.Entry{}, err
	}
	if !ok {
		return ledger.Entry{}, fault.New(fault.Corrupt, opRead, "entry "+strings.TrimLeft(k.SK, "0")+" is missing",
			"somebody changed the record; compare with a copy of the store")
	}
	return entryOf(&row)
}

// Get implements ledger.Ledger.
func (l *Ledger) Get(ctx context.Context, id string) (ledger.Entry, error) {
	prefix := ledger.NormalID(id)
	if prefix == "" {
		return ledger.Entry{}, ledger.NotFound(id)
	}
	var found []dynamo.Row
	// "~" lies behind every letter of an ID; an exact ID comes first.
	for r, err := range l.table.Query(ctx, "look up "+id, dynamo.Query{PK: pkIDs, From: prefix, To: prefix + "~", Limit: 2}) {
		if err != nil {
			return ledger.Entry{}, err
		}
		if found = append(found, r); len(found) == 2 {
			break
		}
	}
	switch {
	case len(found) == 0:
		return ledger.Entry{}, ledger.NotFound(id)
	case len(found) > 1 && found[0].SK != prefix:
		return ledger.Entry{}, ledger.Ambiguous(id)
	}
	return l.at(ctx, &found[0])
}

// Scan implements ledger.Ledger. Entries appended meanwhile may be seen.
func (l *Ledger) Scan(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		kinds, err := l.kinds(ctx, q)
		if err != nil {
			yield(ledger.Entry{}, err)
			return
		}
		left := q.Limit
		for e, err := range l.merge(ctx, kinds, q) {
			if err != nil {
				yield(ledger.Entry{}, err)
				return
			}
			if !q.Match(&e) {
				continue
			}
			if !yield(e, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// kinds returns the kinds a query is about.
func (l *Ledger) kinds(ctx context.Context, q ledger.Query) ([]string, error) {
	if len(q.Kinds) > 0 {
		var out []string
		for _, k := range q.Kinds {
			if !slices.Contains(out, string(k)) {
				out = append(out, string(k))
			}
		}
		return out, ctx.Err()
	}
	head, _, err := l.table.Get(ctx, opRead, headKey())
	return kindsOf(&head), err
}

func kindsOf(head *dynamo.Row) []string {
	var out []string
	// What cannot be read lists nothing; Verify then misses the entries.
	_ = json.Unmarshal([]byte(dynamo.String(head.Attrs, "kinds")), &out)
	return out
}

// stream is one kind's entries and the next of them.
type stream struct {
	next func() (dynamo.Row, error, bool)
	row  dynamo.Row
	ok   bool
}

// merge yields the entries of several kinds in the order of their numbers.
func (l *Ledger) merge(ctx context.Context, kinds []string, q ledger.Query) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		streams := make([]stream, len(kinds))
		for i, kind := range kinds {
			query := dynamo.Query{PK: pkEntries + kind, Newest: q.Newest, Limit: pageOf(q)}
			next, stop := iter.Pull2(l.table.Query(ctx, opRead, query))
			defer stop()
			streams[i].next = next
			if err := streams[i].advance(); err != nil {
				yield(ledger.Entry{}, err)
				return
			}
		}
		for {
			best := foremost(streams, q.Newest)
			if best < 0 {
				return
			}
			e, err := entryOf(&streams[best].row)
			if !yield(e, err) || err != nil {
				return
			}
			if err := streams[best].advance(); err != nil {
				yield(ledger.Entry{}, err)
				return
			}
		}
	}
}

// foremost is the stream whose entry comes next; -1 where all have ended.
func foremost(streams []stream, newest bool) int {
	best := -1
	for i := range streams {
		if streams[i].ok && (best < 0 || (streams[i].row.SK < streams[best].row.SK) != newest) {
			best = i
		}
	}
	return best
}

// pageOf asks for small pages where few entries are wanted.
func pageOf(q ledger.Query) int {
	if q.Limit > 0 && q.Limit <= 100 && q.Subject == "" && q.From.IsZero() && q.To.IsZero() {
		return q.Limit
	}
	return 0
}

func (s *stream) advance() error {
	var err error
	s.row, err, s.ok = s.next()
	return err
}

// Close implements ledger.Ledger. There is nothing to release.
func (*Ledger) Close() error { return nil }

// entryKey names an entry. Twelve digits last for a long time, and sort.
func entryKey(kind string, seq int64) dynamo.Key {
	return dynamo.Key{PK: pkEntries + kind, SK: fmt.Sprintf("%012d", seq)}
}

// keyRow names a draft's key, which may be longer than a row's key can be.
func keyRow(key string) dynamo.Key {
	sum := sha256.Sum256([]byte(key))
	return dynamo.Key{PK: pkKeys, SK: hex.EncodeToString(sum[:])}
}

func text(s string) *types.AttributeValueMemberS {
	return &types.AttributeValueMemberS{Value: s}
}

func number(n int64) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func attrsOf(e *ledger.Entry) dynamo.Attrs {
	return dynamo.Attrs{
		"id": text(e.ID), "at": text(e.At.Format(time.RFC3339Nano)), "kind": text(string(e.Kind)), "subject": text(e.Subject),
		"actor": text(e.Actor), "key": text(e.Key), "body": text(string(e.Body)), "prev": text(e.Prev), "digest": text(e.Digest),
	}
}

// entryOf reads an entry. Its number is its row's name, so that an entry moved to
// another place does not fit the chain.
func entryOf(r *dynamo.Row) (ledger.Entry, error) {
	a := r.Attrs
	seq, err1 := strconv.ParseInt(r.SK, 10, 64)
	at, err2 := time.Parse(time.RFC3339Nano, dynamo.String(a, "at"))
	if err1 != nil || err2 != nil {
		return ledger.Entry{}, fault.New(fault.Corrupt, opRead, "entry "+r.SK+" has no number or no time: "+dynamo.String(a, "at"),
			"somebody changed the record; compare with a copy of the store")
	}
	return ledger.Entry{
		Seq: seq, ID: dynamo.String(a, "id"), At: at, Kind: ledger.Kind(dynamo.String(a, "kind")), Subject: dynamo.String(a, "subject"),
		Actor: dynamo.String(a, "actor"), Key: dynamo.String(a, "key"), Body: json.RawMessage(dynamo.String(a, "body")),
		Prev: dynamo.String(a, "prev"), Digest: dynamo.String(a, "digest"),
	}, nil
}
