package host

import "strconv"

// ExitError ends the call with a code and without a message: the answer that was
// printed says it all.
type ExitError struct{ Code int }

// Error implements error.
func (e ExitError) Error() string { return "exit " + strconv.Itoa(e.Code) }

// ExitWith returns nil for code 0, else an [ExitError].
func ExitWith(code int) error {
	if code == 0 {
		return nil
	}
	return ExitError{code}
}
