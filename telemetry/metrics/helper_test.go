package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// stream keeps what is written to it.
type stream struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// lines takes what was written.
func (s *stream) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.TrimSuffix(s.buf.String(), "\n")
	s.buf.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// document is a line as a reader of the format sees it.
type document struct {
	at         int64
	namespace  string
	sets       [][]string
	metrics    []definition
	members    map[string]any
	dimensions map[string]string
}

type definition struct {
	Name, Unit        string
	StorageResolution int
}

// documents takes what was written; each line has to be one that CloudWatch takes.
func (s *stream) documents(t testing.TB) []document {
	t.Helper()
	var out []document
	for _, l := range s.lines() {
		oracle.EMF(t, []byte(l))
		out = append(out, parse(t, l))
	}
	return out
}

func parse(t failer, l string) document {
	t.Helper()
	var head struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []definition
			}
		} `json:"_aws"`
	}
	d := document{dimensions: map[string]string{}}
	if err := json.Unmarshal([]byte(l), &head); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(l), &d.members); err != nil {
		t.Fatal(err)
	}
	if len(head.AWS.CloudWatchMetrics) != 1 {
		t.Fatalf("not one directive: %s", l)
	}
	c := head.AWS.CloudWatchMetrics[0]
	d.at, d.namespace, d.sets, d.metrics = head.AWS.Timestamp, c.Namespace, c.Dimensions, c.Metrics
	for _, set := range c.Dimensions {
		for _, name := range set {
			d.dimensions[name], _ = d.members[name].(string)
		}
	}
	return d
}

// values of a metric in the document.
func (d document) values(name string) []float64 {
	switch v := d.members[name].(type) {
	case float64:
		return []float64{v}
	case []any:
		out := make([]float64, len(v))
		for i := range v {
			out[i], _ = v[i].(float64)
		}
		return out
	default:
		return nil
	}
}

func (d document) has(metric string) bool {
	return slices.ContainsFunc(d.metrics, func(m definition) bool { return m.Name == metric })
}

// start makes a registry without an environment, whose clock stands.
func start(t testing.TB, opts ...metrics.Option) (*metrics.Registry, *stream) {
	t.Helper()
	out := &stream{}
	return metrics.New(append([]metrics.Option{
		metrics.WithNamespace("Shop"), metrics.WithService("pay"), metrics.WithWriter(out),
		metrics.WithClock(at), metrics.WithEnvironment(func(string) string { return "" }),
	}, opts...)...), out
}

// invoke begins an invocation.
func invoke(t testing.TB, s scope.Start) (context.Context, func()) {
	t.Helper()
	ctx, inv := scope.Begin(t.Context(), s)
	t.Cleanup(inv.End)
	return ctx, inv.End
}

func environment(vars map[string]string) metrics.Option {
	return metrics.WithEnvironment(func(name string) string { return vars[name] })
}

// dropped is the count of a reason.
func dropped(drops []metrics.Drop, reason metrics.Reason) uint64 {
	for _, d := range drops {
		if d.Reason == reason {
			return d.Count
		}
	}
	return 0
}

const day = 24 * time.Hour

// failer is what tests and properties have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
