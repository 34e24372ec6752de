package host

import (
	"context"
	"time"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/gate"
)

// Clock is the time of a call, for shells that wait.
type Clock struct{ h *Host }

// Clock returns the process's clock.
func (h *Host) Clock() Clock { return Clock{h} }

// Now is the instant.
func (c Clock) Now() time.Time { return c.h.Now() }

// Sleep waits, and ends early with the context's error.
func (c Clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.h.Process.Sleep != nil {
		return c.h.Process.Sleep(ctx, d)
	}
	return Pause(ctx, d)
}

// Mover opens a target whose traffic is to be moved. wait is what it waits by
// while something takes long.
func (h *Host) Mover(ctx context.Context, o *ForgeFlags, p *gate.Policy, at act.Place, wait func(context.Context, time.Duration) error) (act.Actor, error) {
	where, err := o.where(h, &p.Identity)
	if err != nil {
		return nil, err
	}
	return h.OpenActor(ctx, at, ActorOptions{Wait: wait, Where: where, Access: h.forgeAccess(o, &p.Identity), Log: h.Err})
}
