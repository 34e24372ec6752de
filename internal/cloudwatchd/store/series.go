package store

import (
	"cmp"
	"slices"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/stat"
)

// openChunks is how many chunks of a series stay unpacked: the current one and,
// around its change, the one before.
const openChunks = 2

// series is the data of one metric in one unit.
type series struct {
	unit   string
	id     int64 // row in the file; 0 until it has one
	packed []packedChunk
	open   []*openChunk // written last first
}

type packedChunk struct {
	start int64
	data  []byte
}

type openChunk struct {
	start int64
	slots []slot
}

func startOf(at int64) int64 {
	start := at - at%chunkSeconds
	if start > at { // before 1970
		start -= chunkSeconds
	}
	return start
}

// put merges a set into the instant it belongs to.
func (s *series) put(at int64, set stat.Set) error {
	c, err := s.opened(startOf(at))
	if err != nil {
		return err
	}
	if n := len(c.slots); n == 0 || c.slots[n-1].at < at {
		c.slots = append(c.slots, slot{at, set})
		return nil
	}
	i, found := slices.BinarySearchFunc(c.slots, at, func(x slot, at int64) int { return cmp.Compare(x.at, at) })
	if found {
		c.slots[i].set = c.slots[i].set.Merge(set)
		return nil
	}
	c.slots = slices.Insert(c.slots, i, slot{at, set})
	return nil
}

// opened returns the open chunk of a start, unpacking or making it; when too
// many are open, the one not written for longest is packed.
func (s *series) opened(start int64) (*openChunk, error) {
	for i, c := range s.open {
		if c.start == start {
			if i > 0 {
				s.open = append([]*openChunk{c}, slices.Delete(s.open, i, i+1)...)
			}
			return c, nil
		}
	}
	c := &openChunk{start: start}
	if i, found := s.find(start); found {
		var err error
		if c.slots, err = unpack(start, s.packed[i].data); err != nil {
			return nil, err
		}
		s.packed = slices.Delete(s.packed, i, i+1)
	}
	s.open = append([]*openChunk{c}, s.open...)
	if len(s.open) > openChunks {
		last := s.open[openChunks]
		s.open = s.open[:openChunks]
		s.seal(packedChunk{last.start, pack(last.start, last.slots)})
	}
	return c, nil
}

func (s *series) find(start int64) (int, bool) {
	return slices.BinarySearchFunc(s.packed, start, func(c packedChunk, start int64) int { return cmp.Compare(c.start, start) })
}

func (s *series) seal(c packedChunk) {
	i, found := s.find(c.start)
	if found {
		s.packed[i] = c
		return
	}
	s.packed = slices.Insert(s.packed, i, c)
}

// bytes returns a chunk in packed form.
func (s *series) bytes(start int64) []byte {
	for _, c := range s.open {
		if c.start == start {
			return pack(start, c.slots)
		}
	}
	if i, found := s.find(start); found {
		return s.packed[i].data
	}
	return nil
}

// Visit is told a set and its instant, in Unix seconds.
type Visit func(at int64, set stat.Set)

// scan visits the instants in [from, to), oldest first. values says whether the
// distinct values are needed.
func (s *series) scan(from, to int64, values bool, visit Visit) error {
	first, _ := s.find(startOf(from))
	packed := s.packed[first:]
	open := slices.SortedFunc(slices.Values(s.open), func(a, b *openChunk) int { return cmp.Compare(a.start, b.start) })
	for len(packed) > 0 || len(open) > 0 {
		if len(packed) > 0 && (len(open) == 0 || packed[0].start < open[0].start) {
			c := packed[0]
			packed = packed[1:]
			if c.start >= to {
				packed = nil
				continue
			}
			if err := c.scan(from, to, values, visit); err != nil {
				return err
			}
			continue
		}
		open[0].scan(from, to, visit)
		open = open[1:]
	}
	return nil
}

func (c packedChunk) scan(from, to int64, values bool, visit Visit) error {
	r := newReader(c.start, c.data)
	for s, ok := r.next(values); ok && s.at < to; s, ok = r.next(values) {
		if s.at >= from {
			visit(s.at, s.set)
		}
	}
	return r.err
}

func (c *openChunk) scan(from, to int64, visit Visit) {
	for _, s := range c.slots {
		if s.at >= from && s.at < to {
			visit(s.at, s.set)
		}
	}
}

// newest returns the last instant with data. It looks at packed chunks only
// and is asked once, when a series has been read from the file.
func (s *series) newest() (at int64, ok bool) {
	if len(s.packed) == 0 {
		return 0, false
	}
	c := s.packed[len(s.packed)-1]
	r := newReader(c.start, c.data)
	for x, more := r.next(false); more; x, more = r.next(false) {
		at, ok = x.at, true
	}
	return at, ok
}
