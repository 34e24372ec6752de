package notify

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// maxLater is the longest that anybody is waited for: a target that asks for
// more is asked again then.
const maxLater = time.Hour

// later is an error that says when to try again.
type later struct {
	error
	after time.Duration
}

func (l later) Unwrap() error { return l.error }

// Later says of an error that trying again makes no sense before a while has
// passed. It is cut to an hour.
func Later(err error, after time.Duration) error {
	if err == nil || after <= 0 {
		return err
	}
	return later{err, min(after, maxLater)}
}

// RetryAfter is how long to wait before the next try; 0: nothing was said.
func RetryAfter(err error) time.Duration {
	if l, ok := errors.AsType[later](err); ok {
		return l.after
	}
	return 0
}

// ParseRetryAfter reads the header Retry-After: seconds, or an instant (RFC
// 9110, 10.2.3). What cannot be read, and what has passed, is 0.
func ParseRetryAfter(v string, now time.Time) time.Duration {
	v = strings.TrimSpace(v)
	if n, err := strconv.Atoi(v); err == nil {
		return min(time.Duration(max(0, min(n, int(maxLater/time.Second))))*time.Second, maxLater)
	}
	if t, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", v); err == nil && t.After(now) {
		return min(t.Sub(now), maxLater)
	}
	return 0
}
