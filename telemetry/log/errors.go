package log

import (
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// Err is the error of a record: the key error with the object that any attribute
// with an error gets.
//
//	name      the type of the first error in the chain that says something: not
//	          fmt's and errors' wrappers
//	message   the text of err
//	location  where the error was made, if it tells (by Location() string, by
//	          Callers() []uintptr, or by a stack in its %+v, as the errors of
//	          github.com/pkg/errors have one), else where the record was made
//	chain     the errors that err wraps, outermost first: name, message, and
//	          location if they tell
//	joined    the errors that were joined (errors.Join, several %w), each as an
//	          object of its own
//
// A nil error is no key at all.
func Err(err error) slog.Attr { return slog.Any("error", err) }

// Bounds of what an error may make of a record, for chains that do not end.
const (
	maxChain = 32
	maxNodes = 64
)

// error appends an error as an object.
func (e *encoder) error(err error) {
	from := len(e.b)
	defer func() {
		// Error, Unwrap and the like are foreign code: a panic there must not reach
		// the function.
		if p := recover(); p != nil {
			e.b = jsonx.AppendString(e.b[:from], panicText(err))
		}
	}()
	nodes := maxNodes
	e.errorObject(err, e.location(err, true), &nodes)
}

func panicText(err error) string {
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.IsNil() {
		return "<nil>"
	}
	return "!PANIC in " + reflect.TypeOf(err).String()
}

func (e *encoder) errorObject(err error, location string, nodes *int) {
	*nodes--
	e.node(nameOf(err), err.Error(), location)
	e.chain(err, nodes)
	e.b = append(e.b, '}')
}

// node appends an error's object, open.
func (e *encoder) node(name, message, location string) {
	e.b = append(e.b, `{"name":`...)
	e.b = jsonx.AppendString(e.b, name)
	e.b = append(e.b, `,"message":`...)
	e.b = jsonx.AppendString(e.b, message)
	if location != "" {
		e.b = append(e.b, `,"location":`...)
		e.b = jsonx.AppendString(e.b, location)
	}
}

// chain appends what err wraps, down to where it ends or forks.
func (e *encoder) chain(err error, nodes *int) {
	joined, next := unwrap(err)
	if next != nil {
		e.b = append(e.b, `,"chain":[`...)
		for depth := 0; next != nil; depth++ {
			if depth == maxChain || *nodes <= 0 {
				e.b = append(e.b, `{"name":"...","message":"more errors are wrapped"}`...)
				joined = nil
				break
			}
			*nodes--
			e.node(reflect.TypeOf(next).String(), next.Error(), e.location(next, false))
			e.b = append(e.b, '}', ',')
			joined, next = unwrap(next)
		}
		if e.b[len(e.b)-1] == ',' {
			e.b = e.b[:len(e.b)-1]
		}
		e.b = append(e.b, ']')
	}
	e.joined(joined, nodes)
}

func (e *encoder) joined(errs []error, nodes *int) {
	open := false
	for _, err := range errs {
		if err == nil {
			continue
		}
		if !open {
			e.b = append(e.b, `,"joined":[`...)
			open = true
		} else {
			e.b = append(e.b, ',')
		}
		if *nodes <= 0 {
			e.b = append(e.b, `{"name":"...","message":"more errors were joined"}`...)
			break
		}
		e.errorObject(err, e.location(err, false), nodes)
	}
	if open {
		e.b = append(e.b, ']')
	}
}

func unwrap(err error) (joined []error, next error) {
	switch x := err.(type) { //nolint:errorlint // the chain itself is what is asked for
	case interface{ Unwrap() error }:
		return nil, x.Unwrap()
	case interface{ Unwrap() []error }:
		return x.Unwrap(), nil
	default:
		return nil, nil
	}
}

// nameOf is the type of the first error that says something.
func nameOf(err error) string {
	first := reflect.TypeOf(err).String()
	for range maxChain {
		name := reflect.TypeOf(err).String()
		switch name {
		case "*fmt.wrapError", "*fmt.wrapErrors", "*errors.joinError":
		default:
			return name
		}
		joined, next := unwrap(err)
		if next == nil && len(joined) > 0 {
			next = joined[0]
		}
		if next == nil {
			return name
		}
		err = next
	}
	return first
}

// location is where an error says that it was made, or where the record was made.
func (e *encoder) location(err error, record bool) string {
	switch x := err.(type) { //nolint:errorlint // each error of the chain is asked for itself
	case interface{ Location() string }:
		return x.Location()
	case interface{ Callers() []uintptr }:
		if pcs := x.Callers(); len(pcs) > 0 {
			return e.core.sites.of(pcs[0])
		}
	case fmt.Formatter:
		if place := placeIn(fmt.Sprintf("%+v", x)); place != "" {
			return place
		}
	}
	if record && e.pc != 0 {
		return e.core.sites.of(e.pc)
	}
	return ""
}

// placeIn finds the first place in a stack as github.com/pkg/errors and those that
// follow it print one: a line of its own, set in, "\t/src/pay/charge.go:88". (Their
// methods have types of their own; to call them would take reflection, and that
// would make each function larger.)
func placeIn(text string) string {
	for line := range strings.Lines(text) {
		place := strings.TrimSpace(line)
		if len(place) == 0 || line[0] != '\t' && line[0] != ' ' {
			continue
		}
		if file, number, ok := strings.Cut(place, ".go:"); ok && strings.Trim(number, "0123456789") == "" {
			return short(file) + ".go:" + number
		}
	}
	return ""
}

// sites are the places in the source that records came from, formatted once each.
type sites struct {
	known atomic.Pointer[map[uintptr]string]
	mu    sync.Mutex
}

// maxSites bounds the memory; a program has fewer places that log.
const maxSites = 4096

// of formats the place of a program counter: "pay/charge.go:88".
func (s *sites) of(pc uintptr) string {
	if m := s.known.Load(); m != nil {
		if text, ok := (*m)[pc]; ok {
			return text
		}
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	text := short(frame.File) + ":" + strconv.Itoa(frame.Line)
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[uintptr]string{}
	if m := s.known.Load(); m != nil {
		if len(*m) >= maxSites {
			return text
		}
		next = maps.Clone(*m)
	}
	next[pc] = text
	s.known.Store(&next)
	return text
}

// short keeps the last two parts of a path.
func short(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return path
	}
	if j := strings.LastIndexByte(path[:i], '/'); j >= 0 {
		return path[j+1:]
	}
	return path
}
