package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"gitlab.com/nines-sre/nines/internal/cli/host"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/render/term"
)

// ran marks an error as a running verb's own. What comes without the mark is
// an error of usage: a flag, an argument or a verb that does not exist.
type ran struct{ error }

func (r ran) Unwrap() error { return r.error }

// markAll makes every verb mark its errors.
func markAll(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		markAll(sub)
	}
	run := cmd.RunE
	if run == nil {
		return
	}
	cmd.RunE = func(c *cobra.Command, args []string) error {
		if err := run(c, args); err != nil {
			return ran{err}
		}
		return nil
	}
}

// report prints an error and returns the exit code.
func report(h *host.Host, verb *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[host.ExitError](err); ok {
		return exit.Code
	}
	if _, ok := errors.AsType[ran](err); !ok {
		err = fault.Wrap(fault.Invalid, "", err, "`"+verb.CommandPath()+" --help` shows how it is used")
	}
	complain(h, err)
	return fault.KindOf(err).ExitCode()
}

// complain writes "nines: error" and a hint. Problems of documents are listed
// one a line, as compilers do, so that editors find their places.
func complain(h *host.Host, err error) {
	style := h.ErrStyle()
	text := strings.TrimSpace(err.Error())
	hint := fault.HintOf(err)
	if fault.KindOf(err) == fault.Canceled {
		// Which step it met does not matter to who pressed the key.
		text, hint = "interrupted", "what is recorded stays recorded; call it again to go on"
	}
	if problems, ok := errors.AsType[fault.Problems](err); ok {
		text = problems.Error() + fmt.Sprintf("\nnines: %s in the documents", term.Plural(problems.Errors(), "error"))
		if hint == "" {
			hint = "`nines lint` lists them with warnings"
		}
		_, _ = fmt.Fprintln(h.Err, text)
	} else {
		_, _ = fmt.Fprintln(h.Err, style.Paint(term.Bad, "nines:")+" "+clean(text))
	}
	if hint != "" {
		_, _ = fmt.Fprintln(h.Err, style.Paint(term.Strong, "hint:")+" "+clean(hint))
	}
}

// clean keeps the lines of a message and nothing that steers a terminal.
func clean(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = term.Clean(line)
	}
	return strings.Join(lines, "\n")
}

// panicked reports a defect without a trace; NINES_TRACE=1 adds it.
func panicked(h *host.Host, r any) int {
	complain(h, fault.New(fault.Internal, "internal error", fmt.Sprint(r),
		"this is a defect of nines; NINES_TRACE=1 prints where it is, please report it"))
	if h.Getenv("NINES_TRACE") != "" {
		_, _ = fmt.Fprintf(h.Err, "%s\n", debug.Stack())
	}
	return fault.Internal.ExitCode()
}
