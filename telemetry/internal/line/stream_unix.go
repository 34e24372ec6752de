//go:build unix

package line

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
)

// polled is a file descriptor in non-blocking mode that the runtime polls. Its
// callbacks are made once, so that an attempt allocates nothing.
type polled struct {
	file interface {
		syscall.Conn
		SetWriteDeadline(t time.Time) error
	}
	raw  syscall.RawConn
	once func(fd uintptr) bool // tries, and does not wait
	till func(fd uintptr) bool // tries until all is out or the deadline passes

	p   []byte
	n   int
	err error
}

func pollable(out io.Writer) stream { //nolint:ireturn // one of two, or none
	s := &polled{}
	var ok bool
	if s.file, ok = out.(interface {
		syscall.Conn
		SetWriteDeadline(t time.Time) error
	}); !ok || s.file.SetWriteDeadline(time.Time{}) != nil {
		return nil // a regular file or a descriptor in blocking mode
	}
	raw, err := s.file.SyscallConn()
	if err != nil {
		return nil
	}
	s.raw = raw
	s.once = func(fd uintptr) bool { s.push(fd); return true }
	s.till = func(fd uintptr) bool { s.push(fd); return s.err != errFull } //nolint:errorlint // ours, never wrapped
	return s
}

func (s *polled) attempt(p []byte, wait time.Duration) (int, error) {
	s.p, s.n, s.err = p, 0, nil
	defer func() { s.p = nil }()
	if wait == 0 {
		if err := s.raw.Write(s.once); err != nil {
			return s.n, err
		}
		return s.n, s.err
	}
	if err := s.file.SetWriteDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	err := s.raw.Write(s.till)
	_ = s.file.SetWriteDeadline(time.Time{})
	if s.err == nil && err != nil {
		s.err = err
	}
	return s.n, s.err
}

// push writes what the descriptor takes.
func (s *polled) push(fd uintptr) {
	s.err = nil
	for s.n < len(s.p) {
		n, err := syscall.Write(int(fd), s.p[s.n:])
		s.n += max(n, 0)
		switch err {
		case nil:
		case syscall.EINTR:
		case syscall.EAGAIN:
			s.err = errFull
			return
		default:
			s.err = err
			return
		}
	}
}

// descriptor is the number of a file's descriptor; -1: it has none. (Not Fd: that
// would put the descriptor into blocking mode, for others too.)
func descriptor(f *os.File) int {
	fd := -1
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(n uintptr) { fd = int(n) })
	}
	return fd
}

// own returns a stream onto the same pipe that is ours alone: non-blocking without
// making the descriptor so that others share, and another number than 1, to which
// a write into a closed pipe would be the end of the process.
func own(std *os.File) io.Writer {
	info, err := std.Stat()
	if err != nil {
		return std
	}
	fd := descriptor(std)
	if info.Mode()&os.ModeNamedPipe != 0 {
		// Opening it anew makes a new description with flags of its own.
		path := "/proc/self/fd/" + strconv.Itoa(fd)
		if f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil { //nolint:gosec // our own descriptor
			return f
		}
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	dup, err := syscall.Dup(fd)
	if err != nil {
		return std
	}
	syscall.CloseOnExec(dup)
	return os.NewFile(uintptr(dup), std.Name())
}
