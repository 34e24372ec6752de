package store

import (
	"context"
	"slices"
	"sync"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
)

// Place is what separates data in AWS: an account and a region.
type Place struct{ Account, Region string }

// Datum is one publication: what one metric saw at one instant.
type Datum struct {
	Metric Metric
	Unit   string
	At     int64 // Unix seconds: the minute, or the second at high resolution
	Set    stat.Set
}

// Store holds the data of all places. Any number of readers and writers may use
// it at once.
type Store struct {
	disk *disk // nil: memory only

	writing sync.Mutex // one publication at a time: what reaches the file is in order
	mu      sync.RWMutex
	places  map[Place]*Space
}

// Open returns a store; path is its SQLite file, "" for memory only.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{places: map[Place]*Space{}}
	if path == "" {
		return s, nil
	}
	var err error
	if s.disk, err = openDisk(ctx, path); err != nil {
		return nil, err
	}
	if err := s.disk.load(ctx, s.load); err != nil {
		_ = s.disk.close() // the reading error is the one to report
		return nil, err
	}
	return s, nil
}

// Close closes the file.
func (s *Store) Close() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.close()
}

// Put takes in data for a place; when it returns they are in the file. After an
// error they may be visible but not yet kept; the next Put tries again.
func (s *Store) Put(ctx context.Context, p Place, data []Datum) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	space := s.Space(p)
	if err := space.put(data); err != nil {
		return err
	}
	if s.disk == nil {
		return nil
	}
	if err := s.disk.save(ctx, space.pending()); err != nil {
		return err
	}
	space.saved()
	return nil
}

// Space returns the data of a place, empty when nothing was ever published.
func (s *Store) Space(p Place) *Space {
	s.mu.RLock()
	space := s.places[p]
	s.mu.RUnlock()
	if space != nil {
		return space
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if space = s.places[p]; space == nil {
		space = &Space{place: p, metrics: map[string]*entry{}, dirty: map[chunkRef]struct{}{}, keep: s.disk != nil}
		s.places[p] = space
	}
	return space
}

// Places lists where data lie, in order.
func (s *Store) Places() []Place {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Place, 0, len(s.places))
	for p := range s.places {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Place) int { return compare(a.Account, b.Account, a.Region, b.Region) })
	return out
}

// load takes a chunk from the file.
func (s *Store) load(row diskRow) error {
	if _, err := unpack(row.start, row.data); err != nil {
		return err
	}
	space := s.Space(row.place)
	e := space.entry(row.metric)
	ser := e.in(row.unit)
	ser.id = row.series
	ser.seal(packedChunk{row.start, row.data})
	if at, ok := ser.newest(); ok {
		e.last = max(e.last, at)
	}
	return nil
}
