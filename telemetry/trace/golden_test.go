package trace_test

import (
	"bytes"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/trace"
)

var update = flag.Bool("update", false, "write testdata anew")

// A request with everything that a span can have is, byte for byte, the one that
// the benchmarks' module reads and writes again with OpenTelemetry's generated code.
func TestRequestOnTheWire(t *testing.T) {
	id, span := ids(t)
	at := time.Unix(1795417241, 955000001).UTC()
	link := trace.Header{Trace: id, Parent: span, Sampled: trace.Kept, State: "a=1"}
	records := []*trace.Record{{
		Trace: id, ID: span, Parent: trace.SpanID{1, 2, 3, 4, 5, 6, 7, 8}, RemoteParent: true, Name: "## handler", Kind: trace.Consumer,
		Start: at, End: at.Add(time.Second), State: "congo=1", Status: trace.Throttle, Message: "slow down",
		Annotations: []slog.Attr{slog.String("tenant", "acme"), slog.Bool("cold", true), slog.Int("amount", -7), slog.Float64("ratio", 0.25), slog.Uint64("big", 1<<63)},
		Attributes: []slog.Attr{
			slog.Any("strings", []string{"a", ""}), slog.Any("bools", []bool{true, false}), slog.Any("ints", []int{1, -1}), slog.Any("int64s", []int64{2}),
			slog.Any("floats", []float64{1.5}), slog.Any("bytes", []byte{0, 255}), slog.Any("values", []slog.Value{slog.IntValue(1), slog.StringValue("x")}),
			slog.Any("nothing", nil), slog.Duration("duration", time.Second), slog.Time("time", at), slog.Group("group", slog.Int("n", 1)),
			slog.Any("other", struct{ A int }{1}), slog.String("bad", "a\xffb"), slog.String("long", strings.Repeat("x", 300)),
		},
		Metadata: []slog.Attr{slog.String("event", `{"id":"o-1"}`), slog.String("n", "1")},
		Failures: []trace.Failure{
			{Type: "*pay.Error", Message: "charge: declined", At: at, Wraps: true, Trace: "main.main()\n"},
			{Type: "*errors.errorString", Message: "declined"},
			{Type: "panic", Message: "boom", At: at},
		},
		Links:  []trace.Link{{Header: link, Attributes: []slog.Attr{slog.Int("n", 1)}}},
		Events: []trace.Event{{Name: "retry", At: at, Attributes: []slog.Attr{slog.Int("n", 2)}}},
	}, {
		Trace: id, ID: span, Name: "GET /", Kind: trace.Server, Start: at, End: at, Status: trace.Error, Message: "the caller's",
	}, {
		Trace: id, ID: span, Name: "ok", Kind: trace.Internal, Start: at, End: at, Status: trace.OK,
	}}
	got := encode(t, at, records)
	const file = "testdata/request.otlp"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want the %d of %s:\n%q\n%q", len(got), len(want), file, got, want)
	}
}

// encode exports records through a tracer's clock, uncompressed.
func encode(t *testing.T, at time.Time, records []*trace.Record) []byte {
	t.Helper()
	a := &answers{list: []any{200}}
	var e trace.Exporter
	_, err := trace.New(trace.WithClock(func() time.Time { return at }), trace.OTLP("http://127.0.0.1/v1/traces", trace.WithoutGzip(),
		trace.WithHTTPClient(&http.Client{Transport: a}), func(x *trace.HTTPExporter) { e = x }))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(t.Context(), &trace.Batch{Resource: []slog.Attr{slog.String("service.name", "pay"), slog.Int("faas.max_memory", 1<<28)}, Records: records}); err != nil {
		t.Fatal(err)
	}
	return a.bodies[0]
}
