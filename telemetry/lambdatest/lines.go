package lambdatest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"io"
	"os"
	"sync"
	"time"
)

// maxLine is where a line is cut, as CloudWatch cuts events.
const maxLine = 1 << 20

// settling is how long a line may take from a pipe to its reader.
const settling = time.Second

// pipe carries what processes write to somebody who takes it line by line.
//
// To know that everything written so far was read, a mark is written behind it:
// the reader takes it out again, even from the middle of a line. A mark is short
// enough for a pipe to take it in one piece.
type pipe struct {
	write *os.File
	read  *os.File
	sink  func(line string)
	mark  []byte
	done  chan struct{} // closed at the end of the pipe

	mu    sync.Mutex // one mark at a time, none after hangUp
	hung  bool
	marks chan struct{}
}

func newPipe(sink func(string)) (*pipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // it never fails
	p := &pipe{
		write: w, read: r, sink: sink, mark: []byte("\x00" + hex.EncodeToString(b[:]) + "\x00"),
		done: make(chan struct{}), marks: make(chan struct{}, 1),
	}
	go p.run()
	return p, nil
}

func (p *pipe) run() {
	defer close(p.done)
	var rest []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := p.read.Read(buf)
		rest = p.take(append(rest, buf[:n]...))
		if err != nil {
			if len(rest) > 0 {
				p.sink(string(rest))
			}
			_ = p.read.Close() // nothing is lost
			return
		}
	}
}

// take hands on whole lines and returns what is left.
func (p *pipe) take(b []byte) []byte {
	marked := false
	if i := bytes.Index(b, p.mark); i >= 0 {
		b, marked = append(b[:i:i], b[i+len(p.mark):]...), true
	}
	for {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok && len(b) > maxLine+len(p.mark) {
			line, rest, ok = b[:maxLine], b[maxLine:], true
		}
		if !ok {
			break
		}
		p.sink(string(line))
		b = rest
	}
	if marked {
		select {
		case p.marks <- struct{}{}:
		default: // of somebody who waited too long
		}
	}
	return b
}

// settle waits until what was written before is handed on.
func (p *pipe) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-p.marks:
	default:
	}
	if !p.hung {
		// A process may hold the pipe full: the reader makes room.
		go func() { _, _ = p.write.Write(p.mark) }() // the end of the pipe tells, too
	}
	select {
	case <-p.marks:
	case <-p.done:
	case <-timer.C: // somebody who is told of lines does not come back
	}
}

// hangUp closes our end: the pipe ends when the last process that has it is gone,
// and after a while in any case.
func (p *pipe) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hung {
		return
	}
	p.hung = true
	_ = p.write.Close() // nothing is lost
	time.AfterFunc(settling, func() { _ = p.read.SetReadDeadline(time.Now()) })
}

// lines is what the processes of an environment wrote, for all who are interested.
type lines struct {
	copy  io.Writer
	heard func(kind, line string)

	mu     sync.Mutex
	copied sync.Mutex
	open   map[*ears]bool
}

// ears hold the lines from one moment to another.
type ears struct{ function, extension []string }

func (l *lines) hear() *ears {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[*ears]bool{}
	}
	e := &ears{}
	l.open[e] = true
	return e
}

func (l *lines) forget(e *ears) (function, extension []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, e)
	return e.function, e.extension
}

func (l *lines) function(line string) {
	l.mu.Lock()
	for e := range l.open {
		e.function = append(e.function, line)
	}
	l.mu.Unlock()
	l.tell("function", line)
}

func (l *lines) extension(line string) {
	l.mu.Lock()
	for e := range l.open {
		e.extension = append(e.extension, line)
	}
	l.mu.Unlock()
	l.tell("extension", line)
}

func (l *lines) tell(kind, line string) {
	l.heard(kind, line)
	if l.copy != nil {
		l.copied.Lock()
		defer l.copied.Unlock()
		_, _ = io.WriteString(l.copy, line+"\n") // the reader of a test's own output
	}
}
