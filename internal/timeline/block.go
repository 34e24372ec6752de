package timeline

import (
	"encoding/binary"
	"math"
	"math/bits"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// minute is a measured minute of a block: off minutes behind its start.
type minute struct {
	off   int
	width uint16
	slo.Count
}

// block is one slot's minutes of one chunk, encoded, decoded, or both. Only
// what is asked for is decoded, and only what was changed is encoded again.
type block struct {
	body    []byte
	mins    []minute
	decoded bool
	changed bool
}

// How a body is written. Most blocks are full, of width one, of whole events.
const (
	bodyFull     = 1 << iota // every minute is measured: no bitmap
	bodyNarrow               // every width is 1
	bodyEven                 // every width is the same, and follows
	bodyWhole                // amounts are whole events
	bodyConstant             // every total is the same
	bodyBad                  // some events were bad
	bodyKnown    = 1<<iota - 1
)

// minutes returns the measured minutes, ascending. c is the chunk's length.
func (b *block) minutes(c slo.Minute) ([]minute, bool) {
	if b.decoded {
		return b.mins, true
	}
	if len(b.body) == 0 {
		b.decoded = true
		return nil, true
	}
	cu := newCursor(b.body, c)
	out := make([]minute, 0, cu.left+1)
	for {
		m, ok := cu.next()
		if !ok {
			break
		}
		out = append(out, m)
	}
	if !cu.done() {
		return nil, false
	}
	b.mins, b.decoded = out, true
	return out, true
}

// set replaces the minutes.
func (b *block) set(mins []minute) { b.mins, b.decoded, b.changed = mins, true, true }

// empty says whether no minute is measured.
func (b *block) empty() bool { return !b.decoded && len(b.body) == 0 || b.decoded && len(b.mins) == 0 }

// bytes returns the encoded minutes, nothing for an empty block.
func (b *block) bytes(c slo.Minute) []byte {
	if b.changed {
		b.body, b.changed = encodeBody(b.mins, c), false
	}
	return b.body
}

// sum adds up the block.
func (b *block) sum(c slo.Minute) (tally, bool) {
	if !b.decoded {
		return sumBody(b.body, c, int(c))
	}
	var t tally
	for _, m := range b.mins {
		t = t.with(m.Count)
	}
	return t, true
}

// encodeBody writes minutes: flags, bitmap, widths, bad events where there were
// some, totals as differences from minute to minute.
func encodeBody(mins []minute, c slo.Minute) []byte {
	if len(mins) == 0 {
		return nil
	}
	flags := describe(mins, c)
	b := append(make([]byte, 0, 16+2*len(mins)), flags)
	if flags&bodyFull == 0 {
		at := len(b)
		b = append(b, make([]byte, (int(c)+7)/8)...)
		for _, m := range mins {
			b[at+m.off/8] |= 1 << (m.off % 8)
		}
	}
	switch {
	case flags&bodyNarrow != 0:
	case flags&bodyEven != 0:
		b = binary.AppendUvarint(b, uint64(mins[0].width))
	default:
		var ws []byte
		for _, m := range mins {
			ws = binary.AppendUvarint(ws, uint64(m.width))
		}
		b = appendBytes(b, ws)
	}
	unit := slo.Amount(1)
	if flags&bodyWhole != 0 {
		unit = slo.Unit
	}
	if flags&bodyBad != 0 {
		b = appendBytes(b, encodeBad(mins, unit))
	}
	prev := mins[0].Total / unit
	b = binary.AppendUvarint(b, uint64(prev))
	if flags&bodyConstant != 0 {
		return b
	}
	for _, m := range mins[1:] {
		t := m.Total / unit
		b = binary.AppendVarint(b, int64(t-prev))
		prev = t
	}
	return b
}

func describe(mins []minute, c slo.Minute) byte {
	flags := byte(bodyNarrow | bodyEven | bodyWhole | bodyConstant)
	if len(mins) == int(c) {
		flags |= bodyFull
	}
	for _, m := range mins {
		if m.width != 1 {
			flags &^= bodyNarrow
		}
		if m.width != mins[0].width {
			flags &^= bodyEven
		}
		if m.Total%slo.Unit != 0 || m.Good%slo.Unit != 0 {
			flags &^= bodyWhole
		}
		if m.Total != mins[0].Total {
			flags &^= bodyConstant
		}
		if m.Good != m.Total {
			flags |= bodyBad
		}
	}
	return flags
}

// encodeBad writes the minutes with bad events: how many good ones lie
// before each, and how many events were bad.
func encodeBad(mins []minute, unit slo.Amount) []byte {
	var b []byte
	gap := uint64(0)
	for _, m := range mins {
		if m.Good == m.Total {
			gap++
			continue
		}
		b = binary.AppendUvarint(b, gap)
		b = binary.AppendUvarint(b, uint64(m.Bad()/unit))
		gap = 0
	}
	return b
}

// cursor decodes a body minute by minute, without keeping any.
type cursor struct {
	bitmap  []byte // nil: every minute is measured
	c, off  int
	left    int // minutes still to come
	flags   byte
	width   uint16
	widths  reader
	bads    reader
	gap     int // measured minutes before the next bad one; -1: none follows
	totals  reader
	total   int64 // the minute before's, in units
	started bool
	unit    int64
	broken  bool
}

func newCursor(body []byte, c slo.Minute) cursor {
	r := reader{b: body}
	cu := cursor{c: int(c), off: -1, left: int(c), flags: r.byte(), width: 1, gap: -1, unit: 1}
	if cu.flags&^bodyKnown != 0 {
		r.fail()
	}
	if cu.flags&bodyFull == 0 {
		cu.bitmap = r.take((cu.c + 7) / 8)
		cu.left = 0
		for _, x := range cu.bitmap {
			cu.left += bits.OnesCount8(x)
		}
	}
	switch {
	case cu.flags&bodyNarrow != 0:
	case cu.flags&bodyEven != 0:
		cu.width = uint16(r.upTo(math.MaxUint16))
	default:
		cu.widths.b = r.bytes()
	}
	if cu.flags&bodyWhole != 0 {
		cu.unit = int64(slo.Unit)
	}
	if cu.flags&bodyBad != 0 {
		cu.bads.b = r.bytes()
		cu.nextGap()
	}
	cu.totals = r
	cu.broken = r.bad || cu.left == 0 || cu.left > cu.c
	if cu.broken {
		cu.left = 0
	}
	return cu
}

func (cu *cursor) nextGap() {
	if len(cu.bads.b) == 0 {
		cu.gap = -1
		return
	}
	cu.gap = int(cu.bads.upTo(uint64(cu.c)))
}

// next returns the next measured minute; ok is false at the end, and at the
// first thing that is wrong.
func (cu *cursor) next() (m minute, ok bool) {
	if cu.left == 0 {
		return minute{}, false
	}
	cu.left--
	cu.off++
	for cu.bitmap != nil && cu.off < cu.c && cu.bitmap[cu.off/8]&(1<<(cu.off%8)) == 0 {
		cu.off++
	}
	switch {
	case !cu.started:
		cu.total, cu.started = cu.totals.upTo(math.MaxInt64), true
	case cu.flags&bodyConstant == 0:
		cu.total += cu.totals.varint()
	}
	var bad int64
	switch {
	case cu.gap == 0:
		bad = cu.bads.upTo(math.MaxInt64)
		cu.nextGap()
	case cu.gap > 0:
		cu.gap--
	}
	if cu.flags&(bodyNarrow|bodyEven) == 0 {
		cu.width = uint16(cu.widths.upTo(math.MaxUint16))
	}
	if !cu.plausible(bad) {
		cu.broken, cu.left = true, 0
		return minute{}, false
	}
	total := slo.Amount(cu.total * cu.unit)
	return minute{cu.off, cu.width, slo.Count{Good: total - slo.Amount(bad*cu.unit), Total: total}}, true
}

// plausible says whether what was read can be a minute with so many bad events.
func (cu *cursor) plausible(bad int64) bool {
	return cu.off < cu.c && cu.total >= 0 && cu.total <= math.MaxInt64/cu.unit && bad <= cu.total &&
		cu.width != 0 && !cu.totals.bad && !cu.bads.bad && !cu.widths.bad
}

// done says whether the body was whole and read to its end.
func (cu *cursor) done() bool {
	return !cu.broken && cu.left == 0 && cu.gap < 0 && cu.totals.done() && cu.bads.done() && cu.widths.done()
}

// sumBody adds up the minutes before offset to; ok is false when the body is
// not what was written.
func sumBody(body []byte, c slo.Minute, to int) (t tally, ok bool) {
	if len(body) == 0 || to <= 0 {
		return tally{}, true
	}
	cu := newCursor(body, c)
	for {
		m, ok := cu.next()
		if !ok {
			return t, cu.done()
		}
		if m.off >= to {
			return t, true
		}
		t = t.with(m.Count)
	}
}
