package sqlitedb_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
)

func open(t testing.TB, path string, opt sqlitedb.Options) *sqlitedb.DB {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// put writes an item of n bytes.
func put(ctx context.Context, db *sqlitedb.DB, name string, n int) error {
	return db.Write(ctx, "put "+name, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO items VALUES ('p', ?, 1, ?)", name, make([]byte, n))
		return err
	})
}

// names lists the items and the bytes in them.
func names(t testing.TB, db *sqlitedb.DB) string {
	t.Helper()
	var out string
	err := db.Read(t.Context(), "list", func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), "SELECT coalesce(group_concat(sort || ':' || length(data), ' '), '') FROM (SELECT * FROM items ORDER BY sort)").Scan(&out)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantFault(t testing.TB, err error, kind fault.Kind, texts ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("want an error of kind %q, got %v (kind %q)", kind, err, fault.KindOf(err))
	}
	for _, text := range texts {
		if all := err.Error() + " | " + fault.HintOf(err); !strings.Contains(all, text) {
			t.Errorf("%q does not say %q", all, text)
		}
	}
}

func TestCreatesFileAndFolder(t *testing.T) {
	// A name with everything that means something in a URL.
	path := filepath.Join(t.TempDir(), "a", "b", "odd name?x=1&mode=ro#%41.db")
	db := open(t, path, sqlitedb.Options{})
	if err := put(t.Context(), db, "one", 3); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(path) {
		t.Errorf("after closing there is one file, to be copied as one: %v, %v", entries, err)
	}
	if got := names(t, open(t, path, sqlitedb.Options{})); got != "one:3" {
		t.Errorf("opened again: %q", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := func(name string, pragmas ...string) string {
		path := filepath.Join(dir, name)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, p := range pragmas {
			if _, err := db.ExecContext(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	for name, tc := range map[string]struct {
		path  string
		opt   sqlitedb.Options
		kind  fault.Kind
		texts []string
	}{
		"garbage":      {write("garbage.db", strings.Repeat("not a database ", 1000)), sqlitedb.Options{}, fault.Corrupt, []string{"not a database", "restore a copy"}},
		"short":        {write("short.db", "SQL"), sqlitedb.Options{}, fault.Corrupt, []string{"restore a copy"}},
		"headerOnly":   {write("header.db", "SQLite format 3\x00"+strings.Repeat("\xff", 200)), sqlitedb.Options{}, fault.Corrupt, []string{"restore a copy"}},
		"folder":       {dir, sqlitedb.Options{}, fault.Invalid, []string{"folder", "nines.db"}},
		"belowAFile":   {filepath.Join(write("file", "x"), "nines.db"), sqlitedb.Options{}, fault.Unavailable, nil},
		"otherProgram": {foreign("other.db", "CREATE TABLE t (x)"), sqlitedb.Options{}, fault.Invalid, []string{"another program", "--store"}},
		"otherID":      {foreign("otherid.db", "PRAGMA application_id = 77", "CREATE TABLE t (x)"), sqlitedb.Options{}, fault.Invalid, []string{"another program"}},
		"newer":        {foreign("newer.db", "PRAGMA application_id = 1315532389", "PRAGMA user_version = 2", "CREATE TABLE t (x)"), sqlitedb.Options{}, fault.Unsupported, []string{"version 2", "newer"}},
		"newerRead":    {foreign("newer2.db", "PRAGMA application_id = 1315532389", "PRAGMA user_version = 9", "CREATE TABLE t (x)"), sqlitedb.Options{ReadOnly: true}, fault.Unsupported, []string{"version 9"}},
		"noFile":       {filepath.Join(dir, "none", "nines.db"), sqlitedb.Options{ReadOnly: true}, fault.NotFound, []string{"no store yet", "nines measure"}},
		"emptyRead":    {write("empty.db", ""), sqlitedb.Options{ReadOnly: true}, fault.NotFound, []string{"no store yet"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := os.ReadFile(tc.path)
			_, err := sqlitedb.Open(t.Context(), tc.path, tc.opt)
			wantFault(t, err, tc.kind, tc.texts...)
			if after, _ := os.ReadFile(tc.path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("opening for reading made a folder")
	}
}

// TestTruncated cuts a store at every page and at odd places: it is refused, or
// says so at the first read that meets the damage, and is never changed.
func TestTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nines.db")
	db := open(t, path, sqlitedb.Options{})
	for i := range 40 {
		if err := put(t.Context(), db, fmt.Sprintf("%03d", i), 3000); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 4096; cut < len(whole); cut += 4096*3 + 777 {
		copied := filepath.Join(t.TempDir(), "cut.db")
		if err := os.WriteFile(copied, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := sqlitedb.Open(t.Context(), copied, sqlitedb.Options{})
		if err == nil {
			err = db.Read(t.Context(), "list", func(tx *sql.Tx) error {
				var n int
				return tx.QueryRowContext(t.Context(), "SELECT sum(length(data)) FROM items").Scan(&n)
			})
			if err2 := put(t.Context(), db, "new", 10); fault.KindOf(err2) != fault.Corrupt {
				t.Errorf("cut at %d: writing said %v", cut, err2)
			}
			db.Close()
		}
		wantFault(t, err, fault.Corrupt, "restore a copy")
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nines.db")
	db := open(t, path, sqlitedb.Options{})
	other := open(t, path, sqlitedb.Options{Busy: 30 * time.Millisecond})
	err := db.Write(t.Context(), "hold", func(*sql.Tx) error {
		wantFault(t, put(t.Context(), other, "x", 1), fault.Unavailable, "another process")
		if got := names(t, other); got != "" {
			t.Errorf("reading goes on beside a writer: %q", got)
		}
		third, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{Busy: 30 * time.Millisecond})
		if err != nil {
			t.Errorf("opening goes on beside a writer: %v", err)
			return nil
		}
		return third.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), other, "x", 1); err != nil {
		t.Errorf("after the lock is gone: %v", err)
	}
}

func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nines.db")
	db := open(t, path, sqlitedb.Options{MaxBytes: 200_000})
	kept := 0
	var err error
	for ; err == nil; kept++ {
		if kept > 1000 {
			t.Fatal("the file outgrew its limit")
		}
		err = put(t.Context(), db, fmt.Sprintf("%03d", kept), 10_000)
	}
	wantFault(t, err, fault.Full, "make room")
	kept--
	if got := len(strings.Fields(names(t, db))); got != kept {
		t.Errorf("%d items are there, %d were written before the disk was full", got, kept)
	}
	db.Close()
	db = open(t, path, sqlitedb.Options{})
	if err := put(t.Context(), db, "room", 10_000); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if got := len(strings.Fields(names(t, db))); got != kept+1 {
		t.Errorf("%d items, want %d", got, kept+1)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nines.db")
	if err := put(t.Context(), open(t, path, sqlitedb.Options{}), "one", 1); err != nil {
		t.Fatal(err)
	}
	db := open(t, path, sqlitedb.Options{ReadOnly: true})
	if got := names(t, db); got != "one:1" {
		t.Errorf("read %q", got)
	}
	wantFault(t, put(t.Context(), db, "two", 1), fault.Denied, "reading only")
	err := db.WriteThrough(t.Context(), "record", func(*sql.Tx) error { return nil })
	wantFault(t, err, fault.Denied, "reading only")
}

func TestRollsBack(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "nines.db"), sqlitedb.Options{})
	mine := fault.New(fault.Conflict, "try", "not this time", "")
	for _, write := range []func(context.Context, string, func(*sql.Tx) error) error{db.Write, db.WriteThrough} {
		err := write(t.Context(), "try", func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO items VALUES ('p', 'a', 1, x'')"); err != nil {
				return err
			}
			return mine
		})
		wantFault(t, err, fault.Conflict, "not this time")
	}
	if got := names(t, db); got != "" {
		t.Errorf("a failed transaction left %q", got)
	}
}

func TestCanceled(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "nines.db"), sqlitedb.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, put(ctx, db, "x", 1), fault.Canceled)
	wantFault(t, db.WriteThrough(ctx, "x", func(*sql.Tx) error { return nil }), fault.Canceled)
	wantFault(t, db.Read(ctx, "x", func(*sql.Tx) error { return nil }), fault.Canceled)
	_, err := sqlitedb.Open(ctx, filepath.Join(t.TempDir(), "nines.db"), sqlitedb.Options{})
	wantFault(t, err, fault.Canceled)
}

// TestOpenTogether opens a new file from many sides at once.
func TestOpenTogether(t *testing.T) {
	for range 10 {
		path := filepath.Join(t.TempDir(), "nines.db")
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				db, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{})
				if err == nil {
					err = put(t.Context(), db, fmt.Sprint(i), 1)
					db.Close()
				}
				errs[i] = err
			})
		}
		wg.Wait()
		for i, err := range errs {
			if err != nil {
				t.Fatalf("opener %d: %v", i, err)
			}
		}
	}
}
