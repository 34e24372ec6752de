package timeline

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Content sums up everything a store's history says: how much there is, and a
// digest that is the same for two stores exactly if they say the same, however
// they cut it into packs and chunks.
type Content struct {
	Indicators int
	Minutes    int64
	Digest     string // SHA-256, hex
}

// everything lies behind every sort key of a part.
const everything = "~"

// DigestOf reads the whole history of a store. It takes the memory of one pack.
func DigestOf(ctx context.Context, store Store) (Content, error) {
	parts, places, err := partsOf(ctx, store)
	if err != nil {
		return Content{}, err
	}
	sums, minutes := map[ID][]byte{}, int64(0)
	for _, part := range parts {
		items, err := store.Range(ctx, part, "", everything)
		if err != nil {
			return Content{}, err
		}
		p, err := decodePack(part, items)
		if err != nil {
			return Content{}, err
		}
		for slot, id := range places[part] {
			h := sha256.New()
			n, err := p.digest(h, slot)
			if err != nil {
				return Content{}, err
			}
			minutes += n
			sums[id] = h.Sum(nil)
		}
	}
	all := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		all.Write(appendString(nil, string(id)))
		all.Write(sums[id])
	}
	return Content{len(sums), minutes, hex.EncodeToString(all.Sum(nil))}, nil
}

// partsOf lists the packs of a store, and which indicator lies in which slot.
func partsOf(ctx context.Context, store Store) (parts []string, ids map[string]map[int]ID, err error) {
	pages, err := NewHistory(store).readRegistry(ctx)
	if err != nil {
		return nil, nil, err
	}
	ids = map[string]map[int]ID{}
	for _, p := range pages {
		for i, id := range p.ids {
			at := p.place(i)
			part := packPart(at.pack)
			if ids[part] == nil {
				ids[part] = map[int]ID{}
				parts = append(parts, part)
			}
			ids[part][at.slot] = id
		}
	}
	return parts, ids, nil
}

// wholePack is all of a pack.
type wholePack struct {
	tail   *tail
	meta   *metaItem
	chunks []*chunk // ascending
}

func decodePack(part string, items []Item) (*wholePack, error) {
	p := &wholePack{tail: &tail{key: Key{part, sortTail}, c: slo.Hour}, meta: &metaItem{key: Key{part, sortMeta}}}
	var err error
	for _, it := range items {
		switch it.Sort {
		case sortTail:
			p.tail, err = decodeTail(it)
		case sortMeta:
			p.meta, err = decodeMeta(it)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, it := range items {
		if start, ok := chunkStart(it.Key); ok {
			ch, err := decodeChunk(it, start, p.tail.c)
			if err != nil {
				return nil, err
			}
			p.chunks = append(p.chunks, ch)
		}
	}
	return p, nil
}

// digest writes all that is known of a slot, and counts its minutes.
func (p *wholePack) digest(h hash.Hash, slot int) (int64, error) {
	ms, ts := p.meta.slot(slot), p.tail.slot(slot)
	b := appendSpans(nil, union(ms.answered, ts.answered))
	if ts.born {
		b = binary.AppendUvarint(b, uint64(ts.birth)+1)
	}
	b = append(binary.AppendUvarint(b, uint64(ts.floor)), byte(len(ms.lineages)))
	for _, l := range ms.lineages {
		b = binary.AppendUvarint(appendString(b, l.Digest), uint64(l.Since))
	}
	for _, r := range ms.resets {
		b = binary.AppendUvarint(appendString(appendString(b, r.Author), r.Reason), uint64(r.At))
	}
	h.Write(b)
	n := int64(0)
	add := func(key Key, start slo.Minute, blk *block) error {
		mins, ok := blk.minutes(p.tail.c)
		if !ok {
			return corrupt(key, "the minutes do not fit")
		}
		b = b[:0]
		for _, m := range mins {
			for _, v := range []uint64{uint64(start) + uint64(m.off), uint64(m.width), uint64(m.Good), uint64(m.Total)} {
				b = binary.AppendUvarint(b, v)
			}
		}
		n += int64(len(mins))
		h.Write(b)
		return nil
	}
	for _, ch := range p.chunks {
		if slot < len(ch.slots) {
			if err := add(ch.key, ch.start, &ch.slots[slot].block); err != nil {
				return n, err
			}
		}
	}
	for i := range ts.blocks {
		if err := add(p.tail.key, ts.blocks[i].start, &ts.blocks[i].block); err != nil {
			return n, err
		}
	}
	return n, nil
}
