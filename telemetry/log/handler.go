package log

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// Handler is a [slog.Handler] that writes one line of JSON per record, with the
// keys of the Lambda invocation that the record's context belongs to. See the
// package's documentation for the keys. It may be used by any number of
// goroutines.
type Handler struct {
	core   *core
	top    part    // keys at the top, bound by WithAttrs
	groups []bound // groups opened by WithGroup, outermost first
}

// part are members that were encoded when they were bound.
type part struct {
	members []byte // without a leading comma
	mask    uint64
	// clash says that one of the keys may be one of the invocation's.
	clash bool
}

// bound is an opened group and what was bound in it.
type bound struct {
	name string
	part
}

// Enabled says whether a record of this level is written, or held until an error.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.core.enabled(ctx, l) }

// Handle writes the record. It returns no error: what cannot be written is counted;
// see [Handler.Lost].
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if isReport(&r) {
		h.report(ctx, &r)
		return nil
	}
	e := h.core.encoder(ctx, h)
	e.pc = r.PC
	r.Attrs(func(a slog.Attr) bool {
		e.attr(a)
		return true
	})
	h.core.emit(e.inv, r.Level, e.finish(r.Level, r.Message, h.at(&r)))
	e.release()
	return nil
}

// at is the time of a record; one that has none keeps none.
func (h *Handler) at(r *slog.Record) time.Time {
	if h.core.clock != nil && !r.Time.IsZero() {
		return h.core.clock()
	}
	return r.Time
}

// WithAttrs returns a handler that adds these keys to each of its records: what
// other languages call persistent keys.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(attrs)
}

func (h *Handler) with(attrs []slog.Attr) *Handler {
	n := *h
	if len(h.groups) == 0 {
		n.top = h.core.bind(h.top, attrs, true)
		return &n
	}
	n.groups = slices.Clone(h.groups)
	last := &n.groups[len(n.groups)-1]
	last.part = h.core.bind(last.part, attrs, false)
	return &n
}

// WithGroup returns a handler that puts the attributes of its records and of later
// WithAttrs into a group. The keys of the record and of the invocation stay at the
// top, and so do those that a context carries.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.groups = append(slices.Clip(h.groups), bound{name: name})
	return &n
}

// bind encodes attributes behind those that were bound before.
func (c *core) bind(p part, attrs []slog.Attr, top bool) part {
	e, _ := c.pool.Get().(*encoder)
	defer e.release()
	e.b, e.pc = append(e.b[:0], p.members...), 0
	e.lv = level{mask: p.mask, top: top, clash: p.clash}
	for _, a := range attrs {
		e.attr(a)
	}
	if e.lv.dup {
		e.b, e.spans = unique(e.b, 0, e.spans, top && !e.lv.clash)
	}
	return part{members: slices.Clone(e.b), mask: e.lv.mask, clash: e.lv.clash}
}
