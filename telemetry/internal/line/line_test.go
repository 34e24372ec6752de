package line_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/line"
)

// TestMain is also the process under test: it writes lines to a standard output
// that its parent made unusable, and says on standard error how that went.
func TestMain(m *testing.M) {
	if os.Getenv("LINE_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	w := line.Stdout()
	text := []byte(strings.Repeat("x", 999) + "\n")
	for range 1000 {
		w.WriteLine(text)
	}
	fmt.Fprintf(os.Stderr, "lost %d lines of %d bytes", w.Lost().Lines, w.Lost().Bytes)
}

func child(t *testing.T, stdout *os.File) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LINE_TEST_CHILD=1")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("the process did not survive its standard output: %v, %s", err, &said)
	}
	return said.String()
}

func TestAFullStandardOutputCostsLines(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	got := child(t, w)
	// A pipe holds 64 KiB: some 65 lines of 1000 fit.
	if !strings.HasPrefix(got, "lost 93") {
		t.Errorf("%q, want about 935 of 1000 lines lost", got)
	}
}

func TestAClosedStandardOutputIsNoEnd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	if got, want := child(t, w), "lost 1000 lines of 1000000 bytes"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestANullDeviceTakesAll(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if got, want := child(t, null), "lost 0 lines of 0 bytes"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A line that went half out is completed before the next one begins: a reader
// that comes late sees whole lines.
func TestLinesStayWhole(t *testing.T) {
	r, f, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w := line.New(f)
	written := 0
	for i := range 200 {
		if w.WriteLine(fmt.Appendf(nil, "%d %s\n", i, strings.Repeat("y", 900+i))) {
			written++
		}
	}
	lost := w.Lost()
	if int(lost.Lines)+written != 200 || lost.Lines == 0 {
		t.Fatalf("%d written and %d lost of 200", written, lost.Lines)
	}
	lines := make(chan int)
	go func() {
		n := 0
		for s := bufio.NewScanner(r); s.Scan(); n++ {
			var i int
			var y string
			if _, err := fmt.Sscanf(s.Text(), "%d %s", &i, &y); err != nil || (i < 200 && len(y) != 900+i) {
				t.Errorf("a broken line of %d bytes: %.20q", len(s.Text()), s.Text())
			}
		}
		lines <- n
	}()
	for !w.WriteLine([]byte("1000 last\n")) { // until the reader has made room
	}
	f.Close()
	if n := <-lines; n != written+1 {
		t.Errorf("%d lines read, %d said to be written", n, written+1)
	}
}

func TestConcurrentLinesDoNotMix(t *testing.T) {
	var out bytes.Buffer
	w := line.New(&out)
	var all sync.WaitGroup
	for g := range 50 {
		all.Go(func() {
			for range 100 {
				w.WriteLine(fmt.Appendf(nil, "%s\n", strings.Repeat(string(rune('a'+g%26)), 100)))
			}
		})
	}
	all.Wait()
	for l := range strings.Lines(out.String()) {
		if len(l) != 101 || strings.Trim(l, l[:1]+"\n") != "" {
			t.Fatalf("mixed: %q", l)
		}
	}
}

func TestAWriterThatFailsIsCounted(t *testing.T) {
	r, f := io.Pipe()
	r.Close()
	w := line.New(f)
	if n, err := w.Write([]byte("gone\n")); n != 5 || err != nil {
		t.Errorf("%d, %v: telemetry must not fail its caller", n, err)
	}
	if got := w.TakeLost(); got != (line.Lost{Lines: 1, Bytes: 5}) || w.Lost() != (line.Lost{}) {
		t.Errorf("lost %+v, then %+v", got, w.Lost())
	}
}

func TestALineAllocatesNothing(t *testing.T) {
	r, f, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	w := line.New(f)
	text := []byte("a line\n")
	if n := testing.AllocsPerRun(100, func() { w.WriteLine(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The standard output that a test of an example puts in place is read to its end.
func ExampleStdout() {
	line.Stdout().WriteLine([]byte("a line\n"))
	// Output: a line
}
