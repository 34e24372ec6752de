package lambdatest

import "time"

// States of an invocation, named as the Runtime API names those of a runtime.
const (
	stateRunning   = "Running"
	stateResponse  = "InvocationResponse"      // on its way
	stateErrored   = "InvocationErrorResponse" // on its way
	stateAnswered  = "ResponseSent"
	stateStarted   = "Started"
	stateReady     = "Ready"
	stateInitError = "InitError"
)

// call is an event on its way through the environment. Its state belongs to the
// sandbox's lock.
type call struct {
	in       Invocation
	state    string // "" until the runtime has it
	deadline time.Time
	taken    time.Time // when the runtime got it
	first    time.Time // when its answer began
	answered time.Time
	over     time.Time // when the runtime asked for the next
	late     bool      // the caller was told of a timeout

	payload     []byte
	contentType string
	streamed    bool
	failure     *FunctionError
}

// put queues an event and tells the extensions that want to know.
func (s *sandbox) put(c *call) {
	s.with(func() {
		s.queue = append(s.queue, c)
		if s.fn.concurrent() {
			return
		}
		for _, x := range s.extensions {
			if x.wants[invokeEvent] && !x.failed() {
				x.pending, x.owes = s.invokeOf(c), true
			}
		}
	})
}

// take hands over the next event; nil: there is none. The lock is held.
func (s *sandbox) take() *call {
	if len(s.queue) == 0 || s.dead || s.ending {
		return nil
	}
	c := s.queue[0]
	s.queue = s.queue[1:]
	c.state, c.taken = stateRunning, time.Now()
	s.calls[c.in.RequestID] = c
	s.change()
	return c
}

// asked notes that the runtime asks for an event: the one it answered is over,
// and one that it has and did not answer it gets again. The lock is held.
func (s *sandbox) asked() (again *call) {
	s.turn++
	if s.ready.IsZero() {
		s.ready = time.Now()
		s.telemetry.emit("platform.initRuntimeDone", s.initRuntimeDone("success"))
	}
	if !s.fn.concurrent() {
		for id, c := range s.calls {
			if c.state != stateAnswered {
				again = c
				continue
			}
			c.over = time.Now()
			delete(s.calls, id)
		}
	}
	s.change()
	return again
}

// finish ends an answer that was claimed.
func (s *sandbox) finish(c *call, payload []byte, failure *FunctionError) {
	s.with(func() {
		c.state, c.payload, c.failure, c.answered = stateAnswered, payload, failure, time.Now()
		if s.fn.concurrent() {
			c.over = c.answered
			delete(s.calls, c.in.RequestID)
		}
	})
}

// runtimeState is the state of a runtime in the words of the API; the lock is
// held.
func (s *sandbox) runtimeState() string {
	switch {
	case s.initError != nil:
		return stateInitError
	case s.ready.IsZero():
		return stateStarted
	}
	for _, c := range s.calls {
		return c.state
	}
	return stateReady
}
