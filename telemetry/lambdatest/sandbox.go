package lambdatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// sandbox is the life of an environment from a cold start to its end: the
// function's process, its extensions, and the APIs they talk to.
type sandbox struct {
	fn        Function
	api       string // host and port of the APIs
	server    *http.Server
	telemetry *telemetry
	lines     *lines
	started   time.Time
	runtime   *child
	others    []*child // the external extensions'
	stop      sync.Once

	mu         sync.Mutex
	changed    chan struct{} // closed at every change of what follows
	ready      time.Time     // when the runtime first asked
	turn       int           // how often it asked
	queue      []*call       // not handed over yet
	calls      map[string]*call
	extensions []*extension
	initError  *FunctionError
	fault      *FunctionError // what an extension did to the environment
	dead       bool           // a process ended: nothing more will be answered
	ending     bool           // by us
}

// newSandbox listens, and starts nothing.
func newSandbox(fn Function) (*sandbox, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sandbox{fn: fn, api: listener.Addr().String(), changed: make(chan struct{}), calls: map[string]*call{}}
	s.telemetry = newTelemetry(fn.variable("AWS_LAMBDA_LOG_FORMAT") == "JSON")
	s.lines = &lines{copy: fn.Output, heard: s.telemetry.line}
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // it ends when it is closed
	return s, nil
}

// change tells those who wait; the lock is held.
func (s *sandbox) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// until waits until something holds, and says whether it does. It is asked with
// the lock held, again after every change.
func (s *sandbox) until(ctx context.Context, holds func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !holds() {
		if ctx.Err() != nil {
			return false
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
	}
	return true
}

// with does something to the state.
func (s *sandbox) with(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	s.change()
}

func (s *sandbox) isDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// errInit says that processes did not come up; the result says how.
var errInit = errors.New("the function did not start")

// init starts the extensions, then the function, and waits until all of them ask
// for the first invocation. (Developer guide, "Understanding the Lambda execution
// environment lifecycle", Init phase.)
func (s *sandbox) init(res *Result) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.fn.InitTimeout)
	defer cancel()
	heard := s.lines.hear()
	s.started = time.Now()
	s.telemetry.emit("platform.initStart", s.initStart())
	err := s.startAll(ctx)
	up := err == nil && s.until(ctx, func() bool { return s.dead || s.initError != nil || s.initialized() })
	res.Init = time.Since(s.started)
	s.mu.Lock()
	failed := s.dead || s.initError != nil
	res.Exited, res.TimedOut, res.Error = s.dead, err == nil && !up, s.initError
	if s.fault != nil {
		res.Error = s.fault
	}
	s.mu.Unlock()
	s.telemetry.emit("platform.initReport", s.initReport(res))
	s.telemetry.close()
	if err != nil || failed || !up {
		s.shutdown(reasonOf(*res))
	} else {
		s.settle()
	}
	res.InitLogs, res.ExtensionLogs = s.lines.forget(heard)
	if err == nil && (failed || !up) {
		err = errInit
	}
	return err
}

func (s *sandbox) startAll(ctx context.Context) error {
	env := s.fn.environ(s.api)
	for _, x := range s.fn.Extensions {
		// Not known to the function: what only its process is told.
		c, err := startChild(x.Command, append(slices.Clip(env), s.fn.Env...), streams{sink: s.lines.extension})
		if err != nil {
			return fmt.Errorf("start the extension %s: %w", x.Name, err)
		}
		s.adopt(c, x.Name)
	}
	if !s.until(ctx, func() bool { return s.dead || s.registered() == len(s.fn.Extensions) }) || s.isDead() {
		return nil
	}
	env = append(append(env, s.fn.own()...), s.fn.Env...)
	c, err := startChild(s.fn.Command, env, streams{sink: s.lines.function, stdout: s.fn.Stdout, stderr: s.fn.Stderr})
	if err != nil {
		return fmt.Errorf("start the function: %w", err)
	}
	s.adopt(c, "")
	return nil
}

// adopt takes a process in, the function's where no extension is named.
func (s *sandbox) adopt(c *child, extension string) {
	ending := false
	s.with(func() {
		if ending = s.ending; extension == "" {
			s.runtime = c
		} else {
			s.others = append(s.others, c)
		}
	})
	go s.watch(c, extension)
	if ending { // killed while it started
		c.kill()
	}
}

// watch waits for the end of a process; the environment goes with it.
func (s *sandbox) watch(c *child, extension string) {
	<-c.exited
	s.with(func() {
		if extension != "" && !s.ending && s.fault == nil {
			s.fault = &FunctionError{Type: "Extension.Crash", Message: "the extension " + extension + " ended: " + c.state(), Init: !s.initialized()}
		}
		s.dead = true
	})
}

// registered counts the external extensions that did; the lock is held.
func (s *sandbox) registered() (n int) {
	for _, x := range s.extensions {
		if !x.internal {
			n++
		}
	}
	return n
}

// initialized says whether everybody asked for the first invocation; the lock is
// held.
func (s *sandbox) initialized() bool {
	if s.ready.IsZero() || s.registered() < len(s.fn.Extensions) {
		return false
	}
	for _, x := range s.extensions {
		if x.state == stateRegistered {
			return false
		}
	}
	return true
}

// settle waits until every line that was written is known.
func (s *sandbox) settle() {
	for _, c := range s.children() {
		c.settle()
	}
}

// function is the process of the function; nil: it was not started.
func (s *sandbox) function() *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runtime
}

func (s *sandbox) children() []*child {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runtime == nil {
		return slices.Clone(s.others)
	}
	return append([]*child{s.runtime}, s.others...)
}
