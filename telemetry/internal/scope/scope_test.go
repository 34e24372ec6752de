package scope_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
)

func TestTheOnlyInvocationIsFoundWithoutAContext(t *testing.T) {
	ctx, a := scope.Begin(t.Context(), scope.Start{RequestID: "a"})
	if scope.From(context.Background()) != a || scope.From(ctx) != a || scope.Of(context.Background()) != nil {
		t.Error("not found")
	}
	ctxB, b := scope.Begin(t.Context(), scope.Start{RequestID: "b"})
	if scope.From(context.Background()) != nil {
		t.Error("two run, and one of them was picked")
	}
	if scope.From(ctx) != a || scope.From(ctxB) != b {
		t.Error("a context leads elsewhere")
	}
	b.End()
	a.End()
	a.End()
	_, c := scope.Begin(t.Context(), scope.Start{RequestID: "c", Concurrent: true})
	defer c.End()
	if scope.From(context.Background()) != nil {
		t.Error("a concurrent one was found without its context")
	}
}

func TestBlock(t *testing.T) {
	_, inv := scope.Begin(t.Context(), scope.Start{
		RequestID: `q"1`, TraceID: "1-a-b", Tenant: "acme",
		Function: &scope.Function{ARN: "arn", Name: "pay", Memory: 256, Cold: true},
	})
	defer inv.End()
	inv.SetCorrelation("c-77")
	var got map[string]any
	if err := json.Unmarshal([]byte(`{"x":0`+string(inv.Block())+`}`), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"x": 0., "cold_start": true, "function_arn": "arn", "function_memory_size": 256., "function_name": "pay",
		"function_request_id": `q"1`, "xray_trace_id": "1-a-b", "tenant_id": "acme", "correlation_id": "c-77",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestFieldsAndSlots(t *testing.T) {
	_, inv := scope.Begin(t.Context(), scope.Start{})
	defer inv.End()
	var all sync.WaitGroup
	held := make([]any, 20)
	for i := range held {
		all.Go(func() {
			inv.Add(slog.Int("n", i), slog.Int(fmt.Sprint(i), i))
			held[i] = inv.Hold(scope.Log, func() any { return new(int) })
		})
	}
	all.Wait()
	if got := len(inv.Fields()); got != 21 {
		t.Errorf("%d fields, want 21", got)
	}
	for _, h := range held {
		if h != held[0] || h != inv.Held(scope.Log) {
			t.Error("two holders of one slot")
		}
	}
	if inv.Held(scope.Trace) != nil {
		t.Error("another's slot")
	}
}

// Sampling compares the hash with a threshold, so it must be even: for ids that
// look alike, too. 40,000 at 1 %: 400, standard deviation 20.
func TestHashIsEven(t *testing.T) {
	const n, rate = 40_000, 0.01
	for _, form := range []string{"1-6742f1c0-%024x", "id-%d", ""} {
		hit := 0
		for i := range n {
			id := form
			if form != "" {
				id = fmt.Sprintf(form, i)
			}
			_, inv := scope.Begin(t.Context(), scope.Start{TraceID: id})
			if float64(inv.Hash) < rate*math.MaxUint64 {
				hit++
			}
			inv.End()
		}
		if hit < 300 || hit > 500 {
			t.Errorf("%q: %d of %d below %g", form, hit, n, rate)
		}
	}
}
