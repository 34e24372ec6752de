package spool_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/runtest"
	"gitlab.com/nines-sre/nines/internal/run/spool"
)

var _ run.Spool = spool.Dir("")

func draft(n int) ledger.Draft {
	return ledger.Draft{
		At: runtest.Now().Add(time.Duration(n) * time.Millisecond), Kind: ledger.KindDecision, Subject: "payment-api", Actor: "ada",
		Body: json.RawMessage(`{"text":"<a & b>"}`), Key: "decision/" + strings.Repeat("x", n),
	}
}

func bodies(l *runtest.Ledger) []ledger.Draft {
	var out []ledger.Draft
	for _, e := range l.All() {
		out = append(out, ledger.Draft{At: e.At, Kind: e.Kind, Subject: e.Subject, Actor: e.Actor, Body: e.Body, Key: e.Key})
	}
	return out
}

func TestPutAndDrain(t *testing.T) {
	ctx := t.Context()
	dir := spool.Dir(filepath.Join(t.TempDir(), "not", "there", "yet"))
	l := &runtest.Ledger{}
	if n, err := dir.Drain(ctx, l); n != 0 || err != nil {
		t.Fatalf("a spool that is not there: %d, %v", n, err)
	}
	for _, n := range []int{3, 1, 2, 1, 3} { // out of order, and twice
		if err := dir.Put(ctx, draft(n)); err != nil {
			t.Fatal(err)
		}
	}
	n, err := dir.Drain(ctx, l)
	if n != 3 || err != nil {
		t.Fatalf("drained %d, %v", n, err)
	}
	if diff := cmp.Diff([]ledger.Draft{draft(1), draft(2), draft(3)}, bodies(l)); diff != "" {
		t.Error(diff)
	}
	if n, err := dir.Drain(ctx, l); n != 0 || err != nil || len(l.All()) != 3 {
		t.Errorf("drained again: %d, %v, %d entries", n, err, len(l.All()))
	}
}

func TestWhatIsNotTakenStays(t *testing.T) {
	ctx := t.Context()
	dir := spool.Dir(t.TempDir())
	l := &runtest.Ledger{FailAppend: fault.New(fault.Unavailable, "store", "locked", "wait")}
	for n := range 3 {
		if err := dir.Put(ctx, draft(n+1)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := dir.Drain(ctx, l); n != 0 || fault.KindOf(err) != fault.Unavailable || fault.HintOf(err) != "wait" {
		t.Fatalf("drained %d, %v", n, err)
	}
	// The entry is written, but the answer is lost: it is not recorded twice.
	l.FailAppend, l.Lost = nil, true
	if n, err := dir.Drain(ctx, l); n != 0 || err == nil {
		t.Fatalf("drained %d, %v", n, err)
	}
	if n, err := dir.Drain(ctx, l); n != 3 || err != nil {
		t.Fatalf("drained %d, %v", n, err)
	}
	if diff := cmp.Diff([]ledger.Draft{draft(1), draft(2), draft(3)}, bodies(l)); diff != "" {
		t.Error(diff)
	}
}

func TestDamagedFilesAreSetAside(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	for name, data := range map[string]string{
		"0-torn.json": `{"at":"2025-`, "1-empty.json": "", "2-nokey.json": `{"kind":"decision"}`, ".new-123": "half", "notes.txt": "mine",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := spool.Dir(dir).Put(ctx, draft(1)); err != nil {
		t.Fatal(err)
	}
	l := &runtest.Ledger{}
	n, err := spool.Dir(dir).Drain(ctx, l)
	if n != 1 || fault.KindOf(err) != fault.Corrupt || !strings.Contains(err.Error(), "0-torn.json.damaged") {
		t.Fatalf("drained %d, %v", n, err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, f := range files {
		left = append(left, f.Name())
	}
	if diff := cmp.Diff([]string{".new-123", "0-torn.json.damaged", "1-empty.json.damaged", "2-nokey.json.damaged", "notes.txt"}, left); diff != "" {
		t.Error(diff)
	}
	if n, err := spool.Dir(dir).Drain(ctx, l); n != 0 || err != nil {
		t.Errorf("drained again: %d, %v", n, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	ctx := t.Context()
	dir := spool.Dir(t.TempDir())
	l := &runtest.Ledger{}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := range 25 {
				if err := dir.Put(ctx, draft(1+worker*10+n)); err != nil { // neighbours overlap
					t.Error(err)
				}
				if n%5 == 0 {
					if _, err := dir.Drain(ctx, l); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if _, err := dir.Drain(ctx, l); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range l.All() {
		seen[e.Key]++
	}
	for n := 1; n <= 55; n++ {
		if seen[draft(n).Key] != 1 {
			t.Errorf("draft %d is recorded %d times", n, seen[draft(n).Key])
		}
	}
}

func TestRefused(t *testing.T) {
	noKey := draft(1)
	noKey.Key = ""
	if err := spool.Dir(t.TempDir()).Put(t.Context(), noKey); fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("a draft without a key: %v", err)
	}
	if err := spool.Dir("").Put(t.Context(), draft(1)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no folder: %v", err)
	}
	if n, err := spool.Dir("").Drain(t.Context(), &runtest.Ledger{}); n != 0 || err != nil {
		t.Errorf("no folder: %d, %v", n, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := spool.Dir(file).Put(t.Context(), draft(1)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a file where the folder should be: %v", err)
	}
}
