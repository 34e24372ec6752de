// Package memory keeps what it is told: the double that shells are tested with.
package memory

import (
	"context"
	"sync"

	"gitlab.com/nines-sre/nines/internal/notify"
)

// Target keeps messages. It is safe for concurrent use.
type Target struct {
	mu   sync.Mutex
	told []notify.Message
	// Fail is returned instead of keeping one, Times times; negative: always. Set
	// them between calls.
	Fail  error
	Times int
	tries int
}

// Send implements notify.Target.
func (t *Target) Send(_ context.Context, m notify.Message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries++
	if t.Fail != nil && t.Times != 0 {
		t.Times--
		return t.Fail
	}
	t.told = append(t.told, m)
	return nil
}

// Told returns the messages, and how often it was tried to tell one.
func (t *Target) Told() (told []notify.Message, tries int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]notify.Message(nil), t.told...), t.tries
}
