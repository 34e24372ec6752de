package sqlitedb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	// applicationID marks a file as ours ("Nine").
	applicationID = 0x4e696e65
	// schemaVersion is the file's user_version this program writes.
	schemaVersion = 1
	// pageSize is SQLite's page in bytes; fixed, so that MaxBytes means something.
	pageSize = 4096
)

// migrations lead from each schema version to the next.
func migrations() [schemaVersion]string {
	return [schemaVersion]string{`
CREATE TABLE items (
	part    TEXT    NOT NULL,
	sort    TEXT    NOT NULL,
	version INTEGER NOT NULL,
	data    BLOB    NOT NULL,
	PRIMARY KEY (part, sort)
) STRICT;
CREATE TABLE entries (
	seq     INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	at      TEXT NOT NULL,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,
	actor   TEXT NOT NULL,
	key     TEXT NOT NULL,
	body    BLOB NOT NULL,
	prev    TEXT NOT NULL,
	digest  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_key ON entries (key) WHERE key <> '';
CREATE INDEX entries_kind ON entries (kind, seq);
CREATE INDEX entries_subject ON entries (subject, seq);
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
`}
}

// querier is what a connection pool and a transaction have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version reads whose file it is and of which schema. A file without any table
// is version 0 of ours.
func version(ctx context.Context, op string, q querier) (int, error) {
	var app, user, tables int
	row := q.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`)
	if err := row.Scan(&app, &user, &tables); err != nil {
		return 0, translate(ctx, op, err)
	}
	switch {
	case app != applicationID && (app != 0 || user != 0 || tables != 0):
		return 0, fault.New(fault.Invalid, op, "the file is a database of another program", "name another file with --store")
	case user > schemaVersion:
		return 0, fault.New(fault.Unsupported, op,
			fmt.Sprintf("the store has schema version %d, this program knows %d", user, schemaVersion),
			"use the version of nines that wrote it, or a newer one")
	}
	return user, nil
}

// check makes sure that a file can be read and is of this schema.
func check(ctx context.Context, op string, db *sql.DB) error {
	have, err := version(ctx, op, db)
	if err == nil && have < schemaVersion {
		return fault.New(fault.Unsupported, op, fmt.Sprintf("the store has schema version %d, and cannot be brought up to %d read-only", have, schemaVersion),
			"run nines measure once on a copy that can be written")
	}
	return err
}

// prepare brings a writable file up to this schema. Several processes may try
// at once; each waits for the other.
func prepare(ctx context.Context, op string, db *sql.DB, busy time.Duration) error {
	const pause = 10 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := migrate(ctx, op, db)
		if fault.KindOf(err) != fault.Unavailable || waited >= busy {
			return err
		}
		// Changing the journal mode does not wait for locks by itself.
		select {
		case <-ctx.Done():
			return translate(ctx, op, ctx.Err())
		case <-time.After(pause):
		}
	}
}

func migrate(ctx context.Context, op string, db *sql.DB) error {
	have, err := version(ctx, op, db)
	if err != nil || have == schemaVersion {
		return err
	}
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return translate(ctx, op, err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return translate(ctx, op, err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if have, err = version(ctx, op, tx); err != nil {
		return err
	}
	for v := have; v < schemaVersion; v++ {
		if _, err := tx.ExecContext(ctx, migrations()[v]); err != nil {
			return translate(ctx, op, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, schemaVersion))
	if err != nil {
		return translate(ctx, op, err)
	}
	return translate(ctx, op, tx.Commit())
}
