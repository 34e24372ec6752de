package timeline

import (
	"encoding/binary"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// maxLineages bounds the list of an indicator whose query keeps changing (two
// versions of a document fighting, say): the oldest changes are forgotten
// then, never the first and never the newest.
const maxLineages = 64

// metaItem holds what changes seldom about a pack's indicators.
type metaItem struct {
	key     Key
	version int64
	slots   []metaSlot
	changed bool
}

// metaSlot is what changes seldom about one indicator. It repeats the
// indicator's name, so that a pack explains itself and a mix-up is noticed.
type metaSlot struct {
	id       ID
	answered []slo.Span
	lineages []Lineage
	resets   []Reset
}

func (mi *metaItem) slot(i int) *metaSlot {
	for len(mi.slots) <= i {
		mi.slots = append(mi.slots, metaSlot{})
	}
	return &mi.slots[i]
}

func (mi *metaItem) encode() Item {
	recs := make([][]byte, len(mi.slots))
	for i := range mi.slots {
		s := &mi.slots[i]
		b := appendString(nil, string(s.id))
		b = appendSpans(b, s.answered)
		b = binary.AppendUvarint(b, uint64(len(s.lineages)))
		for _, l := range s.lineages {
			b = binary.AppendUvarint(appendString(b, l.Digest), uint64(l.Since))
		}
		b = binary.AppendUvarint(b, uint64(len(s.resets)))
		for _, r := range s.resets {
			b = binary.AppendUvarint(appendString(appendString(b, r.Author), r.Reason), uint64(r.At))
		}
		recs[i] = b
	}
	it := finish(mi.key, appendTable(begin(kindMeta), recs))
	it.Version = mi.version
	return it
}

func decodeMeta(it Item) (*metaItem, error) {
	r, err := unwrap(it, kindMeta)
	if err != nil {
		return nil, err
	}
	recs := r.table()
	if !r.done() {
		return nil, corrupt(it.Key, "the table of slots does not fit")
	}
	mi := &metaItem{key: it.Key, version: it.Version, slots: make([]metaSlot, len(recs))}
	for i, rec := range recs {
		if len(rec) == 0 {
			continue
		}
		s, ok := decodeMetaSlot(rec)
		if !ok {
			return nil, corrupt(it.Key, "a slot does not fit")
		}
		mi.slots[i] = s
	}
	return mi, nil
}

func decodeMetaSlot(rec []byte) (metaSlot, bool) {
	r := reader{b: rec}
	s := metaSlot{id: ID(r.bytes())}
	s.answered = r.spans()
	for range r.count() {
		digest := string(r.bytes())
		s.lineages = append(s.lineages, Lineage{digest, slo.Minute(r.upTo(uint64(endOfTime)))})
	}
	for range r.count() {
		author, reason := string(r.bytes()), string(r.bytes())
		s.resets = append(s.resets, Reset{slo.Minute(r.upTo(uint64(endOfTime))), author, reason})
	}
	return s, r.done()
}

// measuredAs notes that a write that begins at since was measured as digest.
// A digest that differs from the current one begins a new lineage; an empty
// one says nothing. The first lineage reaches back as far as its data does.
func (s *metaSlot) measuredAs(digest string, since slo.Minute) (changed bool) {
	n := len(s.lineages)
	switch {
	case digest == "":
		return false
	case n == 0:
		s.lineages = []Lineage{{digest, since}}
		return true
	case s.lineages[n-1].Digest == digest:
		if n > 1 || s.lineages[0].Since <= since {
			return false
		}
		s.lineages[0].Since = since
		return true
	}
	// A backfill under a new query may begin before the current lineage did;
	// the list stays ascending, because its last entry is the current one.
	s.lineages = append(s.lineages, Lineage{digest, max(since, s.lineages[n-1].Since)})
	if len(s.lineages) > maxLineages {
		s.lineages = append(s.lineages[:1], s.lineages[2:]...)
	}
	return true
}
