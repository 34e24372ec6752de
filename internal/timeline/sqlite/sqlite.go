// Package sqlite keeps history items in a table of an SQLite file.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Store is a timeline.Store over an open file. Several Stores, in several
// processes, may share the file.
type Store struct{ db *sqlitedb.DB }

// New returns the store in db. Closing db is its owner's business.
func New(db *sqlitedb.DB) *Store { return &Store{db} }

// Load implements timeline.Store. All items are of one state of the file.
func (s *Store) Load(ctx context.Context, keys []timeline.Key) ([]timeline.Item, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	// In the order of the index, neighbours are read from the same pages.
	keys = slices.Clone(keys)
	slices.SortFunc(keys, compare)
	keys = slices.Compact(keys)
	out := make([]timeline.Item, 0, len(keys))
	err := s.db.Read(ctx, "load history", func(tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, "SELECT version, data FROM items WHERE part = ? AND sort = ?")
		if err != nil {
			return err
		}
		defer stmt.Close() //nolint:errcheck // it ends with the transaction
		// A statement that watches a context costs more than it runs; thousands
		// of short ones look at it in between instead.
		quiet := context.WithoutCancel(ctx)
		for i, k := range keys {
			if i%64 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			it := timeline.Item{Key: k}
			switch err := stmt.QueryRowContext(quiet, k.Part, k.Sort).Scan(&it.Version, &it.Data); err {
			case nil:
				out = append(out, whole(it))
			case sql.ErrNoRows:
			default:
				return err
			}
		}
		return nil
	})
	return out, err
}

// whole gives an item without bytes the empty slice that was saved: nil would
// mean that it was deleted.
func whole(it timeline.Item) timeline.Item {
	if it.Data == nil {
		it.Data = []byte{}
	}
	return it
}

func compare(a, b timeline.Key) int {
	return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Sort, b.Sort))
}

// Range implements timeline.Store.
func (s *Store) Range(ctx context.Context, part, from, to string) ([]timeline.Item, error) {
	var out []timeline.Item
	err := s.db.Read(ctx, "load history", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx,
			"SELECT sort, version, data FROM items WHERE part = ? AND sort >= ? AND sort < ? ORDER BY sort", part, from, to)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells what went wrong
		for rows.Next() {
			it := timeline.Item{Key: timeline.Key{Part: part}}
			if err := rows.Scan(&it.Sort, &it.Version, &it.Data); err != nil {
				return err
			}
			out = append(out, whole(it))
		}
		return rows.Err()
	})
	return out, err
}

// Save implements timeline.Store.
func (s *Store) Save(ctx context.Context, items []timeline.Item) error {
	if err := timeline.CheckSave(items); err != nil {
		return err
	}
	if len(items) == 0 {
		return ctx.Err()
	}
	return s.db.Write(ctx, "save history", func(tx *sql.Tx) error {
		quiet := context.WithoutCancel(ctx)
		for _, it := range items {
			res, err := saveItem(quiet, tx, it)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n != 1 {
				return fault.New(fault.Conflict, "save history", it.Part+"/"+it.Sort+" was changed meanwhile", "")
			}
		}
		return ctx.Err()
	})
}

// saveItem writes one item if its version is still the stored one; otherwise
// no row is affected.
func saveItem(ctx context.Context, tx *sql.Tx, it timeline.Item) (sql.Result, error) {
	switch {
	case it.Data == nil:
		return tx.ExecContext(ctx, "DELETE FROM items WHERE part = ? AND sort = ? AND version = ?", it.Part, it.Sort, it.Version)
	case it.Version == 0:
		return tx.ExecContext(ctx, "INSERT INTO items (part, sort, version, data) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING",
			it.Part, it.Sort, it.Data)
	default:
		return tx.ExecContext(ctx, "UPDATE items SET version = version + 1, data = ? WHERE part = ? AND sort = ? AND version = ?",
			it.Data, it.Part, it.Sort, it.Version)
	}
}

// Caps implements timeline.Store.
func (*Store) Caps() timeline.Caps { return timeline.Caps{ChunkMinutes: 60, PackSize: 20} }

// Close implements timeline.Store. The file stays open: it is shared.
func (*Store) Close() error { return nil }
