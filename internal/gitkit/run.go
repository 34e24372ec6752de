// Package gitkit runs the program git: with surroundings in which it asks
// nobody at a terminal, speaks only the protocol that was meant, and keeps
// secrets out of its arguments, of what it logs and of errors.
package gitkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Command is one call of git. What a caller did not write itself (addresses,
// refs, paths) belongs behind "--" or "--end-of-options" in Args.
type Command struct {
	Dir   string // working folder; "": the process's own
	Args  []string
	Stdin []byte
	// Protocol is the only transport it may use: "https", "ssh", "file", "http";
	// "": none.
	Protocol string
	// Config are settings for this call; they go by the environment, where other
	// users cannot list them.
	Config []Setting
	// Secrets are removed from errors.
	Secrets []string
	// Most is how many bytes of output are taken; more is an error.
	Most int
}

// Setting is a setting of git.
type Setting struct{ Key, Value string }

// defaultMost is the most output of a call that names no other limit.
const defaultMost = 64 << 20

// Run returns what git printed. Errors are of package fault: what git said, and
// what to do about it. Op of the error is "git VERB".
func Run(ctx context.Context, c Command) ([]byte, error) {
	op := "git " + c.Args[0]
	//nolint:gosec // arguments of callers stand behind "--", see Command
	cmd := exec.CommandContext(ctx, "git", c.Args...)
	cmd.Dir, cmd.Env = c.Dir, environment(os.Environ(), &c)
	cmd.Stdin = bytes.NewReader(c.Stdin)
	out, said := &bounded{most: c.Most}, &bounded{most: 64 << 10, cut: true}
	if out.most == 0 {
		out.most = defaultMost
	}
	cmd.Stdout, cmd.Stderr = out, said
	// Git's helpers end with it; one that does not must not hold the caller.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return out.buf.Bytes(), nil
	case errors.Is(err, exec.ErrNotFound):
		return nil, fault.New(fault.Unsupported, op, "there is no program git here", "install git, or check the documents out and name the folder")
	case ctx.Err() != nil:
		if why, ok := errors.AsType[*fault.Error](context.Cause(ctx)); ok {
			return nil, why // the caller's own limit
		}
		return nil, fault.Wrap(fault.Canceled, op, ctx.Err(), "")
	case out.full:
		return nil, fault.New(fault.Full, op, fmt.Sprintf("it says more than %d MiB", out.most>>20), "name a smaller part of the repository")
	}
	return nil, explain(op, said.buf.String(), err, c.Secrets)
}

// bounded is a buffer with a limit. Beyond it, writing fails, or is cut.
type bounded struct {
	// Not embedded: io.Copy would find its ReadFrom, which knows no limit.
	buf  bytes.Buffer
	most int
	cut  bool
	full bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	room := b.most - b.buf.Len()
	if len(p) <= room {
		return b.buf.Write(p)
	}
	if b.cut {
		b.buf.Write(p[:max(0, room)])
		return len(p), nil
	}
	b.full = true
	return 0, errors.New("too much")
}

// environment is the process's own without what names another repository or
// prints requests, and with what a call needs.
func environment(own []string, c *Command) []string {
	var out []string
	count := 0
	for _, v := range own {
		name, value, _ := strings.Cut(v, "=")
		switch {
		case name == "GIT_CONFIG_COUNT":
			_, _ = fmt.Sscanf(value, "%d", &count)
		case slices.Contains(replaced(), name), strings.HasPrefix(name, "GIT_TRACE"):
		default:
			out = append(out, v)
		}
	}
	out = append(out, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_ALLOW_PROTOCOL="+allowed(c.Protocol), "GIT_LITERAL_PATHSPECS=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GCM_INTERACTIVE=never")
	if os.Getenv("GIT_SSH_COMMAND") == "" && os.Getenv("GIT_SSH") == "" {
		out = append(out, "GIT_SSH_COMMAND=ssh -o BatchMode=yes")
	}
	all := slices.Concat([]Setting{
		{"core.hooksPath", os.DevNull},
		{"core.fsmonitor", "false"},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"core.quotePath", "false"},
		{"http.lowSpeedLimit", "100"},
		{"http.lowSpeedTime", "30"},
	}, c.Config)
	for _, s := range all {
		out = append(out, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", count, s.Key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", count, s.Value))
		count++
	}
	return append(out, fmt.Sprintf("GIT_CONFIG_COUNT=%d", count))
}

// allowed is GIT_ALLOW_PROTOCOL's value; an empty one would mean the default.
func allowed(protocol string) string {
	if protocol == "" {
		return "none"
	}
	return protocol
}

// replaced are the variables that make git work on another repository than the
// one that is meant (git(1), "The Git Repository"), and those set anew.
func replaced() []string {
	return []string{
		"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",
		"GIT_NAMESPACE", "GIT_PREFIX", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE",
		"GIT_CURL_VERBOSE", "GIT_EXTERNAL_DIFF", "GIT_TERMINAL_PROMPT", "LC_ALL", "LANGUAGE", "GIT_ALLOW_PROTOCOL", "GIT_PROTOCOL_FROM_USER",
		"GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_OPTIONAL_LOCKS",
		"GIT_NO_REPLACE_OBJECTS", "GCM_INTERACTIVE",
	}
}

// meaning is a row of the table of git's messages.
type meaning struct {
	words []string
	kind  fault.Kind
	hint  string
}

// meanings is what git says, and what it means. The first row that fits counts.
func meanings() []meaning {
	return []meaning{
		{
			[]string{"Authentication failed", "could not read Username", "could not read Password", "Permission denied", "Access denied", "error: 401", "error: 403", "Host key verification failed"},
			fault.Denied, "give git a credential helper, or set NINES_GIT_TOKEN; in a GitLab job, CI_JOB_TOKEN needs leave in the project's job token settings",
		},
		{[]string{"dubious ownership"}, fault.Denied, "it belongs to another user: add it to git's safe.directory"},
		{
			[]string{"unable to update url base from redirection", "error: 301", "error: 302", "error: 307", "error: 308"},
			fault.Invalid, "the server sends elsewhere: write the address it sends to, often with .git at its end",
		},
		{[]string{"not allowed", "transport '"}, fault.Invalid, "the address stands for another protocol than it says; look at url.*.insteadOf in git's settings"},
		{
			[]string{"couldn't find remote ref", "not our ref", "Server does not allow request for unadvertised object"},
			fault.NotFound, "check the branch, tag or commit",
		},
		{
			[]string{"not found", "does not exist", "does not appear to be a git repository", "could not be found"},
			fault.NotFound, "check the address; a repository that you may not see is not found either",
		},
		{[]string{"certificate", "SSL"}, fault.Unavailable, "the server's certificate is not trusted here: name its authority by GIT_SSL_CAINFO"},
	}
}

// explain turns what git said into an error.
func explain(op, said string, err error, secrets []string) error {
	text := complaint(said)
	if text == "" {
		text = err.Error()
	}
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	for _, m := range meanings() {
		if slices.ContainsFunc(m.words, func(w string) bool { return strings.Contains(text, w) }) {
			return fault.New(m.kind, op, text, m.hint)
		}
	}
	return fault.New(fault.Unavailable, op, text, "check the address and the network")
}

// complaint joins the lines of git's that say what is wrong, safe to print.
func complaint(said string) string {
	var lines, last []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(line, "?")))
		if line == "" {
			continue
		}
		last = []string{line}
		for _, p := range []string{"fatal: ", "error: ", "remote: "} {
			if rest, is := strings.CutPrefix(line, p); is && strings.TrimSpace(rest) != "" {
				lines = append(lines, strings.TrimSpace(rest))
			}
		}
	}
	if len(lines) == 0 {
		lines = last
	}
	const most = 600
	text := strings.Join(lines, "; ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
