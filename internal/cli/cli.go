// Package cli is the command line: it turns arguments into one call of one
// shell, and its outcome into text and an exit code. Each verb is a package
// below; parsing is apart from running, and streams are injected.
package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gitlab.com/nines-sre/nines/internal/cli/host"
)

// Main runs one command in this process and returns its exit code.
func Main(args []string, w host.Wiring) int {
	//nolint:forbidigo // here contexts begin
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, args, process(), w)
}

// Run runs one command in given surroundings and returns its exit code: 0 to 5
// as the table of exit codes has it.
func Run(ctx context.Context, args []string, p host.Process, w host.Wiring) (code int) {
	h := &host.Host{Process: p, Wiring: w}
	defer func() {
		if r := recover(); r != nil {
			code = panicked(h, r)
		}
	}()
	root := newRoot(h)
	root.SetArgs(args)
	verb, err := root.ExecuteContextC(ctx)
	return report(h, verb, err)
}

// Tree is every verb with its flags and texts, for what writes manuals. It is
// not for running.
func Tree(w host.Wiring) *cobra.Command { return newRoot(&host.Host{Wiring: w}) }

// process is the real surroundings.
func process() host.Process {
	return host.Process{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Getenv:  os.Getenv,
		Now:     time.Now,
		OutSize: size(os.Stdout),
		ErrSize: size(os.Stderr),
	}
}

func size(f *os.File) func() (columns, lines int, ok bool) {
	return func() (int, int, bool) {
		columns, lines, err := term.GetSize(int(f.Fd()))
		return columns, lines, err == nil
	}
}
