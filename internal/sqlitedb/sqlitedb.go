// Package sqlitedb opens the one SQLite file that history and ledger share,
// and translates what can go wrong with it into kinds of failure with a remedy.
//
// It belongs to the adapters: the SQLite adapters of timeline and ledger hold
// a DB each time they read or write, and know nothing of each other.
package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver registers itself under the name "sqlite"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Options steer Open. The zero value opens for reading and writing.
type Options struct {
	// ReadOnly opens a file that must exist, also on media that cannot be
	// written; every write is Denied.
	ReadOnly bool
	// Busy is how long to wait for another process' write; 0: 5 s.
	Busy time.Duration
	// MaxBytes is a size the file will not outgrow; a write that would is
	// Full. 0: no limit but the disk's.
	MaxBytes int64
}

// DB is an open file. It is safe for concurrent use, and other processes may
// have the same file open.
type DB struct {
	path   string
	reader *sql.DB
	writer *sql.DB // nil: nothing can be written
	denied error   // why not
}

// Path is the file's absolute path.
func (db *DB) Path() string { return db.path }

// Open opens the file at path, creating it and its folder when they are
// missing. A file or folder that cannot be written is opened all the same:
// reading works, writes are Denied.
//
// Errors: NotFound (ReadOnly, no file), Invalid (a folder, or a database of
// something else), Corrupt (not a database, or damaged), Unsupported (of a
// newer version), Denied, Unavailable (locked), Full.
func Open(ctx context.Context, path string, opt Options) (*DB, error) {
	op := "open store " + path
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err, "")
	}
	fresh, err := inspect(op, abs)
	if err != nil {
		return nil, err
	}
	if opt.Busy <= 0 {
		opt.Busy = 5 * time.Second
	}
	db := &DB{path: abs}
	switch {
	case opt.ReadOnly && fresh:
		return nil, fault.New(fault.NotFound, op, "there is no store yet", "run nines measure first, or name another file with --store")
	case opt.ReadOnly:
		db.denied = fault.New(fault.Denied, op, "it was opened for reading only", "")
		err = db.openReadOnly(ctx, op, opt)
	default:
		err = db.openWritable(ctx, op, opt)
		if !fresh && fault.KindOf(err) == fault.Denied {
			db.denied = err
			err = db.openReadOnly(ctx, op, opt)
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close()) //nolint:contextcheck // closing is not given up
	}
	return db, nil
}

// inspect looks at what lies at path before SQLite does: a file that is no
// database is named as such, and nothing is created beside it.
func inspect(op, path string) (fresh bool, err error) {
	f, err := os.Open(path) //nolint:gosec // the path is the user's choice
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case errors.Is(err, fs.ErrPermission):
		return false, fault.Wrap(fault.Denied, op, err, "give this user leave to read the file")
	case err != nil:
		return false, fault.Wrap(fault.Unavailable, op, err, "")
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, op, err, "")
	}
	if info.IsDir() {
		return false, fault.New(fault.Invalid, op, "it is a folder", "name a file, for example "+filepath.Join(path, "nines.db"))
	}
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return false, fault.Wrap(fault.Unavailable, op, err, "")
	case n == 0:
		return true, nil // SQLite creates a file empty; nothing was written yet
	case string(head[:n]) != magic:
		return false, fault.New(fault.Corrupt, op, "the file is not a database", hintCorrupt)
	}
	return false, nil
}

// dsn builds the driver's name for the file. Parameters with an underscore are
// the driver's, the others SQLite's.
func (db *DB) dsn(opt Options, params ...string) string {
	q := append([]string{fmt.Sprintf("_pragma=busy_timeout(%d)", opt.Busy.Milliseconds())}, params...)
	return "file:" + (&url.URL{Path: db.path}).EscapedPath() + "?" + strings.Join(q, "&")
}

func (db *DB) openWritable(ctx context.Context, op string, opt Options) error {
	if err := os.MkdirAll(filepath.Dir(db.path), 0o750); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return fault.Wrap(fault.Denied, op, err, "give this user leave to write the folder, or name another file with --store")
		}
		return fault.Wrap(fault.Unavailable, op, err, "name a file in a folder that exists or can be made")
	}
	// A commit of the history survives the process; that it survives a power
	// cut is not worth a disk flush each, because it can be measured again.
	params := []string{"_txlock=immediate", "_pragma=synchronous(NORMAL)"}
	if opt.MaxBytes > 0 {
		params = append(params, fmt.Sprintf("_pragma=max_page_count(%d)", max(1, opt.MaxBytes/pageSize)))
	}
	var err error
	if db.writer, err = sql.Open("sqlite", db.dsn(opt, params...)); err != nil {
		return translate(ctx, op, err)
	}
	db.writer.SetMaxOpenConns(1)
	if err := prepare(ctx, op, db.writer, opt.Busy); err != nil {
		return err
	}
	if db.reader, err = sql.Open("sqlite", db.dsn(opt, "mode=ro")); err != nil {
		return translate(ctx, op, err)
	}
	return nil
}

// openReadOnly opens a file that must not or cannot be written. SQLite wants to
// keep an index beside the file even to read it; where it cannot, the file is
// opened as one that nobody changes, provided that nothing is left to merge.
func (db *DB) openReadOnly(ctx context.Context, op string, opt Options) error {
	if db.writer != nil {
		if err := db.writer.Close(); err != nil {
			return translate(ctx, op, err)
		}
		db.writer = nil
	}
	var err error
	if db.reader, err = sql.Open("sqlite", db.dsn(opt, "mode=ro")); err != nil {
		return translate(ctx, op, err)
	}
	err = check(ctx, op, db.reader)
	if kind := fault.KindOf(err); kind != fault.Denied && kind != fault.Unavailable {
		return err
	}
	if info, statErr := os.Stat(db.path + "-wal"); statErr == nil && info.Size() > 0 {
		return fault.Wrap(fault.Denied, op, err, "changes that are not merged yet lie in "+filepath.Base(db.path)+
			"-wal beside the file; copy both to a folder that can be written, or close the program that writes them")
	}
	if err := db.reader.Close(); err != nil {
		return translate(ctx, op, err)
	}
	if db.reader, err = sql.Open("sqlite", db.dsn(opt, "mode=ro", "immutable=1")); err != nil {
		return translate(ctx, op, err)
	}
	return check(ctx, op, db.reader)
}

// Read calls fn with a transaction that sees one state of the file.
func (db *DB) Read(ctx context.Context, op string, fn func(*sql.Tx) error) error {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return translate(ctx, op, err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return translate(ctx, op, fn(tx))
}

// Write calls fn with a transaction that holds the write lock from its
// beginning, and commits it when fn returns nil. The commit survives the
// process, but perhaps not a power cut.
func (db *DB) Write(ctx context.Context, op string, fn func(*sql.Tx) error) error {
	if db.writer == nil {
		return fault.Wrap(fault.Denied, op, db.denied, "")
	}
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(ctx, op, err)
	}
	if err := fn(tx); err != nil {
		return translate(ctx, op, errors.Join(err, tx.Rollback()))
	}
	return translate(ctx, op, tx.Commit())
}

// WriteThrough is Write for what cannot be measured again: when it returns,
// the commit and all before it lie on the disk.
func (db *DB) WriteThrough(ctx context.Context, op string, fn func(*sql.Tx) error) error {
	if db.writer == nil {
		return fault.Wrap(fault.Denied, op, db.denied, "")
	}
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return translate(ctx, op, err)
	}
	defer conn.Close() //nolint:errcheck // it only goes back to its pool
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous=FULL"); err != nil {
		return translate(ctx, op, err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous=NORMAL") //nolint:errcheck // FULL would only be slower
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return translate(ctx, op, err)
	}
	if err := fn(tx); err != nil {
		return translate(ctx, op, errors.Join(err, tx.Rollback()))
	}
	return translate(ctx, op, tx.Commit())
}

// Close closes the file. The last to close it merges what was written, so that
// it can be copied as one file.
func (db *DB) Close() error {
	var errs []error
	// The writer closes last: only it can merge.
	for _, d := range []*sql.DB{db.reader, db.writer} {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	return translate(context.Background(), "close store "+db.path, errors.Join(errs...)) //nolint:forbidigo // closing is not given up
}
