package run

import (
	"context"
	"time"
)

// Clock is the time of a shell that waits. Tests and simulations give one whose
// waiting takes no time. It is safe for concurrent use.
type Clock interface {
	Now() time.Time
	// Sleep waits, and ends early with the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}
