package awskit

import (
	"context"
	"sync"
)

// Lazy is a client that is made when it is first asked for, and asked for anew
// after an error: who opens a target needs no credentials yet. It is safe for
// concurrent use.
type Lazy[C any] struct {
	Connect func(ctx context.Context) (*C, error)

	mu     sync.Mutex
	client *C
}

// Get returns the client.
func (l *Lazy[C]) Get(ctx context.Context) (*C, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == nil {
		c, err := l.Connect(ctx)
		if err != nil {
			return nil, err
		}
		l.client = c
	}
	return l.client, nil
}
