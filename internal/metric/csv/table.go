package csv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// table is a file on its way through the parser.
type table struct {
	name       string // path, for messages
	timeFormat string
	names      []string // of the columns, in order
	head       int      // line of the header, 0: none
	time       int      // index of the timestamp
	file       notes    // what concerns every column
	formats    map[string]int
	gaps       []slo.Span
	rows       int
	empty      bool
}

// open reads up to the first row of data and returns that row, if the first
// line was one.
func (b *table) open(s *scanner, given []string) ([]byte, error) {
	if err := s.begin(b.name); err != nil {
		return nil, err
	}
	line, err := s.next()
	if errors.Is(err, io.EOF) {
		b.names, b.empty = given, true
		b.file.fact(b.name + ": the file is empty")
		return nil, nil
	}
	if err != nil {
		return nil, b.broken(s, err)
	}
	s.delim = guessDelimiter(line)
	fields, err := s.split(line)
	if err != nil {
		return nil, b.broken(s, err)
	}
	header := !slices.ContainsFunc(fields, b.isData)
	if header {
		b.head = s.line
	}
	switch {
	case len(given) > 0:
		b.names = given
	case header:
		for _, f := range fields {
			b.names = append(b.names, normal(string(f)))
		}
	case len(fields) == 2:
		b.names = []string{"timestamp", "value"}
	case len(fields) == 3:
		b.names = []string{"timestamp", "good", "total"}
	default:
		return nil, fault.New(fault.Invalid, b.place(s.line), fmt.Sprintf("no header, and %d columns", len(fields)),
			"name the columns in the spec: columns: timestamp,good,total")
	}
	if b.time = timeColumn(b.names); b.time < 0 {
		return nil, fault.New(fault.Invalid, b.place(s.line), "no timestamp column; the columns are "+strings.Join(b.names, ", "),
			"name the columns in the spec, in the file's order: columns: timestamp,good,total")
	}
	if header {
		return nil, nil
	}
	return line, nil
}

// isData says whether a field of the first line shows that it is no header.
func (b *table) isData(field []byte) bool {
	if _, _, err := stamp(string(field), b.timeFormat); err == nil {
		return true
	}
	_, err := parseAmount(field)
	return err == nil
}

func (b *table) place(line int) string { return fmt.Sprintf("%s:%d:1", b.name, line) }

// broken wraps an error that ends the reading of a file.
func (b *table) broken(s *scanner, err error) error {
	if errors.Is(err, errLongLine) || errors.Is(err, errQuote) {
		return fault.Wrap(fault.Invalid, b.place(max(s.line, 1)), err, "the first line must be a header or a row")
	}
	return fault.Wrap(fault.Unavailable, "read "+b.name, err, "check the file and the disk it is on")
}

// timeColumn finds the timestamp among normal names, or -1.
func timeColumn(names []string) int {
	for _, known := range []string{"timestamp", "time", "datetime", "date"} {
		if i := slices.Index(names, known); i >= 0 {
			return i
		}
	}
	return -1
}

// find returns the index of the column that a query wants: the one it names,
// else the one called like its role, else "value", else the only one there is
// unless its name says that it is for another role.
func (b *table) find(s settings) (int, error) {
	if b.empty { // nothing to choose from, and nothing to choose wrongly
		return 0, nil
	}
	var others []string
	for i, name := range b.names {
		if i != b.time && name != "" && name != "-" {
			others = append(others, name)
		}
	}
	wanted := cmp.Or(normal(s.column), choose(others, s.role))
	if slices.Contains(others, wanted) {
		return slices.Index(b.names, wanted), nil
	}
	text := fmt.Sprintf("no column %q; the columns are %s", wanted, strings.Join(b.names, ", "))
	if wanted == "" {
		text = "several columns to choose from: " + strings.Join(b.names, ", ")
	}
	return 0, fault.New(fault.Invalid, b.place(max(b.head, 1)), text, "name one in the spec: column: good")
}

// choose is the column for a role that no spec names; "" where that would be a
// guess.
func choose(columns []string, role string) string {
	for _, name := range []string{role, "value"} {
		if slices.Contains(columns, name) {
			return name
		}
	}
	roles := []string{"good", "bad", "total"}
	if len(columns) == 1 && (role == "" || !slices.Contains(roles, columns[0])) {
		return columns[0]
	}
	return ""
}

// read streams the rows into a track a column, which is keyed by its index.
func (b *table) read(ctx context.Context, s *scanner, line []byte, tracks map[int]*track) error {
	b.formats = map[string]int{}
	undated, last := false, int64(-1)
	for {
		if line == nil {
			var err error
			line, err = s.next()
			if errors.Is(err, io.EOF) {
				b.finish(tracks)
				return nil
			}
			if err != nil && !errors.Is(err, errLongLine) {
				return b.broken(s, err)
			}
		}
		if b.rows++; b.rows%4096 == 0 && ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, "read "+b.name, ctx.Err(), "")
		}
		fields, sec, ok := b.dated(s, line)
		line = nil
		if !ok {
			undated = true
			continue
		}
		if undated && last >= 0 && last/60 < sec/60 {
			b.gaps = append(b.gaps, slo.Span{From: slo.Minute(last / 60), To: slo.Minute(sec / 60)})
		}
		undated, last = false, sec
		for i, t := range tracks {
			t.rows = append(t.rows, row{sec, b.value(s, t, fields, i)})
		}
	}
}

// dated splits a line and reads its timestamp; a line without one is dropped
// with a note. A nil line was too long.
func (b *table) dated(s *scanner, line []byte) ([][]byte, int64, bool) {
	drop := func(why string) {
		at := s.line
		b.file.drop(func() string { return fmt.Sprintf("%s:%d: row dropped: %s", b.name, at, why) })
	}
	if line == nil {
		drop(errLongLine.Error())
		return nil, 0, false
	}
	fields, err := s.split(line)
	if err != nil {
		drop(err.Error())
		return nil, 0, false
	}
	if b.time >= len(fields) {
		drop("no timestamp")
		return nil, 0, false
	}
	sec, format, err := stamp(string(fields[b.time]), b.timeFormat)
	if err != nil {
		drop(fmt.Sprintf("timestamp %.40q %v", fields[b.time], err))
		return nil, 0, false
	}
	if b.formats[format] == 0 {
		b.formats[format] = s.line
	}
	return fields, sec, true
}

// value reads one field of a row; an unreadable one is dropped with a note.
func (b *table) value(s *scanner, t *track, fields [][]byte, i int) slo.Amount {
	var field []byte
	if i < len(fields) {
		field = bytes.TrimSpace(fields[i])
	}
	v, err := parseAmount(field)
	if err == nil {
		return v
	}
	t.notes.drop(func() string {
		return fmt.Sprintf("%s:%d: row dropped: %s %.40q %v", b.name, s.line, b.names[i], field, err)
	})
	return dropped
}

// finish completes the tracks.
func (b *table) finish(tracks map[int]*track) {
	if len(b.formats) > 1 {
		var parts []string
		for _, f := range []string{formatRFC3339, formatDatetime, formatUnix} {
			if line := b.formats[f]; line > 0 {
				parts = append(parts, fmt.Sprintf("%s from line %d", f, line))
			}
		}
		b.file.fact(b.name + ": timestamps in several formats (" + strings.Join(parts, ", ") + "); each row is read by its own")
	}
	if b.rows == 0 && len(b.file.facts) == 0 {
		b.file.fact(b.name + ": the file has no rows")
	}
	for i, t := range tracks {
		t.gaps = b.gaps
		t.finish(b.name)
		t.notes.facts = slices.Concat(b.file.facts, t.notes.facts)
		t.notes.rows = slices.Concat(b.file.rows, t.notes.rows)
		t.notes.dropped += b.file.dropped
		if b.rows > 0 && t.measured == 0 {
			t.err = fault.New(fault.Invalid, b.place(max(b.head, 1)),
				fmt.Sprintf("none of %d rows could be read as %s; %s", b.rows, b.names[i], strings.Join(t.notes.rows[:1], "")),
				"check the column and the time format")
		}
	}
}
