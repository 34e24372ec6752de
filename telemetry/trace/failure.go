package trace

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
)

// Limits of what is kept of an error.
const (
	maxFailures = 32   // errors of a span, those that are wrapped included
	maxFrames   = 32   // of a stack
	maxMessage  = 4096 // characters of a message
)

// RecordError records err, what it wraps, and where that is; the span is a fault
// unless its status says something else. A nil error changes nothing.
func (s *Span) RecordError(err error) { s.record(err, false) }

// RecordRemote records an error that another service answered with.
func (s *Span) RecordRemote(err error) { s.record(err, true) }

func (s *Span) record(err error, remote bool) {
	if err == nil || !s.Recording() {
		return
	}
	var pcs [maxFrames]uintptr
	n := runtime.Callers(3, pcs[:])
	chain := flatten(nil, err, maxFailures) // without the lock: Error may be anybody's
	now := s.tracer.now()
	r := s.live()
	if r == nil {
		return
	}
	defer s.mu.Unlock()
	if r.Status < Error {
		r.Status, r.Message = Fault, chain[0].Message
	}
	for i := range chain {
		if len(r.Failures) >= maxFailures {
			s.tracer.lost.add(AttributeLost, len(chain)-i)
			return
		}
		chain[i].ID, chain[i].At, chain[i].Remote = NewSpanID(), now, remote
		chain[i].Wraps = chain[i].Wraps && len(r.Failures) < maxFailures-1
		if i == 0 {
			chain[i].Stack = append([]uintptr(nil), pcs[:n]...)
		}
		r.Failures = append(r.Failures, chain[i])
	}
}

// RecordPanic records what recover returned, with the stack of the panic, as a
// fault. Call it in the deferred function that recovered.
func (s *Span) RecordPanic(p any) {
	if p == nil || !s.Recording() {
		return
	}
	f := Failure{ID: NewSpanID(), Type: "panic", Message: describe(p), At: s.tracer.now(), Trace: string(debug.Stack())}
	var pcs [maxFrames]uintptr
	f.Stack = append([]uintptr(nil), pcs[:runtime.Callers(2, pcs[:])]...)
	if err, ok := p.(error); ok {
		f.Type = reflect.TypeOf(err).String()
	}
	r := s.live()
	if r == nil {
		return
	}
	defer s.mu.Unlock()
	r.Status, r.Message = Fault, f.Message
	if len(r.Failures) < maxFailures {
		r.Failures = append(r.Failures, f)
	}
}

// flatten lists err and what it wraps, depth first. A fault in somebody's Error or
// Unwrap is theirs: it must not become the function's.
func flatten(list []Failure, err error, room int) (out []Failure) {
	out = list
	defer func() {
		if p := recover(); p != nil {
			out = append(out[:len(list)], Failure{Type: reflect.TypeOf(err).String(), Message: "its Error or Unwrap panics"})
		}
	}()
	out = append(out, Failure{Type: reflect.TypeOf(err).String(), Message: text(err)})
	at := len(out) - 1
	switch w := err.(type) { //nolint:errorlint // this is how a chain is walked
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			if inner != nil && len(out) < room {
				out[at].Wraps = true
				out = flatten(out, inner, room)
			}
		}
	default:
		if inner := errors.Unwrap(err); inner != nil && len(out) < room {
			out[at].Wraps = true
			out = flatten(out, inner, room)
		}
	}
	return out
}

func text(err error) string {
	m, _ := shorten(err.Error(), maxMessage)
	return m
}

// describe is a panic's value in words.
func describe(p any) (s string) {
	defer func() {
		if recover() != nil {
			s = "a value whose text panics"
		}
	}()
	s, _ = shorten(fmt.Sprint(p), maxMessage)
	return s
}
