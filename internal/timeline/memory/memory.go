// Package memory keeps history items in memory: for tests, for answers that
// need no store, and as the model the other stores are compared with.
package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// Store is a timeline.Store in memory. It is safe for concurrent use; several
// histories over one Store see the same items.
type Store struct {
	mu    sync.RWMutex
	items map[timeline.Key]timeline.Item
}

// New returns an empty store.
func New() *Store { return &Store{items: map[timeline.Key]timeline.Item{}} }

// Load implements timeline.Store.
func (s *Store) Load(ctx context.Context, keys []timeline.Key) ([]timeline.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "load history", err, "")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]timeline.Item, 0, len(keys))
	seen := make(map[timeline.Key]bool, len(keys))
	for _, k := range keys {
		if it, ok := s.items[k]; ok && !seen[k] {
			seen[k] = true
			out = append(out, copyOf(it))
		}
	}
	return out, nil
}

// Range implements timeline.Store.
func (s *Store) Range(ctx context.Context, part, from, to string) ([]timeline.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "load history", err, "")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []timeline.Item
	for k, it := range s.items {
		if k.Part == part && from <= k.Sort && k.Sort < to {
			out = append(out, copyOf(it))
		}
	}
	slices.SortFunc(out, func(a, b timeline.Item) int { return cmp.Compare(a.Sort, b.Sort) })
	return out, nil
}

// Save implements timeline.Store.
func (s *Store) Save(ctx context.Context, items []timeline.Item) error {
	const op = "save history"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err, "")
	}
	if err := timeline.CheckSave(items); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range items {
		if s.items[it.Key].Version != it.Version {
			return fault.New(fault.Conflict, op, it.Part+"/"+it.Sort+" was changed meanwhile", "")
		}
	}
	for _, it := range items {
		if it.Data == nil {
			delete(s.items, it.Key)
			continue
		}
		it = copyOf(it)
		it.Version++
		s.items[it.Key] = it
	}
	return nil
}

// Caps implements timeline.Store.
func (*Store) Caps() timeline.Caps { return timeline.Caps{ChunkMinutes: 60, PackSize: 20} }

// Close implements timeline.Store.
func (*Store) Close() error { return nil }

func copyOf(it timeline.Item) timeline.Item {
	it.Data = bytes.Clone(it.Data)
	return it
}
