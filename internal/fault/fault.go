package fault

import (
	"context"
	"errors"
	"strings"
)

// Kind says what sort of failure an error is. The zero value is Internal: an
// error nobody classified is our own fault until proven otherwise.
type Kind uint8

// The kinds. Their exit codes, HTTP statuses and retry rules stand in kinds.
const (
	Internal    Kind = iota // a defect in this program
	Invalid                 // bad usage, bad document, bad argument
	NotFound                // the named thing does not exist
	Conflict                // somebody else changed it first
	Unavailable             // unreachable, locked or timed out
	Denied                  // credentials or permissions do not allow it
	Throttled               // a rate limit or quota was met
	Full                    // no space left, or an item is too large
	Corrupt                 // stored data is damaged
	Unsupported             // written by a newer version, or a feature that is not there
	Canceled                // the caller gave up
)

// row is a kind's line of the table. Statuses are numbers, so that the words
// of the house do not pull in a web server.
type row struct {
	name   string
	exit   int
	status int
	retry  bool
}

func (k Kind) row() row {
	switch k {
	case Invalid:
		return row{"invalid", 2, 400, false}
	case NotFound:
		return row{"not found", 2, 404, false}
	case Conflict:
		return row{"conflict", 1, 409, true}
	case Unavailable:
		return row{"unavailable", 1, 503, true}
	case Denied:
		return row{"denied", 1, 403, false}
	case Throttled:
		return row{"throttled", 1, 429, true}
	case Full:
		return row{"full", 1, 507, false}
	case Corrupt:
		return row{"corrupt", 1, 500, false}
	case Unsupported:
		return row{"unsupported", 1, 501, false}
	case Canceled:
		return row{"canceled", 1, 499, false}
	case Internal:
	}
	return row{"internal error", 1, 500, false}
}

// String returns the kind's name in words.
func (k Kind) String() string { return k.row().name }

// ExitCode is the process exit code a command ends with: 2 for what the user
// wrote (usage, documents, names), 1 for what the world did.
func (k Kind) ExitCode() int { return k.row().exit }

// HTTPStatus is the status a web host answers with.
func (k Kind) HTTPStatus() int { return k.row().status }

// Retry says whether the same call may succeed later without anybody's help;
// it is also what returns an item of a Lambda batch to its queue.
func (k Kind) Retry() bool { return k.row().retry }

// Error is a classified failure.
type Error struct {
	Op   string // what was being done, with the resource: "open store .nines/nines.db"
	Kind Kind   // what sort of failure
	Hint string // what the reader can do about it; may be empty
	Err  error  // the cause; may be nil
}

// New returns an error of a kind that has no deeper cause than its text.
func New(kind Kind, op, text, hint string) *Error {
	return &Error{Op: op, Kind: kind, Hint: hint, Err: errors.New(text)}
}

// Wrap classifies err. It returns nil for a nil err, and keeps the kind and
// hint of an err that is classified already unless hint is given.
func Wrap(kind Kind, op string, err error, hint string) error {
	if err == nil {
		return nil
	}
	if inner, ok := errors.AsType[*Error](err); ok {
		kind = inner.Kind
		if hint == "" {
			hint = inner.Hint
		}
	}
	return &Error{Op: op, Kind: kind, Hint: hint, Err: err}
}

// Error prints "op: cause"; the hint is printed by hosts, on a line of its own.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Err != nil {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	if b.Len() == 0 {
		return e.Kind.String()
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf classifies any error: the outermost [Error]'s kind, Canceled for a
// cancelled or expired context, Invalid for [Problems], Internal otherwise.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if _, ok := errors.AsType[Problems](err); ok {
		return Invalid
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	return Internal
}

// HintOf returns the outermost hint in err's chain, or "".
func HintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}
