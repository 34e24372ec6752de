package defects_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// refusedCalls are cases of which ours records nothing and says so: at the call,
// or by a counted drop.
var refusedCalls = map[string]string{
	"dimension and sets":          "one name has two values, and a document has room for one: theirs records the first set with the second's value",
	"empty dimension is left out": "a metric without the dimension that its author wanted is another metric; theirs records that one, with a warning",
}

// TestMetricsBesidePowertools makes the same calls on the official TypeScript
// library and on ours, and compares their documents key by key: the same documents,
// directives and values, and the same order at the root, save that ours has
// metadata last (the order means nothing, and a document that is full is then cut
// where it hurts least). Both are also held to the schema.
func TestMetricsBesidePowertools(t *testing.T) {
	t.Parallel()
	cases := oracle.MetricsCases(t)
	for i, theirs := range oracle.Powertools(t, cases...) {
		c := cases[i]
		if theirs.Threw != "" {
			t.Fatalf("%s: the official library threw %s", c.Name, theirs.Threw)
		}
		ours, dropped := metricsLike(t, c)
		if why, refused := refusedCalls[c.Name]; refused {
			if len(ours) != 0 || len(dropped) == 0 {
				t.Errorf("%s: is to be refused (%s): %s, dropped %v", c.Name, why, ours, dropped)
			}
			continue
		}
		if len(dropped) != 0 {
			t.Errorf("%s: dropped %v", c.Name, dropped)
		}
		for _, line := range ours {
			oracle.EMF(t, line)
		}
		if diff := cmp.Diff(documents(t, c, theirs.Records), documents(t, c, ours)); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s\n%s\n%s", c.Name, diff, bytes.Join(theirs.Records, []byte("\n")), bytes.Join(ours, []byte("\n")))
		}
	}
}

// member is a member of a document's root, in its place.
type member struct {
	Key   string
	Value any
}

// documents are lines as they stand, with metadata moved to their end.
func documents(t *testing.T, c oracle.Case, lines [][]byte) (out [][]member) {
	t.Helper()
	metadata := map[string]bool{}
	for _, s := range c.Steps {
		metadata[s.Name] = metadata[s.Name] || s.Do == "metadata"
	}
	for _, line := range lines {
		var doc, last []member
		for _, f := range oracle.Fields(t, line) {
			var v any
			if err := json.Unmarshal(f.Value, &v); err != nil {
				t.Fatal(err)
			}
			if metadata[f.Key] {
				last = append(last, member{f.Key, v})
			} else {
				doc = append(doc, member{f.Key, v})
			}
		}
		out = append(out, append(doc, last...))
	}
	return out
}

// measurer makes a case's calls on our metrics. Theirs keeps dimensions between
// calls; ours binds them into handles, so the measurer keeps them.
type measurer struct {
	t    *testing.T
	c    oracle.Case
	ctx  context.Context
	reg  *metrics.Registry
	own  [2][]string   // names and values of the first set
	more [][2][]string // of further sets
	at   time.Time
}

func metricsLike(t *testing.T, c oracle.Case) (lines [][]byte, dropped []metrics.Drop) {
	t.Helper()
	var out bytes.Buffer
	opts := []metrics.Option{
		metrics.WithWriter(&out), metrics.WithClock(c.Time),
		metrics.WithEnvironment(func(k string) string { return c.Env[k] }),
	}
	if c.Options.Namespace != "" {
		opts = append(opts, metrics.WithNamespace(c.Options.Namespace))
	}
	if c.Options.ServiceName != "" {
		opts = append(opts, metrics.WithService(c.Options.ServiceName))
	}
	for k, v := range c.Options.DefaultDimensions {
		opts = append(opts, metrics.WithDimension(k, v))
	}
	for _, s := range c.Steps {
		if s.Do == "defaults" {
			for _, f := range oracle.Fields(t, s.Keys) {
				opts = append(opts, metrics.WithDimension(f.Key, text(t, f.Value)))
			}
		}
	}
	ctx, inv := scope.Begin(t.Context(), scope.Start{At: c.Time(), Concurrent: true, Function: &scope.Function{
		Name: "checkout-fn", Cold: c.Env["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand",
	}})
	defer inv.End()
	m := &measurer{t: t, c: c, ctx: ctx, reg: metrics.New(opts...)}
	for _, s := range c.Steps {
		m.step(s)
	}
	for line := range bytes.Lines(out.Bytes()) {
		lines = append(lines, line)
	}
	return lines, m.reg.Dropped()
}

func (m *measurer) step(s oracle.Step) {
	m.t.Helper()
	switch s.Do {
	case "metric":
		series := m.metric(s).With(m.dimensions())
		if !m.at.IsZero() {
			series = series.At(m.at)
		}
		series.Add(m.ctx, number(m.t, s.Value))
	case "single":
		series := m.metric(s).With(metrics.Dimensions{})
		if len(s.Keys) > 0 {
			series = series.With(m.bind(fields(m.t, s.Keys)))
		}
		series.Emit(m.ctx, number(m.t, s.Value))
	case "dimension":
		m.own[0] = append(m.own[0], s.Name)
		m.own[1] = append(m.own[1], text(m.t, s.Value))
	case "dimensions":
		m.more = append(m.more, fields(m.t, s.Keys))
	case "metadata":
		var v any
		if err := json.Unmarshal(s.Value, &v); err != nil {
			m.t.Fatal(err)
		}
		m.reg.Metadata(m.ctx, s.Name, v)
	case "timestamp":
		m.at = time.UnixMilli(int64(number(m.t, s.Value)))
	case "cold":
		m.reg.ColdStart(m.ctx)
	case "publish":
		m.reg.Flush(m.ctx)
		m.own, m.more, m.at = [2][]string{}, nil, time.Time{}
	case "defaults": // an option of ours
	default:
		m.t.Fatalf("%s: no such step: %s", m.c.Name, s.Do)
	}
}

func (m *measurer) metric(s oracle.Step) *metrics.Metric {
	m.t.Helper()
	var opts []metrics.MetricOption
	if s.Resolution == 1 {
		opts = append(opts, metrics.HighResolution())
	}
	metric, err := m.reg.Metric(s.Name, metrics.Unit(s.Unit), opts...)
	if err != nil {
		m.t.Fatalf("%s: %v", m.c.Name, err)
	}
	return metric
}

// dimensions are those that a metric has now.
func (m *measurer) dimensions() metrics.Dimensions {
	m.t.Helper()
	var sets []metrics.Dimensions
	if len(m.own[0]) > 0 {
		sets = append(sets, m.bind(m.own))
	}
	for _, s := range m.more {
		sets = append(sets, m.bind(s))
	}
	switch len(sets) {
	case 0:
		return metrics.Dimensions{}
	case 1:
		return sets[0]
	}
	all, err := m.reg.Sets(sets...)
	if err != nil {
		m.t.Logf("%s is refused: %v", m.c.Name, err)
	}
	return all
}

func (m *measurer) bind(set [2][]string) metrics.Dimensions {
	m.t.Helper()
	names, err := m.reg.Dimensions(set[0]...)
	if err != nil {
		m.t.Fatalf("%s: %v", m.c.Name, err)
	}
	return names.Of(set[1]...)
}

func fields(t *testing.T, keys json.RawMessage) (set [2][]string) {
	t.Helper()
	for _, f := range oracle.Fields(t, keys) {
		set[0] = append(set[0], f.Key)
		set[1] = append(set[1], text(t, f.Value))
	}
	return set
}

func text(t *testing.T, raw json.RawMessage) (s string) {
	t.Helper()
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func number(t *testing.T, raw json.RawMessage) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
