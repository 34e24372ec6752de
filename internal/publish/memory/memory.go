// Package memory keeps what is published: the double of the other sinks.
package memory

import (
	"context"
	"slices"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/publish"
)

// Sink implements publish.Sink.
type Sink struct {
	mu   sync.Mutex
	kept []publish.Sample
}

var _ publish.Sink = (*Sink)(nil)

// New returns an empty sink.
func New() *Sink { return &Sink{} }

// Samples returns what was published so far, in that order.
func (s *Sink) Samples() []publish.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

// Publish implements publish.Sink.
func (s *Sink) Publish(ctx context.Context, samples []publish.Sample) (publish.Receipt, error) {
	var r publish.Receipt
	if err := ctx.Err(); err != nil {
		return r, fault.Wrap(fault.Canceled, "publish", err, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sample := range samples {
		if why := publish.Check(sample); why != "" {
			r.Dropped = append(r.Dropped, why)
			continue
		}
		r.Published++
		s.kept = append(s.kept, sample)
	}
	return r, nil
}
