package trace_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// stuck is an exporter that never comes back unless its context ends.
type stuck struct{}

func (stuck) Export(ctx context.Context, _ *trace.Batch) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestFullQueueCostsSpansNotTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := tracer(t, stuck{}, trace.WithQueue(10), trace.WithInterval(time.Second))
		began := time.Now()
		spans(t, tr, 100)
		if time.Since(began) != 0 {
			t.Error("ending a span waited")
		}
		if n := lost(tr)["queue_full"]; n < 80 || n > 90 {
			t.Errorf("lost %v; want 80 to 90, as the first ten may be on their way", lost(tr))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tr.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		synctest.Wait()
		if time.Since(began) != time.Second {
			t.Errorf("shutdown took %v", time.Since(began))
		}
		total := uint64(0)
		for _, l := range tr.Lost() {
			total += l.Count
		}
		if total != 100 {
			t.Errorf("100 spans ended and none arrived; lost %v", tr.Lost())
		}
	})
}

func TestBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &kept{}
		tr := tracer(t, k, trace.WithInterval(5*time.Second))
		spans(t, tr, 3)
		time.Sleep(4 * time.Second)
		if n := k.count(); n != 0 {
			t.Errorf("%d spans after 4 s", n)
		}
		time.Sleep(2 * time.Second)
		if n := k.count(); n != 3 {
			t.Errorf("%d spans after 6 s, want 3", n)
		}
		spans(t, tr, 600) // a batch is full: nobody waits for the clock
		synctest.Wait()
		if n := k.count(); n < 515 {
			t.Errorf("%d spans, want a batch more", n)
		}
		if err := tr.Shutdown(t.Context()); err != nil || k.count() != 603 {
			t.Errorf("%v, %d spans", err, k.count())
		}
	})
}

// In a function nothing runs between invocations: spans wait for Flush.
func TestFunctionHasNoClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &kept{}
		env := map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "pay"}
		tr, err := trace.New(trace.ToExporter(k), trace.WithRate(1), trace.WithEnvironment(func(n string) string { return env[n] }))
		if err != nil {
			t.Fatal(err)
		}
		spans(t, tr, 3)
		time.Sleep(time.Hour)
		if tr.Waiting() != 3 || k.count() != 0 {
			t.Errorf("%d wait, %d sent", tr.Waiting(), k.count())
		}
		flush(t, tr)
		if k.count() != 3 {
			t.Errorf("%d sent", k.count())
		}
	})
}

func TestShutdown(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	_, never := tr.Start(t.Context(), "never ends")
	spans(t, tr, 2)
	if err := errors.Join(tr.Shutdown(t.Context()), tr.Shutdown(t.Context())); err != nil {
		t.Error(err)
	}
	spans(t, tr, 3)
	if l := lost(tr); l["after_shutdown"] != 3 || l["not_ended"] != 1 || k.count() != 2 {
		t.Errorf("lost %v, %d sent", l, k.count())
	}
	never.End()
}

type broken struct{ kind int }

func (b broken) Export(_ context.Context, batch *trace.Batch) error {
	switch b.kind {
	case 0:
		panic("boom")
	case 1:
		return errors.New("disk full")
	default:
		batch.Records = nil // whatever it does to the batch
		return &trace.LossError{Lost: []trace.Loss{{Reason: trace.Refused, Count: 2}, {Reason: 200, Count: 9}}}
	}
}

func TestExportersOfOthers(t *testing.T) {
	for kind, want := range []map[string]uint64{{"export_failed": 3}, {"export_failed": 3}, {"refused": 2}} {
		tr := tracer(t, broken{kind})
		spans(t, tr, 3)
		if err := tr.Flush(t.Context()); err == nil || fmt.Sprint(lost(tr)) != fmt.Sprint(want) {
			t.Errorf("%d: %v, lost %v", kind, err, lost(tr))
		}
	}
}

// A thousand invocations at a time: no span of one trace has anything of another.
func TestTracesDoNotMix(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k, trace.WithQueue(10000))
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			h := trace.Header{Trace: trace.NewTraceID(time.Unix(int64(i), 0)), Parent: trace.NewSpanID(), Sampled: trace.Kept}
			ctx := context.WithValue(t.Context(), "x-amzn-trace-id", h.String()) //nolint:staticcheck // aws-lambda-go's key is a string
			ctx, handler := tr.Start(ctx, "handler")
			handler.Annotate("i", i)
			var inner sync.WaitGroup
			for j := range 3 {
				inner.Go(func() {
					_, c := trace.Start(ctx, fmt.Sprintf("%d", i))
					c.Annotate("i", i)
					handler.Annotate(fmt.Sprintf("j%d", j), i)
					c.RecordError(fmt.Errorf("%d", i))
					c.End()
				})
			}
			inner.Wait()
			handler.End()
			if i%100 == 0 {
				flush(t, tr)
			}
		})
	}
	wg.Wait()
	flush(t, tr)
	if k.count() != 4000 || len(tr.Lost()) != 0 {
		t.Fatalf("%d spans, lost %v", k.count(), tr.Lost())
	}
	owner := map[trace.TraceID]int64{}
	for _, r := range k.records {
		i := r.Annotations[0].Value.Int64()
		if first, ok := owner[r.Trace]; ok && first != i {
			t.Fatalf("trace %s has spans of %d and %d", r.Trace, first, i)
		}
		owner[r.Trace] = i
		for _, a := range r.Annotations {
			if a.Value.Int64() != i {
				t.Fatalf("a span of %d is annotated with %v", i, a)
			}
		}
		if r.Name != "handler" && (r.Name != fmt.Sprint(i) || len(r.Failures) != 1 || r.Failures[0].Message != r.Name) {
			t.Fatalf("a span of %d is %+v", i, r)
		}
	}
	if len(owner) != 1000 {
		t.Errorf("%d traces", len(owner))
	}
}

// One span is used by many, and ended by some of them.
func TestOneSpanOfMany(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	for range 50 {
		ctx, s := tr.Start(t.Context(), "x")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				s.Annotate(fmt.Sprint(i), i)
				s.Metadata("m", i)
				s.SetStatus(trace.Error, "")
				s.SetName("y")
				s.Link(s.Header())
				s.RecordError(errors.New("e"))
				_, c := trace.Start(ctx, "c")
				c.End()
				s.End()
				_ = tr.Flush(ctx)
			})
		}
		wg.Wait()
	}
	flush(t, tr)
	if k.count() != 450 {
		t.Errorf("%d spans, want 450", k.count())
	}
}
