// Package runtest is what tests of shells stand on: a ledger that can be made
// to fail, and a small catalog.
package runtest

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/ledger"
)

// Ledger keeps entries in memory and fails on demand. It is safe for concurrent
// use.
type Ledger struct {
	mu      sync.Mutex
	entries []ledger.Entry
	// FailAppend and FailRead are returned instead of an answer where they are
	// not nil. Set them between calls.
	FailAppend, FailRead error
	// Lost makes the next append write and then fail, as a connection does that
	// breaks while the answer is under way.
	Lost bool
}

// Append implements ledger.Ledger.
func (l *Ledger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return ledger.Entry{}, fault.Wrap(fault.Canceled, "append", err, "")
	}
	if l.FailAppend != nil {
		return ledger.Entry{}, l.FailAppend
	}
	if i := slices.IndexFunc(l.entries, func(e ledger.Entry) bool { return d.Key != "" && e.Key == d.Key }); i >= 0 {
		return l.entries[i], nil
	}
	var head ledger.Entry
	if n := len(l.entries); n > 0 {
		head = l.entries[n-1]
	}
	e, err := ledger.Seal(d, head)
	if err != nil {
		return ledger.Entry{}, err
	}
	l.entries = append(l.entries, e)
	if l.Lost {
		l.Lost = false
		return ledger.Entry{}, fault.New(fault.Unavailable, "append", "connection lost", "")
	}
	return e, nil
}

// Get implements ledger.Ledger.
func (l *Ledger) Get(_ context.Context, id string) (ledger.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.FailRead != nil {
		return ledger.Entry{}, l.FailRead
	}
	var found []ledger.Entry
	for _, e := range l.entries {
		if strings.HasPrefix(e.ID, ledger.NormalID(id)) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return ledger.Entry{}, ledger.NotFound(id)
	case 1:
		return found[0], nil
	default:
		return ledger.Entry{}, ledger.Ambiguous(id)
	}
}

// Scan implements ledger.Ledger.
func (l *Ledger) Scan(_ context.Context, q ledger.Query) iter.Seq2[ledger.Entry, error] {
	l.mu.Lock()
	entries, fail := slices.Clone(l.entries), l.FailRead
	l.mu.Unlock()
	return func(yield func(ledger.Entry, error) bool) {
		if fail != nil {
			yield(ledger.Entry{}, fail)
			return
		}
		if q.Newest {
			slices.Reverse(entries)
		}
		n := 0
		for _, e := range entries {
			if !q.Match(&e) {
				continue
			}
			if n++; q.Limit > 0 && n > q.Limit {
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Close implements ledger.Ledger.
func (*Ledger) Close() error { return nil }

// All returns every entry, oldest first.
func (l *Ledger) All() []ledger.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// ID returns the ID of the n-th entry, from 1.
func (l *Ledger) ID(n int) string { return l.All()[n-1].ID }

// Tamper changes an entry, as somebody with an editor would.
func (l *Ledger) Tamper(id string, change func(e *ledger.Entry)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.entries {
		if l.entries[i].ID == id {
			change(&l.entries[i])
		}
	}
}
