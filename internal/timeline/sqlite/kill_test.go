package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/sqlitedb"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/sqlite"
	"gitlab.com/nines-sre/nines/internal/timeline/timelinetest"
)

// childEnv makes the test binary record into the file it names, until it is
// done or killed.
const childEnv = "NINES_TEST_RECORD_PATH"

// killed is what the child records: some days, an hour at a time, then late
// data.
func killedSpan() slo.Span { return slo.Span{From: now - 3*slo.Day, To: now} }

func killedIDs() []timeline.ID { return []timeline.ID{benchID(0), benchID(1), benchID(2)} }

func killedWrites(s slo.Span) []timeline.Write {
	var writes []timeline.Write
	for i := range killedIDs() {
		w := benchWrite(i, s)
		kept := w.Points[:0]
		for _, p := range w.Points {
			if int(p.At)%(7+i) != 0 {
				kept = append(kept, p)
			}
		}
		w.Points = kept
		writes = append(writes, w)
	}
	return writes
}

func recordAll(t testing.TB, path string) {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := timeline.NewHistory(sqlite.New(db))
	whole := killedSpan()
	for at := whole.From; at < whole.To; at += 47 {
		writes := killedWrites(slo.Span{From: at, To: min(at+47, whole.To)})
		if _, err := h.Record(t.Context(), at, writes); err != nil {
			t.Fatal(err)
		}
	}
}

// TestChild is the process that is killed.
func TestChild(t *testing.T) {
	path := os.Getenv(childEnv)
	if path == "" {
		t.Skip("only run by TestKilled, as another process")
	}
	fmt.Println("recording")
	recordAll(t, path)
}

// TestKilled kills a recording process again and again at random points. What
// it left opens, holds every minute it counts as answered, and a run that is
// let alone completes it to the history of an undisturbed one.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	undisturbed, path := filepath.Join(dir, "calm.db"), filepath.Join(dir, "killed.db")
	begin := time.Now()
	recordAll(t, undisturbed)
	took := time.Since(begin)
	want := dump(t, undisturbed)

	model := timelinetest.NewModel()
	model.Record(0, killedWrites(killedSpan()))
	rounds, cut := 25, 0
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		if kill(t, path, rand.N(took)) {
			cut++
		}
		checkLeft(t, path, model)
	}
	t.Logf("%d of %d runs were killed on the way (an undisturbed one takes %v)", cut, rounds, took)
	if cut == 0 {
		t.Error("no run was killed before it was done: the test shows nothing")
	}
	recordAll(t, path)
	if diff := cmp.Diff(want, dump(t, path)); diff != "" {
		t.Errorf("not the history of an undisturbed run:\n%s", diff)
	}
}

// kill lets a process record for a while and kills it; false when it was done
// before.
func kill(t *testing.T, path string, after time.Duration) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The first word says that it has begun; starting up takes longer than that.
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	killErr := cmd.Process.Kill()
	return cmd.Wait() != nil && killErr == nil
}

// checkLeft compares what a killed process left with the truth.
func checkLeft(t *testing.T, path string, model *timelinetest.Model) {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{})
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	defer db.Close()
	h := timeline.NewHistory(sqlite.New(db))
	metas, err := h.Meta(t.Context(), killedIDs()...)
	if err != nil {
		t.Fatal(err)
	}
	for id, meta := range metas {
		if len(meta.Answered) == 0 {
			continue
		}
		whole := killedSpan()
		views, err := h.Open(t.Context(), []timeline.Request{{ID: id, Sums: meta.Answered, Points: []slo.Span{whole}, Frontier: whole.To}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range meta.Answered {
			if diff := cmp.Diff(model.Sum(id, s, whole.To, 1), views[id].Sum(s)); diff != "" {
				t.Fatalf("%s counts %v as answered (-truth +left):\n%s", id, s, diff)
			}
		}
	}
}

func dump(t testing.TB, path string) []string {
	t.Helper()
	db, err := sqlitedb.Open(t.Context(), path, sqlitedb.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out, err := timelinetest.Dump(t.Context(), timeline.NewHistory(sqlite.New(db)), killedSpan(), killedIDs()...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
