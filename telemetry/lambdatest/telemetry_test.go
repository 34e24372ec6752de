package lambdatest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// told is an event of the Telemetry API.
type told struct {
	Time   time.Time
	Type   string
	Record json.RawMessage
}

func (e told) field(path ...string) any {
	var m any
	if json.Unmarshal(e.Record, &m) != nil {
		return nil
	}
	for _, p := range path {
		o, ok := m.(map[string]any)
		if !ok {
			return nil
		}
		m = o[p]
	}
	return m
}

// listener is where telemetry is delivered to.
type listener struct {
	url     string
	mu      sync.Mutex
	all     []told
	batches []int
	refuse  int           // so many requests fail first
	hang    chan struct{} // nothing is taken until it is closed
	came    chan struct{} // after every batch
}

// wait returns the first event of a kind, when it came.
func (l *listener) wait(kind string) told {
	for {
		if found := l.find(kind); len(found) > 0 {
			return found[0]
		}
		<-l.came
	}
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{came: make(chan struct{}, 1000)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.hang != nil {
			<-l.hang
		}
		body, err := io.ReadAll(r.Body)
		var batch []told
		if err == nil {
			err = json.Unmarshal(body, &batch)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("%s %v: %s", r.Method, err, body)
		}
		if l.refuse > 0 {
			l.refuse--
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		l.all, l.batches = append(l.all, batch...), append(l.batches, len(batch))
		l.came <- struct{}{}
	}))
	t.Cleanup(s.Close)
	l.url = "http://sandbox.localdomain:" + s.URL[strings.LastIndex(s.URL, ":")+1:] + "/in"
	return l
}

func (l *listener) events() []told {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

func (l *listener) types() (all []string) {
	for _, e := range l.events() {
		all = append(all, e.Type)
	}
	return all
}

func (l *listener) find(kind string) (found []told) {
	for _, e := range l.events() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

func subscribeTo(l *listener, schema string, types ...string) string {
	return fmt.Sprintf(`{"schemaVersion":%q,"types":["%s"],"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25},"destination":{"protocol":"HTTP","URI":%q}}`,
		schema, strings.Join(types, `","`), l.url)
}

// TestTelemetry: the events of a start, two invocations and an end, in order.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	l := listen(t)
	env := start(t, "function", beside("", "SUBSCRIBE="+subscribeTo(l, "2022-12-13", "platform", "function", "extension")))
	in := lambdatest.Invocation{RequestID: "1", Payload: []byte(`{"do":"print","line":"a line"}`), TraceID: "Root=1-2-3;Sampled=1"}
	res, _ := invoke(t, env, in)
	if !slices.Contains(res.ExtensionLogs, `subscribed 200 "OK"`) {
		t.Fatalf("%q", res.ExtensionLogs)
	}
	in = event("fail")
	in.RequestID = "2"
	invoke(t, env, in)
	env.Close()
	var platform []string
	for _, k := range l.types() {
		if strings.HasPrefix(k, "platform") {
			platform = append(platform, strings.TrimPrefix(k, "platform."))
		}
	}
	// The function starts when the extension has registered: what the extension does
	// then comes in any order.
	platform = slices.DeleteFunc(platform, func(k string) bool { return k == "extension" || k == "telemetrySubscription" })
	if want := "initStart initRuntimeDone initReport start runtimeDone report start runtimeDone report"; strings.Join(platform, " ") != want {
		t.Errorf("%q, want %q", strings.Join(platform, " "), want)
	}
	if len(l.find("platform.extension")) != 1 {
		t.Error("the extension is not told of")
	}
	for _, c := range []struct {
		kind string
		nth  int
		path string
		want any
	}{
		{"platform.initStart", 0, "initializationType", "on-demand"},
		{"platform.initRuntimeDone", 0, "status", "success"},
		{"platform.initReport", 0, "phase", "init"},
		{"platform.start", 0, "requestId", "1"},
		{"platform.start", 0, "tracing value", "Root=1-2-3;Sampled=1"},
		{"platform.runtimeDone", 0, "status", "success"},
		{"platform.runtimeDone", 1, "status", "error"},
		{"platform.runtimeDone", 1, "errorType", "errorString"},
		{"platform.report", 1, "requestId", "2"},
		{"platform.report", 0, "metrics memorySizeMB", 512.0},
		{"platform.report", 1, "metrics initDurationMs", nil},
		{"platform.telemetrySubscription", 0, "name", "ext"},
		{"platform.telemetrySubscription", 0, "state", "Subscribed"},
	} {
		if found := l.find(c.kind); len(found) <= c.nth || found[c.nth].field(strings.Fields(c.path)...) != c.want {
			t.Errorf("%s %s of %d is not %v", c.kind, c.path, len(found), c.want)
		}
	}
	if d, ok := l.find("platform.report")[0].field("metrics", "initDurationMs").(float64); !ok || d <= 0 {
		t.Errorf("the start took %v ms", d)
	}
	if f := l.find("function"); len(f) < 3 || string(f[0].Record) != `"a line"` || f[0].Time.IsZero() {
		t.Errorf("%v", f)
	}
	if e := l.find("extension"); len(e) < 4 || !strings.Contains(string(e[0].Record), "registered") {
		t.Errorf("%v", e)
	}
}

// TestTelemetryRecords: lines of a function that logs JSON are objects, but for
// the first schema; only what was asked for is delivered.
func TestTelemetryRecords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ schema, format, want string }{
		{"2022-07-01", "JSON", `"{\"a\":1}"`},
		{"2022-12-13", "JSON", `{"a":1}`},
		{"2025-01-29", "JSON", `{"a":1}`},
		{"2025-01-29", "Text", `"{\"a\":1}"`},
	} {
		l := listen(t)
		l.refuse = 1 // it is delivered again
		env := start(t, "function", beside("", "AWS_LAMBDA_LOG_FORMAT="+c.format, "SUBSCRIBE="+subscribeTo(l, c.schema, "function")))
		invoke(t, env, lambdatest.Invocation{Payload: []byte(`{"do":"print","line":"{\"a\":1}"}`)})
		env.Close()
		all := l.events()
		if len(all) != 2 || string(all[0].Record) != c.want || string(all[1].Record) != `"to stderr"` {
			t.Errorf("%+v: %s", c, all)
		}
	}
}

// TestSubscribing are the rules of the Telemetry API.
func TestSubscribing(t *testing.T) {
	t.Parallel()
	p, result := playing(t, lambdatest.Invocation{RequestID: "1"})
	const ident, path = "Lambda-Extension-Identifier", "/2022-07-01/telemetry"
	id := p.says(http.MethodPost, register, `{}`, http.StatusOK, "", "Lambda-Extension-Name", "in").Get(ident)
	p.says(http.MethodPut, path, `{}`, http.StatusForbidden, "Extension.MissingExtensionIdentifier")
	body := func(change ...string) string {
		b := `{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox:1"},"buffering":{}}`
		return strings.NewReplacer(change...).Replace(b)
	}
	for _, bad := range []string{
		`{`, `[]`, body("2022-07-01", "1999-01-01"), body(`["platform"]`, `[]`), body("platform", "metrics"), body(`"HTTP"`, `"TCP"`),
		body("http:", "https:"), body("sandbox:1", "example.org"), body("http://sandbox:1", "://"),
		body(`"buffering":{}`, `"buffering":{"maxItems":999}`), body(`"buffering":{}`, `"buffering":{"maxBytes":262143}`),
		body(`"buffering":{}`, `"buffering":{"timeoutMs":24}`), body(`"buffering":{}`, `"buffering":{"timeoutMs":30001}`),
	} {
		p.says(http.MethodPut, path, bad, http.StatusBadRequest, `"errorType":"ValidationError"`, ident, id)
	}
	for range 2 {
		p.says(http.MethodPut, path, body(), http.StatusOK, `"OK"`, ident, id)
	}
	go request(p.api, http.MethodGet, "/2020-01-01/extension/event/next", "", map[string]string{ident: id})
	p.taken("1")
	p.says(http.MethodPut, path, body(), http.StatusForbidden, "Telemetry.SubscriptionClosed", ident, id)
	p.says(http.MethodPost, answerPath("1", "response"), "", http.StatusAccepted, "")
	p.asks()
	result()
}

// TestTelemetryBuffering: a batch is as large as the subscriber wants, and what is
// left is delivered before the end.
func TestTelemetryBuffering(t *testing.T) {
	t.Parallel()
	l := listen(t)
	sub := strings.ReplaceAll(subscribeTo(l, "2022-07-01", "function"), `"timeoutMs":25`, `"timeoutMs":30000`)
	env := start(t, "function", beside("", "SUBSCRIBE="+sub))
	for range 5 { // 200 KiB each, and 256 KiB make a batch
		invoke(t, env, event("long"))
	}
	env.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.batches, []int{2, 2, 1}) {
		t.Errorf("the batches are %v", l.batches)
	}
}

// TestTelemetryDropped: a subscriber that does not answer loses what does not fit
// into the buffer, and is told.
func TestTelemetryDropped(t *testing.T) {
	t.Parallel()
	l := listen(t)
	l.hang = make(chan struct{})
	env := start(t, "function", beside("", "SUBSCRIBE="+subscribeTo(l, "2022-07-01", "function", "platform")))
	for range 14 {
		if res, _ := invoke(t, env, event("long")); !res.OK() || res.After.TimedOut {
			t.Fatalf("it holds up the function: %+v", res)
		}
	}
	close(l.hang)
	dropped := l.wait("platform.logsDropped")
	if n, ok := dropped.field("droppedRecords").(float64); !ok || n < 1 {
		t.Errorf("%s", dropped.Record)
	}
}
