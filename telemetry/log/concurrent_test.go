package log_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/log"
)

// TestInvocationsNeverMix runs a thousand at a time on one logger: every record
// names one invocation only, in all of its keys.
func TestInvocationsNeverMix(t *testing.T) {
	const n = 1000
	out := &bytes.Buffer{}
	h := log.New(log.WithWriter(out), log.WithEnvironment(nowhere), log.WithBuffer(0), log.WithSource())
	l := slog.New(h)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			id := fmt.Sprint("i-", i)
			ctx, inv := scope.Begin(context.Background(), scope.Start{
				RequestID: id, TraceID: "trace-" + id, Tenant: "tenant-" + id, Concurrent: true,
				Function: &scope.Function{ARN: "arn-" + id, Name: "checkout"},
			})
			defer inv.End()
			ctx = log.With(ctx, slog.String("carried", id))
			<-begin
			l.DebugContext(ctx, "debug", "own", id)
			log.SetCorrelation(ctx, "correlation-"+id)
			h.Direct().Info(ctx).Str("own", id).Msg("info")
			l.With("bound", id).WithGroup("g").InfoContext(ctx, "group", "own", id)
			h.Direct().Error(ctx).Str("own", id).Err(errors.New(id)).Msg("error")
		})
	}
	close(begin)
	all.Wait()
	records := 0
	for line := range bytes.Lines(out.Bytes()) {
		records++
		m := decode(t, line)
		id := fmt.Sprint(m["function_request_id"])
		own := m["own"]
		if g, ok := m["g"].(map[string]any); ok {
			own = g["own"]
			if m["bound"] != id {
				t.Errorf("%s", line)
			}
		}
		if m["carried"] != id || own != id || m["xray_trace_id"] != "trace-"+id || m["tenant_id"] != "tenant-"+id || m["function_arn"] != "arn-"+id ||
			m["message"] != "debug" && m["correlation_id"] != "correlation-"+id {
			t.Errorf("%s", line)
		}
		if e, ok := m["error"].(map[string]any); ok && e["message"] != id {
			t.Errorf("%s", line)
		}
	}
	if records != 4*n {
		t.Errorf("%d records, want %d", records, 4*n)
	}
}

// TestOneInvocationFromManyGoroutines: what one invocation holds and says stays
// whole when its goroutines log at once.
func TestOneInvocationFromManyGoroutines(t *testing.T) {
	h, out := logger(log.WithBuffer(1 << 20))
	ctx := invocation(t, function())
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				slog.New(h).DebugContext(ctx, "debug", "i", i, "j", j)
				log.SetCorrelation(ctx, fmt.Sprint(i))
				if j == 10 {
					slog.New(h).ErrorContext(ctx, "error")
				}
			}
		})
	}
	all.Wait()
	h.FlushBuffer(ctx)
	debug := 0
	for _, m := range messages(t, out) {
		if m == "debug" {
			debug++
		}
	}
	if debug != 1000 {
		t.Errorf("%d records, want 1000", debug)
	}
}
