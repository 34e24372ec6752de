package lambdatest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// child is a process of an environment.
type child struct {
	cmd    *exec.Cmd
	pipes  []*pipe
	files  []*os.File // ours to close when it ended
	exited chan struct{}
}

// streams say where a process's standard streams lead.
type streams struct {
	stdout, stderr Stream
	sink           func(line string)
}

// startChild starts a process that outlives the call. Its environment is the one
// given, with what the command has of its own in front.
func startChild(command func() *exec.Cmd, env []string, out streams) (*child, error) {
	if command == nil {
		return nil, errors.New("no command is set")
	}
	c := &child{cmd: command(), exited: make(chan struct{})}
	c.cmd.Env = append(c.cmd.Env, env...)
	if err := c.connect(out); err != nil {
		return nil, errors.Join(err, c.release())
	}
	if err := c.cmd.Start(); err != nil {
		return nil, errors.Join(err, c.release())
	}
	go func() {
		_ = c.cmd.Wait() // how it ended is in its state
		for _, p := range c.pipes {
			p.hangUp()
		}
		_ = c.release() // pipes without a reader
		close(c.exited)
	}()
	return c, nil
}

// connect gives the process its streams; two that are read share a pipe, so that
// their lines keep their order.
func (c *child) connect(out streams) error {
	var shared *os.File
	open := func(kind Stream) (*os.File, error) {
		if kind != Read {
			return c.unread(kind)
		}
		if shared == nil {
			p, err := newPipe(out.sink)
			if err != nil {
				return nil, err
			}
			c.pipes, shared = append(c.pipes, p), p.write
		}
		return shared, nil
	}
	stdout, err := open(out.stdout)
	if err != nil {
		return err
	}
	stderr, err := open(out.stderr)
	if err != nil {
		return err
	}
	c.cmd.Stdout, c.cmd.Stderr = stdout, stderr
	return nil
}

// unread opens a stream that nobody reads.
func (c *child) unread(kind Stream) (*os.File, error) {
	switch kind {
	case Failing:
		f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			return nil, fmt.Errorf("a failing stream needs Linux: %w", err)
		}
		c.files = append(c.files, f)
		return f, nil
	case Full, Broken:
		return c.unheard(kind == Full)
	case Read:
	}
	return nil, fmt.Errorf("the stream %d is none that there is", kind)
}

// unheard makes a pipe with nobody at its other end, or with somebody who does not
// listen.
func (c *child) unheard(full bool) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.files = append(c.files, w)
	if !full {
		return w, r.Close()
	}
	c.files = append(c.files, r)
	return w, fill(w)
}

// fill writes into a pipe until no byte more fits.
func fill(w *os.File) error {
	block := make([]byte, 4096)
	for {
		if err := w.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			return err
		}
		if _, err := w.Write(block); errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// release closes what belongs to the process.
func (c *child) release() (err error) {
	for _, f := range c.files {
		err = errors.Join(err, f.Close())
	}
	c.files = nil
	if c.cmd.Process == nil { // it never started
		for _, p := range c.pipes {
			p.hangUp()
		}
	}
	return err
}

// state says how the process ended.
func (c *child) state() string { return c.cmd.ProcessState.String() }

func (c *child) ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// kill ends the process and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may be gone already
	<-c.exited
}

// terminate asks the process to end and waits for it for a while.
func (c *child) terminate(grace time.Duration) {
	c.signal(terminateSignal())
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
	}
}

func (c *child) freeze() { c.signal(freezeSignal()) }
func (c *child) thaw()   { c.signal(thawSignal()) }

func (c *child) signal(s os.Signal) {
	if s != nil && !c.ended() {
		_ = c.cmd.Process.Signal(s) // it may be gone already
	}
}

// settle waits until what the process wrote so far is read.
func (c *child) settle() {
	for _, p := range c.pipes {
		p.settle()
	}
}
