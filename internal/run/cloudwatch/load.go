package cloudwatch

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
	"gitlab.com/nines-sre/nines/internal/fault"
)

// LoadOptions say what the columns of a recorded series are in CloudWatch.
type LoadOptions struct {
	Name       string            // of the file, for errors
	Namespace  string            // "Shop"
	Dimensions map[string]string // of every metric
	Metrics    map[string]string // column to metric name; none: every column but the first, by its own name
	Unit       string            // of every metric; "" is none
	Region     string            // where they are; "" is the server's own
	// End shifts all rows so that the newest lies in the whole minute before it;
	// zero leaves them where they are.
	End time.Time
}

// Loaded says what a file held.
type Loaded struct {
	Rows    int       `json:"rows"`
	Data    int       `json:"data"`
	Skipped int       `json:"skipped"` // cells that are empty or NaN
	From    time.Time `json:"from"`
	To      time.Time `json:"to"` // the newest row
}

// recorded is a file with a header, a column of times and columns of numbers.
type recorded struct {
	columns []string
	times   []time.Time
	values  [][]float64 // by row, without the column of times; NaN: no number
}

// loadBatch is how many rows are sent at once.
const loadBatch = 5000

// Load publishes a recorded series: each number of a column is one sample whose
// value it is, at its row's time, of any age. Bad input loads nothing.
func (c Control) Load(ctx context.Context, file io.Reader, opt LoadOptions) (Loaded, error) {
	rec, err := readCSV(file, opt.Name)
	if err != nil {
		return Loaded{}, err
	}
	names, err := opt.names(rec.columns)
	if err != nil {
		return Loaded{}, err
	}
	first, last := slices.MinFunc(rec.times, time.Time.Compare), slices.MaxFunc(rec.times, time.Time.Compare)
	shift := time.Duration(0)
	if !opt.End.IsZero() {
		shift = opt.End.Truncate(time.Minute).Add(-time.Minute).Sub(last.Truncate(time.Minute))
	}
	out := Loaded{Rows: len(rec.times), From: first.Add(shift), To: last.Add(shift)}
	path := "/emf?any-time=true"
	if opt.Region != "" {
		path += "&region=" + url.QueryEscape(opt.Region)
	}
	for at := 0; at < len(rec.times); at += loadBatch {
		var lines bytes.Buffer
		for i := at; i < min(at+loadBatch, len(rec.times)); i++ {
			n, err := opt.line(&lines, names, rec.times[i].Add(shift), rec.values[i])
			if err != nil {
				return out, err
			}
			out.Skipped += len(names) - n
		}
		var r cloudwatchd.EMFReport
		if err := c.call(ctx, http.MethodPost, path, lines.Bytes(), &r); err != nil {
			return out, err
		}
		out.Data += r.Data
		if r.Bad > 0 {
			return out, fault.New(fault.Invalid, "load "+opt.Name, fmt.Sprint(r.First[0].Reasons), "")
		}
	}
	return out, nil
}

// names are the metrics' names by position of their columns.
func (o *LoadOptions) names(columns []string) (map[int]string, error) {
	out := map[int]string{}
	if len(o.Metrics) == 0 {
		for i, c := range columns {
			out[i] = c
		}
	}
	for _, column := range slices.Sorted(maps.Keys(o.Metrics)) {
		i := slices.Index(columns, column)
		if i < 0 {
			return nil, fault.New(fault.NotFound, "load "+o.Name, fmt.Sprintf("it has no column %q", column), "it has "+strings.Join(columns, ", "))
		}
		out[i] = o.Metrics[column]
	}
	return out, nil
}

// line writes one row in embedded metric format and says how many numbers it
// has.
func (o *LoadOptions) line(w *bytes.Buffer, names map[int]string, at time.Time, values []float64) (int, error) {
	type metric struct {
		Name string
		Unit string `json:",omitempty"`
	}
	line, metrics := map[string]any{}, []metric{}
	for i, name := range names {
		if !math.IsNaN(values[i]) {
			line[name] = values[i]
			metrics = append(metrics, metric{name, o.Unit})
		}
	}
	if len(metrics) == 0 {
		return 0, nil
	}
	for name, value := range o.Dimensions {
		if _, taken := line[name]; taken {
			return 0, fault.New(fault.Invalid, "load "+o.Name, fmt.Sprintf("%q is the name of a metric and of a dimension", name), "name the metric otherwise: --metric COLUMN=NAME")
		}
		line[name] = value
	}
	line["_aws"] = map[string]any{"Timestamp": at.UnixMilli(), "CloudWatchMetrics": []any{map[string]any{
		"Namespace": o.Namespace, "Dimensions": [][]string{slices.Sorted(maps.Keys(o.Dimensions))}, "Metrics": metrics,
	}}}
	return len(metrics), json.NewEncoder(w).Encode(line)
}

// readCSV reads a header, times in the first column and numbers in the others.
func readCSV(file io.Reader, name string) (recorded, error) {
	bad := func(line int, format string, a ...any) error {
		return fault.New(fault.Invalid, fmt.Sprintf("load %s:%d", name, line), fmt.Sprintf(format, a...),
			"it needs a header, times in the first column and numbers in the others")
	}
	rows := csv.NewReader(file)
	header, err := rows.Read()
	if err != nil {
		return recorded{}, bad(1, "there is no header: %v", err)
	}
	rec := recorded{columns: header[1:]}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := rows.FieldPos(0)
		if err != nil {
			return rec, bad(line, "%v", err)
		}
		at, ok := readTime(row[0])
		if !ok {
			return rec, bad(line, "%q is not a time", row[0])
		}
		values := make([]float64, len(row)-1)
		for i, cell := range row[1:] {
			if values[i], ok = readNumber(cell); !ok {
				return rec, bad(line, "%q is not a number", cell)
			}
		}
		rec.times, rec.values = append(rec.times, at), append(rec.values, values)
	}
	if len(rec.times) == 0 || len(rec.columns) == 0 {
		return rec, bad(1, "there are no rows of numbers")
	}
	return rec, nil
}

// readTime reads RFC 3339, "2014-04-10 00:04:00" in UTC, or Unix seconds.
func readTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(n, 0), err == nil && n > 0 && n < 1<<40
}

// readNumber reads a cell; an empty one and NaN are no number, and no mistake.
func readNumber(cell string) (float64, bool) {
	if cell == "" {
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(cell, 64)
	return v, err == nil && !math.IsInf(v, 0)
}
