package log

import (
	"context"
	"encoding/binary"
	"log/slog"
	"slices"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// ring holds records in their order, the latest within its bytes. Each stands
// behind its length, so that one piece of memory is enough.
type ring struct {
	b       []byte
	bytes   int // of records
	from    int // where the oldest begins
	evicted int
}

const lengthSize = 4

// add holds a record and lets the oldest go until it fits.
func (r *ring) add(record []byte, limit int) (evicted int) {
	if len(record) > limit {
		r.evicted++
		return 1
	}
	for r.bytes+len(record) > limit {
		n := int(binary.LittleEndian.Uint32(r.b[r.from:]))
		r.from += lengthSize + n
		r.bytes -= n
		evicted++
	}
	r.evicted += evicted
	if r.from > limit {
		// What was let go is as much as what may be held: move down.
		r.b = r.b[:copy(r.b, r.b[r.from:])]
		r.from = 0
	}
	r.b = binary.LittleEndian.AppendUint32(r.b, uint32(len(record))) //nolint:gosec // below limit
	r.b = append(r.b, record...)
	r.bytes += len(record)
	return evicted
}

// each visits the records, oldest first.
func (r *ring) each(visit func(record []byte)) {
	for i := r.from; i < len(r.b); {
		n := int(binary.LittleEndian.Uint32(r.b[i:]))
		i += lengthSize
		visit(r.b[i : i+n])
		i += n
	}
}

func (r *ring) clear() { *r = ring{b: r.b[:0]} }

func (st *state) hold(record []byte) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if n := st.held.add(record, st.core.buffer); n > 0 {
		st.core.evicted.Add(uint64(n))
	}
}

// flush writes what the invocation holds, and a warning if that is not all it had.
func (c *core) flush(inv *scope.Invocation) {
	st := c.stateOf(inv)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.held.each(c.write)
	if n := st.held.evicted; n > 0 {
		e := c.begin(inv, &Handler{core: c})
		e.intField("evicted", int64(n))
		c.write(e.finish(slog.LevelWarn, "debug records were let go because the buffer was full", c.now()))
		e.release()
	}
	st.held.clear()
}

// FlushBuffer writes the debug records that the invocation of ctx holds. Without
// an invocation or without a buffer it does nothing. A record of level error or
// above does the same by itself.
func (h *Handler) FlushBuffer(ctx context.Context) {
	if inv, _ := h.core.invocation(ctx); inv != nil && h.core.buffer > 0 {
		h.core.flush(inv)
	}
}

// DiscardBuffer forgets the debug records that the invocation of ctx holds: what a
// good end does with them.
func (h *Handler) DiscardBuffer(ctx context.Context) {
	inv, _ := h.core.invocation(ctx)
	if inv == nil || h.core.buffer == 0 {
		return
	}
	st := h.core.stateOf(inv)
	st.mu.Lock()
	defer st.mu.Unlock()
	st.held = ring{}
}

// Lost is what did not get out as it was meant, since the handler was made.
type Lost struct {
	// Lines and Bytes could not be written: the stream was full, closed or failed.
	Lines, Bytes uint64
	// Evicted debug records were let go because an invocation's buffer was full.
	Evicted uint64
	// Renamed attributes had a key that belongs to the record itself; see [New].
	Renamed uint64
	// Oversize records were longer than CloudWatch takes, and lost attributes.
	Oversize uint64
}

// Lost counts for this handler and all that were made from it.
func (h *Handler) Lost() Lost {
	c := h.core
	return Lost{Lines: c.lines.Load(), Bytes: c.bytes.Load(), Evicted: c.evicted.Load(), Renamed: c.renamed.Load(), Oversize: c.oversize.Load()}
}

// Problems are settings that could not be understood or cannot work together, one
// sentence each.
func (h *Handler) Problems() []string { return slices.Clone(h.core.problems) }
