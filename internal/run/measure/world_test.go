package measure_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/memory"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	store "gitlab.com/nines-sre/nines/internal/timeline/memory"
)

// t0 is a midnight; the tests' now lies some hours behind it.
const t0 slo.Minute = 20119 * slo.Day

const lag, settle = 3, 15

// world is a live source in memory and a history in memory.
type world struct {
	src *memory.Source
	env *run.Env
	now slo.Minute
}

func newWorld(now slo.Minute) *world {
	w := &world{src: memory.New(metric.Caps{Lag: lag, Settle: settle}), now: now}
	w.env = &run.Env{
		Catalog: &config.Catalog{Sources: []config.DataSource{{Name: "live", Type: "memory"}}},
		History: timeline.NewHistory(store.New()),
		Open:    func(context.Context, config.DataSource) (metric.Source, error) { return w.src, nil },
		Now:     now.Time(),
	}
	return w
}

func (w *world) at(now slo.Minute) *world {
	w.now, w.env.Now = now, now.Time()
	return w
}

func query(name string) *slo.Query {
	return &slo.Query{Source: "live", Type: "memory", Spec: memory.Spec(name)}
}

// indicator adds one, and an objective over one rolling day of it.
func (w *world) indicator(id string, def slo.Indicator, missing slo.Missing) *slo.Objective {
	w.env.Catalog.Indicators = append(w.env.Catalog.Indicators, config.Indicator{
		ID: id, Definition: def, Source: "live", Missing: missing, Lineage: "v1",
	})
	return w.objective(id, id)
}

func (w *world) objective(name, id string) *slo.Objective {
	w.env.Catalog.Objectives = append(w.env.Catalog.Objectives, config.Objective{Objective: slo.Objective{
		Service: "shop", SLO: name, Name: "99%", Target: slo.MustDecimal("0.99"),
		Window: slo.Rolling{Length: slo.Day}, Indicator: id,
	}})
	return &w.env.Catalog.Objectives[len(w.env.Catalog.Objectives)-1].Objective
}

func (w *world) run(t *testing.T, opt measure.Options) measure.Report {
	t.Helper()
	rep, err := measure.Run(t.Context(), w.env, opt)
	if err != nil {
		t.Fatalf("measure: %v", err)
	}
	return rep
}

// history prints what is kept of a stretch: "+3=4/5" is minute 3 with 4 good
// events of 5, runs of equal minutes are joined; then what is answered.
func (w *world) history(t *testing.T, id timeline.ID, span slo.Span) string {
	t.Helper()
	views, err := w.env.History.Open(t.Context(), []timeline.Request{{ID: id, Points: []slo.Span{span}, Frontier: span.To}})
	if err != nil {
		t.Fatal(err)
	}
	metas, err := w.env.History.Meta(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	from, last, kept := slo.Minute(-1), slo.Minute(-1), slo.Count{}
	flush := func() {
		switch {
		case from < 0:
		case from == last:
			out = append(out, fmt.Sprintf("+%d=%v/%v", from-span.From, kept.Good.Float(), kept.Total.Float()))
		default:
			out = append(out, fmt.Sprintf("+%d..%d=%v/%v", from-span.From, last-span.From, kept.Good.Float(), kept.Total.Float()))
		}
	}
	for m, c := range views[id].Points(span) {
		if from < 0 || m != last+1 || c != kept {
			flush()
			from, kept = m, c
		}
		last = m
	}
	flush()
	out = append(out, "|")
	for _, a := range metric.Clip(metas[id].Answered, span) {
		out = append(out, fmt.Sprintf("%d-%d", a.From-span.From, a.To-span.From))
	}
	return strings.Join(out, " ")
}

// events are whole events.
func events(values ...int64) []slo.Amount {
	out := make([]slo.Amount, len(values))
	for i, v := range values {
		out[i] = slo.Events(v)
	}
	return out
}
