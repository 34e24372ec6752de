package log

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// encoder makes one record. Encoders are pooled.
type encoder struct {
	core   *core
	h      *Handler
	inv    *scope.Invocation
	prefix []byte
	pc     uintptr

	block, known []byte // of the last invocation: its block, and the prefix made of it

	b     []byte // attributes: members without a leading comma
	line  []byte // the whole record
	stack []level
	lv    level
	spans []span
	spare []byte
	stamp stamp

	at   slog.Level // of a record on the direct path
	turn uint64     // counts the records it made; see Event
}

// level is one object that is being written.
type level struct {
	start int    // where its members begin
	bound []byte // members that were there before, if not in front of the others
	mask  uint64 // bits of all keys; see bitOf
	top   bool   // the record itself
	dup   bool   // a key came twice
	clash bool   // a key may be one of the invocation's
}

// limits of what is kept in the pool, and of what a record may be.
const (
	keepBytes  = 64 << 10
	maxRecord  = 1<<20 - 26 // CloudWatch Logs: an event and its overhead are 1 MiB
	maxMessage = 64 << 10   // of a record that was too long
)

// encoder begins a record: the context's keys, and the groups that are open.
func (c *core) encoder(ctx context.Context, h *Handler) *encoder {
	inv, carries := c.invocation(ctx)
	e := c.begin(inv, h)
	if carries {
		e.carried(ctx)
	}
	for i := range h.groups {
		g := &h.groups[i]
		e.open(g.name)
		e.b = append(e.b, g.members...)
		e.lv.mask = g.mask
	}
	return e
}

// carried adds the keys that the context carries.
func (e *encoder) carried(ctx context.Context) {
	if t := temporaryOf(ctx); t != nil {
		for _, a := range t.attrs {
			e.attr(a)
		}
	}
}

// begin begins a record at its top.
func (c *core) begin(inv *scope.Invocation, h *Handler) *encoder {
	e, _ := c.pool.Get().(*encoder)
	e.b, e.pc = e.b[:0], 0
	e.h, e.inv = h, inv
	switch {
	case inv == nil:
		e.prefix = c.bare
	case same(e.block, inv.Block()) && e.block != nil:
		e.prefix = e.known // the same invocation as last time
	default:
		e.prefix = c.prefix(inv)
		e.block, e.known = inv.Block(), e.prefix
	}
	lv := &e.lv // field by field: it is a wide struct
	lv.start, lv.top, lv.clash = 0, true, false
	lv.bound, lv.mask, lv.dup = h.top.members, h.top.mask, h.top.clash
	return e
}

// release gives the encoder back; it must not be used afterwards.
func (e *encoder) release() {
	e.turn++
	e.h, e.inv, e.prefix = nil, nil, nil
	if cap(e.b) > keepBytes || cap(e.line) > keepBytes {
		e.b, e.line, e.spare, e.spans = nil, nil, nil, nil
	}
	e.core.pool.Put(e)
}

// finish closes what is open and puts the record together.
func (e *encoder) finish(l slog.Level, message string, t time.Time) []byte {
	for range e.h.groups {
		e.close()
	}
	e.assemble(l, message, t)
	if len(e.line) > maxRecord {
		e.core.oversize.Add(1)
		n := len(e.line)
		e.b = append(e.b[:0], `"oversize_bytes":`...)
		e.b = strconv.AppendInt(e.b, int64(n), 10)
		if len(message) > maxMessage {
			message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
		}
		e.assemble(l, message, t)
	}
	return e.line
}

func (e *encoder) assemble(l slog.Level, message string, t time.Time) {
	b := append(e.line[:0], e.core.heads[rank(l)]...)
	b = jsonx.AppendString(b, message)
	own := len(b) + 1 // the keys until here are the record's own
	if t.IsZero() {
		b = append(b, e.prefix...)
	} else {
		b = append(b, e.stamped(t)...)
		own += len(e.stamp.second.text)
	}
	if e.core.source && e.pc != 0 {
		b = append(b, `,"location":`...)
		b = jsonx.AppendString(b, e.core.sites.of(e.pc))
	}
	if len(e.h.top.members) > 0 {
		b = append(b, ',')
		b = append(b, e.h.top.members...)
	}
	if len(e.b) > 0 {
		b = append(b, ',')
		b = append(b, e.b...)
	}
	if e.lv.dup || e.lv.clash {
		b, e.spans = unique(b, own, e.spans, true)
	}
	e.line = append(b, '}', '\n')
}

// bitOf gives each key one of 64 bits: keys with different bits are different. The
// factors spread common names, and keep them off the bits of special ones.
func bitOf(key string) uint64 {
	n := len(key)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(n) + uint(key[0])*5 + uint(key[n-1])*11) & 63)
}

// reserved are the keys that say what a record is: attributes that have one of
// them keep their value under another.
func reserved(key string) string {
	switch key {
	case "level":
		return "attr_level"
	case "message":
		return "attr_message"
	case "timestamp":
		return "attr_timestamp"
	case "service":
		return "attr_service"
	case "sampling_rate":
		return "attr_sampling_rate"
	default:
		return ""
	}
}

// ofInvocation says whether records have this key by themselves: an attribute
// takes its place.
func ofInvocation(key string) bool {
	switch key {
	case "cold_start", "function_arn", "function_memory_size", "function_name", "function_request_id", "request_id",
		"xray_trace_id", "tenant_id", "correlation_id", "location":
		return true
	default:
		return false
	}
}

// special are the bits of all keys that key must look at twice.
//
//nolint:gochecknoglobals // a table
var special = func() (mask uint64) {
	for _, k := range []string{
		"level", "message", "timestamp", "service", "sampling_rate", "cold_start", "function_arn", "function_memory_size",
		"function_name", "function_request_id", "request_id", "xray_trace_id", "tenant_id", "correlation_id", "location",
	} {
		mask |= bitOf(k)
	}
	return mask
}()

// key appends a key, for a value that must follow. It says whether the key was
// there before.
func (e *encoder) key(k string) (before bool) {
	e.b, before = e.appendKey(k, 0)
	return before
}

// appendKey returns what is to become e.b, longer by a key, and with room for a
// value of so many bytes.
func (e *encoder) appendKey(k string, room int) (b []byte, before bool) {
	plain := jsonx.Plain(k)
	if !plain {
		k = strings.ToValidUTF8(k, "\ufffd") // so that keys that look alike are alike
	}
	bit := bitOf(k)
	if e.lv.top && bit&special != 0 {
		k, before = e.special(k)
		bit = bitOf(k)
	}
	b = e.b
	from := len(b)
	if from > e.lv.start {
		b = append(b, ',')
	}
	if plain {
		// At once: keys are most of what a record costs.
		i := len(b)
		b = slices.Grow(b, len(k)+3+room)[:i+len(k)+3]
		b[i] = '"'
		copy(b[i+1:], k)
		b[len(b)-2], b[len(b)-1] = '"', ':'
	} else {
		b = append(jsonx.AppendString(b, k), ':')
	}
	if e.lv.mask&bit != 0 && e.has(b, from) {
		e.lv.dup, before = true, true
	}
	e.lv.mask |= bit
	return b, before
}

// special renames a key that is the record's own, and notes one that is the
// invocation's.
func (e *encoder) special(k string) (name string, before bool) {
	if other := reserved(k); other != "" {
		e.core.renamed.Add(1)
		return other, false
	}
	if ofInvocation(k) {
		e.lv.clash = true
		return k, true
	}
	return k, false
}

// has says whether the key that was appended at from came before.
func (e *encoder) has(b []byte, from int) bool {
	key := bytes.TrimPrefix(b[from:], []byte{','})
	return hasMember(e.lv.bound, key) || hasMember(b[e.lv.start:from], key)
}

// hasMember looks for a key, as `"key":`.
func hasMember(members, key []byte) bool {
	for c := (cursor{b: members}); ; {
		c.take(',')
		if bytes.HasPrefix(members[c.i:], key) {
			return true
		}
		if _, ok := c.next(); !ok || !c.skip() {
			return false
		}
	}
}

// open begins an object under a key; close ends it, and takes it back when
// nothing was written into it.
func (e *encoder) open(key string) {
	mark := level{start: len(e.b)}
	e.key(key)
	e.b = append(e.b, '{')
	e.stack = append(e.stack, e.lv, mark)
	e.lv = level{start: len(e.b)}
}

func (e *encoder) close() {
	n := len(e.stack)
	outer, mark := e.stack[n-2], e.stack[n-1]
	e.stack = e.stack[:n-2]
	if len(e.b) == e.lv.start {
		e.b = e.b[:mark.start]
	} else {
		if e.lv.dup {
			e.b, e.spans = unique(e.b, e.lv.start, e.spans, false)
		}
		e.b = append(e.b, '}')
	}
	e.lv = outer
}
