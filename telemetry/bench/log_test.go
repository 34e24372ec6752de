package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	plog "github.com/phuslu/log"
	"github.com/rs/zerolog"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// The keys of an invocation, eight and the sampling rate, and two of the call.
const (
	service   = "checkout"
	arn       = "arn:aws:lambda:eu-west-1:111122223333:function:checkout"
	function  = "checkout"
	memory    = 256
	requestID = "2f1c8a4e-7b60-4d51-9e0a-c3d5e6f70819"
	traceID   = "1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810"
	tenant    = "acme"
	message   = "order placed"
	orderID   = "o-123"
	amount    = 42
)

func nowhere(string) string { return "" }

// invocation is a unit of work as the wrapper of telemetry begins one.
func invocation(tb testing.TB) context.Context {
	tb.Helper()
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: requestID})
	ctx, inv := scope.Begin(ctx, scope.Start{
		RequestID: requestID, TraceID: traceID, Tenant: tenant,
		Function: &scope.Function{ARN: arn, Name: function, Memory: memory, Cold: true},
	})
	tb.Cleanup(inv.End)
	return ctx
}

// rivals make, for a stream, a function that writes one record.
func rivals(tb testing.TB) map[string]func(out io.Writer) func() {
	tb.Helper()
	ctx := invocation(tb)
	ours := func(out io.Writer) *log.Handler {
		return log.New(log.WithWriter(out), log.WithService(service), log.WithEnvironment(nowhere))
	}
	return map[string]func(out io.Writer) func(){
		"ours-slog": func(out io.Writer) func() {
			l := slog.New(ours(out))
			return func() {
				l.LogAttrs(ctx, slog.LevelInfo, message, slog.String("order_id", orderID), slog.Int("amount", amount))
			}
		},
		"ours-direct": func(out io.Writer) func() {
			d := ours(out).Direct()
			return func() { d.Info(ctx).Str("order_id", orderID).Int("amount", amount).Msg(message) }
		},
		"slog-json": func(out io.Writer) func() {
			l := slog.New(slog.NewJSONHandler(out, nil)).With("service", service, "cold_start", true, "function_arn", arn,
				"function_memory_size", memory, "function_name", function, "function_request_id", requestID,
				"sampling_rate", 0, "xray_trace_id", traceID, "tenant_id", tenant)
			return func() {
				l.LogAttrs(ctx, slog.LevelInfo, message, slog.String("order_id", orderID), slog.Int("amount", amount))
			}
		},
		"zerolog":           func(out io.Writer) func() { return zero(out) },
		"phuslu":            func(out io.Writer) func() { return phuslu(out) },
		"map-encoding-json": func(out io.Writer) func() { return generic(out) },
	}
}

func zero(out io.Writer) func() {
	l := zerolog.New(out).With().Str("service", service).Bool("cold_start", true).Str("function_arn", arn).
		Int("function_memory_size", memory).Str("function_name", function).Str("function_request_id", requestID).
		Int("sampling_rate", 0).Str("xray_trace_id", traceID).Str("tenant_id", tenant).Logger()
	return func() {
		// Its level, time and message have the names that Lambda wants only by
		// package variables; their cost is the same.
		l.Info().Time("timestamp", time.Now().UTC()).Str("order_id", orderID).Int("amount", amount).Msg(message)
	}
}

func phuslu(out io.Writer) func() {
	l := plog.Logger{Level: plog.InfoLevel, TimeField: "timestamp", TimeLocation: time.UTC, Writer: plog.IOWriter{Writer: out}}
	l.Context = plog.NewContext(nil).Str("service", service).Bool("cold_start", true).Str("function_arn", arn).
		Int("function_memory_size", memory).Str("function_name", function).Str("function_request_id", requestID).
		Int("sampling_rate", 0).Str("xray_trace_id", traceID).Str("tenant_id", tenant).Value()
	return func() { l.Info().Str("order_id", orderID).Int("amount", amount).Msg(message) }
}

// generic is what most Go wrappers for Lambda do.
func generic(out io.Writer) func() {
	fixed := map[string]any{
		"service": service, "cold_start": true, "function_arn": arn, "function_memory_size": memory,
		"function_name": function, "function_request_id": requestID, "sampling_rate": 0, "xray_trace_id": traceID, "tenant_id": tenant,
	}
	return func() {
		m := maps.Clone(fixed)
		m["level"], m["message"], m["timestamp"] = "INFO", message, time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00")
		m["order_id"], m["amount"] = orderID, amount
		line, err := json.Marshal(m)
		if err != nil {
			panic(err)
		}
		_, _ = out.Write(append(line, '\n'))
	}
}

// want is the record that each rival must write, apart from the time, under the
// names that it has for level, message and time.
func want() map[string]any {
	return map[string]any{
		"level": "INFO", "message": message, "service": service, "cold_start": true, "function_arn": arn,
		"function_memory_size": float64(memory), "function_name": function, "function_request_id": requestID, "sampling_rate": 0.,
		"xray_trace_id": traceID, "tenant_id": tenant, "order_id": orderID, "amount": float64(amount),
	}
}

func verify(tb testing.TB, write func(out io.Writer) func()) {
	tb.Helper()
	var out bytes.Buffer
	write(&out)()
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 {
		tb.Fatalf("%d lines: %s", n, out.Bytes())
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		tb.Fatal(err)
	}
	for theirs, ours := range map[string]string{"msg": "message", "time": "timestamp"} {
		if v, ok := got[theirs]; ok {
			got[ours] = v
			delete(got, theirs)
		}
	}
	switch got["level"] {
	case "info":
		got["level"] = "INFO"
	}
	at, err := time.Parse(time.RFC3339, fmt.Sprint(got["timestamp"]))
	if err != nil || time.Since(at) > time.Minute {
		tb.Errorf("timestamp %v: %v", got["timestamp"], err)
	}
	delete(got, "timestamp")
	if !maps.Equal(got, want()) {
		tb.Errorf("got  %v\nwant %v", got, want())
	}
}

func TestLogRivalsWriteTheSameRecord(t *testing.T) {
	for name, write := range rivals(t) {
		t.Run(name, func(t *testing.T) { verify(t, write) })
	}
}

func BenchmarkLog(b *testing.B) {
	all := rivals(b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run(name, func(b *testing.B) {
			verify(b, all[name])
			write := all[name](io.Discard)
			b.ReportAllocs()
			for b.Loop() {
				write()
			}
		})
	}
}
