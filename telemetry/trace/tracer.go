package trace

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// Tracer makes spans and sends them. Its methods may be called from any number of
// goroutines; on a nil Tracer they do nothing.
type Tracer struct {
	exporter Exporter // nil: headers pass, nothing is recorded
	resource []slog.Attr
	clock    func() time.Time
	rule     rule

	pool  sync.Pool // of *Record
	queue queue
	open  atomic.Int64 // spans begun and not ended
	lost  losses
}

func (t *Tracer) now() time.Time { return t.clock() }

// Enabled says whether spans are recorded at all: there is somewhere to send them.
func (t *Tracer) Enabled() bool { return t != nil && t.exporter != nil }

// StartOption changes how a span starts. It is a plain value: it costs nothing.
type StartOption struct {
	parent Header
	kind   Kind
	at     time.Time
	links  []Header
	root   bool
}

// WithParent continues the trace of a header, not the context's: of a request, or
// of a message. A header of no trace changes nothing.
func WithParent(h Header) StartOption { return StartOption{parent: h} }

// WithKind sets the role; [Internal] unless said.
func WithKind(k Kind) StartOption { return StartOption{kind: k} }

// WithStart sets the beginning, for work that began before it was known.
func WithStart(at time.Time) StartOption { return StartOption{at: at} }

// WithLinks names the traces of messages that are worked on together.
func WithLinks(links ...Header) StartOption { return StartOption{links: links} }

// WithRoot begins a new trace, whatever the context carries.
func WithRoot() StartOption { return StartOption{root: true} }

// Start starts a span: a child of the span that ctx carries, or else of what the
// invocation's header names, or else the first of a new trace. The context that is
// returned carries it. The caller must end it.
func (t *Tracer) Start(ctx context.Context, name string, opts ...StartOption) (context.Context, *Span) {
	if t == nil {
		return ctx, SpanFrom(ctx)
	}
	return t.start(ctx, SpanFrom(ctx), name, opts)
}

func (t *Tracer) start(ctx context.Context, parent *Span, name string, opts []StartOption) (context.Context, *Span) {
	var o StartOption
	for i := range opts {
		o.merge(&opts[i])
	}
	if o.root || !o.parent.IsZero() {
		parent = nil
	}
	if parent != nil && !parent.recorded {
		return ctx, parent // it carries the trace as well as a child would
	}
	if o.at.IsZero() {
		o.at = t.now()
	}
	if parent != nil {
		return t.record(ctx, parent.header, name, &o, false)
	}
	return t.first(ctx, name, &o)
}

// first starts the first span of this process in a trace.
func (t *Tracer) first(ctx context.Context, name string, o *StartOption) (context.Context, *Span) {
	h, known := o.parent, !o.parent.IsZero()
	if !known && !o.root {
		h, known = invocation(ctx)
	}
	switch {
	case !t.Enabled() && !known:
		return ctx, nil
	case !t.Enabled():
		return t.carry(ctx, h)
	case !known:
		h = Header{Trace: NewTraceID(o.at)}
	}
	if h.Sampled != Kept && h.Sampled != Dropped {
		h.Sampled = t.rule.decide(h.Trace, o.at)
	}
	if h.Sampled == Dropped {
		if h.Parent.IsZero() {
			h.Parent = NewSpanID() // W3C's form needs one
		}
		return t.carry(ctx, h)
	}
	return t.record(ctx, h, name, o, true)
}

func (o *StartOption) merge(n *StartOption) {
	if !n.parent.IsZero() {
		o.parent = n.parent
	}
	if n.kind != 0 {
		o.kind = n.kind
	}
	if !n.at.IsZero() {
		o.at = n.at
	}
	if n.links != nil {
		o.links = n.links
	}
	o.root = o.root || n.root
}

// carrier is a context and its span in one piece of memory.
type carrier struct {
	context.Context //nolint:containedctx // it is a context
	span            Span
}

// Value finds the span, and everything else where it was.
func (c *carrier) Value(key any) any {
	if _, ours := key.(spanKey); ours {
		return &c.span
	}
	return c.Context.Value(key)
}

// carry makes a span that is not recorded and only passes the header on.
func (t *Tracer) carry(ctx context.Context, h Header) (context.Context, *Span) {
	h.Self = ""
	c := &carrier{Context: ctx, span: Span{tracer: t, header: h}}
	hold(ctx, &c.span)
	return c, &c.span
}

// record makes a span that is recorded.
func (t *Tracer) record(ctx context.Context, h Header, name string, o *StartOption, remote bool) (context.Context, *Span) {
	r, ok := t.pool.Get().(*Record)
	if !ok {
		r = &Record{Annotations: make([]slog.Attr, 0, 4), Attributes: make([]slog.Attr, 0, 8)}
	}
	r.Trace, r.ID, r.Parent, r.State = h.Trace, NewSpanID(), h.Parent, h.State
	r.RemoteParent = remote && !h.Parent.IsZero()
	r.Name, r.Kind, r.Start = name, max(o.kind, Internal), o.at
	for i, l := range o.links {
		if i >= maxLinks {
			t.lost.add(AttributeLost, len(o.links)-i)
			break
		}
		if !l.IsZero() {
			r.Links = append(r.Links, Link{Header: l})
		}
	}
	h.Parent, h.Self = r.ID, ""
	t.open.Add(1)
	c := &carrier{Context: ctx, span: Span{tracer: t, header: h, recorded: true, rec: r}}
	if remote {
		hold(ctx, &c.span)
	}
	return c, &c.span
}

// hold makes a first span known to its invocation, so that it is found without a
// context too.
func hold(ctx context.Context, s *Span) {
	if inv := scope.Of(ctx); inv != nil {
		inv.Hold(scope.Trace, func() any { return s })
	}
}

// finish queues a record that has ended.
func (t *Tracer) finish(r *Record) {
	t.open.Add(-1)
	if reason, ok := t.queue.put(r); !ok {
		t.lost.add(reason, 1)
		t.recycle(r)
	}
}

func (t *Tracer) recycle(r *Record) {
	r.reset()
	t.pool.Put(r)
}

// Lost is what did not arrive, or not whole, since the tracer was made.
func (t *Tracer) Lost() []Loss {
	if t == nil {
		return nil
	}
	return t.lost.list()
}

// rule decides about a trace that nobody decided about.
type rule struct {
	rate      float64      // the share that is kept
	reservoir bool         // and the first of each second
	second    atomic.Int64 // the last one that had its first
}

// decide keeps a share of all traces. It looks at the id as OpenTelemetry does, so
// that others who keep the same share keep the same traces.
func (r *rule) decide(id TraceID, now time.Time) Sampled {
	if r.reservoir {
		last, this := r.second.Load(), now.Unix()
		if last != this && r.second.CompareAndSwap(last, this) {
			return Kept
		}
	}
	if r.rate >= 1 {
		return Kept
	}
	if binary.BigEndian.Uint64(id[8:])>>1 < uint64(r.rate*math.MaxInt64) {
		return Kept
	}
	return Dropped
}
