package canary

import (
	"context"
	"sync"
	"time"

	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/lease"
)

// Pulse is how a target waits while it does something that takes long: each
// minute the rollout says in its record that it is still there, and when the call
// is given up, or the target was lost to another process, the waiting ends.
type Pulse struct {
	Clock run.Clock

	mu   sync.Mutex
	beat func(context.Context) error
	stop func() <-chan struct{}
}

// attach makes a rollout the one that the waiting is for.
func (p *Pulse) attach(r *runner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beat, p.stop = r.alive, r.given
}

// Wait waits, and ends early with an error.
func (p *Pulse) Wait(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	beat, stop := p.beat, p.stop
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if stop != nil {
		if ch := stop(); ch != nil {
			go func() {
				select {
				case <-ch:
					cancel()
				case <-ctx.Done():
				}
			}()
		}
	}
	for d > 0 {
		piece := min(d, lease.Beat/2)
		if err := p.Clock.Sleep(ctx, piece); err != nil {
			return err //nolint:wrapcheck // the clock's own
		}
		if d -= piece; beat != nil {
			if err := beat(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
