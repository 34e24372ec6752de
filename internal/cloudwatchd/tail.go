package cloudwatchd

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// tail reads what was appended to a file.
type tail struct {
	path      string
	fromStart bool
	file      *os.File
	offset    int64
	pending   []byte // an unfinished line
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close() // it was only read
		t.file = nil
	}
}

// tailStep is how much is read at once.
const tailStep = 1 << 20

// read returns the complete lines that were appended since the last time.
func (t *tail) read() ([]byte, error) {
	if t.file == nil {
		if err := t.open(); err != nil || t.file == nil {
			return nil, err
		}
	}
	info, err := t.file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < t.offset { // truncated: it begins anew
		t.offset, t.pending = 0, nil
	}
	buf := make([]byte, tailStep)
	n, err := t.file.ReadAt(buf, t.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if n == 0 {
		t.replaced(info)
		return nil, nil
	}
	t.offset += int64(n)
	return t.lines(buf[:n]), nil
}

func (t *tail) open() error {
	f, err := os.Open(t.path)
	if errors.Is(err, os.ErrNotExist) {
		t.fromStart = true // whatever appears later is new
		return nil
	}
	if err != nil {
		return err
	}
	t.file, t.offset, t.pending = f, 0, nil
	if !t.fromStart {
		t.offset, err = f.Seek(0, io.SeekEnd)
	}
	t.fromStart = true
	return err
}

// replaced lets go of a file that another one took the name of.
func (t *tail) replaced(info os.FileInfo) {
	if now, err := os.Stat(t.path); err == nil && !os.SameFile(info, now) {
		t.close()
	}
}

// lines returns the complete lines read so far and keeps the rest. What grows
// beyond the longest line is given up as it is.
func (t *tail) lines(more []byte) []byte {
	all := append(t.pending, more...)
	end := bytes.LastIndexByte(all, '\n') + 1
	if end == 0 && len(all) > maxLine {
		end = len(all)
	}
	t.pending = bytes.Clone(all[end:])
	return all[:end]
}
