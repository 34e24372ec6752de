package trace_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/collector"
	"gitlab.com/nines-sre/nines/telemetry/internal/xrayd"
	"gitlab.com/nines-sre/nines/telemetry/trace"
)

func TestSpansArriveInACollectorSigned(t *testing.T) {
	c := collector.Start(t)
	keys := xrayd.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	endpoint := xrayd.Start(t, xrayd.Options{Credentials: keys, Region: "eu-west-1", Next: c.Endpoint})
	env := map[string]string{
		"AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_SESSION_TOKEN": keys.SessionToken,
		"AWS_LAMBDA_FUNCTION_NAME": "pay", "AWS_REGION": "eu-west-1", "POWERTOOLS_SERVICE_NAME": "payment",
	}
	tr, err := trace.New(trace.XRay("", trace.Endpoint(endpoint.Endpoint())), trace.WithEnvironment(func(n string) string { return env[n] }))
	if err != nil {
		t.Fatal(err)
	}
	h, err := trace.ParseHeader("Root=" + trace.NewTraceID(time.Now()).String() + ";Parent=" + parent + ";Sampled=1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, handler := tr.Start(t.Context(), "## handler", trace.WithParent(h), trace.WithKind(trace.Server), trace.WithLinks(h))
	handler.Annotate("cold_start", true)
	handler.Annotate("amount", 42)
	handler.Annotate("ratio", 0.5)
	handler.Metadata("event", map[string]int{"lines": 2})
	_, inner := trace.Start(ctx, "bad\xffname")
	inner.SetAttributes(slog.Any("list", []string{"a", "b"}), slog.Int("n", -1), slog.Duration("d", time.Second))
	inner.RecordError(fmt.Errorf("charge: %w", &declined{51}))
	inner.End()
	handler.End()
	flush(t, tr)
	got := c.Spans(t, 2)
	hs, is := got[0], got[1]
	if hs.TraceID != h.Trace.W3C() || hs.ParentID != parent || hs.SpanID != handler.ID().String() || hs.Name != "## handler" || hs.Kind != 2 || hs.Status != 0 {
		t.Errorf("handler: %+v", hs)
	}
	if fmt.Sprint(hs.Attributes) != "map[amount:42 aws.xray.annotations:[cold_start amount ratio] aws.xray.metadata.default:{\"event\":{\"lines\":2}} cold_start:true ratio:0.5]" {
		t.Errorf("attributes: %v", hs.Attributes)
	}
	if len(hs.Links) != 1 || hs.Links[0] != (collector.Link{TraceID: h.Trace.W3C(), SpanID: parent}) {
		t.Errorf("links: %+v", hs.Links)
	}
	if hs.Resource["service.name"] != "payment" || hs.Resource["faas.name"] != "pay" || hs.Resource["cloud.region"] != "eu-west-1" || hs.Scope == "" {
		t.Errorf("resource: %v %s", hs.Resource, hs.Scope)
	}
	if is.ParentID != hs.SpanID || is.Name != "bad\ufffdname" || is.Status != 2 || is.StatusMessage != "charge: card declined: 51" || len(is.Events) != 1 {
		t.Fatalf("inner: %+v", is)
	}
	if a := is.Attributes; fmt.Sprint(a["list"]) != "[a b]" || a["d"] != "1s" || a["n"] != int64(-1) {
		t.Errorf("attributes: %v", a)
	}
	e := is.Events[0]
	if e.Name != "exception" || e.Attributes["exception.type"] != "*fmt.wrapError" || fmt.Sprint(e.Attributes["exception.chain"]) != "[*trace_test.declined: card declined: 51]" ||
		!strings.Contains(fmt.Sprint(e.Attributes["exception.stacktrace"]), "arrive_test.go") || e.At.IsZero() {
		t.Errorf("exception: %+v", e)
	}
	if rs := endpoint.Requests(); len(rs) != 1 || rs[0].Spans != 2 || rs[0].Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("requests: %+v", rs)
	}
	// A key that is not X-Ray's is refused, once, and counted.
	env["AWS_SECRET_ACCESS_KEY"] = "other"
	tr, err = trace.New(trace.XRay("eu-west-1", trace.Endpoint(endpoint.Endpoint())), trace.WithEnvironment(func(n string) string { return env[n] }), trace.WithRate(1))
	if err != nil {
		t.Fatal(err)
	}
	spans(t, tr, 1)
	if err := tr.Flush(t.Context()); err == nil || lost(tr)["refused"] != 1 {
		t.Errorf("%v, lost %v", err, lost(tr))
	}
}

func TestCredentialsOfTheCaller(t *testing.T) {
	a := &answers{list: []any{200}}
	calls := 0
	tr, err := trace.New(trace.XRay("eu-west-1", a.client(), trace.WithCredentials(func(context.Context) (trace.Credentials, error) {
		calls++
		return trace.Credentials{AccessKeyID: "MINE", SecretAccessKey: "s", Expires: time.Now().Add(time.Hour)}, nil
	})), trace.WithEnvironment(noEnv), trace.WithRate(1), trace.WithInterval(0))
	if err != nil || calls != 0 {
		t.Fatalf("%v, %d calls before the first span", err, calls)
	}
	for range 2 {
		spans(t, tr, 1)
		flush(t, tr)
	}
	r := a.requests[1]
	if calls != 1 || r.URL.String() != "https://xray.eu-west-1.amazonaws.com/v1/traces" || !strings.Contains(r.Header.Get("Authorization"), "Credential=MINE/") ||
		!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/xray/aws4_request") {
		t.Errorf("%d calls, %s %v", calls, r.URL, r.Header)
	}
	tr, err = trace.New(trace.XRay("eu-west-1", a.client(), trace.WithCredentials(func(context.Context) (trace.Credentials, error) {
		return trace.Credentials{}, errors.New("no role")
	})), trace.WithEnvironment(noEnv), trace.WithRate(1), trace.WithInterval(0))
	if err != nil {
		t.Fatal(err)
	}
	spans(t, tr, 1)
	if err := tr.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "no role") || lost(tr)["export_failed"] != 1 {
		t.Errorf("%v, lost %v", err, lost(tr))
	}
}

func TestRegionOfTheInstance(t *testing.T) {
	asked := 0
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		body := map[string]string{
			"/latest/api/token": "tok", "/latest/meta-data/placement/region": "cn-north-1", "/latest/meta-data/iam/security-credentials/": "role",
			"/latest/meta-data/iam/security-credentials/role": `{"AccessKeyId":"INSTANCE","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
		}[r.URL.Path]
		_, _ = io.WriteString(w, body)
	}))
	defer metadata.Close()
	env := map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.URL}
	a := &answers{list: []any{200}}
	tr, err := trace.New(trace.XRay("", a.client()), trace.WithEnvironment(func(n string) string { return env[n] }), trace.WithRate(1), trace.WithInterval(0))
	if err != nil || asked != 0 {
		t.Fatalf("%v, asked %d times before the first span", err, asked)
	}
	spans(t, tr, 1)
	if asked != 0 {
		t.Errorf("asked %d times before anything is sent", asked)
	}
	flush(t, tr)
	if u := a.requests[0].URL.String(); u != "https://xray.cn-north-1.amazonaws.com.cn/v1/traces" || !strings.Contains(a.requests[0].Header.Get("Authorization"), "INSTANCE/") {
		t.Errorf("%s %v", u, a.requests[0].Header)
	}
	env["AWS_EC2_METADATA_DISABLED"] = "true"
	tr, err = trace.New(trace.XRay("", a.client()), trace.WithEnvironment(func(n string) string { return env[n] }), trace.WithRate(1), trace.WithInterval(0))
	if err != nil {
		t.Fatal(err)
	}
	spans(t, tr, 1)
	if err := tr.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "AWS_REGION") || lost(tr)["export_failed"] != 1 {
		t.Errorf("%v, lost %v", err, lost(tr))
	}
}
