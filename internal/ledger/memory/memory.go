// Package memory keeps a ledger in memory: for tests and for answers that need
// no store.
package memory

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

// Ledger is a ledger.Ledger in memory. It is safe for concurrent use.
type Ledger struct {
	mu      sync.RWMutex
	entries []ledger.Entry // by Seq, from 1
	keys    map[string]int // Draft.Key -> index
}

// New returns an empty ledger.
func New() *Ledger { return &Ledger{keys: map[string]int{}} }

// Append implements ledger.Ledger.
func (l *Ledger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	if err := ctx.Err(); err != nil {
		return ledger.Entry{}, fault.Wrap(fault.Canceled, "append to the ledger", err, "")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := l.keys[d.Key]; ok && d.Key != "" {
		return copyOf(l.entries[i]), nil
	}
	var head ledger.Entry
	if n := len(l.entries); n > 0 {
		head = l.entries[n-1]
	}
	e, err := ledger.Seal(d, head)
	if err != nil {
		return ledger.Entry{}, err
	}
	if d.Key != "" {
		l.keys[d.Key] = len(l.entries)
	}
	l.entries = append(l.entries, copyOf(e))
	return e, nil
}

// Get implements ledger.Ledger.
func (l *Ledger) Get(ctx context.Context, id string) (ledger.Entry, error) {
	if err := ctx.Err(); err != nil {
		return ledger.Entry{}, fault.Wrap(fault.Canceled, "look up "+id, err, "")
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	prefix := ledger.NormalID(id)
	var found []ledger.Entry
	for _, e := range l.entries {
		switch {
		case e.ID == prefix:
			return copyOf(e), nil
		case strings.HasPrefix(e.ID, prefix):
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0 || prefix == "":
		return ledger.Entry{}, ledger.NotFound(id)
	case len(found) > 1:
		return ledger.Entry{}, ledger.Ambiguous(id)
	}
	return copyOf(found[0]), nil
}

// Scan implements ledger.Ledger. It yields what was recorded when it began.
func (l *Ledger) Scan(ctx context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		l.mu.RLock()
		entries := slices.Clip(l.entries)
		l.mu.RUnlock()
		left := q.Limit
		for i := range entries {
			if err := ctx.Err(); err != nil {
				yield(ledger.Entry{}, fault.Wrap(fault.Canceled, "read the ledger", err, ""))
				return
			}
			e := &entries[i]
			if q.Newest {
				e = &entries[len(entries)-1-i]
			}
			if !q.Match(e) {
				continue
			}
			if !yield(copyOf(*e), nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// Close implements ledger.Ledger.
func (*Ledger) Close() error { return nil }

func copyOf(e ledger.Entry) ledger.Entry {
	e.Body = bytes.Clone(e.Body)
	return e
}
