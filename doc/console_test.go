// Package doc_test runs the examples of the documentation.
//
// A block that begins with ```console holds commands ("$ nines status") and what
// they print. Every Markdown file is run from top to bottom in a folder of its
// own, in which the repository's examples lie; a local CloudWatch that is started
// with "&" runs beside the commands that follow. In the output, "…" stands for
// anything inside a line, and a line "…" for any number of lines; "(exit 3)"
// says that a command ends with another code than 0.
//
//	go test ./doc -update     writes what the commands print into the files
package doc_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/cli"
	"gitlab.com/nines-sre/nines/internal/wire"
)

var update = flag.Bool("update", false, "write what the commands print into the files")

// asBinary makes the test executable behave as the program.
const asBinary = "NINES_DOC_BINARY"

func TestMain(m *testing.M) {
	if os.Getenv(asBinary) != "" {
		os.Exit(cli.Main(os.Args[1:], wire.CLI()))
	}
	os.Exit(m.Run())
}

// block is one fenced block of a file; from and to are its lines without the
// fences.
type block struct{ from, to int }

func TestConsole(t *testing.T) {
	files, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".md" {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(raw), "\n")
		blocks := find(lines)
		if len(blocks) == 0 {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			got := play(t, lines, blocks)
			if *update {
				if err := os.WriteFile(name, []byte(strings.Join(got, "\n")), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if ran == 0 {
		t.Error("no file has a console block; the examples are not run")
	}
}

func find(lines []string) (out []block) {
	from := -1
	for i, l := range lines {
		switch {
		case from < 0 && strings.TrimSpace(l) == "```console":
			from = i + 1
		case from >= 0 && strings.TrimSpace(l) == "```":
			out = append(out, block{from, i})
			from = -1
		}
	}
	return out
}

// play runs a file's blocks and returns its lines with what was printed.
func play(t *testing.T, lines []string, blocks []block) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	// What somebody measured by running the examples is not theirs.
	kept, err := filepath.Glob(filepath.Join(dir, "examples", "*", ".nines"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range kept {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	at := 0
	names := ids{}
	shell := newSession(t, dir)
	for _, b := range blocks {
		out = append(out, lines[at:b.from]...)
		at = b.to
		for _, c := range commands(lines[b.from:b.to]) {
			got := names.steady(shell.run(names.real(c.line)))
			if !matches(c.output, got) {
				if *update {
					c.output = got
				} else {
					t.Errorf("%s (-documented +printed)\n%s", c.line, cmp.Diff(c.output, got))
				}
			}
			out = append(append(out, "$ "+c.line), c.output...)
		}
	}
	return append(out, lines[at:]...)
}

// ids gives the entries of a ledger the same names every time: documented name
// to the one of this run.
type ids map[string]string

// id is how an entry of the ledger is called.
var id = regexp.MustCompile(`\b1[0-9a-z]{10}\b`)

func (n ids) real(line string) string {
	return id.ReplaceAllStringFunc(line, func(s string) string { return n[s] })
}

func (n ids) steady(lines []string) []string {
	out := slices.Clone(lines)
	for i, l := range out {
		out[i] = id.ReplaceAllStringFunc(l, func(s string) string {
			for name, actual := range n {
				if actual == s {
					return name
				}
			}
			name := fmt.Sprintf("1ng86b2%04d", len(n)+1)
			n[name] = s
			return name
		})
	}
	return out
}

// command is a line after "$ " and what is documented to follow it.
type command struct {
	line   string
	output []string
}

func commands(lines []string) (out []command) {
	for _, l := range lines {
		if line, is := strings.CutPrefix(l, "$ "); is {
			out = append(out, command{line: line})
		} else if len(out) > 0 {
			last := &out[len(out)-1]
			last.output = append(last.output, l)
		}
	}
	return out
}

func textLines(text []byte) []string {
	trimmed := strings.TrimRight(string(text), "\n")
	if trimmed == "" {
		return nil
	}
	return strings.Split(trimmed, "\n")
}

// matches says whether lines are those documented, wildcards understood.
func matches(want, got []string) bool {
	want = slices.Clone(want)
	for len(want) > 0 && strings.TrimSpace(want[len(want)-1]) == "" {
		want = want[:len(want)-1]
	}
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		for i := range len(got) + 1 {
			if matches(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && matchLine(want[0], got[0]) && matches(want[1:], got[1:])
}

func matchLine(want, got string) bool {
	parts := strings.Split(strings.TrimRight(want, " "), "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(strings.TrimRight(got, " "))
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		want, got string
		ok        bool
	}{
		{"a\nb", "a\nb", true},
		{"a\nb", "a", false},
		{"a", "a\nb", false},
		{"a\n…", "a\nb\nc", true},
		{"…\nc", "a\nb\nc", true},
		{"…\nd", "a\nb\nc", false},
		{"id … at", "id 42 at", true},
		{"id … at", "id 42", false},
		{"", "x", false},
	} {
		if got := matches(textLines([]byte(tc.want)), textLines([]byte(tc.got))); got != tc.ok {
			t.Errorf("%q matches %q: %v, want %v", tc.want, tc.got, got, tc.ok)
		}
	}
}
