package csv_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func fetch(t *testing.T, src metric.Source, spec slo.Spec, role string) metric.Series {
	t.Helper()
	q := metric.Query{Key: "k", Spec: spec, Role: role}
	got, err := src.Fetch(t.Context(), metric.Request{Queries: []metric.Query{q}, Span: slo.Span{From: 0, To: 1 << 30}})
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func TestPathsAndDetails(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "data", "x.csv"), "timestamp,value\n60,1\n120,2\n")
	for _, c := range []struct {
		name          string
		details, spec slo.Spec
		ok            bool
	}{
		{"relative to the document", nil, slo.Spec{"path": "data/x.csv"}, true},
		{"absolute", nil, slo.Spec{"path": filepath.Join(dir, "data", "x.csv")}, true},
		{"relative to the details' folder", slo.Spec{"path": "data"}, slo.Spec{"path": "x.csv"}, true},
		{"the details' file", slo.Spec{"path": "data/x.csv"}, slo.Spec{}, true},
		{"beside the details' file", slo.Spec{"path": "data/y.csv"}, slo.Spec{"path": "x.csv"}, true},
		{"no path", nil, slo.Spec{}, false},
		{"details give columns", slo.Spec{"columns": "timestamp,good"}, slo.Spec{"path": "data/x.csv", "column": "good"}, true},
	} {
		src, err := csv.Type().Open(t.Context(), c.details, dir)
		if err != nil {
			t.Fatal(err)
		}
		got := fetch(t, src, c.spec, "")
		if c.ok && (got.Err != nil || len(got.Points) != 2) || !c.ok && got.Err == nil {
			t.Errorf("%s: %d points, %v", c.name, len(got.Points), got.Err)
		}
	}
	if _, err := csv.Open(t.Context(), slo.Spec{"pth": "x"}, dir); fault.KindOf(err) != fault.Invalid {
		t.Errorf("unknown connection detail: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		spec slo.Spec
		want []string
	}{
		{slo.Spec{"path": "x.csv", "column": "good", "columns": "timestamp,good,total", "step": "5m", "timeFormat": "rfc3339"}, nil},
		{slo.Spec{"path": "x.csv", "column": "bad", "columns": "timestamp,good,total"}, []string{"column"}},
		{slo.Spec{"columns": "good,good"}, []string{"columns", "columns"}},
		{slo.Spec{"path": true, "step": "10s", "timeFormat": "15:04", "colums": "x"}, []string{"path", "step", "timeFormat", "colums"}},
		{slo.Spec{"step": "90s"}, []string{"step"}},
		{slo.Spec{"step": "745h"}, []string{"step"}},
		{slo.Spec{"columns": 5}, []string{"columns"}},
	} {
		var got []string
		for _, p := range csv.Check(c.spec) {
			got = append(got, p.Path)
			if p.Message == "" {
				t.Errorf("%v: a problem without words", c.spec)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("Check(%v): %s", c.spec, d)
		}
	}
}

func TestAFileThatGrewIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.csv")
	write(t, path, "timestamp,good,total\n60,1,1\n120,2,2\n")
	src := open(t, dir)
	spec := slo.Spec{"path": "x.csv"}
	if n := len(fetch(t, src, spec, "good").Points); n != 2 {
		t.Fatalf("%d points, want 2", n)
	}
	if n := len(fetch(t, src, spec, "total").Points); n != 2 { // another column of a file known already
		t.Fatalf("%d points of the other column, want 2", n)
	}
	write(t, path, "timestamp,good,total\n60,1,1\n120,2,2\n180,3,3\n")
	for _, role := range []string{"total", "good"} {
		if n := len(fetch(t, src, spec, role).Points); n != 3 {
			t.Errorf("%s: %d points after the file grew, want 3", role, n)
		}
	}
	if end := src.Caps().End; end != 4 {
		t.Errorf("End = %d, want 4", end)
	}
}

// TestABigFileStreams reads 50 MB and looks at what stays in memory.
func TestABigFileStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a file of 50 MB")
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "x.csv"))
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	const rows = 1_000_000
	_, _ = fmt.Fprintln(w, "timestamp,good,total,host")
	for i := range rows {
		_, _ = fmt.Fprintf(w, "%s,%d,%d,host-%015d\n", slo.Minute(i).Time().Format("2006-01-02 15:04:05"), 1000+i%7, 1010+i%7, i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil || f.Close() != nil || info.Size() < 45<<20 {
		t.Fatalf("the file is %d bytes, %v", info.Size(), err)
	}
	src := open(t, dir)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var reqs []metric.Query
	for _, role := range []string{"good", "total"} {
		reqs = append(reqs, metric.Query{Key: role, Role: role, Spec: slo.Spec{"path": "x.csv"}})
	}
	got, err := src.Fetch(t.Context(), metric.Request{Queries: reqs, Span: slo.Span{From: rows - 10, To: rows}})
	if err != nil || got[0].Err != nil || len(got[1].Points) != 10 {
		t.Fatalf("%v, %+v", err, got)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := max(after.HeapAlloc, before.HeapAlloc) - before.HeapAlloc; kept > 40<<20 {
		t.Errorf("%d MB stay in memory for two columns of %d rows; 16 bytes a row and column are needed", kept>>20, rows)
	}
	runtime.KeepAlive(src)
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	content := []byte("timestamp,good,total\n")
	for i := range 100_000 {
		content = fmt.Appendf(content, "%s,%d,%d\n", slo.Minute(i).Time().Format("2006-01-02 15:04:05"), 1000+i%7, 1010+i%7)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.csv"), content, 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		src, err := csv.Open(b.Context(), nil, dir)
		if err != nil {
			b.Fatal(err)
		}
		req := metric.Request{Queries: []metric.Query{{Key: "g", Role: "good", Spec: slo.Spec{"path": "x.csv"}}}, Span: slo.Span{From: 0, To: 100_000}}
		if got, err := src.Fetch(b.Context(), req); err != nil || got[0].Err != nil || len(got[0].Points) != 100_000 {
			b.Fatal(err, got[0].Err)
		}
	}
}
