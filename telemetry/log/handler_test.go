package log_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// nowhere is an environment without variables.
func nowhere(string) string { return "" }

func environment(vars map[string]string) log.Option {
	return log.WithEnvironment(func(name string) string { return vars[name] })
}

var noon = time.Date(2026, 11, 23, 7, 0, 0, 123456789, time.UTC)

func clock() time.Time { return noon }

// logger writes into the buffer that it returns, at a fixed time.
func logger(opts ...log.Option) (*log.Handler, *bytes.Buffer) {
	out := &bytes.Buffer{}
	base := []log.Option{log.WithWriter(out), log.WithEnvironment(nowhere), log.WithService("checkout"), log.WithClock(clock)}
	return log.New(append(base, opts...)...), out
}

// invocation begins one as the wrapper does.
func invocation(tb testing.TB, s scope.Start) context.Context {
	tb.Helper()
	ctx, inv := scope.Begin(tb.Context(), s)
	tb.Cleanup(inv.End)
	return ctx
}

func function() scope.Start {
	return scope.Start{
		RequestID: "2f1c", TraceID: "1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810", Tenant: "acme",
		Function: &scope.Function{ARN: "arn:aws:lambda:eu-west-1:111122223333:function:checkout", Name: "checkout", Memory: 256, Cold: true},
	}
}

// fataler is a test, or one of rapid's.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func decode(tb fataler, line []byte) map[string]any {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		tb.Fatalf("%v in %s", err, line)
	}
	return m
}

func TestSlogtest(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return log.New(log.WithWriter(&out), log.WithEnvironment(nowhere))
	}, func(t *testing.T) map[string]any {
		m := decode(t, out.Bytes())
		for ours, theirs := range map[string]string{"timestamp": slog.TimeKey, "message": slog.MessageKey} {
			if v, ok := m[ours]; ok {
				m[theirs] = v
				delete(m, ours)
			}
		}
		return m
	})
}

const head = `{"level":"INFO","message":"m","timestamp":"2026-11-23T07:00:00.123Z","service":"checkout"`

// TestRecords are whole lines, byte for byte.
func TestRecords(t *testing.T) {
	type secret struct {
		User, Password string
		Inner          map[string]any `json:"inner"`
	}
	for name, c := range map[string]struct {
		opts []log.Option
		log  func(*slog.Logger)
		want string
	}{
		"nothing": {log: func(l *slog.Logger) { l.Info("m") }, want: head + `,"sampling_rate":0}`},
		"kinds": {log: func(l *slog.Logger) {
			l.Info("m", "s", "a\"b", "i", -1, "u", uint64(math.MaxUint64), "f", 0.5, "b", true, "d", time.Second, "t", noon, "nan", math.NaN(),
				"j", map[string]int{"x": 1}, "l", []string{"<a>"})
		}, want: head + `,"sampling_rate":0,"s":"a\"b","i":-1,"u":18446744073709551615,"f":0.5,"b":true,"d":1000000000,` +
			`"t":"2026-11-23T07:00:00.123456789Z","nan":"NaN","j":{"x":1},"l":["\u003ca\u003e"]}`},
		"the last of equal keys stays": {log: func(l *slog.Logger) {
			l.With("a", 1, "b", 2).With("a", 3).Info("m", "b", 4, "c", 5, "c", 6)
		}, want: head + `,"sampling_rate":0,"a":3,"b":4,"c":6}`},
		"also in groups": {log: func(l *slog.Logger) {
			l.With("g", 0).WithGroup("g").With("a", 1, "b", 2).Info("m", "a", 3, slog.Group("h", "x", 1, "y", 2, "x", 3))
		}, want: head + `,"sampling_rate":0,"g":{"b":2,"a":3,"h":{"y":2,"x":3}}}`},
		"keys that look alike are alike": {
			log:  func(l *slog.Logger) { l.Info("m", "a\xff", 1, "a\xfe", 2, "a\ufffd", 3) },
			want: head + `,"sampling_rate":0,"a` + "\ufffd" + `":3}`,
		},
		"the record's own keys": {log: func(l *slog.Logger) {
			l.With("service", "x").Info("m", "level", 1, "message", 2, "timestamp", 3, "sampling_rate", 4, slog.Group("g", "level", 5))
		}, want: head + `,"sampling_rate":0,"attr_service":"x","attr_level":1,"attr_message":2,"attr_timestamp":3,"attr_sampling_rate":4,"g":{"level":5}}`},
		"nothing at the top is left out": {log: func(l *slog.Logger) {
			l.With("gone", 1, "stays", 2).Info("m", "e", "", "n", nil, "gone", nil, slog.Group("g", "e", "", "n", nil), "p", (*int)(nil), "z", 0)
		}, want: head + `,"sampling_rate":0,"stays":2,"g":{"e":"","n":null},"z":0}`},
		"empty groups": {log: func(l *slog.Logger) {
			l.WithGroup("a").WithGroup("b").Info("m", slog.Group("c", slog.Group("d")), slog.Attr{})
		}, want: head + `,"sampling_rate":0}`},
		"redaction": {opts: []log.Option{log.WithRedact("password", "Token")}, log: func(l *slog.Logger) {
			l.With("token", "t").Info("m", slog.Group("g", "password", 1, slog.Group("PASSWORD", "x", 1)),
				"s", secret{"u", "p", map[string]any{"token": []int{1, 2}, "ok": "password"}}, "raw", json.RawMessage(`{"p\u0061ssword" : {"a":"b"}, "c":[{"token":null}]}`))
		}, want: head + `,"sampling_rate":0,"token":"*****","g":{"password":"*****","PASSWORD":"*****"},` +
			`"s":{"User":"u","Password":"*****","inner":{"ok":"password","token":"*****"}},"raw":{"p\u0061ssword":"*****","c":[{"token":"*****"}]}}`},
		"persistent keys": {
			opts: []log.Option{log.WithAttrs(slog.String("env", "prod"))}, log: func(l *slog.Logger) { l.Info("m") },
			want: head + `,"sampling_rate":0,"env":"prod"}`,
		},
		"source": {
			opts: []log.Option{log.WithSource()}, log: func(l *slog.Logger) { l.Info("m") },
			want: head + `,"sampling_rate":0,"location":"log/handler_test.go:LINE"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, out := logger(c.opts...)
			c.log(slog.New(h))
			if diff := cmp.Diff(c.want+"\n", lines.ReplaceAllString(out.String(), ".go:LINE")); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(name, "own keys") && h.Lost().Renamed != 5 {
				t.Errorf("%d were renamed", h.Lost().Renamed)
			}
		})
	}
}

func TestKeysOfAnInvocation(t *testing.T) {
	ctx := invocation(t, function())
	ctx = log.With(ctx, slog.String("a", "context"), slog.String("b", "context"))
	ctx = log.With(ctx, slog.String("c", "context"))
	h, out := logger(log.WithSampleRate(0.25))
	l := slog.New(h).With("a", "logger", "z", 1)
	l.WithGroup("g").InfoContext(ctx, "m", "b", "call")
	log.SetCorrelation(ctx, "c-77")
	l.InfoContext(ctx, "m", "b", "call", "tenant_id", "other")
	function := `,"cold_start":true,"function_arn":"arn:aws:lambda:eu-west-1:111122223333:function:checkout","function_memory_size":256,` +
		`"function_name":"checkout","function_request_id":"2f1c","sampling_rate":0.25,"xray_trace_id":"1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810"`
	want := head + function + `,"tenant_id":"acme","z":1,"a":"context","b":"context","c":"context","g":{"b":"call"}}` + "\n" +
		head + function + `,"correlation_id":"c-77","z":1,"a":"context","c":"context","b":"call","tenant_id":"other"}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestAContextOfAWSLambdaGoIsEnough(t *testing.T) {
	h, out := logger(environment(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "checkout", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}), log.WithBuffer(0))
	l := slog.New(h)
	for _, id := range []string{"r-1", "r-2"} {
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: id, InvokedFunctionArn: "arn", TenantID: "acme"})
		ctx = context.WithValue(ctx, "x-amzn-trace-id", "Self=1; Root=1-a-b;Parent=53995c3f42cd8ad8;Sampled=1") //nolint:staticcheck // aws-lambda-go's key
		l.DebugContext(ctx, "held")
		if id == "r-2" {
			l.ErrorContext(ctx, "m")
		}
	}
	common := `"timestamp":"2026-11-23T07:00:00.123Z","service":"checkout","function_arn":"arn","function_memory_size":256,"function_name":"checkout",` +
		`"function_request_id":"r-2","sampling_rate":0,"xray_trace_id":"1-a-b","tenant_id":"acme"}` + "\n"
	want := `{"level":"DEBUG","message":"held",` + common + `{"level":"ERROR","message":"m",` + common
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLevels(t *testing.T) {
	for l, want := range map[slog.Level]string{
		-100: "TRACE", log.LevelTrace: "TRACE", -5: "TRACE", slog.LevelDebug: "DEBUG", -1: "DEBUG", slog.LevelInfo: "INFO", 1: "INFO",
		slog.LevelWarn: "WARN", 7: "WARN", slog.LevelError: "ERROR", 11: "ERROR", log.LevelFatal: "FATAL", 1000: "FATAL",
	} {
		h, out := logger(log.WithLevel(slog.Level(-1000)))
		slog.New(h).Log(t.Context(), l, "m")
		if got := decode(t, out.Bytes())["level"]; got != want {
			t.Errorf("level %d is %v, want %s", l, got, want)
		}
	}
	h, out := logger(log.WithCritical())
	slog.New(h).Log(t.Context(), log.LevelFatal, "m")
	if got := decode(t, out.Bytes())["level"]; got != "CRITICAL" {
		t.Errorf("asked for CRITICAL, got %v", got)
	}
}

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		vars     map[string]string
		opts     []log.Option
		lowest   slog.Level
		service  string
		rate     float64
		problems int
	}{
		"nothing":                         {nil, nil, slog.LevelInfo, "service_undefined", 0, 0},
		"of a function moved from Python": {map[string]string{"POWERTOOLS_SERVICE_NAME": "payment-service", "POWERTOOLS_LOG_LEVEL": "debug", "POWERTOOLS_LOGGER_SAMPLE_RATE": "0.1"}, nil, slog.LevelDebug, "payment-service", 0.1, 0},
		"LOG_LEVEL":                       {map[string]string{"LOG_LEVEL": "CRITICAL"}, nil, log.LevelFatal, "service_undefined", 0, 0},
		"Lambda's level is the floor":     {map[string]string{"LOG_LEVEL": "DEBUG", "AWS_LAMBDA_LOG_LEVEL": "WARN"}, nil, slog.LevelWarn, "service_undefined", 0, 1},
		"options overrule":                {map[string]string{"LOG_LEVEL": "ERROR", "POWERTOOLS_LOGGER_SAMPLE_RATE": "1"}, []log.Option{log.WithLevel(slog.LevelDebug), log.WithSampleRate(0.5), log.WithService("x")}, slog.LevelDebug, "x", 0.5, 0},
		"nonsense":                        {map[string]string{"LOG_LEVEL": "loud", "POWERTOOLS_LOGGER_SAMPLE_RATE": "7", "TZ": "Nowhere/None", "POWERTOOLS_DEV": "perhaps"}, []log.Option{log.WithSampleRate(math.NaN())}, slog.LevelInfo, "service_undefined", 0, 5},
		"what Lambda would drop":          {map[string]string{"AWS_LAMBDA_LOG_LEVEL": "INFO"}, []log.Option{log.WithSampleRate(0.5), log.WithBuffer(0)}, slog.LevelInfo, "service_undefined", 0.5, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			h := log.New(append([]log.Option{log.WithWriter(&out), environment(c.vars)}, c.opts...)...)
			ctx := t.Context()
			if !h.Enabled(ctx, c.lowest) || h.Enabled(ctx, c.lowest-1) {
				t.Error("the level is another one")
			}
			slog.New(h).Log(ctx, log.LevelFatal, "m")
			m := decode(t, out.Bytes())
			if m["service"] != c.service || m["sampling_rate"] != c.rate {
				t.Errorf("%v", m)
			}
			if got := h.Problems(); len(got) != c.problems {
				t.Errorf("%d problems: %q", len(got), got)
			}
		})
	}
}

func TestSilentWritesNothing(t *testing.T) {
	h, out := logger(log.WithLevel(log.LevelSilent), log.WithSampleRate(1), log.WithBuffer(0))
	ctx := invocation(t, function())
	for _, l := range []slog.Level{log.LevelTrace, slog.LevelInfo, log.LevelFatal} {
		slog.New(h).Log(ctx, l, "m")
		h.Direct().At(ctx, l).Msg("m")
	}
	if out.Len() > 0 {
		t.Error(out.String())
	}
}

// failing is a writer that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

// panicking is a writer that is broken.
type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("no") }

func TestAWriterThatPanics(t *testing.T) {
	h := log.New(log.WithWriter(panicking{}), log.WithEnvironment(nowhere))
	for range 2 {
		slog.New(h).Info("m")
		h.Direct().Info(t.Context()).Msg("m")
	}
	if lost := h.Lost(); lost.Lines != 4 {
		t.Errorf("%+v", lost)
	}
}

func TestWhatIsLostIsCounted(t *testing.T) {
	h := log.New(log.WithWriter(failing{}), log.WithEnvironment(nowhere))
	slog.New(h).Info("m")
	h.Direct().Info(t.Context()).Msg("m")
	if lost := h.Lost(); lost.Lines != 2 || lost.Bytes < 100 {
		t.Errorf("%+v", lost)
	}
}

func TestARecordThatIsTooLong(t *testing.T) {
	ctx := invocation(t, function())
	h, out := logger()
	slog.New(h).With("a", 1).InfoContext(ctx, strings.Repeat("é", 600_000), "b", strings.Repeat("x", 10))
	slog.New(h).InfoContext(ctx, "m", "b", strings.Repeat("x", 2<<20))
	for line := range bytes.Lines(out.Bytes()) {
		m := decode(t, line)
		if n, _ := m["oversize_bytes"].(float64); n < 1<<20 || len(line) > 1<<20 || m["function_request_id"] != "2f1c" || m["b"] != nil {
			t.Errorf("%d bytes: %.200s", len(line), line)
		}
	}
	if h.Lost().Oversize != 2 {
		t.Errorf("%+v", h.Lost())
	}
}

func TestLinesForAPerson(t *testing.T) {
	h, out := logger(environment(map[string]string{"POWERTOOLS_DEV": "true"}))
	ctx := invocation(t, function())
	l := slog.New(h)
	l.InfoContext(ctx, "order placed", "order_id", "o-123", "note", "two words", slog.Group("g", "a", 1))
	l.Error("charge\x1b[31m failed\nbadly", "error", errors.Join(errors.New("a"), errors.New("b")))
	want := `07:00:00.123 INFO  order placed  function_request_id=2f1c tenant_id=acme order_id=o-123 note="two words" g={"a":1}
07:00:00.123 ERROR charge\x1b[31m failed
             badly  function_request_id=2f1c tenant_id=acme
             error: *errors.errorString: a
             b (log/handler_test.go:LINE)
             wraps: *errors.errorString: a
             wraps: *errors.errorString: b
`
	if diff := cmp.Diff(want, lines.ReplaceAllString(out.String(), ".go:LINE")); diff != "" {
		t.Error(diff)
	}
}

// TestNoContext: slog's contract lets a context be nil.
func TestNoContext(t *testing.T) {
	h, out := logger(log.WithBuffer(0), log.WithSampleRate(0.5))
	var none context.Context
	slog.New(h).InfoContext(none, "m")
	h.Direct().Info(none).Msg("m")
	h.Direct().Debug(none).Msg("m")
	h.FlushBuffer(none)
	h.DiscardBuffer(none)
	if log.SetCorrelation(none, "x") || len(messages(t, out)) != 2 {
		t.Error(out.String())
	}
}
