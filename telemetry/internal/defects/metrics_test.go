package defects_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// measured returns the lines that use writes into a registry with the namespace
// Shop, and what was dropped. Each line must be one that CloudWatch takes whole.
func measured(t *testing.T, use func(context.Context, *metrics.Registry)) (lines [][]byte, dropped map[metrics.Reason]uint64) {
	t.Helper()
	var out bytes.Buffer
	reg := metrics.New(metrics.WithWriter(&out), metrics.WithNamespace("Shop"), metrics.WithService("checkout"),
		metrics.WithEnvironment(env(nil)), metrics.WithClock(func() time.Time { return time.UnixMilli(1795417241955) }))
	use(t.Context(), reg)
	reg.Flush(t.Context())
	for line := range bytes.Lines(out.Bytes()) {
		oracle.EMF(t, line, oracle.Limits2021, oracle.Limits2024)
		lines = append(lines, line)
	}
	dropped = map[metrics.Reason]uint64{}
	for _, d := range reg.Dropped() {
		dropped[d.Reason] += d.Count
	}
	return lines, dropped
}

// theirs returns the documents of the official library for steps.
func theirs(t *testing.T, steps ...oracle.Step) [][]byte {
	t.Helper()
	p := oracle.Powertools(t, oracle.Case{
		Name: t.Name(), Utility: "metrics", Now: 1795417241955, Options: oracle.Options{Namespace: "Shop", ServiceName: "checkout"},
		Steps: append(steps, oracle.Step{Do: "publish"}),
	})
	if p[0].Threw != "" {
		t.Fatalf("the official library throws now: %s", p[0].Threw)
	}
	return p[0].Records
}

// refusedByCloudWatch fails unless the official library writes a line that
// CloudWatch would not take.
func refusedByCloudWatch(t *testing.T, steps ...oracle.Step) {
	t.Helper()
	records := theirs(t, steps...)
	if len(records) != 1 {
		t.Fatalf("%d documents: %s", len(records), records)
	}
	err := oracle.CheckEMF(records[0], oracle.Limits2024)
	if err == nil {
		t.Errorf("the official library is right now: %s", records[0])
	}
	t.Logf("CloudWatch would refuse it: %v", err)
}

func orders(value string) oracle.Step {
	return oracle.Step{Do: "metric", Name: "Orders", Unit: "Count", Value: json.RawMessage(value)}
}

// TestDefectNotANumber: the official TypeScript library writes NaN and infinities
// as null, which is no number; the Python one (3.2.1a1) writes a bare NaN, which is
// no JSON, and costs every metric of the line.
func TestDefectNotANumber(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, dropped := measured(t, func(ctx context.Context, r *metrics.Registry) {
				m := r.MustMetric("Orders", metrics.Count)
				m.Add(ctx, 1)
				m.Add(ctx, value)
				r.MustMetric("Ratio", metrics.None).Add(ctx, value)
				r.MustMetric("Latency", metrics.Milliseconds).Add(ctx, 12.5)
			})
			if len(lines) != 1 || !bytes.Contains(lines[0], []byte(`"Orders":1`)) || !bytes.Contains(lines[0], []byte(`"Latency":12.5`)) || bytes.Contains(lines[0], []byte("Ratio")) {
				t.Errorf("the numbers of the line are lost: %s", lines)
			}
			if dropped[metrics.NotANumber] != 2 {
				t.Errorf("dropped %v", dropped)
			}
			t.Run("theirs", func(t *testing.T) { refusedByCloudWatch(t, orders(fmt.Sprintf(`{"number":%q}`, name))) })
		})
	}
}

// TestDefectMetadataEnvelope: metadata with the key "_aws" replaces the envelope in
// the official library, and with it every metric of the document.
func TestDefectMetadataEnvelope(t *testing.T) {
	t.Parallel()
	lines, dropped := measured(t, func(ctx context.Context, r *metrics.Registry) {
		r.Metadata(ctx, "_aws", map[string]any{"note": "mine"})
		r.MustMetric("Orders", metrics.Count).Add(ctx, 1)
	})
	if len(lines) != 1 || bytes.Contains(lines[0], []byte("mine")) || dropped[metrics.BadMetadata] != 1 {
		t.Errorf("%s, dropped %v", lines, dropped)
	}
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		refusedByCloudWatch(t, oracle.Step{Do: "metadata", Name: "_aws", Value: json.RawMessage(`{"note":"mine"}`)}, orders("1"))
	})
}

// TestDefectDimensions: the official library passes on dimension values that
// CloudWatch does not take: control characters, and more than 1,024 characters.
func TestDefectDimensions(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"a control character": "a\u0007b", "a newline": "a\nb", "2,000 characters": strings.Repeat("x", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, dropped := measured(t, func(ctx context.Context, r *metrics.Registry) {
				route := r.MustDimensions("route")
				if _, err := route.Values(value); err == nil {
					t.Error("the value is taken without an error")
				}
				m := r.MustMetric("Orders", metrics.Count)
				m.With(route.Of(value)).Add(ctx, 1)
				m.With(route.Of("/pay")).Add(ctx, 2)
			})
			if len(lines) != 1 || !bytes.Contains(lines[0], []byte(`"Orders":2`)) || dropped[metrics.BadDimensions] != 1 {
				t.Errorf("%s, dropped %v", lines, dropped)
			}
			t.Run("theirs", func(t *testing.T) {
				raw, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				refusedByCloudWatch(t, oracle.Step{Do: "dimension", Name: "route", Value: raw}, orders("1"))
			})
		})
	}
}
