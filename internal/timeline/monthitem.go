package timeline

import (
	"encoding/binary"
	"math/bits"

	"gitlab.com/nines-sre/nines/internal/slo"
)

const monthDays = 31

// monthItem holds the day totals of a calendar month (UTC) for every slot of a
// pack, over its settled chunks.
type monthItem struct {
	key     Key
	version int64
	month   month
	days    [monthDays]dayRange
	slots   [][monthDays]tally
	changed bool
}

// dayRange says which chunks of a day exist: the starts of the first and the
// last, counted in chunks from midnight.
type dayRange struct {
	any         bool
	first, last int
}

// has says whether a day has a chunk; nil is a day without any.
func (d *dayRange) has(index int) bool {
	return d != nil && d.any && d.first <= index && index <= d.last
}

func (mo *monthItem) slot(i int) *[monthDays]tally {
	for len(mo.slots) <= i {
		mo.slots = append(mo.slots, [monthDays]tally{})
	}
	return &mo.slots[i]
}

// dayIndex says which of a month's days a minute lies on.
func (mo *monthItem) dayIndex(m slo.Minute) int { return int((m - mo.month.start()) / slo.Day) }

func (mo *monthItem) encode(gen uint64) Item {
	b := binary.AppendUvarint(begin(kindMonth), gen)
	var days uint64
	for d, r := range mo.days {
		if r.any {
			days |= 1 << d
		}
	}
	b = binary.AppendUvarint(b, days)
	for _, r := range mo.days {
		if r.any {
			b = binary.AppendUvarint(b, uint64(r.first))
			b = binary.AppendUvarint(b, uint64(r.last))
		}
	}
	recs := make([][]byte, len(mo.slots))
	for i := range mo.slots {
		recs[i] = mo.encodeSlot(&mo.slots[i])
	}
	it := finish(mo.key, appendTable(b, recs))
	it.Version = mo.version
	return it
}

// encodeSlot writes a tally for every day that has chunks; nothing for a slot
// without any minute in the month.
func (mo *monthItem) encodeSlot(s *[monthDays]tally) []byte {
	var rec []byte
	seen := int64(0)
	for d, t := range s {
		if mo.days[d].any {
			rec = appendTally(rec, t)
			seen += t.n
		}
	}
	if seen == 0 {
		return nil
	}
	return rec
}

// monthRead is a month item as readers use it: slots are decoded on demand.
type monthRead struct {
	gen  uint64
	days [monthDays]dayRange
	recs [][]byte
}

func readMonth(it Item) (*monthRead, error) {
	r, err := unwrap(it, kindMonth)
	if err != nil {
		return nil, err
	}
	out := &monthRead{gen: r.uvarint()}
	set := uint64(r.upTo(1<<monthDays - 1))
	for d := range out.days {
		if set&(1<<d) == 0 {
			continue
		}
		first, last := int(r.upTo(uint64(slo.Day))), int(r.upTo(uint64(slo.Day)))
		if last < first {
			r.fail()
		}
		out.days[d] = dayRange{true, first, last}
	}
	out.recs = r.table()
	if !r.done() {
		return nil, corrupt(it.Key, "the day totals do not fit")
	}
	for _, rec := range out.recs {
		// A record shorter than a byte a day cannot be whole.
		if len(rec) != 0 && len(rec) < bits.OnesCount64(set) {
			return nil, corrupt(it.Key, "a slot's day totals are cut short")
		}
	}
	return out, nil
}

// slot decodes one slot's totals into dst.
func (mr *monthRead) slot(i int, dst *[monthDays]tally) bool {
	*dst = [monthDays]tally{}
	if i >= len(mr.recs) || len(mr.recs[i]) == 0 {
		return true
	}
	r := reader{b: mr.recs[i]}
	for d := range mr.days {
		if mr.days[d].any {
			dst[d] = r.tally()
		}
	}
	return r.done()
}

func decodeMonth(it Item, m month) (*monthItem, error) {
	mr, err := readMonth(it)
	if err != nil {
		return nil, err
	}
	mo := &monthItem{key: it.Key, version: it.Version, month: m, days: mr.days}
	mo.slots = make([][monthDays]tally, len(mr.recs))
	for i := range mo.slots {
		if !mr.slot(i, &mo.slots[i]) {
			return nil, corrupt(it.Key, "a slot's day totals do not fit")
		}
	}
	return mo, nil
}
