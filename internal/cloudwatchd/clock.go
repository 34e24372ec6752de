package cloudwatchd

import (
	"sync"
	"time"
)

// Clock is the server's own: it follows the real one, at a distance or frozen.
type Clock struct {
	real   func() time.Time
	mu     sync.RWMutex
	offset time.Duration
	frozen time.Time // zero: it runs
}

// Now returns the server's time.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.frozen.IsZero() {
		return c.frozen
	}
	return c.real().Add(c.offset)
}

// Freeze stops the clock at an instant.
func (c *Clock) Freeze(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = at
}

// Set lets the clock run on from an instant.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen, c.offset = time.Time{}, at.Sub(c.real())
}

// Advance moves the clock, frozen or running.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.frozen.IsZero() {
		c.frozen = c.frozen.Add(d)
		return
	}
	c.offset += d
}

// Release returns to the real time.
func (c *Clock) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen, c.offset = time.Time{}, 0
}

// Frozen says whether the clock stands.
func (c *Clock) Frozen() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return !c.frozen.IsZero()
}
