// Package scope is the unit of work that logs, metrics and traces have in common:
// one invocation of a function, or one request of a server. It travels in the
// context, so that concurrent invocations cannot mix.
//
// Where a process has one invocation at a time (Lambda, unless it says otherwise),
// [From] also finds it without a context, as those who come from other languages
// expect: slog.Info, far from the handler, still knows its request.
package scope

import (
	"context"
	"hash/maphash"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// Start says what is known when a unit of work begins. All of it may be empty.
type Start struct {
	At       time.Time
	Deadline time.Time // zero: none

	RequestID, Tenant string
	// TraceID is X-Ray's, "1-5759e988-bd862e3fe1be46a994272793".
	TraceID string
	// Function is set for an invocation of a function.
	Function *Function
	// Concurrent says that the process may have several invocations at a time;
	// then only a context finds them.
	Concurrent bool
}

// Function is what records say about the function.
type Function struct {
	ARN, Name string
	Memory    int // MB
	// Cold says that this is the first invocation of a process that was started
	// for it; see [TakeCold].
	Cold bool
	// ColdUnknown says that nobody knows; then records do not say it either.
	ColdUnknown bool
}

// Invocation is a unit of work. Its methods may be called from any number of
// goroutines, also after its end: then they do nothing that is seen.
type Invocation struct {
	Start
	// Hash spreads invocations evenly over all uint64; those of one trace share it.
	Hash uint64
	// Carries says that a context of it carries something; see [Carry].
	Carries atomic.Bool
	// Retries are calls that had to be made again, as clients report them.
	Retries atomic.Int64

	block       atomic.Pointer[[]byte]
	correlation atomic.Pointer[string]
	slots       [signals]atomic.Pointer[any]

	mu     sync.Mutex
	fields []slog.Attr
	ended  bool
}

// Signal names the owner of a slot.
type Signal int

// The signals, in the order in which they are flushed.
const (
	Log Signal = iota
	Metrics
	Trace
	Wide
	signals = 4
)

type key struct{}

// process is what belongs to the process as a whole: whether it has begun its
// first invocation, and the one that runs if only one does.
//
//nolint:gochecknoglobals // there is one process; everything in it is atomic
var process struct {
	warm    atomic.Bool
	running atomic.Int64
	current atomic.Pointer[Invocation]
}

// TakeCold is true once in the life of a process.
func TakeCold() bool { return !process.warm.Swap(true) }

// Begin starts a unit of work. [Invocation.End] must follow.
func Begin(ctx context.Context, s Start) (context.Context, *Invocation) {
	inv := &Invocation{Start: s, Hash: spread(s.TraceID, s.RequestID)}
	inv.encode()
	inv.Carries.Store(Carried(ctx) != nil)
	if process.running.Add(1) == 1 && !s.Concurrent {
		process.current.Store(inv)
	} else {
		process.current.Store(nil)
	}
	return context.WithValue(ctx, key{}, inv), inv
}

// Loose makes a unit of work that nobody began and nobody ends: what a context of
// aws-lambda-go says about an invocation that was not wrapped. It counts as none
// that runs.
func Loose(s Start) *Invocation {
	inv := &Invocation{Start: s, Hash: spread(s.TraceID, s.RequestID)}
	inv.encode()
	return inv
}

// End ends it; a second call does nothing.
func (inv *Invocation) End() {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.ended {
		return
	}
	inv.ended = true
	process.running.Add(-1)
	process.current.CompareAndSwap(inv, nil)
}

// Ended says whether it is over.
func (inv *Invocation) Ended() bool {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.ended
}

// From finds the unit of work that ctx belongs to, or the only one that runs; nil
// when there is none.
func From(ctx context.Context) *Invocation {
	if inv, ok := ctx.Value(key{}).(*Invocation); ok {
		return inv
	}
	return process.current.Load()
}

type carriedKey struct{}

// Carry returns a context that carries what the log wants to find in it. The
// invocation is told, so that where nothing is carried nothing is looked for.
func Carry(ctx context.Context, what any) context.Context {
	if inv := Of(ctx); inv != nil {
		inv.Carries.Store(true)
	}
	return context.WithValue(ctx, carriedKey{}, what)
}

// Carried is what ctx carries, or nil.
func Carried(ctx context.Context) any { return ctx.Value(carriedKey{}) }

// Of finds the unit of work that ctx carries; nil when it carries none.
func Of(ctx context.Context) *Invocation {
	inv, _ := ctx.Value(key{}).(*Invocation)
	return inv
}

// Block is the part of every record that is the same throughout the invocation,
// encoded once: `,"cold_start":true,...`. Read only.
func (inv *Invocation) Block() []byte { return *inv.block.Load() }

// Correlation is the correlation id; "": none.
func (inv *Invocation) Correlation() string {
	if p := inv.correlation.Load(); p != nil {
		return *p
	}
	return ""
}

// SetCorrelation sets the correlation id of all later records.
func (inv *Invocation) SetCorrelation(id string) {
	inv.correlation.Store(&id)
	inv.encode()
}

// Add adds to what is said about the invocation as a whole, at its end. A later
// value of the same key replaces an earlier one.
func (inv *Invocation) Add(attrs ...slog.Attr) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
next:
	for _, a := range attrs {
		for i := range inv.fields {
			if inv.fields[i].Key == a.Key {
				inv.fields[i] = a
				continue next
			}
		}
		inv.fields = append(inv.fields, a)
	}
}

// Fields are what was added, in the order of their first mention.
func (inv *Invocation) Fields() []slog.Attr {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return append([]slog.Attr(nil), inv.fields...)
}

// Hold returns what a signal keeps for this invocation, made at first use. Two
// first uses at a time may both make one; all get the same.
func (inv *Invocation) Hold(s Signal, first func() any) any {
	if p := inv.slots[s].Load(); p != nil {
		return *p
	}
	v := first()
	if inv.slots[s].CompareAndSwap(nil, &v) {
		return v
	}
	return *inv.slots[s].Load()
}

// Held returns what a signal keeps for this invocation, or nil.
func (inv *Invocation) Held(s Signal) any {
	if p := inv.slots[s].Load(); p != nil {
		return *p
	}
	return nil
}

// encode renders the block anew.
func (inv *Invocation) encode() {
	b := make([]byte, 0, 384)
	if f := inv.Function; f != nil {
		if !f.ColdUnknown {
			b = append(b, `,"cold_start":`...)
			b = strconv.AppendBool(b, f.Cold)
		}
		b = appendField(b, "function_arn", f.ARN)
		if f.Memory > 0 {
			b = append(b, `,"function_memory_size":`...)
			b = strconv.AppendInt(b, int64(f.Memory), 10)
		}
		b = appendField(b, "function_name", f.Name)
		b = appendField(b, "function_request_id", inv.RequestID)
	} else {
		b = appendField(b, "request_id", inv.RequestID)
	}
	b = appendField(b, "xray_trace_id", inv.TraceID)
	b = appendField(b, "tenant_id", inv.Tenant)
	b = appendField(b, "correlation_id", inv.Correlation())
	inv.block.Store(&b)
}

// appendField leaves out what is empty, as Powertools does.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return jsonx.AppendString(b, value)
}

// spread hashes the trace's id, so that every function of a trace decides alike,
// or else the request's, so that a retry decides alike; without both it is
// random. (FNV-1a, then the finaliser of MurmurHash3: FNV alone is uneven in its
// high bits.)
func spread(ids ...string) uint64 {
	for _, id := range ids {
		if id == "" {
			continue
		}
		h := uint64(14695981039346656037)
		for i := range len(id) {
			h = (h ^ uint64(id[i])) * 1099511628211
		}
		h = (h ^ h>>33) * 0xff51afd7ed558ccd
		h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
		return h ^ h>>33
	}
	return maphash.Bytes(maphash.MakeSeed(), nil)
}
