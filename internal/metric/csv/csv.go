// Package csv reads series from recorded CSV files.
//
// A row's timestamp is the start of the step it covers: RFC 3339,
// "2006-01-02 15:04:05" as UTC, or Unix seconds, rounded down to the minute.
// Each row is read by its own format, since no timestamp fits two of them; a
// timeFormat in the spec allows that one only. The step is the spec's, the
// query's period, or the most frequent distance between rows; a row covers its
// step, or up to the next row if that comes sooner, and lies wherever it
// begins, on the UTC grid or not. Of rows for the same minute the last one
// wins. Values are kept in millionths, finer digits rounded half to even.
//
// A file is complete from its first row to the end of its last: what lies
// between rows is silence. A row whose value cannot be read (NaN, empty, too
// large) leaves its step unmeasured; one whose time cannot be read leaves the
// gap it may belong to unmeasured. Both are noted with file and line.
package csv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Name is how documents spell the type.
const Name = "csv"

// Type returns the kind of source. Its specs have the fields
//
//	path        the file, relative to the data source's path or its document
//	column      the column wanted: a name of the header or of columns. Left out:
//	            good, bad, total or value by what the query is for, then value,
//	            then the only column there is
//	columns     names of the columns in the file's order ("-" for one that is
//	            not needed), for a file without header or instead of its own
//	step        "1m", "5m", or seconds; left out: as the rows are
//	timeFormat  rfc3339, datetime, unix or a Go layout; left out: by row
//
// Connection details may have path (a folder, or the file of queries without
// one), columns, step and timeFormat.
func Type() metric.Type { return metric.Type{Name: Name, Check: Check, Open: Open} }

// Source reads files as they are asked for and keeps the columns that were
// needed; a file that changed is read again. It is safe for concurrent use.
type Source struct {
	details slo.Spec
	dir     string

	mu    sync.Mutex
	files map[fileKey]*file
	end   slo.Minute
}

// fileKey is a file and how it is read.
type fileKey struct{ path, columns, timeFormat string }

// file is what has been read of one.
type file struct {
	size    int64
	changed time.Time
	shape   table // names and places of the columns
	tracks  map[int]*track
}

// Open returns a source over files; it reads none of them yet.
func Open(_ context.Context, details slo.Spec, dir string) (metric.Source, error) {
	for field := range details {
		switch field {
		case "path", "columns", "step", "timeFormat":
		default:
			return nil, fault.New(fault.Invalid, "csv data source", fmt.Sprintf("no connection detail %q", field),
				"it has path, columns, step, timeFormat")
		}
	}
	return &Source{details: details, dir: dir, files: map[fileKey]*file{}}, nil
}

// Caps implements [metric.Source]. End is the latest end of the files read so
// far; nothing settles later and nothing is ever stale.
func (s *Source) Caps() metric.Caps {
	s.mu.Lock()
	defer s.mu.Unlock()
	return metric.Caps{Period: 1, End: s.end}
}

// Fetch implements [metric.Source].
func (s *Source) Fetch(ctx context.Context, req metric.Request) ([]metric.Series, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted, err := s.resolve(ctx, req.Queries)
	if err != nil {
		return nil, err
	}
	out := make([]metric.Series, 0, len(wanted))
	for _, w := range wanted {
		series := metric.Series{Key: w.query.Key, Err: w.err}
		if w.err == nil {
			series.Points, series.Answered = w.track.answer(req.Span, w.step)
			series.Exists = w.track.measured > 0
			series.Notes = w.notes()
		}
		out = append(out, series)
	}
	return out, nil
}

// Extent implements [metric.Recorded].
func (s *Source) Extent(ctx context.Context, q metric.Query) (slo.Span, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted, err := s.resolve(ctx, []metric.Query{q})
	if err != nil {
		return slo.Span{}, err
	}
	if wanted[0].err != nil {
		return slo.Span{}, wanted[0].err
	}
	return wanted[0].track.extent(wanted[0].step), nil
}

// want is a query on its way to its column.
type want struct {
	query    metric.Query
	settings settings
	key      fileKey
	track    *track
	step     slo.Minute
	err      error
}

// notes are the column's, and what its step makes of it.
func (w *want) notes() []string {
	out := w.track.notes.list(w.settings.path)
	if n := w.track.irregular(w.settings.path, w.step); n != "" {
		out = append(out, n)
	}
	if w.track.step == 0 && w.settings.step == 0 && w.track.measured > 0 {
		out = append(out, w.settings.path+": one row does not show a step; one minute is assumed, say step")
	}
	return out
}

// resolve finds every query's column, reading each file once for all of them.
// The error is the caller's own: cancelled.
func (s *Source) resolve(ctx context.Context, queries []metric.Query) ([]*want, error) {
	wanted := make([]*want, 0, len(queries))
	byFile := map[fileKey][]*want{}
	for _, q := range queries {
		w := &want{query: q}
		wanted = append(wanted, w)
		if w.settings, w.err = settingsOf(q, s.details, s.dir); w.err == nil {
			w.key = fileKey{w.settings.path, strings.Join(w.settings.columns, ","), w.settings.timeFormat}
			byFile[w.key] = append(byFile[w.key], w)
		}
	}
	for key, group := range byFile {
		if err := s.load(ctx, key, group); err != nil {
			for _, w := range group {
				w.err = err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "read csv files", err, "")
	}
	for _, w := range wanted {
		if w.err != nil {
			continue
		}
		w.step = max(w.settings.step, 0)
		if w.step == 0 {
			w.step = max(w.track.step, 1)
		}
		if w.step > maxStep {
			w.err = fault.New(fault.Invalid, w.settings.path, "rows are more than 31 days apart", "say how much each covers: step: 1m")
			continue
		}
		s.end = max(s.end, w.track.extent(w.step).To)
	}
	return wanted, nil
}

// load brings the columns of a group of queries on one file into memory. Its
// error concerns the whole file.
func (s *Source) load(ctx context.Context, key fileKey, group []*want) error {
	f, err := os.Open(key.path)
	if err != nil {
		return openError(key.path, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return openError(key.path, err)
	}
	if info.IsDir() {
		return fault.New(fault.Invalid, "open "+key.path, "it is a folder", "name the file")
	}
	known := s.files[key]
	if known == nil || known.size != info.Size() || !known.changed.Equal(info.ModTime()) {
		known = &file{size: info.Size(), changed: info.ModTime(), tracks: map[int]*track{}}
		s.files[key] = known
	} else if known.serve(group) {
		return nil
	}
	scan := newScanner(f)
	b := table{name: key.path, timeFormat: key.timeFormat}
	first, err := b.open(scan, group[0].settings.columns)
	if err != nil {
		return err
	}
	known.shape = b
	missing := map[int]*track{}
	for _, w := range group {
		i, err := b.find(w.settings)
		if w.err = err; err == nil && known.tracks[i] == nil {
			missing[i] = &track{}
		}
	}
	if err := b.read(ctx, scan, first, missing); err != nil {
		delete(s.files, key)
		return err
	}
	maps.Copy(known.tracks, missing)
	known.serve(group)
	return nil
}

// serve hands the columns that are in memory to the queries; it says whether
// that was all of them.
func (f *file) serve(group []*want) bool {
	for _, w := range group {
		i, err := f.shape.find(w.settings)
		if w.err = err; err != nil {
			continue
		}
		if w.track = f.tracks[i]; w.track == nil {
			return false
		}
		w.err = w.track.err
	}
	return true
}

// openError classifies what the file system said.
func openError(path string, err error) error {
	op := "open " + path
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, op, "no such file", "paths are relative to the document that names them")
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.Denied, op, err, "give the user who runs nines leave to read it")
	}
	return fault.Wrap(fault.Unavailable, op, err, "check the path and the disk it is on")
}
