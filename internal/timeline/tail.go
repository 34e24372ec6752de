package timeline

import (
	"encoding/binary"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// tail is the one item of a pack that every write touches: all minutes at or
// after start, and what else changes with every write. Minutes before start
// lie in chunks; no minute lies in both.
type tail struct {
	key     Key
	version int64
	c       slo.Minute // the pack's chunk length, chosen when it began
	start   slo.Minute // a multiple of c
	gen     uint64     // see doc.go: ties chunks and months to the tail they belong to
	slots   []tailSlot
	changed bool
}

type tailSlot struct {
	born  bool
	birth slo.Minute // first minute ever measured
	floor slo.Minute // what lies before was forgotten by a reset
	// answered holds the newest answered stretches; older ones lie in the meta
	// item, which is written less often.
	answered []slo.Span
	blocks   []tailBlock // ascending, none empty
}

type tailBlock struct {
	start slo.Minute
	block
}

func (t *tail) slot(i int) *tailSlot {
	for len(t.slots) <= i {
		t.slots = append(t.slots, tailSlot{})
	}
	return &t.slots[i]
}

// at returns the block that starts at start, or nil.
func (s *tailSlot) at(start slo.Minute) *block {
	for i := range s.blocks {
		if s.blocks[i].start == start {
			return &s.blocks[i].block
		}
	}
	return nil
}

// ensure returns the block that starts at start, making one if there is none.
func (s *tailSlot) ensure(start slo.Minute) *block {
	i, found := slices.BinarySearchFunc(s.blocks, start, func(b tailBlock, at slo.Minute) int {
		return int(b.start - at)
	})
	if !found {
		s.blocks = slices.Insert(s.blocks, i, tailBlock{start: start})
	}
	return &s.blocks[i].block
}

const (
	slotBorn = 1 << iota
	slotFloor
	slotKnown = 1<<iota - 1
)

func (t *tail) encode() Item {
	b := binary.AppendUvarint(begin(kindTail), uint64(t.c))
	b = binary.AppendUvarint(b, uint64(t.start/t.c))
	b = binary.AppendUvarint(b, t.gen)
	recs := make([][]byte, len(t.slots))
	for i := range t.slots {
		recs[i] = t.encodeSlot(&t.slots[i])
	}
	it := finish(t.key, appendTable(b, recs))
	it.Version = t.version
	return it
}

func (t *tail) encodeSlot(s *tailSlot) []byte {
	b := make([]byte, 1, 256)
	if s.born {
		b[0] |= slotBorn
		b = binary.AppendUvarint(b, uint64(s.birth))
	}
	if s.floor != 0 {
		b[0] |= slotFloor
		b = binary.AppendUvarint(b, uint64(s.floor))
	}
	b = appendSpans(b, s.answered)
	prev := t.start
	for i := range s.blocks {
		blk := &s.blocks[i]
		if blk.empty() {
			continue
		}
		b = binary.AppendUvarint(b, uint64((blk.start-prev)/t.c))
		b = appendBytes(b, blk.bytes(t.c))
		prev = blk.start
	}
	return b
}

// tailRead is a tail item as readers use it: slots are decoded on demand.
type tailRead struct {
	c, start slo.Minute
	gen      uint64
	recs     [][]byte
}

func readTail(it Item) (*tailRead, error) {
	r, err := unwrap(it, kindTail)
	if err != nil {
		return nil, err
	}
	out := &tailRead{c: slo.Minute(r.upTo(uint64(slo.Day)))}
	if !r.bad && (out.c == 0 || slo.Day%out.c != 0) {
		r.fail()
	}
	if !r.bad {
		out.start = slo.Minute(r.upTo(uint64(endOfTime/out.c))) * out.c
	}
	out.gen = r.uvarint()
	out.recs = r.table()
	if !r.done() {
		return nil, corrupt(it.Key, "the tail does not fit")
	}
	return out, nil
}

// slot decodes one slot; a slot the tail does not have is empty.
func (tr *tailRead) slot(i int) (s tailSlot, ok bool) {
	if i >= len(tr.recs) || len(tr.recs[i]) == 0 {
		return tailSlot{}, true
	}
	r := reader{b: tr.recs[i]}
	flags := r.byte()
	if flags&^slotKnown != 0 {
		r.fail()
	}
	if flags&slotBorn != 0 {
		s.born, s.birth = true, slo.Minute(r.upTo(uint64(endOfTime)))
	}
	if flags&slotFloor != 0 {
		s.floor = slo.Minute(r.upTo(uint64(endOfTime)))
	}
	s.answered = r.spans()
	start := tr.start
	for len(r.b) > 0 {
		start += slo.Minute(r.upTo(uint64(endOfTime/tr.c))) * tr.c
		body := r.bytes()
		if r.bad || len(body) == 0 || start >= endOfTime ||
			(len(s.blocks) > 0 && s.blocks[len(s.blocks)-1].start >= start) {
			return tailSlot{}, false
		}
		s.blocks = append(s.blocks, tailBlock{start: start, block: block{body: body}})
	}
	return s, r.done()
}

func decodeTail(it Item) (*tail, error) {
	tr, err := readTail(it)
	if err != nil {
		return nil, err
	}
	t := &tail{key: it.Key, version: it.Version, c: tr.c, start: tr.start, gen: tr.gen, slots: make([]tailSlot, len(tr.recs))}
	for i := range t.slots {
		s, ok := tr.slot(i)
		if !ok {
			return nil, corrupt(it.Key, "a slot of the tail does not fit")
		}
		t.slots[i] = s
	}
	return t, nil
}
