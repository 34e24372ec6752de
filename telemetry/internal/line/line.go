// Package line writes lines of JSON to a stream that must never hold the function
// up: a standard output that is full, closed or slow costs lines, which are
// counted, not time.
//
// One line is one Write, whole, under one lock: lines of logs and of metrics that
// share a stream do not mix.
package line

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// patience is how long one line may wait for a stream that takes nothing. After
// that the stream counts as stuck, and lines are tried without waiting until one
// passes again.
const patience = 20 * time.Millisecond

// Writer writes lines. Its methods may be called from any number of goroutines.
// The zero value is not usable; see [New] and [Stdout].
type Writer struct {
	mu    sync.Mutex
	out   stream
	rest  []byte // what is left of a line that went half out
	stuck bool
	lost  Lost
}

// stream is where lines go. An attempt writes what can be written within wait,
// and says errFull when that was not all.
type stream interface {
	attempt(p []byte, wait time.Duration) (int, error)
}

// errFull says that a stream takes nothing more now.
var errFull = errors.New("the stream is full")

// Lost is what did not get out.
type Lost struct {
	Lines uint64 // whole lines that were dropped
	Bytes uint64
}

// New writes to out. A pipe or a connection (an os.File in non-blocking mode, a
// net.Conn) is given up on when it takes nothing; any other writer is trusted not
// to block. A Writer is returned as it is: two signals that are given the same one
// share it.
func New(out io.Writer) *Writer {
	if w, ok := out.(*Writer); ok {
		return w
	}
	if s := pollable(out); s != nil {
		return &Writer{out: s}
	}
	return &Writer{out: plain{out}}
}

type plain struct{ io.Writer }

func (w plain) attempt(p []byte, _ time.Duration) (int, error) { return w.Write(p) }

// Stdout writes to the process's standard output without inheriting its faults: a
// pipe that nobody reads is given up on, and one that is closed is an error, where
// writing to file descriptor 1 would block or end the process by SIGPIPE.
//
// All who ask get the same Writer, so that their lines do not mix, unless another
// file was put in the standard output's place.
func Stdout() *Writer {
	if descriptor(os.Stdout) != 1 {
		// A test of an example waits for the end of it: a copy would keep it open.
		return New(os.Stdout)
	}
	return standard()
}

//nolint:gochecknoglobals // a process has one standard output
var standard = sync.OnceValue(func() *Writer { return New(own(os.Stdout)) })

// WriteLine writes p, a line with its newline. It reports whether
// the line got out, or will with the next one (a stream took half of it).
func (w *Writer) WriteLine(p []byte) (out bool) {
	w.mu.Lock()
	whole := false
	defer func() {
		// A writer that is not ours and panics must not take the function with it.
		if !whole && recover() != nil {
			out = w.drop(p)
		}
		w.mu.Unlock()
	}()
	if len(w.rest) > 0 && !w.finish() {
		whole = true
		return w.drop(p)
	}
	n, err := w.out.attempt(p, 0)
	if err != nil {
		out = w.insist(p, n, err)
		whole = true
		return out
	}
	whole = true
	w.stuck = false
	return true
}

// insist does what can be done about a line that did not get out at once.
func (w *Writer) insist(p []byte, n int, err error) bool {
	n, err = w.wait(p, n, err)
	if err == nil {
		w.stuck = false
		return true
	}
	if n > 0 && errors.Is(err, errFull) {
		// The reader has seen the beginning: the line must be completed first.
		w.rest = append(w.rest[:0], p[n:]...)
		return true
	}
	return w.drop(p)
}

// Write is WriteLine for those who want an io.Writer. It never returns an error:
// what is lost is counted.
func (w *Writer) Write(p []byte) (int, error) {
	w.WriteLine(p)
	return len(p), nil
}

// Lost returns what has been dropped since the last call of TakeLost.
func (w *Writer) Lost() Lost {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// TakeLost returns what was dropped and begins to count anew: whoever takes it
// reports it.
func (w *Writer) TakeLost() Lost {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lost
	w.lost = Lost{}
	return l
}

// finish completes a line that went half out.
func (w *Writer) finish() bool {
	n, err := w.out.attempt(w.rest, 0)
	n, err = w.wait(w.rest, n, err)
	w.rest = w.rest[:copy(w.rest, w.rest[n:])]
	if err != nil && !errors.Is(err, errFull) {
		// Nobody will read the rest, and nobody can: the stream is gone.
		w.rest = w.rest[:0]
	}
	return err == nil
}

// wait gives a stream that is full one chance; one that did not take it gets no
// more of the function's time until a line passes again.
func (w *Writer) wait(p []byte, n int, err error) (int, error) {
	if err == nil || w.stuck || !errors.Is(err, errFull) {
		return n, err
	}
	m, err := w.out.attempt(p[n:], patience)
	w.stuck = err != nil
	return n + m, err
}

func (w *Writer) drop(p []byte) bool {
	w.lost.Lines++
	w.lost.Bytes += uint64(len(p))
	return false
}
