package lambdatest

import (
	"context"
	"slices"
	"time"
)

// Why an environment ends, in Lambda's words.
const (
	spindown = "SPINDOWN"
	timeout  = "TIMEOUT"
	failure  = "FAILURE"
)

// How long a process has to end after it was told to. Without extensions it is
// not told. (Developer guide, "Using the Lambda Extensions API", Shutdown phase.)
const (
	graceRuntime  = 300 * time.Millisecond
	graceInternal = 500 * time.Millisecond
	graceAll      = 2 * time.Second
	graceTold     = time.Second // of that, for telemetry that is not delivered yet
)

func reasonOf(res Result) string {
	if res.TimedOut || res.After.TimedOut {
		return timeout
	}
	return failure
}

// shutdown ends every process: the function first, by SIGTERM where an extension
// is registered, then the extensions, by an event where they asked for it; what
// is left at the end of the grace is killed. It returns when all are gone.
func (s *sandbox) shutdown(reason string) {
	s.stop.Do(func() {
		s.with(func() { s.ending = true })
		all := s.children()
		for _, c := range all {
			c.thaw()
		}
		end := time.Now().Add(graceAll)
		grace, known := s.graceOfRuntime()
		if fn := s.function(); fn != nil {
			if known {
				fn.terminate(grace)
			}
			fn.kill()
		}
		s.telemetry.flush(min(time.Until(end), graceTold))
		s.tellExtensions(reason, end)
		for _, c := range all {
			c.kill()
			c.settle()
		}
		s.telemetry.stop()
		_ = s.server.Close()
		s.with(func() { s.dead = true })
	})
}

// graceOfRuntime is how long the function has; known is false without any
// extension.
func (s *sandbox) graceOfRuntime() (grace time.Duration, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	grace = graceRuntime
	for _, x := range s.extensions {
		known = true
		if x.internal {
			grace = graceInternal
		}
	}
	return grace, known
}

// tellExtensions sends SHUTDOWN to those who registered for it and waits until
// they ended or the time is up.
func (s *sandbox) tellExtensions(reason string, end time.Time) {
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	told := map[string]bool{}
	var others []*child
	s.with(func() {
		others = slices.Clone(s.others)
		for _, x := range s.extensions {
			if !x.internal && x.wants[shutdownEvent] && !x.failed() {
				x.pending, told[x.name] = shutdownOf(reason, end), true
			}
		}
	})
	for i, c := range others {
		if !told[s.fn.Extensions[i].Name] {
			continue
		}
		select {
		case <-c.exited:
		case <-ctx.Done():
			return
		}
	}
}

// kill ends every process at once, as a lost host would.
func (s *sandbox) kill() {
	s.with(func() { s.ending = true })
	s.telemetry.stop()
	for _, c := range s.children() {
		c.kill()
	}
	s.shutdown(failure)
}

// freeze stops every process, thaw lets them go on.
func (s *sandbox) freeze() {
	if s.fn.Freeze && !s.fn.concurrent() {
		for _, c := range s.children() {
			c.freeze()
		}
	}
}

func (s *sandbox) thaw() {
	if s.fn.Freeze && !s.fn.concurrent() {
		for _, c := range s.children() {
			c.thaw()
		}
	}
}
