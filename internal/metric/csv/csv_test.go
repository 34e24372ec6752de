package csv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/metric/metrictest"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func TestConformance(t *testing.T) {
	metrictest.Run(t, metrictest.Harness{
		Open: func(t *testing.T, data []metrictest.Data) metric.Source {
			t.Helper()
			dir := t.TempDir()
			for i, d := range data {
				write(t, filepath.Join(dir, d.Name+".csv"), render(d, i))
			}
			return open(t, dir)
		},
		Spec: func(name string) slo.Spec { return slo.Spec{"path": name + ".csv"} },
		Faults: []metrictest.Fault{
			{Name: "no-file", Kind: fault.NotFound, Open: holding("", ""), Others: others},
			{Name: "folder", Kind: fault.Invalid, Open: func(t *testing.T) (metric.Source, metric.Query) {
				t.Helper()
				dir := t.TempDir()
				return open(t, dir), metric.Query{Key: "k", Spec: slo.Spec{"path": dir}}
			}},
			{Name: "no-column", Kind: fault.Invalid, Open: holding("timestamp,value\n2025-01-31 00:00:00,1\n", "good"), Others: others},
			{Name: "no-time", Kind: fault.Invalid, Open: holding("minute,requests\n0,1\n", "")},
			{Name: "finer-than-a-minute", Kind: fault.Invalid, Open: holding("timestamp,value\n1738281600,1\n1738281610,1\n1738281620,1\n1738281630,1\n", "")},
			{Name: "nothing-readable", Kind: fault.Invalid, Open: holding("timestamp,value\nyesterday,1\n1738281600,NaN\n", "")},
			{Name: "utf-16", Kind: fault.Invalid, Open: holding("\xff\xfet\x00", "")},
			{Name: "compressed", Kind: fault.Invalid, Open: holding("\x1f\x8b\x08", "")},
			{Name: "first-line-broken", Kind: fault.Invalid, Open: holding("\"timestamp,value\n", "")},
			{Name: "two-formats-one-allowed", Kind: fault.Invalid, Open: func(t *testing.T) (metric.Source, metric.Query) {
				t.Helper()
				src, q := holding("timestamp,value\n2025-01-31 00:00:00,1\n", "")(t)
				q.Spec["timeFormat"] = "unix"
				return src, q
			}},
			{Name: "unknown-field", Kind: fault.Invalid, Open: func(t *testing.T) (metric.Source, metric.Query) {
				t.Helper()
				return open(t, t.TempDir()), metric.Query{Key: "k", Spec: slo.Spec{"path": "x.csv", "colum": "good"}}
			}},
		},
	})
}

var others = []metric.Query{{Key: "other", Spec: slo.Spec{"path": "other.csv"}}}

// holding opens a source whose file x.csv has a content ("": there is none).
func holding(content, column string) func(*testing.T) (metric.Source, metric.Query) {
	return func(t *testing.T) (metric.Source, metric.Query) {
		t.Helper()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "other.csv"), "timestamp,value\n2025-01-31 00:00:00,1\n")
		if content != "" {
			write(t, filepath.Join(dir, "x.csv"), content)
		}
		spec := slo.Spec{"path": "x.csv"}
		if column != "" {
			spec["column"] = column
		}
		return open(t, dir), metric.Query{Key: "k", Spec: spec}
	}
}

// render writes a series as a file, another time format for each.
func render(d metrictest.Data, format int) string {
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	for _, p := range d.Points {
		stamp := p.At.Time().Format(time.RFC3339)
		switch format % 3 {
		case 1:
			stamp = p.At.Time().Format(time.DateTime)
		case 2:
			stamp = strconv.FormatInt(p.At.Time().Unix(), 10)
		}
		fmt.Fprintf(&b, "%s,%s\n", stamp, exact(p.Value))
	}
	return b.String()
}

func exact(a slo.Amount) string {
	sign := ""
	if a < 0 {
		sign, a = "-", -a
	}
	return fmt.Sprintf("%s%d.%06d", sign, a/slo.Unit, a%slo.Unit)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) metric.Source {
	t.Helper()
	src, err := csv.Open(t.Context(), nil, dir)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// ask writes content to a file, asks for a column over all time and prints the
// answer: points "minute+width=value", answered stretches, notes.
func ask(t *testing.T, content string, spec slo.Spec, period slo.Minute, role string) (points, answered string, notes []string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x.csv"), content)
	if spec == nil {
		spec = slo.Spec{}
	}
	spec["path"] = "x.csv"
	q := metric.Query{Key: "k", Spec: spec, Period: period, Role: role}
	got, err := open(t, dir).Fetch(t.Context(), metric.Request{Queries: []metric.Query{q}, Span: slo.Span{From: 0, To: 1 << 30}})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Err != nil {
		return strings.ReplaceAll(got[0].Err.Error(), dir+"/", ""), "", nil
	}
	for _, breach := range metrictest.Breaches(got[0], slo.Span{From: 0, To: 1 << 30}) {
		t.Error(breach)
	}
	var ps, as []string
	for _, p := range got[0].Points {
		ps = append(ps, fmt.Sprintf("%d+%d=%v", p.At, p.Width, p.Value.Float()))
	}
	for _, s := range got[0].Answered {
		as = append(as, fmt.Sprintf("%d-%d", s.From, s.To))
	}
	for i, n := range got[0].Notes {
		got[0].Notes[i] = strings.ReplaceAll(n, dir+"/", "")
	}
	return strings.Join(ps, " "), strings.Join(as, " "), got[0].Notes
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, content    string
		spec             slo.Spec
		period           slo.Minute
		role             string
		points, answered string
		notes            []string
	}{
		{name: "unix seconds", content: "timestamp,value\n60,1\n120,2\n", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "datetime is UTC", content: "timestamp,value\n1970-01-01 00:01:00,1\n", points: "1+1=1", answered: "1-2", notes: []string{"x.csv: one row does not show a step; one minute is assumed, say step"}},
		{name: "rfc3339 with a zone", content: "timestamp,value\n1970-01-01T01:01:00+01:00,1\n1970-01-01T00:02:00Z,2\n", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "seconds are floored to the minute", content: "timestamp,value\n119,1\n1970-01-01 00:02:59,2\n179.0,3\n", points: "1+1=1 2+1=3", answered: "1-3", notes: []string{"x.csv: timestamps in several formats (datetime from line 3, unix from line 2); each row is read by its own", "x.csv: 1 rows repeat a minute; the last one counts"}},
		{name: "step is the most frequent gap, off the grid", content: "timestamp,value\n240,1\n540,2\n840,3\n1440,4\n", points: "4+5=1 9+5=2 14+5=3 24+5=4", answered: "4-29"},
		{name: "of equally frequent gaps the smaller", content: "timestamp,value\n0,1\n120,2\n420,3\n", points: "0+2=1 2+2=2 7+2=3", answered: "0-9"},
		{name: "the spec's step wins", content: "timestamp,value\n0,1\n600,2\n", spec: slo.Spec{"step": "5m"}, points: "0+5=1 10+5=2", answered: "0-15"},
		{name: "a step in seconds", content: "timestamp,value\n0,1\n600,2\n", spec: slo.Spec{"step": "300"}, points: "0+5=1 10+5=2", answered: "0-15"},
		{name: "the query's period wins over the rows", content: "timestamp,value\n0,1\n600,2\n", period: 5, points: "0+5=1 10+5=2", answered: "0-15"},
		{name: "a row inside a step ends it", content: "timestamp,value\n0,1\n300,2\n600,3\n720,4\n900,5\n", points: "0+5=1 5+5=2 10+2=3 12+3=4 15+5=5", answered: "0-20", notes: []string{"x.csv: 2 rows begin inside the step of 5m0s before them, the first at 1970-01-01 00:12; that step ends there"}},
		{name: "unsorted and duplicate", content: "timestamp,value\n180,3\n60,1\n120,2\n60,9\n", points: "1+1=9 2+1=2 3+1=3", answered: "1-4", notes: []string{"x.csv: rows stand out of order; they were sorted by time", "x.csv: 1 rows repeat a minute; the last one counts"}},
		{name: "a value that is none is unmeasured", content: "timestamp,value\n60,1\n120,NaN\n180,\n240,4\n", points: "1+1=1 4+1=4", answered: "1-2 4-5", notes: []string{`x.csv:3: row dropped: value "NaN" is not a number`, `x.csv:4: row dropped: value "" is empty`}},
		{name: "the last duplicate wins though it is no value", content: "timestamp,value\n60,1\n120,7\n120,x\n180,3\n", points: "1+1=1 3+1=3", answered: "1-2 3-4", notes: []string{"x.csv: 1 rows repeat a minute; the last one counts", `x.csv:4: row dropped: value "x" is not a number`}},
		{name: "a row without a time leaves its gap unmeasured", content: "timestamp,value\n0,0\n60,1\n120,2\nnoon,3\n240,4\n360,5\n", points: "0+1=0 1+1=1 2+1=2 4+1=4 6+1=5", answered: "0-3 4-7", notes: []string{`x.csv:5: row dropped: timestamp "noon" is no timestamp (RFC 3339, 2006-01-02 15:04:05 as UTC, or Unix seconds)`}},
		{name: "too large, negative, exponent", content: "timestamp,value\n60,1e30\n120,-2\n180,1.5e2\n240,9.3e12\n", points: "2+1=-2 3+1=150", answered: "2-4", notes: []string{`x.csv:2: row dropped: value "1e30" is too large (9.2e12 at most)`, `x.csv:5: row dropped: value "9.3e12" is too large (9.2e12 at most)`}},
		{name: "mark, line ends, quotes, blank lines", content: "\xef\xbb\xbf\"Timestamp\" , \"Value\"\r\n\r\n\"60\", \"1\"\r\n120,\"2\"\r\n", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "no line end at the end", content: "timestamp,value\n60,1\n120,2", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "semicolons", content: "timestamp;value\n60;1\n120;2\n", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "tabs", content: "timestamp\tvalue\n60\t1\n\t2\n120\t2\n", points: "1+1=1 2+1=2", answered: "1-3", notes: []string{`x.csv:3: row dropped: timestamp "" is no timestamp (RFC 3339, 2006-01-02 15:04:05 as UTC, or Unix seconds)`}},
		{name: "an open quote costs one row", content: "timestamp,value\n60,1\n\"120,2\n180,3\n240,4\n300,5\n", points: "1+1=1 3+1=3 4+1=4 5+1=5", answered: "1-2 3-6", notes: []string{"x.csv:3: row dropped: a quote is not closed on its line, or text follows it"}},
		{name: "a line too long costs one row", content: "timestamp,value\n60,1\n" + strings.Repeat("9", 70<<10) + "\n120,2\n", points: "1+1=1 2+1=2", answered: "1-3", notes: []string{"x.csv:3: row dropped: the line is longer than 64 KiB"}},
		{name: "milliseconds", content: "timestamp,value\n60,1\n120,2\n1738281600000,2\n", points: "1+1=1 2+1=2", answered: "1-3", notes: []string{`x.csv:4: row dropped: timestamp "1738281600000" looks like milliseconds; Unix timestamps are in seconds`}},
		{name: "no header, two columns", content: "60,1\n120,2\n", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "no header, three columns", content: "60,1,10\n120,2,20\n", role: "total", points: "1+1=10 2+1=20", answered: "1-3"},
		{name: "role chooses the column", content: "total,good,timestamp\n10,1,60\n20,2,120\n", role: "good", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "the only column there is", content: "timestamp,requests\n60,1\n120,2\n", role: "total", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "but not another role's", content: "timestamp,total\n60,1\n", role: "good", points: `x.csv:1:1: several columns to choose from: timestamp, total`},
		{name: "several columns and no role", content: "timestamp,good,total\n60,1,1\n", points: `x.csv:1:1: several columns to choose from: timestamp, good, total`},
		{name: "a column that is not there", content: "\ntimestamp,value\n60,1\n", spec: slo.Spec{"column": "good"}, points: `x.csv:2:1: no column "good"; the columns are timestamp, value`},
		{name: "columns instead of the header", content: "minute,requests,host\n60,1,a\n120,2,b\n", spec: slo.Spec{"columns": "timestamp,total,-"}, role: "total", points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "columns of a file without header", content: "a,60,1\nb,120,2\n", spec: slo.Spec{"columns": []any{"-", "timestamp", "value"}}, points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "no header and four columns", content: "60,1,2,3\n", points: "x.csv:1:1: no header, and 4 columns"},
		{name: "no timestamp column", content: "minute,requests\n0,1\n", points: "x.csv:1:1: no timestamp column; the columns are minute, requests"},
		{name: "a layout", content: "timestamp,value\n01/01/1970 00:01,1\n01/01/1970 00:02,2\n", spec: slo.Spec{"timeFormat": "02/01/2006 15:04"}, points: "1+1=1 2+1=2", answered: "1-3"},
		{name: "short rows", content: "timestamp,good,total\n60,1,2\n120,1\n180,1,2\n", spec: slo.Spec{"column": "total"}, points: "1+1=2 3+1=2", answered: "1-2 3-4", notes: []string{`x.csv:3: row dropped: total "" is empty`}},
		{name: "empty", content: "", notes: []string{"x.csv: the file is empty"}},
		{name: "header only", content: "timestamp,value\n", notes: []string{"x.csv: the file has no rows"}},
		{name: "finer than a minute", content: "timestamp,value\n0,1\n10,1\n20,1\n60,1\n", points: "x.csv: rows are less than a minute apart"},
		{name: "too far apart", content: "timestamp,value\n0,1\n31536000,1\n", points: "x.csv: rows are more than 31 days apart"},
		{name: "nothing readable", content: "timestamp,value\n60,a\n120,b\n", points: `x.csv:1:1: none of 2 rows could be read as value; x.csv:2: row dropped: value "a" is not a number`},
	} {
		t.Run(c.name, func(t *testing.T) {
			points, answered, notes := ask(t, c.content, c.spec, c.period, c.role)
			if points != c.points || answered != c.answered {
				t.Errorf("points %q answered %q\nwant   %q          %q", points, answered, c.points, c.answered)
			}
			if d := cmp.Diff(c.notes, notes); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
		})
	}
}
