// Package sqlite keeps the ledger in a table of an SQLite file.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
)

// stamp is how times are stored: of one width, so that text order is time
// order.
const stamp = "2006-01-02T15:04:05.000000000Z"

const columns = "SELECT seq, id, at, kind, subject, actor, key, body, prev, digest FROM entries "

// Ledger is a ledger.Ledger over an open file. Several, in several processes,
// may share the file.
type Ledger struct{ db *sqlitedb.DB }

// New returns the ledger in db. Closing db is its owner's business.
func New(db *sqlitedb.DB) *Ledger { return &Ledger{db} }

// Append implements ledger.Ledger. When it returns, the entry is on the disk.
func (l *Ledger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	var e ledger.Entry
	err := l.db.WriteThrough(ctx, "append to the ledger", func(tx *sql.Tx) error {
		if d.Key != "" {
			found, err := scan(tx.QueryRowContext(ctx, columns+"WHERE key = ?", d.Key))
			if !errors.Is(err, sql.ErrNoRows) {
				e = found
				return err
			}
		}
		// The transaction holds the write lock: the newest entry stays it.
		head, err := scan(tx.QueryRowContext(ctx, columns+"ORDER BY seq DESC LIMIT 1"))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if e, err = ledger.Seal(d, head); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO entries (seq, id, at, kind, subject, actor, key, body, prev, digest)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, e.Seq, e.ID, e.At.Format(stamp), string(e.Kind), e.Subject, e.Actor, e.Key,
			[]byte(e.Body), e.Prev, e.Digest)
		return err
	})
	if err != nil {
		return ledger.Entry{}, err
	}
	return e, nil
}

// Get implements ledger.Ledger.
func (l *Ledger) Get(ctx context.Context, id string) (ledger.Entry, error) {
	prefix := ledger.NormalID(id)
	if prefix == "" {
		return ledger.Entry{}, ledger.NotFound(id)
	}
	var found []ledger.Entry
	err := l.db.Read(ctx, "look up "+id, func(tx *sql.Tx) error {
		// "~" lies behind every letter of an ID; an exact ID comes first.
		rows, err := tx.QueryContext(ctx, columns+"WHERE id >= ? AND id < ? ORDER BY id LIMIT 2", prefix, prefix+"~")
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells what went wrong
		for rows.Next() {
			e, err := scan(rows)
			if err != nil {
				return err
			}
			found = append(found, e)
		}
		return rows.Err()
	})
	switch {
	case err != nil:
		return ledger.Entry{}, err
	case len(found) == 0:
		return ledger.Entry{}, ledger.NotFound(id)
	case len(found) > 1 && found[0].ID != prefix:
		return ledger.Entry{}, ledger.Ambiguous(id)
	}
	return found[0], nil
}

// pageRows is how many entries are read at a time: a scan holds no
// transaction while its reader is busy.
const pageRows = 256

// Scan implements ledger.Ledger. Entries appended meanwhile may be seen.
func (l *Ledger) Scan(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		left, after := q.Limit, int64(0)
		for {
			n := pageRows
			if q.Limit > 0 {
				n = min(n, left)
			}
			page, err := l.page(ctx, q, after, n)
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(ledger.Entry{}, err)
				return
			}
			left -= len(page)
			if len(page) < n || q.Limit > 0 && left == 0 {
				return
			}
			after = page[len(page)-1].Seq
		}
	}
}

// page reads the next n selected entries behind one (0: from the beginning).
func (l *Ledger) page(ctx context.Context, q ledger.Query, after int64, n int) ([]ledger.Entry, error) {
	where, args := conditions(q, after)
	order := " ORDER BY seq"
	if q.Newest {
		order = " ORDER BY seq DESC"
	}
	var out []ledger.Entry
	err := l.db.Read(ctx, "read the ledger", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, columns+where+order+" LIMIT ?", append(args, n)...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells what went wrong
		for rows.Next() {
			e, err := scan(rows)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return rows.Err()
	})
	return out, err
}

// conditions writes a query's selection as SQL, with its arguments.
func conditions(q ledger.Query, after int64) (where string, args []any) {
	var terms []string
	add := func(term string, values ...any) {
		terms = append(terms, term)
		args = append(args, values...)
	}
	if len(q.Kinds) > 0 {
		var kinds []any
		for _, k := range q.Kinds {
			kinds = append(kinds, string(k))
		}
		add("kind IN (?"+strings.Repeat(",?", len(kinds)-1)+")", kinds...)
	}
	if q.Subject != "" {
		// "0" is the letter behind "/": everything below the subject.
		add("(subject = ? OR subject >= ? AND subject < ?)", q.Subject, q.Subject+"/", q.Subject+"0")
	}
	if !q.From.IsZero() {
		add("at >= ?", q.From.UTC().Format(stamp))
	}
	if !q.To.IsZero() {
		add("at < ?", q.To.UTC().Format(stamp))
	}
	switch {
	case after > 0 && q.Newest:
		add("seq < ?", after)
	case after > 0:
		add("seq > ?", after)
	}
	if len(terms) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(terms, " AND "), args
}

// Close implements ledger.Ledger. The file stays open: it is shared.
func (*Ledger) Close() error { return nil }

// scan reads an entry from a row.
func scan(row interface{ Scan(dest ...any) error }) (ledger.Entry, error) {
	var e ledger.Entry
	var at string
	var body []byte
	err := row.Scan(&e.Seq, &e.ID, &at, &e.Kind, &e.Subject, &e.Actor, &e.Key, &body, &e.Prev, &e.Digest)
	if err != nil {
		return ledger.Entry{}, err
	}
	e.Body = json.RawMessage(body)
	if e.At, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return ledger.Entry{}, fault.New(fault.Corrupt, "read the ledger", "entry "+e.ID+" has no time: "+at,
			"somebody changed the record; compare with a copy of the store")
	}
	return e, nil
}
