package collector_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/internal/collector"
)

const request = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}}]},
"scopeSpans":[{"scope":{"name":"nines"},"spans":[
{"traceId":"6742f1c05a0d3c1e9b7f48e2a6c4d810","spanId":"70de5b6f19ff9a0b","parentSpanId":"70de5b6f19ff9a0a","name":"charge","kind":3,
"startTimeUnixNano":"1795417241955000001","endTimeUnixNano":"1795417241956000000","status":{"code":2,"message":"declined"},
"attributes":[{"key":"n","value":{"intValue":"9007199254740993"}},{"key":"ratio","value":{"doubleValue":0.5}},{"key":"ok","value":{"boolValue":false}},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"}]}}}],
"events":[{"name":"exception","timeUnixNano":"1795417241955500000","attributes":[{"key":"exception.type","value":{"stringValue":"*pay.Declined"}}]}],
"links":[{"traceId":"6742f1c05a0d3c1e9b7f48e2a6c4d811","spanId":"70de5b6f19ff9a0c"}]},
{"traceId":"6742f1c05a0d3c1e9b7f48e2a6c4d810","spanId":"70de5b6f19ff9a0a","name":"## handler","kind":2,"startTimeUnixNano":"1795417241954000000","endTimeUnixNano":"1795417241957000000"}]}]}]}`

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestSpansPassThrough(t *testing.T) {
	t.Parallel()
	c := collector.Start(t)
	if status, answer := post(t, c.Endpoint, request); status != http.StatusOK {
		t.Fatalf("%d: %s", status, answer)
	}
	got := c.Spans(t, 2)
	if len(got) != 2 || got[0].Name != "## handler" || got[0].Kind != 2 || got[0].ParentID != "" || got[0].Scope != "nines" || got[0].Status != 0 {
		t.Fatalf("%+v", got)
	}
	charge := got[1]
	if charge.TraceID != "6742f1c05a0d3c1e9b7f48e2a6c4d810" || charge.ParentID != got[0].SpanID || charge.Start.UnixNano() != 1795417241955000001 ||
		charge.Status != 2 || charge.StatusMessage != "declined" {
		t.Errorf("%+v", charge)
	}
	want := map[string]any{"n": int64(9007199254740993), "ratio": 0.5, "ok": false, "list": []any{"a"}}
	if diff := cmp.Diff(want, charge.Attributes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"service.name": "checkout"}, charge.Resource); diff != "" {
		t.Error(diff)
	}
	if len(charge.Events) != 1 || charge.Events[0].Attributes["exception.type"] != "*pay.Declined" || charge.Events[0].At.UnixNano() != 1795417241955500000 {
		t.Errorf("%+v", charge.Events)
	}
	if diff := cmp.Diff([]collector.Link{{TraceID: "6742f1c05a0d3c1e9b7f48e2a6c4d811", SpanID: "70de5b6f19ff9a0c"}}, charge.Links); diff != "" {
		t.Error(diff)
	}
}

// TestRefuses holds the Collector to be a judge: what is no OTLP it refuses.
func TestRefuses(t *testing.T) {
	t.Parallel()
	c := collector.Start(t)
	for name, body := range map[string]string{
		"no JSON":         request[1:],
		"short trace id":  strings.ReplaceAll(request, "6742f1c05a0d3c1e9b7f48e2a6c4d810", "6742"),
		"id in base64":    strings.ReplaceAll(request, "6742f1c05a0d3c1e9b7f48e2a6c4d810", "Z0LxwFoNPB6bf0jipsTYEA=="),
		"time as a text":  strings.ReplaceAll(request, "1795417241955000001", "now"),
		"text as a value": strings.ReplaceAll(request, `{"intValue":"9007199254740993"}`, `"7"`),
	} {
		if status, answer := post(t, c.Endpoint, body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}
