package cli_test

import (
	"bufio"
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the scripts damage stores with it
)

// exits runs a command and fails on another exit code than the first argument.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ends with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// mkcsv writes a recorded series: mkcsv FILE START SEGMENT..., a segment being
// MINUTESxTOTAL/BAD, MINUTESxgap for minutes without a row (silence), or
// MINUTESxnan for rows that cannot be read (unmeasured minutes).
func mkcsv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: mkcsv FILE START SEGMENT...")
	}
	at, err := time.Parse(time.RFC3339, args[1])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	w := bufio.NewWriter(f)
	_, _ = fmt.Fprintln(w, "timestamp,good,total")
	for _, segment := range args[2:] {
		length, what, ok := strings.Cut(segment, "x")
		minutes, err := strconv.Atoi(length)
		if !ok || err != nil {
			ts.Fatalf("segment %q is not MINUTESxTOTAL/BAD", segment)
		}
		total, bad := 0, 0
		if what != "gap" && what != "nan" {
			if _, err := fmt.Sscanf(what, "%d/%d", &total, &bad); err != nil {
				ts.Fatalf("segment %q: %v", segment, err)
			}
		}
		for range minutes {
			switch what {
			case "gap":
			case "nan":
				_, _ = fmt.Fprintf(w, "%s,NaN,NaN\n", at.Format(time.RFC3339))
			default:
				_, _ = fmt.Fprintf(w, "%s,%d,%d\n", at.Format(time.RFC3339), total-bad, total)
			}
			at = at.Add(time.Minute)
		}
	}
	ts.Check(w.Flush())
	ts.Check(f.Close())
}

// mkdocs writes the documents of a service with an availability objective over
// FILE: mkdocs DOCUMENT SERVICE FILE TARGET WINDOW [ANNOTATION]. WINDOW is a
// length, or a calendar unit like 1M with UTC months.
func mkdocs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 {
		ts.Fatalf("usage: mkdocs DOCUMENT SERVICE FILE TARGET WINDOW [ANNOTATION]")
	}
	window := "duration: " + args[4] + ", isRolling: true"
	if strings.HasSuffix(args[4], "M") {
		window = "duration: " + args[4] + ", isRolling: false, calendar: {startTime: 2025-01-01 00:00:00, timeZone: UTC}"
	}
	annotations := ""
	if len(args) > 5 {
		annotations = ", annotations: {" + strings.Join(args[5:], ", ") + "}"
	}
	text := fmt.Sprintf(`apiVersion: openslo/v1
kind: Service
metadata: {name: %[1]s}
spec: {}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: availability%[5]s}
spec:
  service: %[1]s
  budgetingMethod: Occurrences
  indicator:
    metadata: {name: %[1]s-availability}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {type: csv, spec: {path: %[2]s, column: good}}}
        total: {metricSource: {type: csv, spec: {path: %[2]s, column: total}}}
  objectives: [{displayName: availability, target: %[3]s}]
  timeWindow: [{%[4]s}]
`, args[1], args[2], args[3], window, annotations)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// open opens a store behind the program's back.
func open(ts *testscript.TestScript, file string) *stdsql.DB {
	db, err := stdsql.Open("sqlite", ts.MkAbs(file))
	ts.Check(err)
	db.SetMaxOpenConns(1)
	return db
}

// sql changes a store behind the program's back: sql FILE STATEMENT.
func sql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql FILE STATEMENT")
	}
	db := open(ts, args[0])
	result, err := db.ExecContext(context.Background(), args[1])
	ts.Check(err)
	if strings.HasPrefix(strings.ToLower(args[1]), "update") {
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			ts.Fatalf("%q changes nothing (%v)", args[1], err)
		}
	}
	ts.Check(db.Close())
}

// lock holds a store for the rest of the script: lock FILE.
func lock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lock FILE")
	}
	db := open(ts, args[0])
	_, err := db.ExecContext(context.Background(), "BEGIN EXCLUSIVE")
	ts.Check(err)
	ts.Defer(func() { _ = db.Close() })
}

// cut truncates a file: cut FILE BYTES.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut FILE BYTES")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// mkhuge writes a document of many bytes: mkhuge FILE BYTES.
func mkhuge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mkhuge FILE BYTES")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	head := "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n# "
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(head+strings.Repeat("x", n-len(head))), 0o600))
}
