package meter_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/metric/memory"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/meter"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const t0 slo.Minute = 29_000_000

// lag is how far what is usable stays behind.
const lag = 3

// world is a source in memory with series by version.
type world struct {
	src *memory.Source
	env *run.Env
	now slo.Minute
}

func newWorld() *world {
	w := &world{src: memory.New(metric.Caps{Lag: lag}), now: t0 + 10 + lag}
	w.env = &run.Env{
		Catalog: &config.Catalog{Sources: []config.DataSource{{Name: "live", Type: "memory"}}},
		Open:    func(context.Context, config.DataSource) (metric.Source, error) { return w.src, nil },
	}
	return w
}

func (w *world) objective(name string, def slo.Indicator) {
	c := w.env.Catalog
	c.Indicators = append(c.Indicators, config.Indicator{ID: "pay." + name, Definition: def, Source: "live"})
	c.Objectives = append(c.Objectives, config.Objective{Objective: slo.Objective{Service: "pay", SLO: name, Name: "99%", Indicator: "pay." + name}})
}

func series(name string) *slo.Query {
	return &slo.Query{Source: "live", Type: "memory", Spec: memory.Spec(name)}
}

func (w *world) meter(t testing.TB, opt meter.Options) *meter.Source {
	t.Helper()
	opt.Service, opt.Now = "pay", func() time.Time { return w.now.Time().Add(20 * time.Second) }
	m, err := meter.New(w.env, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func read(t testing.TB, m meter.Meter, version string) meter.Reading {
	t.Helper()
	r, err := m.Read(context.Background(), version, slo.Span{From: t0, To: t0 + 100})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// line is what the first line holds.
func line(r meter.Reading) []meter.Minute { return r.Lines[0].Minutes }

func count(at slo.Minute, total, bad int64) meter.Minute {
	return meter.Minute{At: t0 + at, Arm: judge.Arm{Total: total, Bad: bad}}
}

func TestCountsByVersion(t *testing.T) {
	w := newWorld()
	w.objective("availability", slo.Ratio{Good: series("good-${version}"), Total: series("total-${version}")})
	w.src.Line("total-7", t0, 1, slo.Events(100), slo.Events(90), slo.Events(80))
	w.src.Line("good-7", t0, 1, slo.Events(99), slo.Events(90), slo.Events(80))
	w.src.Line("total-8", t0+1, 1, slo.Events(10))
	r := read(t, w.meter(t, meter.Options{}), "7")
	if r.Frontier != t0+10 || len(line(r)) != 10 || len(r.Notes) != 0 {
		t.Fatalf("frontier +%d, %v, notes %v", r.Frontier-t0, line(r), r.Notes)
	}
	want := []meter.Minute{count(0, 100, 1), count(1, 90, 0), count(2, 80, 0), count(3, 0, 0)}
	if d := cmp.Diff(want, line(r)[:4]); d != "" {
		t.Error(d)
	}
}

func TestAVersionThatDoesNothingWell(t *testing.T) {
	w := newWorld()
	w.objective("availability", slo.Ratio{Good: series("good-${version}"), Total: series("total-${version}")})
	w.src.Line("total-7", t0, 1, slo.Events(100))
	w.src.Line("good-7", t0, 1, slo.Events(100))
	w.src.Line("total-8", t0, 1, slo.Events(10))
	m := w.meter(t, meter.Options{})
	// Its good series has never had a point. That it is no typo is known once the
	// other version's was seen.
	if r := read(t, m, "8"); len(line(r)) != 9 || !strings.Contains(strings.Join(r.Notes, " "), "no such metric") {
		t.Errorf("%v, notes %v", line(r), r.Notes)
	}
	read(t, m, "7")
	if r := read(t, m, "8"); len(line(r)) != 10 || !cmp.Equal(line(r)[0], count(0, 10, 10)) {
		t.Errorf("%v, notes %v", line(r), r.Notes)
	}
	// A total that does not exist is no traffic of zero.
	if r := read(t, m, "9"); len(line(r)) != 0 || len(r.Notes) != 1 {
		t.Errorf("%v, notes %v", line(r), r.Notes)
	}
}

func TestWhatIsNotAnsweredIsNotMeasured(t *testing.T) {
	w := newWorld()
	w.objective("errors", slo.Ratio{Bad: series("bad-${version}"), Total: series("total-${version}")})
	w.src.Line("total-8", t0, 1, slo.Events(10), slo.Events(10), slo.Events(10), slo.Events(10))
	w.src.Hide("bad-8", slo.Span{From: t0 + 1, To: t0 + 3})
	r := read(t, w.meter(t, meter.Options{}), "8")
	if got := line(r); len(got) != 8 || !cmp.Equal(got[0], count(0, 10, 0)) || !cmp.Equal(got[1], count(3, 10, 0)) {
		t.Errorf("%v", got)
	}
	if !strings.Contains(strings.Join(r.Notes, " "), "no answer for 2 minutes") {
		t.Errorf("notes %v", r.Notes)
	}
	w.src.Put("total-8", metric.Point{At: t0 + 4, Value: slo.Events(1)})
	w.src.Put("bad-8", metric.Point{At: t0 + 4, Value: slo.Events(2)})
	if got := line(read(t, w.meter(t, meter.Options{}), "8")); len(got) != 7 {
		t.Errorf("more bad events than events were counted: %v", got)
	}
}

func TestACoarseStepIsSpreadAndAnUnfinishedOneWaits(t *testing.T) {
	w := newWorld()
	w.objective("errors", slo.Ratio{Bad: series("bad-${version}"), Total: series("total-${version}")})
	w.src.Line("total-8", t0, 5, slo.Events(12), slo.Events(10), slo.Events(10))
	w.src.Line("bad-8", t0, 5, slo.Events(1), 0, 0)
	w.now = t0 + 13 + lag
	got := line(read(t, w.meter(t, meter.Options{}), "8"))
	var total, bad int64
	for _, m := range got {
		total, bad = total+m.Total, bad+m.Bad
	}
	if len(got) != 10 || total != 22 || bad != 1 {
		t.Errorf("%d minutes, %d requests, %d bad: %v", len(got), total, bad, got)
	}
}

// TestRounding: whatever the fractions, sums stay within half an event of the
// exact ones, and no minute has more bad events than events.
func TestRounding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld()
		w.objective("errors", slo.Ratio{Bad: series("bad-${version}"), Total: series("total-${version}")})
		n := rapid.IntRange(1, 10).Draw(rt, "n")
		var good, bad slo.Amount
		for i := range n {
			total := slo.Amount(rapid.Int64Range(0, 5_000_000).Draw(rt, "total"))
			b := slo.Amount(rapid.Int64Range(0, int64(total)).Draw(rt, "bad"))
			good, bad = good+total-b, bad+b
			w.src.Put("total-8", metric.Point{At: t0 + slo.Minute(i), Value: total})
			w.src.Put("bad-8", metric.Point{At: t0 + slo.Minute(i), Value: b})
		}
		var gotGood, gotBad int64
		for _, m := range line(read(t, w.meter(t, meter.Options{}), "8")) {
			if m.Bad < 0 || m.Bad > m.Total {
				rt.Fatalf("%+v", m)
			}
			gotGood, gotBad = gotGood+m.Total-m.Bad, gotBad+m.Bad
		}
		if d := slo.Events(gotGood) - good; d > slo.Unit/2 || d < -slo.Unit/2 {
			rt.Fatalf("%d good, and exactly %v", gotGood, good.Float())
		}
		if d := slo.Events(gotBad) - bad; d > slo.Unit/2 || d < -slo.Unit/2 {
			rt.Fatalf("%d bad, and exactly %v", gotBad, bad.Float())
		}
	})
}

func TestValues(t *testing.T) {
	w := newWorld()
	w.src.Line("p99-8", t0, 5, slo.Events(200), slo.Events(210))
	m := w.meter(t, meter.Options{Metrics: []config.RolloutMetric{{
		Name: "p99", Source: "live", Metric: judge.Metric{Unit: "ms"}, Queries: map[string]slo.Query{"value": *series("p99-${version}")},
	}}})
	r := read(t, m, "8")
	// A value of five minutes was measured once.
	if got := line(r); len(got) != 2 || got[0].Value == nil || *got[0].Value != 200 || got[1].At != t0+5 {
		t.Errorf("%+v", got)
	}
}

func TestWhatCannotBeToldApartIsRefused(t *testing.T) {
	w := newWorld()
	w.objective("availability", slo.Ratio{Good: series("good"), Total: series("total")})
	opt := meter.Options{Service: "pay", Now: time.Now}
	if _, err := meter.New(w.env, opt); fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v", err)
	}
	opt.Together = true
	if _, err := meter.New(w.env, opt); err != nil {
		t.Errorf("all versions together: %v", err)
	}
	if _, err := meter.New(newWorld().env, opt); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nothing to be measured: %v", err)
	}
}

// TestDimensions looks at what CloudWatch would be asked.
func TestDimensions(t *testing.T) {
	dims := func(kv ...string) slo.Spec {
		out := slo.Spec{}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return out
	}
	of := func(namespace string, d slo.Spec) *slo.Query {
		return &slo.Query{Source: "live", Type: "CloudWatch", Spec: slo.Spec{"series": "x", "namespace": namespace, "metric": "Errors", "stat": "Sum", "dimensions": d}}
	}
	lambda := act.Place{Kind: "lambda", Params: map[string]string{"function": "pay", "alias": "live"}}
	for _, c := range []struct {
		name string
		opt  meter.Options
		q    *slo.Query
		want slo.Spec
	}{
		{"a Lambda alias", meter.Options{Target: lambda}, of("AWS/Lambda", dims("FunctionName", "pay")), dims("FunctionName", "pay", "Resource", "pay:live", "ExecutedVersion", "8")},
		{
			"a dimension of one's own",
			meter.Options{Split: config.Split{Dimension: "version", Drop: []string{"method"}, Add: map[string]string{"stage": "prod"}}},
			of("PaymentAPI", dims("service", "pay", "method", "GET")), dims("service", "pay", "stage", "prod", "version", "8"),
		},
		{"the word", meter.Options{}, of("PaymentAPI", dims("service", "pay", "version", "v${version}")), dims("service", "pay", "version", "v8")},
		{"two functions", meter.Options{Target: act.Place{Kind: "functions"}}, of("AWS/Lambda", dims("FunctionName", "pay", "Resource", "pay:live")), dims("FunctionName", "8")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.objective("errors", slo.Ratio{Bad: c.q, Total: c.q})
			read(t, w.meter(t, c.opt), "8")
			asked := w.src.Asked()
			if d := cmp.Diff(c.want, asked[0].Queries[0].Spec["dimensions"]); d != "" {
				t.Error(d)
			}
		})
	}
	w := newWorld()
	w.objective("errors", slo.Ratio{Bad: of("PaymentAPI", dims("service", "pay")), Total: of("PaymentAPI", dims("service", "pay"))})
	if _, err := meter.New(w.env, meter.Options{Service: "pay", Target: lambda, Now: time.Now}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a metric of one's own has no ExecutedVersion: %v", err)
	}
}

func TestARecordingIsUsableUpToTheClock(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("timestamp,good,total\n")
	for i := range 60 {
		b.WriteString((t0 + slo.Minute(i)).Time().Format(time.RFC3339) + ",9,10\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "p-8.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	w.env.Open = func(ctx context.Context, _ config.DataSource) (metric.Source, error) {
		return csv.Type().Open(ctx, nil, dir)
	}
	q := func(column string) *slo.Query {
		return &slo.Query{Source: "live", Type: "csv", Spec: slo.Spec{"path": "p-${version}.csv", "column": column}}
	}
	w.objective("availability", slo.Ratio{Good: q("good"), Total: q("total")})
	w.now = t0 + 20
	r := read(t, w.meter(t, meter.Options{}), "8")
	if r.Frontier != t0+20 || len(line(r)) != 20 || !cmp.Equal(line(r)[19], count(19, 10, 1)) {
		t.Errorf("+%d, %v", r.Frontier-t0, line(r))
	}
	w.now = t0 + 90
	if r = read(t, w.meter(t, meter.Options{}), "8"); r.Frontier != t0+60 {
		t.Errorf("+%d", r.Frontier-t0)
	}
}
