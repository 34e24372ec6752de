package log

import (
	"context"
	"log/slog"
	"slices"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

// temporary are keys that a context carries. They do not change.
type temporary struct{ attrs []slog.Attr }

// With returns a context whose records have these keys, at the top, besides those
// that ctx carries already: what other languages call temporary keys. They come
// after the keys of the logger and before those of the call, and of equal keys the
// last one stays.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	if len(attrs) == 0 {
		return ctx
	}
	if t := temporaryOf(ctx); t != nil {
		attrs = slices.Concat(t.attrs, attrs)
	} else {
		attrs = slices.Clone(attrs)
	}
	return scope.Carry(ctx, &temporary{attrs: attrs})
}

func temporaryOf(ctx context.Context) *temporary {
	if ctx == nil {
		return nil
	}
	t, _ := scope.Carried(ctx).(*temporary)
	return t
}

// SetCorrelation sets the correlation_id of all later records of the invocation
// that ctx belongs to. It reports whether there is one; without it
// With(ctx, slog.String("correlation_id", id)) does the same for a context.
func SetCorrelation(ctx context.Context, id string) bool {
	if ctx == nil {
		return false
	}
	inv := scope.From(ctx)
	if inv == nil {
		return false
	}
	inv.SetCorrelation(id)
	return true
}
