package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"gitlab.com/nines-sre/nines/internal/fault"
)

// schemaVersion is the layout of the file; a file of a newer one is refused.
const schemaVersion = 1

// applicationID marks the file as ours ("NCWD").
const applicationID = 0x4e435744

// disk is the SQLite file behind a store.
type disk struct {
	db   *sql.DB
	path string
}

// diskRow is a chunk on its way to or from the file.
type diskRow struct {
	place  Place
	metric Metric
	unit   string
	series int64  // 0: not in the file yet
	assign *int64 // where to put the number a new series gets
	start  int64
	data   []byte
}

const schema = `
CREATE TABLE series (
	id INTEGER PRIMARY KEY,
	account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
	dimensions TEXT NOT NULL, unit TEXT NOT NULL,
	UNIQUE (account, region, namespace, name, dimensions, unit)
) STRICT;
CREATE TABLE chunk (
	series INTEGER NOT NULL REFERENCES series (id),
	start INTEGER NOT NULL,
	data BLOB NOT NULL,
	PRIMARY KEY (series, start)
) STRICT, WITHOUT ROWID;
`

// openDisk opens or makes the file. It is held exclusively: what lies in memory
// is the truth and the file its copy, so a second server on it would undo what
// the first one writes.
func openDisk(ctx context.Context, path string) (*disk, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "open metric store "+path, err, "")
	}
	dsn := "file:" + (&url.URL{Path: abs}).EscapedPath() +
		"?_pragma=busy_timeout(1000)&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "open metric store "+path, err, "")
	}
	db.SetMaxOpenConns(1)
	d := &disk{db: db, path: path}
	if err := d.prepare(ctx); err != nil {
		_ = db.Close() // the first error says more
		return nil, err
	}
	return d, nil
}

// prepare makes the tables of a new file, and refuses a foreign or newer one.
func (d *disk) prepare(ctx context.Context) error {
	op := "open metric store " + d.path
	var app, version, tables int
	row := d.db.QueryRowContext(ctx, `SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_master)
		FROM pragma_application_id AS a, pragma_user_version AS v`)
	if err := row.Scan(&app, &version, &tables); err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "Is it a SQLite file that may be written, and does no other local CloudWatch hold it?")
	}
	switch {
	case tables == 0:
		_, err := d.db.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", schema, applicationID, schemaVersion))
		return fault.Wrap(fault.Unavailable, op, err, "")
	case app != applicationID:
		return fault.New(fault.Invalid, op, "the file is not a store of the local CloudWatch", "Name another file.")
	case version > schemaVersion:
		return fault.New(fault.Unsupported, op, fmt.Sprintf("the file has layout %d, this program knows %d", version, schemaVersion), "Use the newer program.")
	}
	return nil
}

func (d *disk) close() error { return d.db.Close() }

// load gives every chunk to take.
func (d *disk) load(ctx context.Context, take func(diskRow) error) error {
	op := "read metric store " + d.path
	rows, err := d.db.QueryContext(ctx, `SELECT s.id, s.account, s.region, s.namespace, s.name, s.dimensions, s.unit, c.start, c.data
		FROM series AS s JOIN chunk AS c ON c.series = s.id ORDER BY s.id, c.start`)
	if err != nil {
		return fault.Wrap(fault.Corrupt, op, err, "")
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what matters
	for rows.Next() {
		var r diskRow
		var dims string
		if err := rows.Scan(&r.series, &r.place.Account, &r.place.Region, &r.metric.Namespace, &r.metric.Name, &dims, &r.unit, &r.start, &r.data); err != nil {
			return fault.Wrap(fault.Corrupt, op, err, "")
		}
		if err := json.Unmarshal([]byte(dims), &r.metric.Dimensions); err != nil {
			return fault.Wrap(fault.Corrupt, op, err, "")
		}
		if err := take(r); err != nil {
			return fault.Wrap(fault.Corrupt, fmt.Sprintf("%s, metric %s/%s", op, r.metric.Namespace, r.metric.Name), err, "Remove the file to begin anew.")
		}
	}
	return fault.Wrap(fault.Corrupt, op, rows.Err(), "")
}

// save writes chunks in one transaction.
func (d *disk) save(ctx context.Context, rows []diskRow) error {
	if len(rows) == 0 {
		return nil
	}
	op := "write metric store " + d.path
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
	if err := saveRows(ctx, tx, rows); err != nil {
		return fault.Wrap(fault.Unavailable, op, errors.Join(err, tx.Rollback()), "")
	}
	if err := tx.Commit(); err != nil {
		return fault.Wrap(fault.Unavailable, op, err, "")
	}
	for _, r := range rows {
		*r.assign = r.series
	}
	return nil
}

func saveRows(ctx context.Context, tx *sql.Tx, rows []diskRow) error {
	chunk, err := tx.PrepareContext(ctx, `INSERT INTO chunk (series, start, data) VALUES (?, ?, ?)
		ON CONFLICT (series, start) DO UPDATE SET data = excluded.data`)
	if err != nil {
		return err
	}
	defer func() { _ = chunk.Close() }() // the transaction ends it too
	for i := range rows {
		r := &rows[i]
		if r.series == 0 {
			if r.series, err = seriesID(ctx, tx, r); err != nil {
				return err
			}
		}
		if _, err := chunk.ExecContext(ctx, r.series, r.start, r.data); err != nil {
			return err
		}
	}
	return nil
}

// seriesID returns the number of a series, giving it one when it is new. (Two
// chunks of a new series may arrive in one transaction.)
func seriesID(ctx context.Context, tx *sql.Tx, r *diskRow) (int64, error) {
	dims, err := json.Marshal(r.metric.Dimensions)
	if err != nil {
		return 0, err
	}
	var id int64
	err = tx.QueryRowContext(ctx, `INSERT INTO series (account, region, namespace, name, dimensions, unit) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, region, namespace, name, dimensions, unit) DO UPDATE SET unit = excluded.unit RETURNING id`,
		r.place.Account, r.place.Region, r.metric.Namespace, r.metric.Name, string(dims), r.unit).Scan(&id)
	return id, err
}
