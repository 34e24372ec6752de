package trace_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

type declined struct{ code int }

func (d *declined) Error() string { return fmt.Sprintf("card declined: %d", d.code) }

func TestErrors(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	_, s := tr.Start(t.Context(), "x")
	s.RecordError(fmt.Errorf("charge: %w", errors.Join(&declined{51}, context.DeadlineExceeded)))
	s.RecordError(nil)
	s.SetStatus(trace.Error, "better is not taken")
	s.End()
	flush(t, tr)
	r := k.records[0]
	var got []string
	for _, f := range r.Failures {
		got = append(got, fmt.Sprintf("%s: %s %t", f.Type, f.Message, f.Wraps))
	}
	want := []string{
		"*fmt.wrapError: charge: card declined: 51\ncontext deadline exceeded true",
		"*errors.joinError: card declined: 51\ncontext deadline exceeded true",
		"*trace_test.declined: card declined: 51 false",
		"context.deadlineExceededError: context deadline exceeded false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.Status != trace.Fault || r.Message != r.Failures[0].Message {
		t.Errorf("status %v %q", r.Status, r.Message)
	}
	for f := range r.Failures[0].Frames {
		if !strings.HasSuffix(f.Function, "TestErrors") {
			t.Errorf("the error is said to come from %s", f.Function)
		}
		break
	}
}

type hostile struct{}

type endless struct{}

func (e endless) Unwrap() error { return e }

func TestErrorsOfOthers(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	_, s := tr.Start(t.Context(), "x")
	s.RecordError(hostile{})
	s.RecordError(endless{})
	s.Metadata("m", badJSON{})
	func() {
		defer func() { s.RecordPanic(recover()) }()
		var list []int
		_ = list[len(list)]
	}()
	s.End()
	flush(t, tr)
	r := k.records[0]
	if n := len(r.Failures); n != 32 {
		t.Errorf("%d failures kept, want 32", n)
	}
	if lost(tr)["attribute"] == 0 {
		t.Error("what did not fit is not counted")
	}
}

type badJSON struct{}

func TestPanicHasItsPlace(t *testing.T) {
	k := &kept{}
	tr := tracer(t, k)
	_, s := tr.Start(t.Context(), "x")
	func() {
		defer func() { s.RecordPanic(recover()) }()
		panic(errors.New("boom"))
	}()
	s.End()
	flush(t, tr)
	f := k.records[0].Failures[0]
	if f.Type != "*errors.errorString" || f.Message != "boom" || !strings.Contains(f.Trace, "TestPanicHasItsPlace") || k.records[0].Status != trace.Fault {
		t.Errorf("%+v", f)
	}
}

func TestLossError(t *testing.T) {
	down := errors.New("down")
	err := error(&trace.LossError{Lost: []trace.Loss{{Reason: trace.Refused, Count: 2}, {Reason: trace.Shortened, Count: 1}}, Err: down, Detail: "why"})
	if !errors.Is(err, down) || err.Error() != "spans lost: 2 refused, 1 shortened: why: down" || !trace.Refused.Span() || trace.Shortened.Span() {
		t.Error(err)
	}
}
