package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func some() []file {
	return []file{{"nines", []byte("binary"), executable}, {"man/nines.1", []byte("page"), plain}, {"LICENSE", []byte("text"), plain}}
}

// An archive depends on its files alone: not on their order, not on the clock.
func TestArchivesAreReproducible(t *testing.T) {
	for name, pack := range map[string]packer{"tar": tarball, "zip": zipped} {
		var a, b bytes.Buffer
		files := some()
		if err := pack(&a, files, noon); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(files)
		if err := pack(&b, files, noon.In(time.FixedZone("elsewhere", 3600))); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: the same files give other bytes", name)
		}
	}
}

func TestArchivesHoldTheirFiles(t *testing.T) {
	want := map[string]string{"nines": "binary 755", "man/nines.1": "page 644", "LICENSE": "text 644"}
	var b bytes.Buffer
	if err := tarball(&b, some(), noon); err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(data) + " " + mode(h.FileInfo())
	}
	compare(t, "tar", got, want)

	b.Reset()
	if err := zipped(&b, some(), noon); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	clear(got)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name] = string(data) + " " + mode(f.FileInfo())
	}
	compare(t, "zip", got, want)
}

func mode(i os.FileInfo) string {
	const digits = "01234567"
	m := i.Mode().Perm()
	return string([]byte{digits[m>>6&7], digits[m>>3&7], digits[m&7]})
}

func compare(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s holds %d files, want %d", what, len(got), len(want))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %s is %q, want %q", what, name, got[name], text)
		}
	}
}

// Every verb has a page, and groff's macros are in it.
func TestManual(t *testing.T) {
	pages := map[string]string{}
	for _, f := range manual(noon) {
		pages[f.name] = string(f.data)
	}
	for _, name := range []string{"man/nines.1", "man/nines-gate.1", "man/nines-freeze-add.1", "man/nines-completion-bash.1"} {
		if !strings.Contains(pages[name], ".SH SYNOPSIS") {
			t.Errorf("%s is no manual page: %.60q", name, pages[name])
		}
	}
	if !strings.Contains(pages["man/nines-gate.1"], `"Jan 2026"`) {
		t.Error("a page carries another time than the commit's")
	}
}

func TestCompletions(t *testing.T) {
	for _, f := range completions() {
		if !bytes.Contains(f.data, []byte("__complete")) {
			t.Errorf("%s does not ask the program", f.name)
		}
	}
}

// Everything that is built in may be passed on: its licence is there.
func TestLicences(t *testing.T) {
	t.Chdir("../..")
	text, err := licences(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"github.com/spf13/cobra v", "modernc.org/sqlite v", "Go standard library", "Redistribution and use"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%q is missing", want)
		}
	}
}

// Of a bill of materials nothing is left that depends on the machine or the clock.
func TestBillIsSteady(t *testing.T) {
	bill := func(stamp, digest string) []byte {
		return []byte(`{"components":[{"name":"a"}],"metadata":{"timestamp":"` + stamp + `","tools":[{"name":"b","hashes":[{"content":"` + digest + `"}]}]}}`)
	}
	one, err := steady(bill("2026-01-01T00:00:00Z", "abc"), noon)
	if err != nil {
		t.Fatal(err)
	}
	two, err := steady(bill("2026-02-02T00:00:00Z", "def"), noon)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("%s\n%s\n%v", one, two, err)
	}
	if !bytes.Contains(one, []byte(`"2026-01-02T12:00:00Z"`)) || !bytes.Contains(one, []byte(`"components"`)) {
		t.Errorf("%s", one)
	}
	if _, err := steady([]byte("<xml/>"), noon); err == nil {
		t.Error("something else than JSON passes")
	}
}

func TestNothingWithoutVersionAndTime(t *testing.T) {
	for _, o := range []options{{version: "v1", epoch: time.Unix(0, 0)}, {epoch: noon}} {
		o.out = filepath.Join(t.TempDir(), "dist")
		if err := o.run(t.Context()); err == nil {
			t.Errorf("%+v is built", o)
		}
	}
}

// The same commit gives the same bytes from another folder and without a build
// cache. Minutes long, so only in the full test.
func TestReleaseIsReproducible(t *testing.T) {
	if os.Getenv("NINES_FULL") == "" {
		t.Skip("builds twice from nothing; NINES_FULL=1 runs it")
	}
	var sums []string
	for range 2 {
		dir := t.TempDir()
		clone := exec.CommandContext(t.Context(), "git", "clone", "-q", "../..", filepath.Join(dir, "nines"))
		if out, err := clone.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		build := exec.CommandContext(t.Context(), "go", "run", "./tools/release", "-version", "v1.2.3", "-commit", "abc", "-epoch", "1700000000",
			"-platforms", "linux/amd64", "-lambda", "arm64")
		build.Dir = filepath.Join(dir, "nines")
		build.Env = append(os.Environ(), "GOCACHE="+filepath.Join(dir, "cache"))
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		sum, err := os.ReadFile(filepath.Join(dir, "nines", "dist", "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(sum))
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != 3 {
		t.Errorf("two builds differ:\n%s\n%s", sums[0], sums[1])
	}
}
