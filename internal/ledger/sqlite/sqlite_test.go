package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/ledger/ledgertest"
	"gitlab.com/nines-sre/nines/internal/ledger/sqlite"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
)

// owned closes its file too, as the program's wiring does.
type owned struct {
	*sqlite.Ledger
	db *sqlitedb.DB
}

func (l owned) Close() error { return l.db.Close() }

func open(t testing.TB, path string) owned {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return owned{sqlite.New(db), db}
}

func TestSuite(t *testing.T) {
	ledgertest.Run(t, func(t testing.TB) ledgertest.Storage {
		path := filepath.Join(t.TempDir(), "nines.db")
		return func() ledger.Ledger { return open(t, path) }
	})
}

// tamper runs SQL as somebody would who has the file and the will.
func tamper(t *testing.T, l owned, query string) error {
	t.Helper()
	return l.db.Write(t.Context(), "tamper", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query)
		return err
	})
}

func TestTampering(t *testing.T) {
	for name, tc := range map[string]struct{ query, want string }{
		"body":       {`UPDATE entries SET body = CAST('{"verdict":"pass"}' AS BLOB) WHERE seq = 3`, "entry 3"},
		"actor":      {`UPDATE entries SET actor = 'nobody' WHERE seq = 1`, "entry 1"},
		"time":       {`UPDATE entries SET at = '2025-01-01T00:00:00.000000000Z' WHERE seq = 5`, "entry 5"},
		"no time":    {`UPDATE entries SET at = 'yesterday' WHERE seq = 5`, "has no time"},
		"removed":    {`DELETE FROM entries WHERE seq = 2`, "entry 3"},
		"first gone": {`DELETE FROM entries WHERE seq = 1`, "entry 2"},
		"swapped": {`UPDATE entries SET seq = -1 WHERE seq = 2; UPDATE entries SET seq = 2 WHERE seq = 3;
			UPDATE entries SET seq = 3 WHERE seq = -1`, "entry 2"},
		"not JSON": {`UPDATE entries SET body = CAST('{' AS BLOB) WHERE seq = 4`, "entry 4"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			l := open(t, filepath.Join(t.TempDir(), "nines.db"))
			for n := range 5 {
				_, err := l.Append(t.Context(), ledger.Draft{
					At: time.Unix(int64(1738324800+n), 0), Kind: ledger.KindDecision, Subject: "a", Actor: "mo", Body: []byte(`{"verdict":"fail"}`),
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := tamper(t, l, tc.query); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Fatalf("the table itself should refuse: %v", err)
			}
			if err := tamper(t, l, "DROP TRIGGER entries_no_update; DROP TRIGGER entries_no_delete; "+tc.query); err != nil {
				t.Fatal(err)
			}
			err := ledger.Verify(l.Scan(context.Background(), ledger.Query{}))
			if fault.KindOf(err) != fault.Corrupt || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("Verify says %v (kind %s), want it to name %q", err, fault.KindOf(err), tc.want)
			}
		})
	}
}
