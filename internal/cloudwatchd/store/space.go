package store

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// Space is the data of one account in one region.
type Space struct {
	place Place
	keep  bool // there is a file to keep up

	mu      sync.RWMutex
	metrics map[string]*entry
	keys    []string // of metrics, in order; nil after a new one
	dirty   map[chunkRef]struct{}
}

type entry struct {
	metric Metric
	series []*series
	last   int64 // newest instant with data, Unix seconds
}

type chunkRef struct {
	entry  *entry
	series *series
	start  int64
}

func compare(a, b, c, d string) int { return cmp.Or(cmp.Compare(a, b), cmp.Compare(c, d)) }

// entry returns a metric's data, making it when it is new. Callers hold mu.
func (s *Space) entry(m Metric) *entry {
	key := m.Key()
	e := s.metrics[key]
	if e == nil {
		e = &entry{metric: m, last: math.MinInt64}
		s.metrics[key] = e
		s.keys = nil
	}
	return e
}

func (e *entry) in(unit string) *series {
	for _, s := range e.series {
		if s.unit == unit {
			return s
		}
	}
	s := &series{unit: unit}
	e.series = append(e.series, s)
	return s
}

func (s *Space) put(data []Datum) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range data {
		if d.Set.Empty() {
			continue
		}
		e := s.entry(d.Metric)
		ser := e.in(d.Unit)
		if err := ser.put(d.At, d.Set); err != nil {
			return err
		}
		e.last = max(e.last, d.At)
		if s.keep {
			s.dirty[chunkRef{e, ser, startOf(d.At)}] = struct{}{}
		}
	}
	return nil
}

// pending lists the chunks the file does not have yet.
func (s *Space) pending() []diskRow {
	s.mu.RLock()
	defer s.mu.RUnlock()
	rows := make([]diskRow, 0, len(s.dirty))
	for ref := range s.dirty {
		rows = append(rows, diskRow{
			place: s.place, metric: ref.entry.metric, unit: ref.series.unit,
			series: ref.series.id, assign: &ref.series.id,
			start: ref.start, data: ref.series.bytes(ref.start),
		})
	}
	return rows
}

func (s *Space) saved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.dirty)
}

// Units lists the units a metric was published in, in alphabetical order; none
// means there is no such metric.
func (s *Space) Units(m Metric) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.metrics[m.Key()]
	if e == nil {
		return nil
	}
	units := make([]string, 0, len(e.series))
	for _, ser := range e.series {
		units = append(units, ser.unit)
	}
	slices.Sort(units)
	return units
}

// Scan visits a metric's sets of one unit in [from, to), Unix seconds, oldest
// first. values says whether distinct values are needed; without them reading
// is faster. The sets are the store's own: they must not be changed.
func (s *Space) Scan(m Metric, unit string, from, to int64, values bool, visit Visit) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.metrics[m.Key()]
	if e == nil {
		return nil
	}
	for _, ser := range e.series {
		if ser.unit == unit {
			return ser.scan(from, to, values, visit)
		}
	}
	return nil
}

// Listed is a metric and when it last had data, in Unix seconds.
type Listed struct {
	Metric Metric
	Last   int64
}

// List returns up to limit metrics that match, in the order of their keys,
// beginning behind the key after ("" for the first). more says whether others
// follow.
func (s *Space) List(after string, limit int, match func(Listed) bool) (found []Listed, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = make([]string, 0, len(s.metrics))
		for k := range s.metrics {
			s.keys = append(s.keys, k)
		}
		slices.Sort(s.keys)
	}
	i, exact := slices.BinarySearch(s.keys, after)
	if exact {
		i++
	}
	for _, k := range s.keys[i:] {
		e := s.metrics[k]
		if l := (Listed{e.metric, e.last}); match(l) {
			if len(found) == limit {
				return found, true
			}
			found = append(found, l)
		}
	}
	return found, false
}

// Size says how much a space holds.
type Size struct {
	Metrics, Chunks int
	Bytes           int64 // of packed chunks
}

// Size counts metrics and chunks.
func (s *Space) Size() Size {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := Size{Metrics: len(s.metrics)}
	for _, e := range s.metrics {
		for _, ser := range e.series {
			n.Chunks += len(ser.packed) + len(ser.open)
			for _, c := range ser.packed {
				n.Bytes += int64(len(c.data))
			}
		}
	}
	return n
}
