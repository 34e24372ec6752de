package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// screen is where the run says what happens. Where nobody reads it, the run goes on
// all the same.
type screen struct {
	to    io.Writer
	color bool
	open  bool // the newest line is a progress line without its end
}

func (s *screen) bold(text string) string {
	if !s.color {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

// title begins a step.
func (s *screen) title(text string) { s.say("\n" + s.bold(text)) }

// say prints a line.
func (s *screen) say(format string, args ...any) {
	s.close()
	_, _ = fmt.Fprintf(s.to, format+"\n", args...)
}

// progress prints a line that the next one replaces; without a terminal it
// stays.
func (s *screen) progress(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !s.color {
		_, _ = fmt.Fprintln(s.to, text)
		return
	}
	_, _ = fmt.Fprint(s.to, "\r\x1b[K"+text)
	s.open = true
}

func (s *screen) close() {
	if s.open {
		_, _ = fmt.Fprintln(s.to)
		s.open = false
	}
}

// nines shows a command of nines, runs it, and returns its exit code.
func (r *runner) nines(ctx context.Context, args ...string) (code int, err error) {
	r.screen.say("\n%s", r.screen.bold("$ nines "+strings.Join(args, " ")))
	cmd := exec.CommandContext(ctx, r.opt.Nines, args...) //nolint:gosec // the program that was named
	cmd.Env, cmd.Stdout, cmd.Stderr = append(r.env, r.aws...), r.opt.Out, r.opt.Err
	// Told to stop it puts back what it has moved, before it ends.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopsIn
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		code, err = exit.ExitCode(), nil
	}
	if ctx.Err() != nil {
		return code, context.Cause(ctx)
	}
	if code != 0 {
		r.screen.say("(exit %d)", code)
	}
	return code, err
}
