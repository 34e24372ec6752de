package cloudwatch

import (
	"context"
	"io"
	"sync"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd"
)

// lineFeed is a stream of lines that may never end, such as standard input: a
// read that waits for more cannot be called off. What it has handed out is
// stored before it is read again, so to stop it is to wait until it is at rest.
// A line that arrives in that very moment is like one that is still in the pipe:
// nobody was told that it is stored.
type lineFeed struct {
	from    io.Reader
	working sync.Mutex // held while lines are stored, free while it waits for more
	stopped bool
}

// feed stores a stream's lines beside everything else. A nil stream has none.
func feed(ctx context.Context, server *cloudwatchd.Server, from io.Reader, fail context.CancelCauseFunc) *lineFeed {
	f := &lineFeed{from: from}
	if from == nil {
		return f
	}
	f.working.Lock()
	go func() {
		defer f.working.Unlock()
		// What was taken from the stream is stored, whatever ends meanwhile.
		if _, err := server.ReadEMF(context.WithoutCancel(ctx), server.Home(), f); err != nil {
			fail(err)
		}
	}()
	return f
}

// Read waits for more lines; once stopped there are none.
func (f *lineFeed) Read(p []byte) (int, error) {
	f.working.Unlock()
	n, err := f.from.Read(p)
	f.working.Lock()
	if f.stopped {
		return 0, io.EOF
	}
	return n, err
}

// stop returns when every line that was taken is stored, and lets no more in.
func (f *lineFeed) stop() {
	f.working.Lock()
	defer f.working.Unlock()
	f.stopped = true
}
