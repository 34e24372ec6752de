package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/dynamodbd/dynamodbtest"
)

// table makes a table with the program and returns its URL.
func table(t *testing.T, s *dynamodbtest.Service, dir string) string {
	t.Helper()
	url := "dynamodb:" + dynamodbtest.TableName() + "?endpoint=" + s.Endpoint
	nines(t, dir, 0, "store", "create", url)
	return url
}

type content struct {
	Digest     string `json:"digest"`
	Indicators int    `json:"indicators"`
	Minutes    int64  `json:"minutes"`
	Entries    int64  `json:"entries"`
}

func digest(t *testing.T, dir, url string) content {
	t.Helper()
	var c content
	if err := json.Unmarshal(nines(t, dir, 0, "store", "digest", url, "-o", "json"), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// gapped writes documents and CSV files of some services with gaps.
func gapped(t *testing.T, dir string, services, minutes int) {
	t.Helper()
	var docs strings.Builder
	for s := range services {
		name := fmt.Sprintf("svc%02d", s)
		rng := rand.New(rand.NewPCG(uint64(s), 7))
		var b strings.Builder
		b.WriteString("timestamp,good,total\n")
		for m := range minutes {
			if rng.IntN(50) == 0 {
				continue // a gap
			}
			total := rng.IntN(200)
			fmt.Fprintf(&b, "%d,%d,%d\n", base().Add(time.Duration(m)*time.Minute).Unix(), total-min(total, rng.IntN(3)), total)
		}
		write(t, filepath.Join(dir, name+".csv"), b.String())
		fmt.Fprintf(&docs, killDoc, name)
	}
	write(t, filepath.Join(dir, "slo.yaml"), docs.String())
}

// TestStoresAgree measures the same into a file and into a table, asks both, and
// copies the file into another table and back: all say the same.
func TestStoresAgree(t *testing.T) {
	s := dynamodbtest.Start(t, time.Now)
	dir := t.TempDir()
	gapped(t, dir, 5, 6000)
	measured, copied := table(t, s, dir), table(t, s, dir)
	file := "sqlite:.nines/nines.db"
	const at = "2025-01-04T22:20:00Z"
	for _, url := range []string{file, measured} {
		nines(t, dir, 0, "measure", "--quiet", "--store", url)
	}
	if a, b := digest(t, dir, file), digest(t, dir, measured); a != b || a.Minutes == 0 {
		t.Errorf("measured into a file %+v, into a table %+v", a, b)
	}
	for _, verb := range [][]string{{"status", "-o", "json"}, {"status", "svc03"}} {
		args := append(verb, "--offline", "--at", at, "--store")
		if a, b := string(nines(t, dir, 0, append(args, file)...)), string(nines(t, dir, 0, append(args, measured)...)); a != b {
			t.Errorf("nines %v answers otherwise from a table:\n%s\n%s", verb, a, b)
		}
	}
	// Decisions and a freeze, so that there is a ledger to copy.
	nines(t, dir, 0, "freeze", "add", "svc01", "--for", "2h", "--reason", "a test")
	for n := range 3 {
		cmd := command(t, dir, "gate", fmt.Sprintf("svc%02d", n), "--at", at)
		_ = cmd.Run() // whatever it answers, it records it
	}
	nines(t, dir, 0, "store", "copy", file, copied)
	nines(t, dir, 0, "store", "copy", copied, "sqlite:back.db")
	want := digest(t, dir, file)
	if want.Entries < 4 {
		t.Fatalf("%+v: nothing in the ledger", want)
	}
	for _, url := range []string{copied, "sqlite:back.db"} {
		if got := digest(t, dir, url); got != want {
			t.Errorf("%s holds %+v, want %+v", url, got, want)
		}
		nines(t, dir, 0, "ledger", "--verify", "--store", url)
	}
	// What differs is not overwritten, and stays as it was.
	before := digest(t, dir, measured)
	nines(t, dir, 0, "store", "copy", file, measured) // its ledger was empty, its history the same
	if got := digest(t, dir, measured); got != want || got == before {
		t.Errorf("after the copy %+v, want %+v", got, want)
	}
	nines(t, dir, 0, "freeze", "add", "svc02", "--for", "2h", "--reason", "the copy goes on by itself", "--store", copied)
	nines(t, dir, 0, "freeze", "add", "svc03", "--for", "2h", "--reason", "and so does the file")
	after := digest(t, dir, copied)
	nines(t, dir, 1, "store", "copy", file, copied)
	if got := digest(t, dir, copied); got != after {
		t.Errorf("a refused copy changed the store: %+v, was %+v", got, after)
	}
}

// TestKilledMeasureTable kills measuring into a table at random points, again and
// again, and lets one run end: the history is that of a run nobody disturbed.
func TestKilledMeasureTable(t *testing.T) {
	s := dynamodbtest.Start(t, time.Now)
	dir := t.TempDir()
	gapped(t, dir, 6, 8000)
	calm := table(t, s, dir)
	begin := time.Now()
	nines(t, dir, 0, "measure", "--quiet", "--store", calm)
	took := time.Since(begin)
	want := digest(t, dir, calm)
	killed, histories := 0, 0
	rough := table(t, s, dir)
	check := func() {
		t.Helper()
		nines(t, dir, 0, "measure", "--quiet", "--store", rough)
		if got := digest(t, dir, rough); got != want {
			t.Fatalf("the killed history is %+v, want %+v", got, want)
		}
		histories++
		rough = table(t, s, dir)
	}
	for killed < kills() {
		if kill(t, command(t, dir, "measure", "--quiet", "--store", rough), rand.N(took)) {
			killed++
			continue
		}
		check() // it ended by itself: hold it against the calm one, and begin anew
	}
	check()
	t.Logf("killed %d runs over %d histories (an undisturbed run takes %v)", killed, histories, took.Round(time.Millisecond))
}

// kill lets a program run for a while and kills it; false when it ended before.
func kill(t *testing.T, cmd *exec.Cmd, after time.Duration) bool {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	return cmd.Wait() != nil
}

// TestTwoWriters measures into one table from two processes at once.
func TestTwoWriters(t *testing.T) {
	s := dynamodbtest.Start(t, time.Now)
	dir := t.TempDir()
	gapped(t, dir, 6, 4000)
	calm, shared := table(t, s, dir), table(t, s, dir)
	nines(t, dir, 0, "measure", "--quiet", "--store", calm)
	var writers []*exec.Cmd
	for range 2 {
		cmd := command(t, dir, "measure", "--quiet", "--store", shared)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, cmd)
	}
	for _, cmd := range writers {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if got, want := digest(t, dir, shared), digest(t, dir, calm); got != want {
		t.Errorf("two writers left %+v, one alone %+v", got, want)
	}
}
