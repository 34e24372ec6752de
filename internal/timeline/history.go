package timeline

import (
	"context"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// History is the measured history over a Store. It is safe for concurrent use,
// by several processes too.
type History struct {
	store Store
}

// NewHistory returns the history a store keeps.
func NewHistory(store Store) *History { return &History{store: store} }

// Record merges answered stretches. Minutes before settled are final: an
// unmeasured one can still be filled, a measured one is kept. Writes that lost
// a race are merged again with what the other writer left. Recording the same
// twice changes nothing.
func (h *History) Record(ctx context.Context, settled slo.Minute, writes []Write) (Changes, error) {
	return Changes{}, nil
}

// Meta returns what is known about indicators; one never recorded has a Meta
// without answered stretches.
func (h *History) Meta(ctx context.Context, ids ...ID) (map[ID]Meta, error) {
	return nil, nil
}

// Request says which stretches of an indicator will be asked about: Sums only
// as whole spans, Points minute by minute.
type Request struct {
	ID     ID
	Sums   []slo.Span
	Points []slo.Span
	// Frontier bounds what is answered: nothing at or after it is seen.
	Frontier slo.Minute
	// Step is the width of a point: 1, or the slice length of derived histories.
	Step slo.Minute
}

// Open reads what the requests need, in as few reads as the layout allows, and
// answers from memory from then on. Asking a view about a span that was not
// requested reads as unmeasured.
func (h *History) Open(ctx context.Context, reqs []Request) (map[ID]slo.View, error) {
	return nil, nil
}

// Reset forgets everything about an indicator before at: earlier minutes count
// as not expected. The order is kept with its author and reason.
func (h *History) Reset(ctx context.Context, id ID, r Reset) error { return nil }
