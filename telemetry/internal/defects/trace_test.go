package defects_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/collector"
	"gitlab.com/nines-sre/nines/telemetry/internal/xrayd"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// TestDefectHeaderForms: OpenTelemetry's propagator for X-Ray (1.47.0) refuses what
// load balancers and proxies send, and takes a field whose name only begins with
// Root for the trace. (telemetry/bench shows that it still does.)
func TestDefectHeaderForms(t *testing.T) {
	t.Parallel()
	const trc, parent = "1-6742f1c0-5a0d3c1e9b7f48e2a6c4d810", "53995c3f42cd8ad8"
	for _, c := range []struct {
		name, header, trace, parent string
		sampled                     trace.Sampled
	}{
		{"Root only, as of a load balancer", "Root=" + trc, trc, "", trace.Unsaid},
		{"Self before Root", "Self=1-67891234-12456789abcdef012345678;Root=" + trc + ";Parent=" + parent + ";Sampled=1", trc, parent, trace.Kept},
		{"Self before Root only", "Self=1-67891234-12456789abcdef012345678;Root=" + trc, trc, "", trace.Unsaid},
		{"spaces after semicolons", "Root=" + trc + "; Parent=" + parent + "; Sampled=0", trc, parent, trace.Dropped},
		{"a field without a value", "Root=" + trc + ";Parent=" + parent + ";Sampled=1;Flag", trc, parent, trace.Kept},
		{"a field with an empty value", "Root=" + trc + ";Parent=" + parent + ";Sampled=1;Lineage=", trc, parent, trace.Kept},
		{"RootX is not Root", "RootX=1-11111111-111111111111111111111111;Root=" + trc + ";Parent=" + parent, trc, parent, trace.Unsaid},
		{"RootX after Root", "Root=" + trc + ";Parent=" + parent + ";RootX=1-11111111-111111111111111111111111", trc, parent, trace.Unsaid},
		{"asks", "Root=" + trc + ";Parent=" + parent + ";Sampled=?", trc, parent, trace.Ask},
		{"Lambda's", "Root=" + trc + ";Parent=" + parent + ";Sampled=1;Lineage=1:a87bd80c:1", trc, parent, trace.Kept},
		{"RootX alone", "RootX=" + trc, "", "", trace.Unsaid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, err := trace.ParseHeader(c.header)
			if (err == nil) != (c.trace != "") || h.Trace.String() != c.trace || h.Parent.String() != c.parent || h.Sampled != c.sampled {
				t.Fatalf("%+v, %v", h, err)
			}
			if again, err := trace.ParseHeader(h.String()); c.trace != "" && (err != nil || again != h) {
				t.Errorf("%q reads back as %+v, %v", h.String(), again, err)
			}
		})
	}
}

// TestDefectConcurrentParents: OpenTelemetry's configuration for Lambda (0.70) reads
// the header from the environment alone; where a process has several invocations
// at once that is nobody's, and the trace is cut.
func TestDefectConcurrentParents(t *testing.T) {
	t.Setenv("AWS_LAMBDA_MAX_CONCURRENCY", "64")
	t.Setenv("_X_AMZN_TRACE_ID", "Root=1-00000000-000000000000000000000bad;Parent=0000000000000bad;Sampled=1")
	exported := &keeper{}
	tr, err := trace.New(trace.ToExporter(exported), trace.WithEnvironment(env(nil)), trace.WithInterval(0))
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			// What aws-lambda-go puts into the context of an invocation.
			ctx := context.WithValue(t.Context(), "x-amzn-trace-id", fmt.Sprintf("Root=1-6742f1c0-%024x;Parent=%016x;Sampled=1", i+1, i+1)) //nolint:staticcheck // the key is theirs
			ctx, handler := tr.Start(ctx, "## handler")
			_, inner := trace.Start(ctx, "charge")
			inner.End()
			handler.End()
		})
	}
	all.Wait()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	parents := map[string]string{} // handler spans by their trace
	for _, s := range exported.spans {
		if s.name == "## handler" {
			parents[s.trace] = s.id
			if s.parent != s.trace[len(s.trace)-16:] {
				t.Errorf("trace %s has the parent %s", s.trace, s.parent)
			}
		}
	}
	for _, s := range exported.spans {
		if s.name == "charge" && s.parent != parents[s.trace] {
			t.Errorf("trace %s: the inner span's parent is %s", s.trace, s.parent)
		}
	}
	if len(parents) != n || len(exported.spans) != 2*n {
		t.Errorf("%d traces and %d spans", len(parents), len(exported.spans))
	}
	if _, handler := tr.Start(t.Context(), "outside"); handler.TraceID() == "1-00000000-000000000000000000000bad" {
		t.Error("the header of the environment is taken, which is nobody's")
	}
}

// keeper is an exporter that keeps what it is given.
type keeper struct{ spans []keptSpan }

type keptSpan struct{ name, trace, id, parent string }

func (k *keeper) Export(_ context.Context, b *trace.Batch) error {
	for _, r := range b.Records {
		k.spans = append(k.spans, keptSpan{r.Name, r.Trace.String(), r.ID.String(), r.Parent.String()})
	}
	return nil
}

// TestDefectCollectorOnly: OpenTelemetry's configuration for Lambda sends by gRPC,
// to a collector that the function must carry along, and flushes at every
// invocation. Ours sends to X-Ray's endpoint itself, signed, in one request for all
// that waits, and none for an invocation that is not sampled.
func TestDefectCollectorOnly(t *testing.T) {
	t.Parallel()
	keys := xrayd.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: "session/+="}
	c := collector.Start(t)
	s := xrayd.Start(t, xrayd.Options{Credentials: keys, Region: "eu-west-1", Next: c.Endpoint})
	tr, err := trace.New(
		trace.XRay("eu-west-1", trace.Endpoint(s.Endpoint()), trace.WithCredentials(func(context.Context) (trace.Credentials, error) {
			return trace.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: keys.SessionToken}, nil
		})),
		trace.WithEnvironment(env(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "pay"})), trace.WithService("payment"), trace.WithInterval(0),
	)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	invoke := func(i int, sampled string) {
		h, err := trace.ParseHeader(fmt.Sprintf("Root=1-%08x-%024x;Parent=%016x;Sampled=%s", now, i+1, i+1, sampled))
		if err != nil {
			t.Fatal(err)
		}
		ctx, handler := tr.Start(t.Context(), "## handler", trace.WithParent(h))
		handler.Annotate("ColdStart", i == 0)
		_, inner := trace.Start(ctx, "charge", trace.WithKind(trace.Client))
		inner.End()
		handler.End()
	}
	for i := range 3 {
		invoke(i, "0")
		if err := tr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests for invocations that are not sampled", n)
	}
	for i := range 10 {
		invoke(i, "1")
	}
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatalf("%v, %+v", err, s.Requests())
	}
	if got := s.Requests(); len(got) != 1 || got[0].Spans != 20 || got[0].Status != 200 {
		t.Errorf("%d requests: %+v", len(got), got)
	}
	spans := c.Spans(t, 20)
	handlers := map[string]collector.Span{}
	for _, sp := range spans {
		if sp.Name == "## handler" {
			handlers[sp.SpanID] = sp
		}
	}
	for _, sp := range spans {
		if h, ok := handlers[sp.ParentID]; sp.Name == "charge" && (!ok || h.TraceID != sp.TraceID || h.ParentID != sp.TraceID[16:]) {
			t.Errorf("%+v hangs on %+v", sp, h)
		}
	}
	if len(handlers) != 10 || spans[0].Resource["service.name"] != "payment" {
		t.Errorf("%+v", spans)
	}
}
