package trace_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

// daemon listens as X-Ray's daemon does.
func daemon(t testing.TB) net.PacketConn {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// document is the next that arrives; it must be valid.
func document(t testing.TB, conn net.PacketConn) map[string]any {
	t.Helper()
	buf := make([]byte, 1<<16)
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, _, err := conn.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	head, doc, ok := bytes.Cut(buf[:n], []byte("\n"))
	if !ok || string(head) != `{"format":"json","version":1}` {
		t.Fatalf("the datagram begins with %q", head)
	}
	oracle.Segment(t, doc)
	var m map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func daemonTracer(t testing.TB, conn net.PacketConn, env map[string]string, opts ...trace.Option) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(append([]trace.Option{
		trace.Daemon("tcp:127.0.0.1:1 udp:" + conn.LocalAddr().String()), trace.WithRate(1), trace.WithInterval(0),
		trace.WithEnvironment(func(n string) string { return env[n] }),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func at(t testing.TB, m map[string]any, path string) any {
	t.Helper()
	var v any = m
	for part := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[part]
	}
	return v
}

func expect(t testing.TB, m, want map[string]any) {
	t.Helper()
	for path, w := range want {
		if got := at(t, m, path); got != w {
			t.Errorf("%s is %v, want %v", path, got, w)
		}
	}
}

func TestDaemonInLambda(t *testing.T) {
	conn := daemon(t)
	tr := daemonTracer(t, conn, map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "pay", "POWERTOOLS_SERVICE_NAME": "payment"},
		trace.WithClock(func() time.Time { return time.Unix(1478293400, 0) }))
	h, err := trace.ParseHeader("Root=" + root + ";Parent=" + parent + ";Sampled=1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, handler := tr.Start(t.Context(), "## handler", trace.WithParent(h), trace.WithStart(time.Unix(1478293361, 271000000)))
	handler.Annotate("ColdStart", true)
	handler.Annotate("amount", 42.5)
	handler.Metadata("event", map[string]any{"id": "o-1", "lines": []int{1, 2}})
	_, call := trace.Start(ctx, "DynamoDB", trace.WithKind(trace.Client))
	call.SetAttributes(slog.String("rpc.system", "aws-api"), slog.String("rpc.method", "GetItem"), slog.String("aws.region", "eu-west-1"),
		slog.String("aws.request_id", "R1"), slog.Int("aws.retries", 2), slog.Any("aws.dynamodb.table_names", []string{"orders"}))
	call.SetResponse(429, -1)
	call.End()
	handler.RecordError(fmt.Errorf("charge: %w", &declined{51}))
	handler.EndAt(time.Unix(1478293361, 449000000))
	flush(t, tr)
	d := document(t, conn)
	expect(t, d, map[string]any{
		"type": "subsegment", "namespace": "aws", "name": "DynamoDB", "trace_id": root, "parent_id": handler.ID().String(),
		"aws.operation": "GetItem", "aws.region": "eu-west-1", "aws.request_id": "R1", "aws.retries": 2.0, "aws.table_name": "orders",
		"http.response.status": 429.0, "error": true, "throttle": true, "fault": nil,
	})
	d = document(t, conn)
	expect(t, d, map[string]any{
		"type": "subsegment", "name": "## handler", "trace_id": root, "parent_id": parent, "id": handler.ID().String(),
		"start_time": 1478293361.271, "end_time": 1478293361.449, "fault": true, "namespace": nil,
		"annotations.ColdStart": true, "annotations.amount": 42.5, "metadata.default.event.id": "o-1",
	})
	exceptions, ok := at(t, d, "cause.exceptions").([]any)
	if !ok || len(exceptions) != 2 {
		t.Fatalf("exceptions: %v", at(t, d, "cause"))
	}
	first, _ := exceptions[0].(map[string]any)
	second, _ := exceptions[1].(map[string]any)
	expect(t, first, map[string]any{"type": "*fmt.wrapError", "message": "charge: card declined: 51", "cause": second["id"]})
	expect(t, second, map[string]any{"type": "*trace_test.declined", "message": "card declined: 51", "cause": nil})
	stack, _ := first["stack"].([]any)
	if len(stack) == 0 || !strings.Contains(fmt.Sprint(stack[0]), "TestDaemonInLambda") {
		t.Errorf("the stack: %v", stack)
	}
}

func TestDaemonInServer(t *testing.T) {
	conn := daemon(t)
	tr := daemonTracer(t, conn, map[string]string{"OTEL_RESOURCE_ATTRIBUTES": "service.version=1.4", "POWERTOOLS_SERVICE_NAME": "payment"},
		trace.WithClock(func() time.Time { return time.Unix(1478293400, 0) }))
	h, err := trace.ParseHeader("Root=" + root + ";Parent=" + parent + ";Sampled=1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, server := tr.Start(t.Context(), "POST /process", trace.WithParent(h), trace.WithKind(trace.Server))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Host, r.URL.Scheme, r.Host, r.RequestURI, r.URL.Path, r.URL.RawQuery = "", "", "pay.example.com", "/process?card=4111", "/process", "card=4111"
	r.Header.Set("User-Agent", "curl")
	r.Header.Set("X-Forwarded-For", "192.0.2.1, 10.0.0.1")
	server.SetRequest(r)
	server.SetResponse(404, 12)
	_, inner := trace.Start(ctx, "work")
	inner.Link(h)
	inner.End()
	server.End()
	_, bare := tr.Start(t.Context(), "job", trace.WithRoot())
	bare.End()
	flush(t, tr)
	inside := document(t, conn)
	expect(t, inside, map[string]any{"type": "subsegment", "name": "work", "parent_id": server.ID().String()})
	if links, _ := at(t, inside, "metadata.otel.links").([]any); len(links) != 1 {
		t.Errorf("links: %v", inside["metadata"])
	}
	expect(t, document(t, conn), map[string]any{
		"type": nil, "name": "payment", "parent_id": parent, "trace_id": root, "service.version": "1.4", "error": true,
		"http.request.method": "POST", "http.request.url": "http://pay.example.com/process", "http.request.user_agent": "curl",
		"http.request.client_ip": "192.0.2.1", "http.response.status": 404.0, "http.response.content_length": 12.0,
	})
	expect(t, document(t, conn), map[string]any{"type": nil, "name": "payment", "parent_id": nil})
}

func TestDaemonLimits(t *testing.T) {
	conn := daemon(t)
	tr := daemonTracer(t, conn, nil)
	_, s := tr.Start(t.Context(), "large metadata")
	for i := range 5 {
		s.Metadata(fmt.Sprint(i), strings.Repeat("x", 20<<10))
	}
	s.End()
	_, s = tr.Start(t.Context(), "too large")
	for i := range 20 {
		s.RecordError(errors.New(strings.Repeat(fmt.Sprint(i%10), 4096)))
	}
	s.End()
	_, s = tr.Start(t.Context(), "old", trace.WithStart(time.Now().Add(-15*24*time.Hour)))
	s.EndAt(time.Now().Add(-15*24*time.Hour + time.Second))
	_, s = tr.Start(t.Context(), "future", trace.WithStart(time.Now().Add(3*time.Hour)))
	s.End()
	_, s = tr.Start(t.Context(), strings.Repeat("n\x00ame<>?*", 50))
	s.End()
	if err := tr.Flush(t.Context()); err == nil {
		t.Error("losses are no error")
	}
	expect(t, document(t, conn), map[string]any{"name": "large metadata", "metadata": nil})
	expect(t, document(t, conn), map[string]any{"name": strings.Repeat("n_ame____", 50)[:200]})
	l := lost(tr)
	if l["too_large"] != 1 || l["too_old"] != 1 || l["in_future"] != 1 || l["shortened"] != 2 {
		t.Errorf("lost %v", l)
	}
}

func TestDaemonAddress(t *testing.T) {
	for _, bad := range []string{"x", "127.0.0.1", ":2000", "udp:", "udp:x", "127.0.0.1:"} {
		if _, err := trace.NewDaemon(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{"", "127.0.0.1:2000", "[::1]:2000", "tcp:127.0.0.1:2000 udp:127.0.0.2:2001", "udp:127.0.0.2:2001 tcp:127.0.0.1:2000"} {
		if _, err := trace.NewDaemon(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// Whatever a span is given, its document is valid.
func TestDocumentsAreValid(t *testing.T) {
	conn := daemon(t)
	tr := daemonTracer(t, conn, nil)
	text := rapid.OneOf(rapid.String(), rapid.StringN(0, 300, -1), rapid.Just("\xff\xfe"), rapid.Just(""), rapid.Just("a\u2028b"))
	rapid.Check(t, func(r *rapid.T) {
		ctx, s := tr.Start(t.Context(), text.Draw(r, "name"), trace.WithKind(trace.Kind(rapid.IntRange(0, 5).Draw(r, "kind"))))
		_, c := trace.Start(ctx, text.Draw(r, "child"), trace.WithKind(trace.Client))
		for range rapid.IntRange(0, 5).Draw(r, "annotations") {
			s.Annotate(text.Draw(r, "key"), rapid.OneOf(text.AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(), rapid.Int().AsAny()).Draw(r, "value"))
		}
		s.Metadata(text.Draw(r, "meta"), text.Draw(r, "data"))
		s.SetAttributes(slog.String("url.full", text.Draw(r, "url")), slog.String("http.request.method", text.Draw(r, "method")), slog.Any(text.Draw(r, "attr"), []string{"x"}))
		s.SetResponse(rapid.IntRange(100, 599).Draw(r, "status"), rapid.Int64Range(-1, 1<<40).Draw(r, "length"))
		s.RecordError(errors.New(text.Draw(r, "error")))
		s.SetStatus(trace.Status(rapid.IntRange(0, 9).Draw(r, "status of span")), text.Draw(r, "message"))
		c.End()
		s.End()
		if err := tr.Flush(t.Context()); err != nil {
			r.Fatal(err)
		}
		document(t, conn)
		document(t, conn)
	})
}

// What OpenTelemetry records as events of a span is a cause to X-Ray.
func TestDaemonShowsEvents(t *testing.T) {
	conn := daemon(t)
	d, err := trace.NewDaemon(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = d.Export(t.Context(), &trace.Batch{Records: []*trace.Record{{
		Trace: trace.NewTraceID(now), ID: trace.NewSpanID(), Name: "x", Start: now, End: now, Status: trace.Fault, Events: []trace.Event{
			{Name: "exception", At: now, Attributes: []slog.Attr{slog.String("exception.type", "*pay.Error"), slog.String("exception.message", "declined")}},
			{Name: "retry", At: now, Attributes: []slog.Attr{slog.Int("n", 2)}},
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got := document(t, conn)
	if causes, _ := at(t, got, "cause.exceptions").([]any); len(causes) != 1 || !strings.Contains(fmt.Sprint(causes), "declined") {
		t.Errorf("%v", got["cause"])
	}
	otel, _ := at(t, got, "metadata.otel").(map[string]any)
	if retry, _ := otel["event.1"].(map[string]any); retry["name"] != "retry" || retry["n"] != 2.0 {
		t.Errorf("%v", got["metadata"])
	}
}

// Nobody listens: the function is not told, and the spans that the system refused
// to send are counted.
func TestNoDaemon(t *testing.T) {
	conn := daemon(t)
	tr := daemonTracer(t, conn, nil)
	conn.Close()
	for range 20 {
		spans(t, tr, 1)
		_ = tr.Flush(t.Context())
	}
	if n := lost(tr)["export_failed"]; n > 20 || tr.Waiting() != 0 {
		t.Errorf("lost %v", lost(tr))
	}
}
