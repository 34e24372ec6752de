package log

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// Direct writes the same records as its handler without the way through slog: for
// code where half a microsecond counts. It allocates nothing.
//
//	d.Info(ctx).Str("order_id", id).Int("amount", 42).Msg("order placed")
type Direct struct{ h *Handler }

// Direct returns the typed path to this handler, with its attributes and groups.
func (h *Handler) Direct() *Direct { return &Direct{h: h} }

// Event is a record in the making; Msg writes it. Without Msg nothing is written.
// An event belongs to one goroutine, and to one Msg: what is done to it afterwards
// has no effect. The zero Event does nothing.
type Event struct {
	e    *encoder
	turn uint64
}

// maxNumber is how long a number gets; only for room.
const maxNumber = 24

// Trace begins a record of level TRACE, like the others of theirs.
func (d *Direct) Trace(ctx context.Context) Event { return d.At(ctx, LevelTrace) }

// Debug begins a record of level DEBUG.
func (d *Direct) Debug(ctx context.Context) Event { return d.At(ctx, slog.LevelDebug) }

// Info begins a record of level INFO.
func (d *Direct) Info(ctx context.Context) Event { return d.At(ctx, slog.LevelInfo) }

// Warn begins a record of level WARN.
func (d *Direct) Warn(ctx context.Context) Event { return d.At(ctx, slog.LevelWarn) }

// Error begins a record of level ERROR.
func (d *Direct) Error(ctx context.Context) Event { return d.At(ctx, slog.LevelError) }

// Fatal begins a record of level FATAL. It does not end the process.
func (d *Direct) Fatal(ctx context.Context) Event { return d.At(ctx, LevelFatal) }

// At begins a record of any level; if it is not enabled, an event that does
// nothing.
func (d *Direct) At(ctx context.Context, l slog.Level) Event {
	c := d.h.core
	if l < c.lowest() && !c.enabled(ctx, l) {
		return Event{}
	}
	e := c.encoder(ctx, d.h)
	e.at = l
	return Event{e: e, turn: e.turn}
}

// begin returns what is to become the encoder's attributes when the value follows
// that it makes room for; nil when none may.
func (v Event) begin(key string, room int) []byte {
	e := v.e
	if e == nil || e.turn != v.turn {
		return nil
	}
	if len(e.core.redacted) > 0 && e.core.secret(key) {
		e.field(key)
		return nil
	}
	b, _ := e.appendKey(key, room)
	return b
}

// Str adds a string; an empty one is left out, as from all records.
func (v Event) Str(key, value string) Event {
	if value == "" {
		return v.Attr(slog.String(key, value))
	}
	if b := v.begin(key, len(value)+2); b != nil {
		v.e.b = jsonx.AppendString(b, value)
	}
	return v
}

// Int adds a whole number.
func (v Event) Int(key string, value int) Event { return v.Int64(key, int64(value)) }

// Int64 adds a whole number.
func (v Event) Int64(key string, value int64) Event {
	if b := v.begin(key, maxNumber); b != nil {
		v.e.b = strconv.AppendInt(b, value, 10)
	}
	return v
}

// Uint64 adds a whole number.
func (v Event) Uint64(key string, value uint64) Event {
	if b := v.begin(key, maxNumber); b != nil {
		v.e.b = strconv.AppendUint(b, value, 10)
	}
	return v
}

// Float adds a number. What is no number is written as "NaN", "+Inf" or "-Inf".
func (v Event) Float(key string, value float64) Event {
	if b := v.begin(key, maxNumber); b != nil {
		v.e.b = jsonx.AppendFloat(b, value)
	}
	return v
}

// Bool adds true or false.
func (v Event) Bool(key string, value bool) Event {
	if b := v.begin(key, maxNumber); b != nil {
		v.e.b = strconv.AppendBool(b, value)
	}
	return v
}

// Dur adds a length of time, in nanoseconds, as slog's own handler does.
func (v Event) Dur(key string, value time.Duration) Event { return v.Int64(key, int64(value)) }

// Time adds an instant, in RFC 3339.
func (v Event) Time(key string, value time.Time) Event {
	if b := v.begin(key, maxNumber); b != nil {
		v.e.b = b
		v.e.time(value)
	}
	return v
}

// Err adds the error; see the function [Err]. A nil error adds nothing.
func (v Event) Err(err error) Event {
	if v.e == nil || v.e.turn != v.turn || err == nil {
		return v
	}
	v.e.locate(3)
	return v.Attr(Err(err))
}

// Any adds a value of any kind, by encoding/json if need be.
func (v Event) Any(key string, value any) Event { return v.Attr(slog.Any(key, value)) }

// Attr adds an attribute, also a group.
func (v Event) Attr(a slog.Attr) Event {
	if v.e != nil && v.e.turn == v.turn {
		v.e.attr(a)
	}
	return v
}

// Msg writes the record.
func (v Event) Msg(message string) {
	e := v.e
	if e == nil || e.turn != v.turn {
		return
	}
	if e.core.source {
		e.locate(3)
	}
	e.core.emit(e.inv, e.at, e.finish(e.at, message, e.core.now()))
	e.release()
}

// locate notes the place that called.
func (e *encoder) locate(skip int) {
	if e.pc == 0 {
		var pcs [1]uintptr
		runtime.Callers(skip, pcs[:])
		e.pc = pcs[0]
	}
}

func (e *encoder) intField(key string, value int64) {
	if _, ok := e.field(key); ok {
		e.b = strconv.AppendInt(e.b, value, 10)
	}
}
