// Package collector starts a real OpenTelemetry Collector for a test: tools/
// telemetry.sh builds one. What it receives over OTLP/HTTP it decodes, encodes
// anew and passes on to the test, which so reads spans that a program which is not
// ours has understood.
package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Binary is the environment variable that says where the Collector is.
const Binary = "NINES_COLLECTOR"

// patience is how long the Collector may take to start, or to pass spans on. It
// bounds a test that fails; one that passes does not wait.
const patience = 30 * time.Second

// Collector is a running Collector.
type Collector struct {
	// Endpoint is where it takes traces over OTLP/HTTP: http://127.0.0.1:port/v1/traces.
	Endpoint string

	output *safeBuffer
	mu     sync.Mutex
	spans  []Span
	news   chan struct{} // has room for one: spans have come since it was read
}

// Start starts a Collector that ends with the test. It skips the test where there
// is none.
func Start(tb testing.TB) *Collector {
	tb.Helper()
	binary := os.Getenv(Binary)
	if binary == "" {
		tb.Skip(Binary + " is not set: tools/telemetry.sh builds a Collector, make test says where it is")
	}
	c := &Collector{output: &safeBuffer{}, news: make(chan struct{}, 1)}
	sink := httptest.NewServer(http.HandlerFunc(c.receive))
	tb.Cleanup(sink.Close)
	// Another process may take the port between its choice and its use: try again.
	for range 5 {
		if c.run(tb, binary, sink.URL) {
			return c
		}
	}
	tb.Fatalf("the Collector does not start:\n%s", c.output)
	return nil
}

// configuration receives on loopback, and passes on at once, one request for each
// that came.
const configuration = `receivers:
  otlp:
    protocols:
      http:
        endpoint: %s
exporters:
  otlp_http:
    endpoint: %s
    encoding: json
    compression: none
    sending_queue:
      enabled: false
    retry_on_failure:
      enabled: false
service:
  telemetry:
    metrics:
      level: none
    logs:
      level: warn
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp_http]
`

// run starts the program, and says whether it answers.
func (c *Collector) run(tb testing.TB, binary, sink string) bool {
	tb.Helper()
	address := freeAddress(tb)
	file := filepath.Join(tb.TempDir(), "collector.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, configuration, address, sink), 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), binary, "--config", "file:"+file) //nolint:gosec // the binary is the test environment's
	cmd.Stdout, cmd.Stderr = c.output, c.output
	if err := cmd.Start(); err != nil {
		tb.Fatalf("the Collector: %v", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	tb.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	c.Endpoint = "http://" + address + "/v1/traces"
	return answers(tb, address, ended)
}

// answers waits until the address takes connections, or the process has ended.
func answers(tb testing.TB, address string, ended <-chan struct{}) bool {
	tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var d net.Dialer
	for {
		if conn, err := d.DialContext(tb.Context(), "tcp", address); err == nil {
			_ = conn.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-deadline:
			return false
		case <-tick.C:
		}
	}
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// receive takes what the Collector passes on.
func (c *Collector) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var spans []Span
	if err == nil {
		spans, err = decode(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.spans = append(c.spans, spans...)
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{}"))
}

// Spans waits until at least n spans have been passed on, and returns all so far,
// in the order of their start. It fails the test when they do not come.
func (c *Collector) Spans(tb testing.TB, n int) []Span {
	tb.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		got := slices.Clone(c.spans)
		c.mu.Unlock()
		if len(got) >= n {
			slices.SortStableFunc(got, func(a, b Span) int { return a.Start.Compare(b.Start) })
			return got
		}
		select {
		case <-c.news:
		case <-deadline:
			tb.Fatalf("%d of %d spans came through the Collector. It said:\n%s", len(got), n, c.output)
		}
	}
}

// Output is what the Collector has logged: nothing, unless it has a warning.
func (c *Collector) Output() string { return c.output.String() }

// safeBuffer is a buffer that a process writes while a test reads.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// members is a list of OTLP's attributes.
type members []struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// plain turns attributes into values: string, bool, int64, float64, or a list.
func (m members) plain() (map[string]any, error) {
	out := map[string]any{}
	for _, kv := range m {
		v, err := plain(kv.Value)
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", kv.Key, err)
		}
		out[strings.Clone(kv.Key)] = v
	}
	return out, nil
}
