package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"gitlab.com/nines-sre/nines/internal/fault"
)

const (
	// mostOutput is what the program that reads may print; mostSaid what is kept of
	// the end of standard error.
	mostOutput = 64 << 10
	mostSaid   = 4 << 10
	// grace is how long a program may take to end once it is told to, and how long
	// what it left behind may hold its streams.
	grace = 5 * time.Second
)

// Statuses of sysexits(3) that mean something of their own.
const (
	exitUsage  = 64
	exitData   = 65
	exitTemp   = 75
	exitNoPerm = 77
	exitConfig = 78
)

// meta are the letters to which a shell gives a meaning.
const meta = "|&;<>()$`\\\"'*?[]#~{}!\n"

// argv is how a text is run: by itself, split at blanks, or by a shell if it has
// anything in it that only a shell understands.
func argv(text string) []string {
	words := strings.Fields(text)
	if strings.ContainsAny(text, meta) || strings.Contains(words[0], "=") {
		return []string{"sh", "-c", text}
	}
	return words
}

// run runs a program to its end and returns what it printed. When the context ends,
// it and all that it started are told to end, and are then killed.
func (t *Target) run(ctx context.Context, text string, env []string) ([]byte, error) {
	name := op + " " + text
	if i := slices.IndexFunc(env, func(v string) bool { return strings.ContainsRune(v, 0) }); i >= 0 {
		return nil, fault.New(fault.Invalid, name, "a name with a zero byte cannot be given to a program", "")
	}
	limited, cancel := context.WithTimeout(ctx, t.opt.Limit)
	defer cancel()
	args := argv(text)
	cmd := exec.CommandContext(limited, args[0], args[1:]...) //nolint:gosec // the program that the user names
	cmd.Env = append(os.Environ(), env...)
	out, said := &head{most: mostOutput}, &tail{most: mostSaid}
	cmd.Stdout, cmd.Stderr = out, said
	if t.opt.Log != nil {
		log := &lines{t: t}
		cmd.Stderr = both{said, log}
		if text != t.opt.Read { // what that one prints is an answer, each minute
			cmd.Stdout = both{out, log}
		}
	}
	apart(cmd)
	cmd.WaitDelay = grace
	err := cmd.Run()
	if limited.Err() != nil {
		ended(cmd)
	}
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay) && limited.Err() == nil:
		if out.over {
			return nil, fault.New(fault.Full, name, fmt.Sprintf("it prints more than %d KB", mostOutput>>10), "print the JSON object alone")
		}
		return out.buf.Bytes(), nil
	case ctx.Err() != nil:
		return nil, fault.Wrap(fault.Canceled, name, ctx.Err(), "")
	case limited.Err() != nil:
		return nil, fault.New(fault.Unavailable, name, fmt.Sprintf("it has not ended after %v, and was killed", t.opt.Limit), said.last())
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return nil, fault.New(fault.Invalid, name, "there is no such program", "write its path, or put it where PATH finds it")
	case errors.Is(err, os.ErrPermission):
		return nil, fault.New(fault.Denied, name, "it may not be run", "make it executable: chmod +x")
	}
	return nil, explain(name, err, said.last())
}

// explain says what a status means.
func explain(name string, err error, said string) error {
	text := err.Error()
	if said != "" {
		text += ": " + said
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return fault.New(fault.Unavailable, name, text, "")
	}
	switch exit.ExitCode() {
	case exitUsage, exitData, exitConfig:
		return fault.New(fault.Invalid, name, text, "")
	case exitTemp:
		return fault.New(fault.Throttled, name, text, "")
	case exitNoPerm:
		return fault.New(fault.Denied, name, text, "")
	}
	return fault.New(fault.Unavailable, name, text, "run it by hand to see what is wrong")
}

// head keeps the beginning of what is written.
type head struct {
	buf  bytes.Buffer
	most int
	over bool
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	room := max(0, h.most-h.buf.Len())
	h.over = h.over || len(p) > room
	h.buf.Write(p[:min(room, len(p))])
	return len(p), nil
}

// tail keeps the end of what is written.
type tail struct {
	buf  []byte
	most int
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - t.most; n > 0 {
		t.buf = slices.Delete(t.buf, 0, n)
	}
	return len(p), nil
}

// last returns the last lines, safe to print, on one line.
func (t *tail) last() string {
	const most = 3
	var all []string
	for line := range strings.Lines(strings.ToValidUTF8(string(t.buf), "?")) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, line))
		if line != "" {
			all = append(all, line)
		}
	}
	return strings.Join(all[max(0, len(all)-most):], "; ")
}

// both writes to a keeper, whose count it is, and to the log.
type both struct {
	keep interface{ Write(p []byte) (int, error) }
	log  *lines
}

// Write implements io.Writer.
func (b both) Write(p []byte) (int, error) {
	b.log.write(p)
	return b.keep.Write(p)
}

// lines is the caller's log, for two streams at once.
type lines struct {
	mu sync.Mutex
	t  *Target
}

// write is best effort: a log that fails stops no program.
func (l *lines) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.t.opt.Log.Write(p)
}
