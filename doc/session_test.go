package doc_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// session is the shell a file's commands are run in: a folder, what was
// exported, and the servers that were started with "&".
type session struct {
	t    *testing.T
	dir  string
	env  []string
	jobs []*exec.Cmd // the nth is %n
	// actual is where the newest server listens; documents name its default.
	actual string
}

// documented is the address a local CloudWatch has in the documents. The one
// that is run takes a free port.
const documented = "127.0.0.1:4582"

// greeted is the last line of a server's greeting.
const greeted = "Interrupt it to stop it."

var listens = regexp.MustCompile(`listens at http://(127\.0\.0\.1:[0-9]+)`)

func newSession(t *testing.T, dir string) *session {
	t.Helper()
	s := &session{t: t, dir: dir, actual: documented}
	// Nothing of the surroundings: in a pipeline they would name a version.
	s.env = []string{
		asBinary + "=1", "NO_COLOR=1", "LC_ALL=C.UTF-8", "NINES_CONFIG=examples/payment-api", "NINES_ACTOR=you",
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.Getenv("TMPDIR"),
	}
	t.Cleanup(func() {
		for i := range s.jobs {
			s.kill(i)
		}
	})
	return s
}

// word is a bare word or a quoted text of a command line.
var word = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)

// run runs one command. A comment at the end of the line is not part of it.
func (s *session) run(line string) []string {
	s.t.Helper()
	line, _, _ = strings.Cut(line, "  #")
	line, into, _ := strings.Cut(strings.ReplaceAll(line, documented, s.actual), " >> ")
	words := word.FindAllString(line, -1)
	for i, w := range words {
		if len(w) > 1 && (w[0] == '"' || w[0] == '\'') && w[len(w)-1] == w[0] {
			words[i] = w[1 : len(w)-1]
		}
	}
	switch name := strings.TrimPrefix(words[0], "bin/"); {
	case name == "cat" && len(words) == 2:
		text, err := os.ReadFile(filepath.Join(s.dir, words[1]))
		if err != nil {
			s.t.Fatal(err)
		}
		return textLines(text)
	case name == "export":
		s.env = append(s.env, words[1:]...)
		return nil
	case name == "kill":
		var n int
		if _, err := fmt.Sscanf(words[len(words)-1], "%%%d", &n); err != nil || n < 1 || n > len(s.jobs) {
			s.t.Fatalf("%q: there is no such job", line)
		}
		s.kill(n - 1)
		return nil
	case name == "go" && words[1] == "run":
		cmd := exec.CommandContext(s.t.Context(), "go", words[1:]...)
		cmd.Dir = ".."
		return s.finish(cmd, into)
	case name == "nines" && words[len(words)-1] == "&":
		return s.start(words[1 : len(words)-1])
	case name == "nines":
		return s.finish(s.nines(words[1:]), into)
	}
	s.t.Fatalf("%q: the examples run nines, cat, export, kill and go run only", line)
	return nil
}

// nines is a call of the program: of this executable.
func (s *session) nines(args []string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), self, args...)
	cmd.Dir, cmd.Env = s.dir, slices.Clone(s.env)
	return cmd
}

// finish runs a command to its end and returns what it prints, or appends it
// to a file.
func (s *session) finish(cmd *exec.Cmd, into string) []string {
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	err := cmd.Run()
	exit, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && !failed {
		s.t.Fatal(err)
	}
	if into != "" && !failed {
		f, err := os.OpenFile(filepath.Join(s.dir, into), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			s.t.Fatal(err)
		}
		_, err = f.Write(text.Bytes())
		if err = errors.Join(err, f.Close()); err != nil {
			s.t.Fatal(err)
		}
		s.followed(into)
		return nil
	}
	out := s.shown(text.Bytes())
	if failed {
		out = append(out, fmt.Sprintf("(exit %d)", exit.ExitCode()))
	}
	return out
}

// followed waits until the server has read a file that it follows.
func (s *session) followed(file string) {
	raw, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		s.t.Fatal(err)
	}
	for want, got := bytes.Count(raw, []byte("\n")), 0; got < want; {
		out := s.finish(s.nines([]string{"cloudwatch", "requests", "-o", "json", "--endpoint", "http://" + s.actual}), "")
		var asked struct {
			EMF struct {
				Lines int `json:"lines"`
			} `json:"emf"`
		}
		if err := json.Unmarshal([]byte(strings.Join(out, "\n")), &asked); err != nil {
			s.t.Fatalf("%v: %v", out, err)
		}
		got = asked.EMF.Lines
	}
}

// start runs a server beside the commands that follow, on a free port, and
// returns its greeting.
func (s *session) start(args []string) []string {
	cmd := s.nines(append(args, "--listen", "127.0.0.1:0"))
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.jobs = append(s.jobs, cmd)
	var text bytes.Buffer
	lines := bufio.NewReader(r)
	for !strings.HasSuffix(strings.TrimSpace(text.String()), greeted) {
		line, err := lines.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%v ends: %v\n%s", args, err, text.String())
		}
		text.WriteString(line)
	}
	go io.Copy(io.Discard, lines) //nolint:errcheck // it ends with the server
	if m := listens.FindStringSubmatch(text.String()); m != nil {
		s.actual = m[1]
	}
	return s.shown(text.Bytes())
}

// kill ends a server at once, if it still runs.
func (s *session) kill(i int) {
	if cmd := s.jobs[i]; cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it says that it was killed
	}
}

// shown is what a command printed, with the documented address.
func (s *session) shown(text []byte) []string {
	return textLines(bytes.ReplaceAll(text, []byte(s.actual), []byte(documented)))
}
