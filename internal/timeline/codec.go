package timeline

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// layoutVersion is the first byte of every item. A reader that meets a higher
// one refuses the item instead of guessing.
const layoutVersion = 1

// What an item holds; its second byte.
const (
	kindChunk    = 'c' // settled minutes of a stretch, with running sums
	kindMonth    = 'm' // day totals of a month
	kindTail     = 't' // the newest minutes
	kindMeta     = 'a' // answered stretches, lineages, resets
	kindRegistry = 'r' // which indicator lies in which pack
)

const (
	checksumLen = 4
	maxSlots    = 1 << 12 // far above any sensible Caps.PackSize
)

// begin starts an item of a kind.
func begin(kind byte) []byte { return append(make([]byte, 0, 1024), layoutVersion, kind) }

// finish closes an item with its checksum. The key is part of what is summed:
// a value that turns up under another key is as wrong as a damaged one.
func finish(key Key, b []byte) Item {
	return Item{Key: key, Data: binary.LittleEndian.AppendUint32(b, checksum(key, b))}
}

func checksum(key Key, b []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	var head [64]byte
	name := append(append(append(append(head[:0], key.Part...), 0), key.Sort...), 0)
	return crc32.Update(crc32.Checksum(name, table), table, b)
}

// unwrap checks an item's checksum, version and kind and returns a reader of
// what lies between.
func unwrap(it Item, kind byte) (*reader, error) {
	n := len(it.Data) - checksumLen
	if n < 2 {
		return nil, corrupt(it.Key, "the item is cut short")
	}
	body := it.Data[:n]
	if binary.LittleEndian.Uint32(it.Data[n:]) != checksum(it.Key, body) {
		return nil, corrupt(it.Key, "the checksum does not match")
	}
	if body[0] > layoutVersion {
		return nil, fault.New(fault.Unsupported, "read history "+it.Part+"/"+it.Sort,
			fmt.Sprintf("the item is of layout version %d, this program knows %d", body[0], layoutVersion),
			"use the version of nines that wrote it, or a newer one")
	}
	if body[0] != layoutVersion || body[1] != kind {
		return nil, corrupt(it.Key, "the item is of another kind than its name says")
	}
	return &reader{b: body[2:]}, nil
}

func corrupt(key Key, why string) error {
	return fault.New(fault.Corrupt, "read history "+key.Part+"/"+key.Sort, why,
		"restore a copy of the store, or remove it and run nines measure again")
}

// reader takes values off the front of a byte slice. After the first thing
// that does not fit it is broken: everything reads as zero, and done says so.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() { r.bad, r.b = true, nil }

// done says whether everything was read and nothing was wrong.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uvarint() uint64 {
	// Most values are small; the short path is worth its lines.
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := r.b[0]
		r.b = r.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// upTo reads a number that must not exceed limit.
func (r *reader) upTo(limit uint64) int64 {
	v := r.uvarint()
	if v > limit {
		r.fail()
		return 0
	}
	return int64(v)
}

// count reads how many things follow, each at least one byte long.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count()
	if r.bad {
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// take cuts off the next n bytes.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func appendString(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// appendTable writes records behind a table of their lengths, so that one can
// be found without reading the others.
func appendTable(b []byte, recs [][]byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(recs)))
	for _, r := range recs {
		b = binary.AppendUvarint(b, uint64(len(r)))
	}
	for _, r := range recs {
		b = append(b, r...)
	}
	return b
}

// table reads what appendTable wrote and must be the last thing in the item.
func (r *reader) table() [][]byte {
	n := int(r.upTo(maxSlots))
	lens := *r
	for range n {
		r.uvarint()
	}
	if r.bad {
		return nil
	}
	recs := make([][]byte, n)
	for i := range recs {
		recs[i] = r.take(int(lens.upTo(uint64(len(r.b)))))
		if lens.bad {
			r.fail()
		}
	}
	if !r.done() {
		r.fail()
		return nil
	}
	return recs
}
