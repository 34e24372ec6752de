package log_test

import (
	"fmt"
	"io"
	stdlog "log" //nolint:depguard // it is what aws-lambda-go writes with
	"log/slog"
	"math"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// What is known to be wrong in the tools that people come from, and is right here.

var lines = regexp.MustCompile(`\.go:\d+`)

// TestSamplingIsExact: Powertools for TypeScript samples 0.94 % when asked for
// 0.1 %, and 1.98 % when asked for 1 %: its dice have a hundred sides.
func TestSamplingIsExact(t *testing.T) {
	const n = 20_000
	for _, rate := range []float64{0, 0.001, 0.01, 0.05, 0.5, 1} {
		h, _ := logger(log.WithSampleRate(rate))
		sampled := 0
		for i := range n {
			ctx, inv := scope.Begin(t.Context(), scope.Start{TraceID: fmt.Sprintf("1-6742f1c0-%024x", i), RequestID: fmt.Sprint(i)})
			if h.Enabled(ctx, slog.LevelDebug) {
				sampled++
			}
			inv.End()
		}
		// Four standard deviations: 1 in 15,000 such tests would fail by chance, but
		// the ids are fixed, so there is no chance.
		if got, want := float64(sampled), rate*n; math.Abs(got-want) > 4*math.Sqrt(want*(1-rate)) {
			t.Errorf("rate %v: %d of %d", rate, sampled, n)
		}
	}
}

// TestATraceDecidesAlike: all functions of a trace write their debug records, or
// none does.
func TestATraceDecidesAlike(t *testing.T) {
	a, _ := logger(log.WithSampleRate(0.3))
	b, _ := logger(log.WithSampleRate(0.3), log.WithService("other"))
	for i := range 500 {
		trace := fmt.Sprintf("1-6742f1c0-%024x", i*7919)
		ctxA, invA := scope.Begin(t.Context(), scope.Start{TraceID: trace, RequestID: "a"})
		ctxB, invB := scope.Begin(t.Context(), scope.Start{TraceID: trace, RequestID: "b"})
		if a.Enabled(ctxA, slog.LevelDebug) != b.Enabled(ctxB, slog.LevelDebug) {
			t.Fatalf("trace %s", trace)
		}
		invA.End()
		invB.End()
	}
}

// TestTimestampsOfHalfHourZones: Powertools for TypeScript writes -04:30 for a
// clock of -03:30, an instant that is an hour off.
func TestTimestampsOfHalfHourZones(t *testing.T) {
	for zone, want := range map[string]string{
		"America/St_Johns":  "2026-11-23T03:30:00.123-03:30",
		"Pacific/Marquesas": "2026-11-22T21:30:00.123-09:30",
		"Asia/Kathmandu":    "2026-11-23T12:45:00.123+05:45",
		"UTC":               "2026-11-23T07:00:00.123Z",
		":UTC":              "2026-11-23T07:00:00.123Z",
	} {
		h, out := logger(environment(map[string]string{"TZ": zone}))
		slog.New(h).Info("m")
		text, _ := decode(t, out.Bytes())["timestamp"].(string)
		at, err := time.Parse(time.RFC3339, text)
		if text != want || err != nil || !at.Equal(noon.Truncate(time.Millisecond)) {
			t.Errorf("%s: %s (%v), want %s", zone, text, err, want)
		}
	}
}

// TestTheSecondIsNotOld: the formatted second is kept, and never longer.
func TestTheSecondIsNotOld(t *testing.T) {
	now := noon
	h, out := logger(log.WithClock(func() time.Time { return now }))
	for _, step := range []time.Duration{0, time.Millisecond, 876 * time.Millisecond, time.Millisecond, time.Hour, -time.Hour, -40 * 365 * 24 * time.Hour} {
		now = now.Add(step)
		out.Reset()
		slog.New(h).Info("m")
		if got, want := decode(t, out.Bytes())["timestamp"], now.Format("2006-01-02T15:04:05.000Z07:00"); got != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// TestLambdaKeysStayAtTheTop: aws-lambda-go's own handler puts them into the group
// that is open.
func TestLambdaKeysStayAtTheTop(t *testing.T) {
	h, out := logger()
	slog.New(h).WithGroup("a").With("k", 1).WithGroup("b").InfoContext(invocation(t, function()), "m", "x", 1)
	m := decode(t, out.Bytes())
	if a, _ := m["a"].(map[string]any); len(a) != 2 || m["function_request_id"] != "2f1c" || m["xray_trace_id"] == nil {
		t.Errorf("%s", out)
	}
}

// TestFatalIsALevel: aws-lambda-go's own handler takes FATAL for INFO.
func TestFatalIsALevel(t *testing.T) {
	h, out := logger(environment(map[string]string{"AWS_LAMBDA_LOG_LEVEL": "FATAL"}))
	slog.New(h).Error("not written")
	slog.New(h).Log(t.Context(), log.LevelFatal, "written")
	if m := decode(t, out.Bytes()); m["level"] != "FATAL" || m["message"] != "written" {
		t.Errorf("%s", out)
	}
}

// TestOneValueCannotBreakTheLine: Powertools for Python writes a bare NaN, which
// makes the whole line no JSON.
func TestOneValueCannotBreakTheLine(t *testing.T) {
	h, out := logger()
	slog.New(h).Info("m", "nan", math.NaN(), "in", map[string]any{"nan": math.Inf(1)}, "chan", make(chan int), "ok", 1)
	if m := decode(t, out.Bytes()); m["nan"] != "NaN" || m["ok"] != 1. {
		t.Errorf("%s", out)
	}
}

// TestAFlushWithoutABuffer does nothing; others raise.
func TestAFlushWithoutABuffer(t *testing.T) {
	h, out := logger()
	h.FlushBuffer(t.Context())
	h.DiscardBuffer(t.Context())
	with, _ := logger(log.WithBuffer(0))
	with.FlushBuffer(t.Context()) // no invocation
	with.FlushBuffer(invocation(t, function()))
	if out.Len() > 0 {
		t.Error(out.String())
	}
}

// place is where a record says that an error was logged.
var place = regexp.MustCompile(`,"location":"[a-z]+/[a-z_0-9]+\.go:\d+"`)

// TestAFailedInvocationIsAnError: aws-lambda-go reports it through package log, as
// JSON without a level, which Lambda takes for INFO.
func TestAFailedInvocationIsAnError(t *testing.T) {
	h, out := logger()
	l := stdlog.New(writerOf(slog.New(h).WithGroup("g")), "", 0)
	l.Printf("%s", `{"errorMessage":"card \"declined\"","errorType":"Declined","stackTrace":[{"path":"src/pay/charge.go","line":88,"label":"Charge"}]}`)
	l.Printf("%s", `{"errorMessage":"no stack","errorType":"errorString"}`)
	l.Printf("%s", `{"errorMessage":`)
	want := `{"level":"ERROR","message":"the invocation failed","timestamp":"2026-11-23T07:00:00.123Z","service":"checkout","sampling_rate":0,"error":`
	if diff := cmp.Diff(want+`{"name":"Declined","message":"card \"declined\"","location":"pay/charge.go:88","stack":[{"path":"src/pay/charge.go","line":88,"label":"Charge"}]}}`+"\n"+
		want+`{"name":"errorString","message":"no stack"}}`+"\n"+`{"level":"INFO","message":"{\"errorMessage\":","timestamp":"2026-11-23T07:00:00.123Z","service":"checkout","sampling_rate":0}`+"\n", out.String()); diff != "" {
		t.Error(diff)
	}
}

// writerOf is what slog.SetDefault makes the output of package log.
func writerOf(l *slog.Logger) io.Writer {
	return slog.NewLogLogger(l.Handler(), slog.LevelInfo).Writer()
}
