//go:build !race

package trace_test

import (
	"context"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

type void struct{}

func (void) Export(context.Context, *trace.Batch) error { return nil }

func TestAllocations(t *testing.T) {
	tr := tracer(t, void{}, trace.WithQueue(4096))
	ctx, kept := tr.Start(t.Context(), "root")
	defer kept.End()
	h := trace.Header{Trace: trace.NewTraceID(time.Now()), Sampled: trace.Dropped}
	not, dropped := tr.Start(t.Context(), "root", trace.WithParent(h))
	tenant, amount := "acme", 1234.5
	for name, c := range map[string]struct {
		want float64
		work func()
	}{
		"a recorded child": {1, func() { // its context
			_, s := trace.Start(ctx, "child")
			s.Annotate("tenant", tenant)
			s.Annotate("amount", amount)
			s.Annotate("cold", false)
			s.End()
			if tr.Waiting() > 60 {
				_ = tr.Flush(ctx)
			}
		}},
		"a child that is not recorded": {0, func() {
			c, s := trace.Start(not, "child", trace.WithKind(trace.Client))
			s.Annotate("tenant", tenant)
			s.RecordError(nil)
			_, s2 := tr.Start(c, "child")
			s2.End()
			s.End()
		}},
		"no span at all": {0, func() {
			_, s := trace.Start(context.Background(), "child")
			s.Annotate("amount", amount)
			s.End()
		}},
		"a first span that is not recorded": {1, func() {
			_, s := tr.Start(t.Context(), "root", trace.WithParent(h))
			s.End()
		}},
		"whether it is recorded": {0, func() { _ = dropped.Recording() || kept.Recording() }},
	} {
		for range 200 { // records are made once, and used again
			c.work()
		}
		if got := testing.AllocsPerRun(200, c.work); got > c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}
