package status_test

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/metric/csv"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/run/measure"
	"gitlab.com/nines-sre/nines/internal/run/status"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
	"gitlab.com/nines-sre/nines/internal/timeline/memory"
)

const day slo.Minute = 20119 * slo.Day // 2025-01-31

// house is an environment over files in a folder and a store in memory.
func house(t *testing.T, dir string) *run.Env {
	t.Helper()
	return &run.Env{
		Catalog: &config.Catalog{Sources: []config.DataSource{{Name: "files", Type: "csv", Dir: dir}}},
		History: timeline.NewHistory(memory.New()),
		Open: func(ctx context.Context, ds config.DataSource) (metric.Source, error) {
			return csv.Open(ctx, ds.Details, ds.Dir)
		},
		Now: (day + 400*slo.Day).Time(),
	}
}

// ratio adds an indicator over two columns of a file.
func ratio(env *run.Env, id, path, good, total string) {
	query := func(column string) *slo.Query {
		return &slo.Query{Source: "files", Type: "csv", Spec: slo.Spec{"path": path, "column": column}}
	}
	env.Catalog.Indicators = append(env.Catalog.Indicators, config.Indicator{
		ID: id, Source: "files", Lineage: "v1", Definition: slo.Ratio{Good: query(good), Total: query(total)},
	})
}

// objective adds one over an indicator: 99.9 % of events in 30 rolling days
// unless changed.
func objective(env *run.Env, name, indicator string, change func(*slo.Objective)) {
	o := slo.Objective{
		Service: "shop", SLO: name, Name: "0.999", Target: slo.MustDecimal("0.999"),
		Window: slo.Rolling{Length: 30 * slo.Day}, Indicator: indicator,
	}
	if change != nil {
		change(&o)
	}
	o.Conditions, o.LeftOut = slo.DefaultConditions(o.Window, o.Target)
	env.Catalog.Objectives = append(env.Catalog.Objectives, config.Objective{Objective: o})
}

func timeslices(length slo.Minute, target string) func(*slo.Objective) {
	return func(o *slo.Objective) {
		o.Budgeting, o.Slice, o.SliceTarget = slo.Timeslices, length, slo.MustDecimal(target)
	}
}

// bring measures and reads everything.
func bring(t *testing.T, env *run.Env, opt status.Options) map[string]status.Entry {
	t.Helper()
	if rep, err := measure.Run(t.Context(), env, measure.Options{}); err != nil {
		t.Fatalf("measure: %v (%+v)", err, rep)
	}
	return read(t, env, opt)
}

func read(t *testing.T, env *run.Env, opt status.Options) map[string]status.Entry {
	t.Helper()
	entries, err := status.Read(t.Context(), env, opt)
	if err != nil {
		t.Fatalf("status: %v", err)
	}
	out := map[string]status.Entry{}
	for _, e := range entries {
		out[e.Objective.SLO] = e
	}
	return out
}

// TestRealInput sums a file of real measurements, gaps and all, as a few lines
// of awk do.
func TestRealInput(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "shared", "data", "cloudwatch", "elb_request_count_8c0756.csv")
	f, err := os.Open(path)
	if err != nil {
		t.Skip("the real measurements are not beside this checkout")
	}
	defer func() { _ = f.Close() }()
	type row struct {
		at    slo.Minute
		value float64
	}
	var rows []row
	for lines := bufio.NewScanner(f); lines.Scan(); {
		stamp, value, _ := strings.Cut(lines.Text(), ",")
		at, err := time.Parse(time.DateTime, stamp)
		if err != nil {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row{slo.MinuteOf(at), v})
	}
	end := rows[len(rows)-1].at + 5
	var sum float64
	counted := 0
	for _, r := range rows {
		if r.at >= end-2*slo.Week { // a step begins there, so none is cut
			sum += r.value
			counted++
		}
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	env := house(t, "")
	ratio(env, "requests", abs, "value", "value")
	objective(env, "two-weeks", "requests", func(o *slo.Objective) { o.Window = slo.Rolling{Length: 2 * slo.Week} })
	objective(env, "slices", "requests", func(o *slo.Objective) {
		o.Window = slo.Rolling{Length: 2 * slo.Week}
		timeslices(5, "0.9")(o)
	})
	objective(env, "too-fine", "requests", func(o *slo.Objective) {
		o.Window = slo.Rolling{Length: 2 * slo.Week}
		timeslices(1, "0.9")(o)
	})
	got := bring(t, env, status.Options{})
	st := got["two-weeks"].Status
	if st.Frontier != end || st.Window != (slo.Span{From: end - 2*slo.Week, To: end}) {
		t.Errorf("frontier %v, window %v; the file ends at %v", st.Frontier.Time(), st.Window, end.Time())
	}
	if st.Stretch.Total.Float() != sum || st.Stretch.Good != st.Stretch.Total {
		t.Errorf("total %v good %v, want %v", st.Stretch.Total.Float(), st.Stretch.Good.Float(), sum)
	}
	if st.Stretch.Measured != int64(2*slo.Week) || st.Stretch.Coverage() != 1 {
		t.Errorf("measured %d of %d minutes", st.Stretch.Measured, st.Stretch.Expected)
	}
	t.Logf("%d of %d rows, %v requests, %d minutes", counted, len(rows), sum, st.Stretch.Measured)
	// Steps of five minutes begin at minute 4, slices at minute 0 and 5: a slice
	// is as wide as the data and holds parts of two steps.
	if s := got["slices"].Status.Stretch; s.Measured < 4030 {
		t.Errorf("%d slices of five minutes are measured", s.Measured)
	}
	// Of slices finer than the data only the silent ones are known.
	if s := got["too-fine"].Status; s.Stretch.Measured != int64(2*slo.Week)-5*int64(counted) || s.Stretch.Total != 0 || s.Level != slo.Unknown {
		t.Errorf("%d slices finer than their data are measured, level %v", s.Stretch.Measured, s.Level)
	}
}

// dayAndNight writes thirty days of five-minute slots: 1,000 requests by day
// (8 to 20 h), 2 by night.
func dayAndNight(t *testing.T, path string, bad func(at slo.Minute, total int) int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("timestamp,good,total\n")
	for at := day - 30*slo.Day; at < day; at += 5 {
		total := 2
		if h := at % slo.Day / slo.Hour; h >= 8 && h < 20 {
			total = 1000
		}
		fmt.Fprintf(&b, "%s,%d,%d\n", at.Time().Format(time.RFC3339), total-bad(at, total), total)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDayAndNight is the example of what averages hide.
func TestDayAndNight(t *testing.T) {
	dir := t.TempDir()
	noon, midnight := day-10*slo.Day+12*slo.Hour, day-10*slo.Day
	dayAndNight(t, filepath.Join(dir, "day.csv"), func(at slo.Minute, total int) int {
		if at >= noon && at < noon+slo.Hour {
			return total / 2
		}
		return 0
	})
	dayAndNight(t, filepath.Join(dir, "night.csv"), func(at slo.Minute, total int) int {
		if at >= midnight && at < midnight+slo.Hour {
			return total
		}
		return 0
	})
	env := house(t, dir)
	ratio(env, "day", "day.csv", "good", "total")
	ratio(env, "night", "night.csv", "good", "total")
	objective(env, "day-events", "day", nil)
	objective(env, "night-events", "night", nil)
	objective(env, "night-slices", "night", timeslices(5, "0.95"))
	got := bring(t, env, status.Options{Detail: true})
	for name, want := range map[string]float64{
		"day-events":   6000 / (0.001 * 30 * (144*1000 + 144*2)),
		"night-events": 24 / (0.001 * 30 * (144*1000 + 144*2)),
		"night-slices": 12 / (0.001 * 30 * 288),
	} {
		e := got[name]
		r := e.Status.Budget.Remaining
		if r == nil || math.Abs(1-*r-want) > 1e-9 {
			t.Errorf("%s spent %v of the budget, want %.4f", name, 1-*r, want)
			continue
		}
		t.Logf("%s: %.2f %% of the budget", name, 100*(1-*r))
		if len(e.Losses) != 1 || e.Losses[0].Span.Len() != slo.Hour || len(e.Trend) != 30 {
			t.Errorf("%s: losses %v, %d points of trend", name, e.Losses, len(e.Trend))
		}
		if closed := *r <= 0.1; closed != (e.Reopen != nil) {
			t.Errorf("%s: remaining %v, reopens %v", name, *r, e.Reopen)
		}
		if state := status.State(e, false); *state.Remaining != *r || (state.ReopensInSeconds != nil) != (e.Reopen != nil) || state.Coverage != 1 {
			t.Errorf("%s: state %+v", name, state)
		}
	}
	if n := len(got["day-events"].Status.Conditions); n != 4 {
		t.Errorf("%d conditions", n)
	}
}

func TestNoDataIsNeverHealthy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.csv"), []byte("timestamp,good,total\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dayAndNight(t, filepath.Join(dir, "full.csv"), func(slo.Minute, int) int { return 0 })
	env := house(t, dir)
	ratio(env, "empty", "empty.csv", "good", "total")
	ratio(env, "full", "full.csv", "good", "total")
	ratio(env, "gone", "gone.csv", "good", "total")
	objective(env, "empty", "empty", nil)
	objective(env, "empty-slices", "empty", timeslices(5, "0.9"))
	objective(env, "full", "full", nil)
	objective(env, "gone", "gone", nil)
	objective(env, "both", "", func(o *slo.Objective) {
		for _, i := range []int{2, 3} {
			o.Members = append(o.Members, slo.Member{Objective: &env.Catalog.Objectives[i].Objective})
		}
	})
	// Before anything was measured nothing is known either.
	for name, e := range read(t, env, status.Options{}) {
		checkUnknown(t, name+" unmeasured", e)
	}
	rep, err := measure.Run(t.Context(), env, measure.Options{})
	if fault.KindOf(err) != fault.NotFound || len(rep.Failed) != 1 || rep.Failed["gone"] == "" {
		t.Errorf("a missing file: %v, %+v", err, rep)
	}
	got := read(t, env, status.Options{Detail: true})
	for _, name := range []string{"empty", "empty-slices", "gone", "both"} {
		checkUnknown(t, name, got[name])
	}
	if st := got["full"].Status; st.Level != slo.Healthy || len(st.Flags) > 0 {
		t.Errorf("the full one is %v %v", st.Level, st.Flags)
	}
}

func checkUnknown(t *testing.T, name string, e status.Entry) {
	t.Helper()
	flagged := false
	for _, f := range e.Status.Flags {
		flagged = flagged || f == slo.InsufficientData
	}
	if e.Status.Level != slo.Unknown || !flagged || e.Reopen != nil {
		t.Errorf("%s: level %v, flags %v", name, e.Status.Level, e.Status.Flags)
	}
	if s := status.State(e, true); s.Remaining != nil || s.Coverage != 0 || !s.Frontier.IsZero() || !s.Dependency {
		t.Errorf("%s: state %+v", name, s)
	}
}
