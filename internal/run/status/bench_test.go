package status_test

import (
	"context"
	"fmt"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	source "gitlab.com/nines-sre/nines/internal/metric/memory"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// fleet is n indicators with an objective each, measured for some hours.
func fleet(b *testing.B, n int) *run.Env {
	b.Helper()
	src := source.New(metric.Caps{Lag: 1, Settle: 15})
	env := &run.Env{
		Catalog: &config.Catalog{Sources: []config.DataSource{{Name: "live"}}},
		History: timeline.NewHistory(memory.New()),
		Open:    func(context.Context, config.DataSource) (metric.Source, error) { return src, nil },
		Now:     day.Time(),
	}
	for i := range n {
		name := fmt.Sprintf("requests-%05d", i)
		src.Line(name, day-4*slo.Hour, 1, make([]slo.Amount, 240)...)
		q := &slo.Query{Source: "live", Spec: source.Spec(name)}
		env.Catalog.Indicators = append(env.Catalog.Indicators, config.Indicator{ID: name, Source: "live", Definition: slo.Ratio{Good: q, Total: q}})
		objective(env, name, name, nil)
	}
	if _, err := measure.Run(b.Context(), env, measure.Options{Since: 4 * slo.Hour}); err != nil {
		b.Fatal(err)
	}
	return env
}

func BenchmarkRead10000(b *testing.B) {
	env := fleet(b, 10_000)
	for b.Loop() {
		if _, err := status.Read(b.Context(), env, status.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTail10000 brings in one minute of 10,000 indicators, and the
// fourteen before it that have not settled.
func BenchmarkTail10000(b *testing.B) {
	env := fleet(b, 10_000)
	now := day
	for b.Loop() {
		now++
		env.Now = now.Time()
		if _, err := measure.Run(b.Context(), env, measure.Options{TailOnly: true}); err != nil {
			b.Fatal(err)
		}
	}
}
