package trace_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// printer is an exporter that prints.
type printer struct{}

func (printer) Export(_ context.Context, b *trace.Batch) error {
	for _, r := range b.Records {
		fmt.Println(r.Name, r.Status, r.Annotations)
		for _, f := range r.Failures {
			fmt.Println("  ", f.Type, f.Message)
		}
	}
	return nil
}

func ExampleNew() {
	// In a function or a service: trace.New() takes the exporter from the environment.
	t, err := trace.New(trace.ToExporter(printer{}), trace.WithRate(1))
	if err != nil {
		fmt.Println(err) // and go on: t passes headers and records nothing
	}
	ctx := context.Background()
	ctx, span := t.Start(ctx, "## handler")
	span.Annotate("tenant", "acme")
	charge(ctx)
	span.End()
	_ = t.Flush(ctx)
	// Output:
	// ## charge fault [amount=42.5]
	//    *fmt.wrapError charge: declined
	//    *errors.errorString declined
	// ## handler unset [tenant=acme]
}

func charge(ctx context.Context) {
	_, span := trace.Start(ctx, "## charge")
	defer span.End()
	span.Annotate("amount", 42.5)
	span.RecordError(fmt.Errorf("charge: %w", errors.New("declined")))
}

func ExampleParseHeader() {
	h, err := trace.ParseHeader("Self=1-67891234-12456789abcdef012345678a; Root=1-5759e988-bd862e3fe1be46a994272793")
	fmt.Println(h.Trace, h.Sampled == trace.Unsaid, err)
	// Output: 1-5759e988-bd862e3fe1be46a994272793 true <nil>
}

func ExampleHeader_Inject() {
	h, err := trace.ParseHeader("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	if err != nil {
		fmt.Println(err)
	}
	out := http.Header{}
	h.Inject(out)
	fmt.Println(out.Get("X-Amzn-Trace-Id"))
	fmt.Println(out.Get("traceparent"))
	// Output:
	// Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
	// 00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01
}

func ExampleExtract() {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	r.Header.Set("traceparent", "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
	h, ok := trace.Extract(r.Header)
	fmt.Println(h, ok)
	// Output: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1 true
}

func ExampleParseTraceparent() {
	h, err := trace.ParseTraceparent("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
	fmt.Println(h.Trace, h.Parent, err)
	// Output: 1-5759e988-bd862e3fe1be46a994272793 53995c3f42cd8ad8 <nil>
}

func ExampleFromContext() {
	// aws-lambda-go puts the invocation's header into the context.
	ctx := context.WithValue(context.Background(), "x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0") //nolint:staticcheck // its key is a string
	h, ok := trace.FromContext(ctx)
	fmt.Println(h, ok)
	// Output: Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0 true
}

func ExampleXRay() {
	// Straight to X-Ray, signed with the role of the function, task or instance.
	t, err := trace.New(trace.XRay("eu-west-1"))
	fmt.Println(t.Enabled(), err)
	// Output: true <nil>
}

func ExampleOTLP() {
	t, err := trace.New(trace.OTLP("https://otel.example.com/v1/traces", trace.WithHeaders(map[string]string{"api-key": "..."})))
	fmt.Println(t.Enabled(), err)
	// Output: true <nil>
}

func ExampleDaemon() {
	t, err := trace.New(trace.Daemon("127.0.0.1:2000"))
	fmt.Println(t.Enabled(), err)
	// Output: true <nil>
}

func ExampleTracer_Transport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, _ := trace.Extract(r.Header)
		fmt.Println("the server continues a trace:", !h.IsZero())
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	t, err := trace.New(trace.ToExporter(statuses{}), trace.WithRate(1))
	if err != nil {
		fmt.Println(err)
	}
	client := &http.Client{Transport: t.Transport(nil)}
	ctx, span := t.Start(context.Background(), "## handler")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		fmt.Println(err)
	}
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
	}
	span.End()
	_ = t.Shutdown(ctx)
	// Output:
	// the server continues a trace: true
	// throttle
	// unset
}

type statuses struct{}

func (statuses) Export(_ context.Context, b *trace.Batch) error {
	for _, r := range b.Records {
		fmt.Println(r.Status)
	}
	return nil
}

func ExampleTracer_Lost() {
	t, err := trace.New(trace.ToExporter(printer{}), trace.WithRate(1), trace.WithQueue(1), trace.WithInterval(0))
	if err != nil {
		fmt.Println(err)
	}
	_ = t.Shutdown(context.Background())
	_, span := t.Start(context.Background(), "late")
	span.End()
	for _, l := range t.Lost() {
		fmt.Println(l.Count, l.Reason)
	}
	// Output: 1 after_shutdown
}

func ExampleWithResource() {
	_, err := trace.New(trace.WithService("payment"), trace.WithResource(slog.String("deployment.environment.name", "prod")))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithLinks() {
	// A batch of messages, each with the trace of who sent it.
	var links []trace.Header
	for _, attribute := range []string{"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"} {
		if h, err := trace.ParseHeader(attribute); err == nil {
			links = append(links, h)
		}
	}
	t, err := trace.New(trace.ToExporter(linked{}), trace.WithRate(1))
	if err != nil {
		fmt.Println(err)
	}
	ctx, span := t.Start(context.Background(), "## batch", trace.WithKind(trace.Consumer), trace.WithLinks(links...))
	span.End()
	_ = t.Flush(ctx)
	// Output: 1-5759e988-bd862e3fe1be46a994272793
}

type linked struct{}

func (linked) Export(_ context.Context, b *trace.Batch) error {
	for _, l := range b.Records[0].Links {
		fmt.Println(l.Header.Trace)
	}
	return nil
}

func ExampleSpan_RecordPanic() {
	t, err := trace.New(trace.ToExporter(statuses{}), trace.WithRate(1))
	if err != nil {
		fmt.Println(err)
	}
	func() {
		_, span := t.Start(context.Background(), "## handler")
		defer func() {
			span.RecordPanic(recover())
			span.End()
		}()
		panic("boom")
	}()
	_ = t.Flush(context.Background())
	// Output: fault
}
