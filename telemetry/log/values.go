package log

import (
	"log/slog"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/jsonx"
)

// attr appends an attribute as slog wants it: without what is empty, groups as
// objects, groups without a name as if their attributes stood alone.
func (e *encoder) attr(a slog.Attr) {
	v := a.Value
	if v.Kind() == slog.KindLogValuer {
		v = v.Resolve()
	}
	if v.Kind() == slog.KindGroup {
		e.group(a.Key, v.Group())
		return
	}
	if a.Key == "" && v.Equal(slog.Value{}) {
		return
	}
	mark := len(e.b)
	before, ok := e.field(a.Key)
	if !ok {
		return
	}
	from := len(e.b)
	e.value(v)
	if e.lv.top && isNothing(e.b[from:]) {
		e.nothing(mark, before)
	}
}

// nothing takes a member that says nothing back, unless it stands for one that was
// said before: then both go when the record is put together.
func (e *encoder) nothing(mark int, before bool) {
	if before {
		e.lv.dup = true
		return
	}
	e.b = e.b[:mark]
}

// field appends the key of a value; ok is false when the value is a secret and
// nothing must follow.
func (e *encoder) field(key string) (before, ok bool) {
	before = e.key(key)
	if len(e.core.redacted) > 0 && e.core.secret(key) {
		e.b = append(e.b, hidden...)
		return before, false
	}
	return before, true
}

func (e *encoder) group(key string, attrs []slog.Attr) {
	if len(attrs) == 0 {
		return
	}
	if key == "" {
		for _, a := range attrs {
			e.attr(a)
		}
		return
	}
	if len(e.core.redacted) > 0 && e.core.secret(key) {
		e.field(key)
		return
	}
	e.open(key)
	for _, a := range attrs {
		e.attr(a)
	}
	e.close()
}

// value appends a value that is neither group nor LogValuer.
func (e *encoder) value(v slog.Value) {
	switch v.Kind() {
	case slog.KindString:
		e.b = jsonx.AppendString(e.b, v.String())
	case slog.KindInt64:
		e.b = strconv.AppendInt(e.b, v.Int64(), 10)
	case slog.KindUint64:
		e.b = strconv.AppendUint(e.b, v.Uint64(), 10)
	case slog.KindFloat64:
		e.b = jsonx.AppendFloat(e.b, v.Float64())
	case slog.KindBool:
		e.b = strconv.AppendBool(e.b, v.Bool())
	case slog.KindDuration:
		e.b = strconv.AppendInt(e.b, int64(v.Duration()), 10)
	case slog.KindTime:
		e.time(v.Time())
	case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
		e.any(v.Any())
	default:
		e.any(v.Any())
	}
}

// time is as encoding/json and slog's own handler write it.
func (e *encoder) time(t time.Time) {
	e.b = append(e.b, '"')
	e.b = t.AppendFormat(e.b, time.RFC3339Nano)
	e.b = append(e.b, '"')
}

// any appends what slog has no kind for: errors as objects, the rest by
// encoding/json.
func (e *encoder) any(v any) {
	switch x := v.(type) {
	case nil:
		e.b = append(e.b, "null"...)
		return
	case error:
		e.error(x)
		return
	}
	from := len(e.b)
	e.b = jsonx.AppendAny(e.b, v)
	if len(e.core.redacted) > 0 {
		e.spare = redact(e.spare[:0], e.b[from:], e.core.secret)
		e.b = append(e.b[:from], e.spare...)
	}
}
