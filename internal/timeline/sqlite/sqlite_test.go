package sqlite_test

import (
	"path/filepath"
	"testing"

	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/sqlite"
	"gitlab.com/nines-sre/nines/internal/timeline/timelinetest"
)

// owned closes its file too, as the program's wiring does.
type owned struct {
	*sqlite.Store
	db *sqlitedb.DB
}

func (s owned) Close() error { return s.db.Close() }

func open(t testing.TB, path string) timeline.Store {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return owned{sqlite.New(db), db}
}

func TestSuite(t *testing.T) {
	timelinetest.Run(t, func(t testing.TB) timelinetest.Storage {
		path := filepath.Join(t.TempDir(), "deep", "nines.db")
		return func() timeline.Store { return open(t, path) }
	})
}
