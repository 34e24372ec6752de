package main

import (
	"bytes"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/emf"
)

// Its lines are what CloudWatch reads: a hundred samples a minute, the slow ones
// among them.
func TestLines(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 30, 0, time.UTC)
	var out bytes.Buffer
	if err := write(&out, now, 3, 2); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	r := emf.Reader{Now: now, Unit: func(u string) bool { return u == "Milliseconds" }}
	for i, l := range lines {
		got := r.Line(l)
		if len(got.Problems) > 0 || len(got.Data) != 1 {
			t.Fatalf("line %d: %+v", i, got)
		}
		d := got.Data[0]
		if want := now.Truncate(time.Minute).Add(time.Duration(i-3) * time.Minute); d.At != want.Unix() || d.Set.Count != payments || d.Set.Max != 800 {
			t.Errorf("line %d: at %d, want %d; %+v", i, d.At, want.Unix(), d.Set)
		}
	}
}
