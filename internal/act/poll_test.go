package act_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
)

func TestPoll(t *testing.T) {
	throttled := fault.New(fault.Throttled, "ask", "too often", "")
	for _, c := range []struct {
		name    string
		answers []error // nil: not yet
		done    bool    // after them
		kind    fault.Kind
		fails   bool
		waits   int
	}{
		{"at once", nil, true, 0, false, 0},
		{"later", []error{nil, nil}, true, 0, false, 2},
		{"trouble passes", []error{throttled, nil}, true, 0, false, 2},
		{"refused", []error{nil, fault.New(fault.Denied, "ask", "no", "")}, true, fault.Denied, true, 1},
		{"never", nil, false, fault.Unavailable, true, 6},
		{"trouble to the end", []error{throttled, throttled, throttled, throttled, throttled, throttled, throttled}, false, fault.Throttled, true, 6},
	} {
		waits, n := 0, 0
		wait := act.Wait(func(context.Context, time.Duration) error { waits++; return nil })
		err := wait.Poll(t.Context(), "it", 10*time.Second, time.Minute, func(context.Context) (bool, error) {
			n++
			if n <= len(c.answers) {
				return false, c.answers[n-1]
			}
			return c.done, nil
		})
		if (err != nil) != c.fails || err != nil && fault.KindOf(err) != c.kind || waits != c.waits {
			t.Errorf("%s: %v after %d waits", c.name, err, waits)
		}
	}
	gone := act.Wait(func(context.Context, time.Duration) error { return context.Canceled })
	err := gone.Poll(t.Context(), "it", time.Second, time.Minute, func(context.Context) (bool, error) { return false, nil })
	if fault.KindOf(err) != fault.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
