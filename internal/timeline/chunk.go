package timeline

import (
	"encoding/binary"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// chunk holds a stretch of settled minutes of every slot of a pack. A slot's
// head is the sum of its minutes from midnight (UTC) up to the chunk, so that
// "everything of this day before m" is one read.
//
// The chunks of a day are contiguous: between its first and its last there is
// one for every stretch, also where nothing was measured.
type chunk struct {
	key     Key
	version int64
	start   slo.Minute
	c       slo.Minute
	slots   []chunkSlot
	changed bool
}

type chunkSlot struct {
	head tally
	block
}

// slot returns a slot, growing the chunk to it.
func (ch *chunk) slot(i int) *chunkSlot {
	for len(ch.slots) <= i {
		ch.slots = append(ch.slots, chunkSlot{})
	}
	return &ch.slots[i]
}

func (ch *chunk) encode(gen uint64) Item {
	b := binary.AppendUvarint(begin(kindChunk), gen)
	b = binary.AppendUvarint(b, uint64(ch.c))
	recs := make([][]byte, len(ch.slots))
	for i := range ch.slots {
		s := &ch.slots[i]
		body := s.bytes(ch.c)
		if s.head.n == 0 && len(body) == 0 {
			continue
		}
		recs[i] = append(appendTally(make([]byte, 0, 16+len(body)), s.head), body...)
	}
	it := finish(ch.key, appendTable(b, recs))
	it.Version = ch.version
	return it
}

// chunkRead is a chunk item as readers use it: records are decoded on demand.
type chunkRead struct {
	gen  uint64
	recs [][]byte
}

// readChunk finds the records of a chunk item, without decoding them.
func readChunk(it Item, c slo.Minute) (chunkRead, error) {
	r, err := unwrap(it, kindChunk)
	if err != nil {
		return chunkRead{}, err
	}
	gen := r.uvarint()
	if slo.Minute(r.uvarint()) != c {
		return chunkRead{}, corrupt(it.Key, "the chunk is of another length than its pack's")
	}
	recs := r.table()
	if !r.done() {
		return chunkRead{}, corrupt(it.Key, "the table of slots does not fit")
	}
	return chunkRead{gen, recs}, nil
}

// readChunkSlot splits a record into head and encoded minutes.
func readChunkSlot(rec []byte) (head tally, body []byte, ok bool) {
	if len(rec) == 0 {
		return tally{}, nil, true
	}
	r := reader{b: rec}
	head = r.tally()
	return head, r.b, !r.bad
}

func decodeChunk(it Item, start, c slo.Minute) (*chunk, error) {
	read, err := readChunk(it, c)
	if err != nil {
		return nil, err
	}
	ch := &chunk{key: it.Key, version: it.Version, start: start, c: c, slots: make([]chunkSlot, len(read.recs))}
	for i, rec := range read.recs {
		head, body, ok := readChunkSlot(rec)
		if !ok {
			return nil, corrupt(it.Key, "a slot's sum does not fit")
		}
		ch.slots[i] = chunkSlot{head: head, block: block{body: body}}
	}
	return ch, nil
}
