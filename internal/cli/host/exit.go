package host

import "strconv"

// Exit ends the call with a code and without a message: the answer that was
// printed says it all.
type Exit struct{ Code int }

// Error implements error.
func (e Exit) Error() string { return "exit " + strconv.Itoa(e.Code) }

// ExitWith returns nil for code 0, else an [Exit].
func ExitWith(code int) error {
	if code == 0 {
		return nil
	}
	return Exit{code}
}
