package publish_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/publish"
	"gitlab.com/nines-sre/nines/internal/publish/memory"
	"gitlab.com/nines-sre/nines/internal/run"
	runpublish "gitlab.com/nines-sre/nines/internal/run/publish"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// entry is an objective measured up to three minutes ago.
func entry(change func(*status.Entry)) status.Entry {
	whole := slo.Stretch{Expected: 60, Measured: 60}
	e := status.Entry{
		Objective: &config.Objective{Objective: slo.Objective{
			Service: "pay", SLO: "availability", Name: "99.9%", MaxAge: 10, Coverage: slo.MustDecimal("0.9"),
		}},
		Status: slo.Status{
			Frontier: slo.MinuteOf(now) - 3, SLI: new(0.9995), Budget: slo.ErrorBudget{Remaining: new(0.5)}, Stretch: whole,
			Burns: []slo.BurnRate{{Lookback: slo.Hour, Rate: new(2.0), Stretch: whole}, {Lookback: 3 * slo.Day, Rate: new(1.0), Stretch: whole}},
		},
	}
	if change != nil {
		change(&e)
	}
	return e
}

func text(samples []publish.Sample) string {
	var out []string
	for _, s := range samples {
		var dims []string
		for _, d := range s.Dimensions {
			dims = append(dims, d.Value)
		}
		out = append(out, fmt.Sprintf("%s{%s} %v %s at %s", s.Name, strings.Join(dims, " "), s.Value, s.Unit, s.At.Format("15:04")))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestSamples(t *testing.T) {
	all := []string{runpublish.BudgetRemaining, runpublish.SLI, runpublish.Coverage, "BurnRate1h", "BurnRate3d"}
	const dims = "{pay availability 99.9%} "
	whole := "BudgetRemaining" + dims + "50 Percent at 11:57\nBurnRate1h" + dims + "2 None at 11:57\nBurnRate3d" + dims + "1 None at 11:57\n" +
		"Coverage" + dims + "100 Percent at 11:57\nSLI" + dims + "99.95 Percent at 11:57"
	for name, c := range map[string]struct {
		wanted []string
		change func(*status.Entry)
		want   string
	}{
		"everything":     {all, nil, whole},
		"defaults":       {runpublish.Defaults(), nil, "BudgetRemaining" + dims + "50 Percent at 11:57\nBurnRate1h" + dims + "2 None at 11:57"},
		"stale":          {all, func(e *status.Entry) { e.Status.Flags = []slo.Flag{slo.Stale} }, ""},
		"never measured": {all, func(e *status.Entry) { e.Status = slo.Status{} }, ""},
		"long past":      {all, func(e *status.Entry) { e.Status.Frontier -= 14 * slo.Day }, ""},
		"no traffic": {[]string{"BudgetRemaining", "SLI", "BurnRate1h"}, func(e *status.Entry) {
			e.Status.SLI, e.Status.Budget.Remaining, e.Status.Burns[0].Rate = nil, nil, nil
		}, ""},
		"thin hour": {[]string{"BurnRate1h", "BurnRate3d"}, func(e *status.Entry) { e.Status.Burns[0].Stretch.Measured = 50 }, "BurnRate3d" + dims + "1 None at 11:57"},
	} {
		if got := text(runpublish.Samples([]status.Entry{entry(c.change)}, c.wanted, now)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestAge(t *testing.T) {
	behind := entry(func(e *status.Entry) { e.Status.Frontier -= 20 })
	never := entry(func(e *status.Entry) { e.Status.Frontier = 0 })
	recording := entry(func(e *status.Entry) { e.Objective.MaxAge, e.Status.Frontier = 0, 1000 })
	for name, c := range map[string]struct {
		entries []status.Entry
		want    string
	}{
		"the oldest counts": {[]status.Entry{entry(nil), behind, recording}, "MeasuredFrontierAge{dev} 1380 Seconds at 12:00"},
		"never measured":    {[]status.Entry{entry(nil), never}, ""},
		"recordings only":   {[]status.Entry{recording}, "MeasuredFrontierAge{dev} 0 Seconds at 12:00"},
		"nothing":           {nil, ""},
	} {
		if got := text(runpublish.Age(c.entries, "dev", now)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRun(t *testing.T) {
	sink := memory.New()
	env := &run.Env{Now: now, Catalog: &config.Catalog{Settings: config.Settings{Publish: config.Publish{To: "cloudwatch", Metrics: []string{"SLI"}}}}}
	r, err := runpublish.Run(t.Context(), env, sink, runpublish.Options{Entries: []status.Entry{entry(nil)}})
	if err != nil || r.Published != 2 {
		t.Fatal(r, err)
	}
	if got := text(sink.Samples()); got != "MeasuredFrontierAge{} 180 Seconds at 12:00\nSLI{pay availability 99.9%} 99.95 Percent at 11:57" {
		t.Errorf("published:\n%s", got)
	}
}
