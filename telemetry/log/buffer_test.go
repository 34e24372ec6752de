package log_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// messages are those of the records written so far.
func messages(tb fataler, out *bytes.Buffer) (all []string) {
	tb.Helper()
	for line := range bytes.Lines(out.Bytes()) {
		all = append(all, fmt.Sprint(decode(tb, line)["message"]))
	}
	return all
}

func TestBuffer(t *testing.T) {
	for name, c := range map[string]struct {
		opts  []log.Option
		start scope.Start
		want  []string
	}{
		"an error brings out what was held": {nil, function(), []string{"info", "trace", "debug", "error", "error again"}},
		"without a trace":                   {nil, scope.Start{RequestID: "r"}, []string{"info", "trace", "debug", "error", "error again"}},
		"without any id":                    {nil, scope.Start{}, []string{"info", "trace", "debug", "error", "error again"}},
		"what is below the level is held":   {[]log.Option{log.WithLevel(slog.LevelError)}, function(), []string{"trace", "debug", "info", "error", "error again"}},
		"debug is held at its own level":    {[]log.Option{log.WithLevel(slog.LevelDebug)}, function(), []string{"info", "trace", "debug", "error", "error again"}},
		"sampled records are written":       {[]log.Option{log.WithSampleRate(1)}, function(), []string{"debug", "info", "trace", "error", "later debug", "error again"}},
	} {
		t.Run(name, func(t *testing.T) {
			h, out := logger(append([]log.Option{log.WithBuffer(0)}, c.opts...)...)
			ctx := invocation(t, c.start)
			l := slog.New(h)
			l.Log(ctx, log.LevelTrace, "trace")
			l.DebugContext(ctx, "debug")
			l.InfoContext(ctx, "info")
			l.ErrorContext(ctx, "error")
			l.DebugContext(ctx, "later debug")
			h.DiscardBuffer(ctx)
			l.ErrorContext(ctx, "error again")
			if diff := cmp.Diff(c.want, messages(t, out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheBufferIsFlushedByHand(t *testing.T) {
	h, out := logger(log.WithBuffer(0))
	ctx := invocation(t, function())
	h.Direct().Debug(ctx).Str("k", "v").Msg("debug")
	if out.Len() > 0 {
		t.Fatal("not held")
	}
	h.FlushBuffer(ctx)
	h.FlushBuffer(ctx)
	if diff := cmp.Diff([]string{"debug"}, messages(t, out)); diff != "" {
		t.Error(diff)
	}
}

func TestOutsideOfAnInvocationNothingIsHeld(t *testing.T) {
	h, out := logger(log.WithBuffer(0))
	l := slog.New(h)
	l.Debug("debug")
	l.Error("error")
	if diff := cmp.Diff([]string{"error"}, messages(t, out)); diff != "" {
		t.Error(diff)
	}
}

// TestLoggersHoldApart: two loggers of one invocation do not bring out each
// other's.
func TestLoggersHoldApart(t *testing.T) {
	a, outA := logger(log.WithBuffer(0))
	b, outB := logger(log.WithBuffer(0))
	ctx := invocation(t, function())
	slog.New(a).DebugContext(ctx, "a")
	slog.New(b).DebugContext(ctx, "b")
	slog.New(b).ErrorContext(ctx, "error")
	if outA.Len() > 0 || len(messages(t, outB)) != 2 {
		t.Errorf("%s and %s", outA, outB)
	}
}

// TestTheBufferHoldsTheLatest compares with a list that is cut at the front.
func TestTheBufferHoldsTheLatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(200, 3000).Draw(t, "limit")
		var out bytes.Buffer
		h := log.New(log.WithWriter(&out), log.WithEnvironment(nowhere), log.WithClock(clock), log.WithBuffer(limit))
		ctx, inv := scope.Begin(context.Background(), scope.Start{})
		defer inv.End()
		var model []string
		held, evicted, total := 0, 0, 0
		for i := range rapid.IntRange(0, 60).Draw(t, "records") {
			out.Reset()
			m := fmt.Sprint(i, strings.Repeat("x", rapid.IntRange(0, 1000).Draw(t, "length")))
			slog.New(h).DebugContext(ctx, m)
			size := len(`{"level":"DEBUG","message":"","timestamp":"2026-11-23T07:00:00.123Z","service":"service_undefined","sampling_rate":0}`+"\n") + len(m)
			if size > limit {
				evicted++
				total++
				continue
			}
			model = append(model, m)
			for held += size; held > limit; model = model[1:] {
				held -= size - len(m) + len(model[0])
				evicted++
				total++
			}
			if rapid.IntRange(0, 20).Draw(t, "flush") == 0 {
				check(t, h, &out, ctx, model, evicted)
				model, held, evicted = nil, 0, 0
			}
		}
		out.Reset()
		check(t, h, &out, ctx, model, evicted)
		if int(h.Lost().Evicted) != total {
			t.Fatalf("%d evicted, counted %d", total, h.Lost().Evicted)
		}
	})
}

func check(t *rapid.T, h *log.Handler, out *bytes.Buffer, ctx context.Context, want []string, evicted int) { //nolint:revive // the test comes first
	h.FlushBuffer(ctx)
	got := messages(t, out)
	if evicted > 0 {
		last := out.Bytes()[bytes.LastIndexByte(out.Bytes()[:out.Len()-1], '\n')+1:]
		if m := decode(t, last); m["level"] != "WARN" || m["evicted"] != float64(evicted) {
			t.Fatalf("%d evicted, said %s", evicted, last)
		}
		got = got[:len(got)-1]
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got %q\nwant %q", got, want)
	}
}
