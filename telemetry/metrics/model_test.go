package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/telemetry/internal/oracle"
	"gitlab.com/nines-sre/nines/telemetry/internal/scope"
	"gitlab.com/nines-sre/nines/telemetry/metrics"
)

// model is what should arrive: values by what CloudWatch keeps apart (an instant,
// a metric, its dimensions), and drops by reason.
type model struct {
	values map[string][]float64
	drops  map[metrics.Reason]uint64
}

func (m *model) add(at int64, name string, dims map[string]string, v float64) {
	key := fmt.Sprint(at, " ", name, " ", dims)
	m.values[key] = append(m.values[key], v+0)
}

// choice is dimensions, and what should become of them.
type choice struct {
	dims metrics.Dimensions
	want map[string]string
	bad  bool
}

func choices(t *rapid.T, r *metrics.Registry) []choice {
	route := must(t)(r.Dimensions("route"))
	both := must(t)(r.Dimensions("route", "tenant"))
	only := must(t)(r.DimensionsOnly("tenant"))
	out := []choice{
		{dims: metrics.Dimensions{}, want: map[string]string{"service": "pay"}},
		{dims: route.Of(""), bad: true},
	}
	for _, v := range []string{"a", "b", `"`, strings.Repeat("v", 1024)} {
		out = append(out,
			choice{dims: route.Of(v), want: map[string]string{"service": "pay", "route": v}},
			choice{dims: both.Of(v, "x"), want: map[string]string{"service": "pay", "route": v, "tenant": "x"}},
			choice{dims: only.Of(v), want: map[string]string{"tenant": v}})
	}
	return out
}

func must(t *rapid.T) func(*metrics.DimensionSet, error) *metrics.DimensionSet {
	return func(s *metrics.DimensionSet, err error) *metrics.DimensionSet {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// Whatever is added, in whichever order, with flushes in between and lines that
// are lost: what arrives is what was added less what was counted as dropped.
func TestWhatArrivesIsWhatWasAdded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		lossy := rapid.Bool().Draw(t, "lossy")
		n := 0
		out := writer(func(p []byte) (int, error) {
			if n++; lossy && n%3 == 0 {
				return 0, errors.New("full")
			}
			lines = append(lines, strings.TrimSuffix(string(p), "\n"))
			return len(p), nil
		})
		r := metrics.New(metrics.WithNamespace("Shop"), metrics.WithService("pay"), metrics.WithWriter(out), metrics.WithClock(at), environment(nil),
			metrics.WithDocumentLimit(128<<10))
		want := run(t, r)
		check(t, r, want, lines, lossy)
	})
}

// run draws calls and makes them, on the registry and on the model.
func run(t *rapid.T, r *metrics.Registry) *model {
	want := &model{values: map[string][]float64{}, drops: map[metrics.Reason]uint64{}}
	all := choices(t, r)
	var registered []*metrics.Metric
	for i := range rapid.SampledFrom([]int{1, 5, 130}).Draw(t, "metrics") {
		registered = append(registered, r.MustMetric(fmt.Sprintf("m%d", i), metrics.Count))
	}
	ctxs := []context.Context{context.Background()}
	for range 2 {
		ctx, inv := scope.Begin(context.Background(), scope.Start{Concurrent: true})
		defer inv.End()
		ctxs = append(ctxs, ctx)
	}
	value := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, math.NaN(), math.Inf(1), math.Copysign(0, -1), 0x1p360, 0x1.8p360}))
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		ctx := rapid.SampledFrom(ctxs).Draw(t, "ctx")
		if rapid.IntRange(0, 9).Draw(t, "flush") == 0 {
			r.Flush(ctx)
		}
		if rapid.IntRange(0, 9).Draw(t, "metadata") == 0 {
			r.Metadata(ctx, "note", rapid.String().Draw(t, "note"))
		}
		c := rapid.SampledFrom(all).Draw(t, "dimensions")
		i := rapid.IntRange(0, len(registered)-1).Draw(t, "metric")
		when := rapid.SampledFrom([]time.Duration{0, 0, -time.Hour, 3 * time.Hour}).Draw(t, "at")
		many := rapid.SampledFrom([]int{1, 1, 2, 150}).Draw(t, "times")
		v := value.Draw(t, "value")
		s := registered[i].With(c.dims)
		if when != 0 {
			s = s.At(at().Add(when))
		}
		for range many {
			s.Add(ctx, v)
			want.expect(c, fmt.Sprintf("m%d", i), when, v)
		}
	}
	for _, ctx := range ctxs {
		r.Flush(ctx)
	}
	return want
}

// expect says in the plainest words what becomes of a value.
func (m *model) expect(c choice, name string, when time.Duration, v float64) {
	switch {
	case c.bad:
		m.drops[metrics.BadDimensions]++
	case math.IsNaN(v) || math.IsInf(v, 0):
		m.drops[metrics.NotANumber]++
	case math.Abs(v) > math.Pow(2, 360):
		m.drops[metrics.OutOfRange]++
	case when > 2*time.Hour:
		m.drops[metrics.BadTimestamp]++
	default:
		m.add(at().Add(when).UnixMilli(), name, c.want, v)
	}
}

func check(t *rapid.T, r *metrics.Registry, want *model, lines []string, lossy bool) {
	got := &model{values: map[string][]float64{}, drops: map[metrics.Reason]uint64{}}
	for _, l := range lines {
		if err := oracle.CheckEMF([]byte(l), oracle.Limits2024); err != nil {
			t.Fatal(err)
		}
		d := parse(t, l)
		for _, m := range d.metrics {
			for _, v := range d.values(m.Name) {
				got.add(d.at, m.Name, d.dimensions, v)
			}
		}
	}
	for _, d := range r.Dropped() {
		got.drops[d.Reason] = d.Count
	}
	lost := got.drops[metrics.LineLost]
	delete(got.drops, metrics.LineLost)
	if diff := cmp.Diff(want.drops, got.drops); diff != "" {
		t.Fatalf("drops (-want +got):\n%s", diff)
	}
	if n := want.count() - got.count(); uint64(n) != lost || !lossy && lost != 0 {
		t.Fatalf("%d values are missing, %d were counted", n, lost)
	}
	if !lossy {
		if diff := cmp.Diff(want.sorted(), got.sorted()); diff != "" {
			t.Fatalf("values (-want +got):\n%s", diff)
		}
	}
	for key, values := range got.values { // nothing arrives that was not added
		if len(values) > len(want.values[key]) {
			t.Fatalf("%s: %d values arrive of %d", key, len(values), len(want.values[key]))
		}
	}
}

func (m *model) count() (n int) {
	for _, v := range m.values {
		n += len(v)
	}
	return n
}

func (m *model) sorted() map[string][]float64 {
	out := map[string][]float64{}
	for k, v := range m.values {
		out[k] = slices.Clone(v)
		sort.Float64s(out[k])
	}
	return out
}
