package log_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/log"
)

func TestDirectWritesTheSame(t *testing.T) {
	h, out := logger(log.WithRedact("password"))
	ctx := log.With(invocation(t, function()), slog.String("carried", "x"))
	bound, _ := h.WithAttrs([]slog.Attr{slog.Int("bound", 1)}).WithGroup("g").(*log.Handler)
	slog.New(bound).LogAttrs(ctx, slog.LevelWarn, "m", slog.String("s", "a\"b"), slog.String("e", ""), slog.Int("i", -1), slog.Int64("i64", math.MinInt64),
		slog.Uint64("u", math.MaxUint64), slog.Float64("f", 0.25), slog.Bool("b", true), slog.Duration("d", time.Second), slog.Time("t", noon),
		slog.Any("a", []int{1}), slog.String("password", "x"), slog.Int("i", 2))
	want := out.String()
	out.Reset()
	bound.Direct().Warn(ctx).Str("s", "a\"b").Str("e", "").Int("i", -1).Int64("i64", math.MinInt64).Uint64("u", math.MaxUint64).Float("f", 0.25).
		Bool("b", true).Dur("d", time.Second).Time("t", noon).Any("a", []int{1}).Str("password", "x").Int("i", 2).Msg("m")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestDirectLevels(t *testing.T) {
	h, out := logger(log.WithLevel(log.LevelTrace))
	d := h.Direct()
	for want, event := range map[string]func(context.Context) log.Event{"TRACE": d.Trace, "DEBUG": d.Debug, "INFO": d.Info, "WARN": d.Warn, "ERROR": d.Error, "FATAL": d.Fatal} {
		out.Reset()
		event(t.Context()).Msg("m")
		if got := decode(t, out.Bytes())["level"]; got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	h, out = logger()
	h.Direct().Debug(t.Context()).Str("k", "v").Err(errors.New("x")).Any("a", 1).Attr(slog.Int("b", 1)).Msg("m")
	log.Event{}.Str("k", "").Msg("m")
	if out.Len() > 0 {
		t.Error(out.String())
	}
}

// TestAnEventIsOver: what is done to an event after Msg does not reach the record
// that uses its memory next.
func TestAnEventIsOver(t *testing.T) {
	h, out := logger()
	over := h.Direct().Info(t.Context())
	over.Msg("first")
	next := h.Direct().Info(t.Context()).Str("k", "next")
	over.Str("k", "over").Int("n", 1).Err(errors.New("x")).Attr(slog.Int("b", 1)).Msg("again")
	next.Msg("second")
	if diff := cmp.Diff([]string{"first", "second"}, messages(t, out)); diff != "" {
		t.Error(diff)
	}
	_, last, _ := bytes.Cut(out.Bytes(), []byte("\n"))
	if m := decode(t, last); m["k"] != "next" || len(m) != 6 {
		t.Errorf("%v", m)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	ctx := log.With(invocation(t, function()), slog.String("carried", "x"))
	h := log.New(log.WithWriter(io.Discard), log.WithEnvironment(nowhere), log.WithBuffer(0))
	h.Direct().Debug(ctx).Msg("the buffer's memory")
	l := slog.New(h).With("persistent", 1)
	group := l.WithGroup("g")
	d := h.Direct()
	failed := errors.New("x")
	for name, f := range map[string]func(){
		"slog":            func() { l.LogAttrs(ctx, slog.LevelInfo, "m", slog.String("order_id", "o"), slog.Int("amount", 42)) },
		"slog in a group": func() { group.LogAttrs(ctx, slog.LevelInfo, "m", slog.String("order_id", "o"), slog.Int("amount", 42)) },
		"slog, equal keys": func() {
			l.LogAttrs(ctx, slog.LevelInfo, "m", slog.String("persistent", "o"), slog.Int("tenant_id", 42))
		},
		"slog without scope": func() { l.LogAttrs(context.Background(), slog.LevelInfo, "m", slog.String("order_id", "o")) },
		"direct": func() {
			d.Info(ctx).Str("order_id", "o").Int("amount", 42).Bool("b", true).Float("f", 0.5).Dur("d", 1).Time("t", noon).Msg("m")
		},
		"direct with error":   func() { d.Error(ctx).Err(failed).Msg("m") },
		"not enabled":         func() { slog.New(h).LogAttrs(context.Background(), slog.LevelDebug, "m", slog.String("order_id", "o")) },
		"direct, not enabled": func() { d.Debug(context.Background()).Str("order_id", "o").Msg("m") },
	} {
		if n := testing.AllocsPerRun(500, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestHeldRecordsAllocateNothingOnceTheBufferIsThere(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates")
	}
	ctx := invocation(t, function())
	h := log.New(log.WithWriter(io.Discard), log.WithEnvironment(nowhere), log.WithBuffer(0))
	write := func() { h.Direct().Debug(ctx).Str("order_id", "o").Msg("m") }
	for range 500 {
		write()
	}
	if n := testing.AllocsPerRun(500, write); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
