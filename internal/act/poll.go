package act

import (
	"context"
	"fmt"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// Wait waits, and ends early with the context's error.
type Wait func(ctx context.Context, d time.Duration) error

// Poll asks until what is asked for has come about: every so often, at most for
// so long. Trouble on the way (throttled, unavailable) is no end: the next
// answer may be better. What ends it is done, another error, the context, or its
// time: the error is then Unavailable, with the last trouble in it, and names
// op.
func (w Wait) Poll(ctx context.Context, op string, every, most time.Duration, ask func(context.Context) (done bool, err error)) error {
	var trouble error
	for spent := time.Duration(0); ; spent += every {
		done, err := ask(ctx)
		kind := fault.KindOf(err)
		switch {
		case ctx.Err() != nil:
			return fault.Wrap(fault.Canceled, op, ctx.Err(), "")
		case err != nil && kind != fault.Throttled && kind != fault.Unavailable:
			return err
		case err == nil && done:
			return nil
		}
		trouble = err
		if spent >= most {
			break
		}
		if err := w(ctx, every); err != nil {
			return fault.Wrap(fault.Canceled, op, err, "")
		}
	}
	if trouble != nil {
		return trouble
	}
	return fault.New(fault.Unavailable, op, fmt.Sprintf("it did not come to an end within %v", most), "look at it; it may still go on by itself")
}
