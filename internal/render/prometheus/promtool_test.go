package prometheus_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/render/prometheus"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/testkit/burn"
)

// promtool returns the program; tools/promtool.sh builds it.
func promtool(t *testing.T) string {
	t.Helper()
	path := os.Getenv("NINES_PROMTOOL")
	if path == "" {
		t.Skip("NINES_PROMTOOL names no promtool; `make test-full` builds one and sets it")
	}
	return path
}

func counters() slo.Ratio {
	q := func(text string) *slo.Query {
		return &slo.Query{Type: prometheus.Type, Spec: slo.Spec{"query": text}}
	}
	return slo.Ratio{Counter: true, Bad: q("bad_total"), Total: q("all_total")}
}

// objective is a vector's, measured by two counters.
func objective(v burn.Vector) alarms.Objective {
	return alarms.Objective{Objective: v.Objective(), Type: prometheus.Type, Measured: counters()}
}

// TestPromtoolWeighted tries the count form: more bad events than a share of the
// whole period's budget.
func TestPromtoolWeighted(t *testing.T) {
	program := promtool(t)
	for _, v := range burn.Own()[:2] {
		v = v.Within(6 * slo.Hour).Weighted()
		t.Run(v.ID, func(t *testing.T) { tried(t, program, objective(v), scriptOf(v)) })
	}
}

// TestPromtoolVectors lets Prometheus's own program evaluate the rules over series,
// and compares the minutes at which conditions hold and alerts fire with those at
// which our engine says so: at every minute.
func TestPromtoolVectors(t *testing.T) {
	program := promtool(t)
	t.Run("own", func(t *testing.T) {
		for i, v := range burn.Own() {
			if i > 0 { // three days of minutes before each would take minutes
				v = v.Within(slo.Day)
			}
			t.Run(v.ID, func(t *testing.T) { tried(t, program, objective(v), scriptOf(v)) })
		}
	})
	t.Run("published", func(t *testing.T) {
		for _, v := range burn.Published(t) {
			if v.ID != "V01" && v.ID != "V04" {
				v = v.Within(slo.Day)
			}
			o := objective(v)
			if v.ID == "V04" { // promtool has 10,000 samples for a query, and this budget would have more
				o.Window = slo.Calendar{N: 1, Unit: slo.CalendarMonth}
			}
			t.Run(v.ID, func(t *testing.T) { tried(t, program, o, scriptOf(v)) })
		}
	})
}

// tried runs a script of promtool against the rules of an objective.
func tried(t *testing.T, program string, o alarms.Objective, script string) {
	t.Helper()
	rules, notes := prometheus.Make([]alarms.Objective{o})
	text, err := prometheus.File(rules, notes)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"rules.yaml": text, "test.yaml": []byte(script)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("promtool %s: %v\n%.4000s", strings.Join(args, " "), err, out)
		}
	}
}

// head begins a script; series are input series by name.
func head(series ...[2]string) string {
	var b strings.Builder
	b.WriteString("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n")
	for _, s := range series {
		fmt.Fprintf(&b, "      - {series: %q, values: %q}\n", s[0], s[1])
	}
	b.WriteString("    promql_expr_test:\n")
	return b.String()
}

// expect is a value at the end of a minute.
func expect(expr string, minute int, value bool) string {
	n := 0
	if value {
		n = 1
	}
	return fmt.Sprintf("      - {expr: %q, eval_time: %dm, exp_samples: [{labels: '{}', value: %d}]}\n", expr, minute+1, n)
}

const alerting = `count(ALERTS{alertname="NinesBudgetBurn", severity=%q, alertstate="firing"}) or vector(0)`

// scriptOf is a script that expects of each minute what our engine says.
func scriptOf(v burn.Vector) string {
	var bad, all []int64
	for _, c := range v.Counts {
		bad, all = append(bad, int64(c.Bad()/slo.Unit)), append(all, int64(c.Total/slo.Unit))
	}
	var b strings.Builder
	b.WriteString(head([2]string{"bad_total", growth(bad)}, [2]string{"all_total", growth(all)}))
	holds := v.Holds()
	for i := v.From; i < len(v.Counts); i++ {
		on := map[slo.Severity]bool{}
		for k := range v.Conditions {
			b.WriteString(expect(fmt.Sprintf("sum(nines:condition{condition=%q})", v.Conditions[k].Name), i, holds[k][i]))
			on[v.Conditions[k].Severity] = on[v.Conditions[k].Severity] || holds[k][i]
		}
		b.WriteString(expect(fmt.Sprintf(alerting, "page"), i, on[slo.Page]))
		b.WriteString(expect(fmt.Sprintf(alerting, "ticket"), i, on[slo.Ticket] && !on[slo.Page]))
	}
	return b.String()
}

// growth writes a counter that grows by each minute's events, as promtool reads it:
// stretches of equal growth.
func growth(events []int64) string {
	out := []string{"0"}
	at := int64(0)
	for i := 0; i < len(events); {
		n := i
		for n < len(events) && events[n] == events[i] {
			n++
		}
		out = append(out, fmt.Sprintf("%d+%dx%d", at+events[i], events[i], n-i-1))
		at += events[i] * int64(n-i)
		i = n
	}
	return strings.Join(out, " ")
}

// TestPromtoolFreeze takes the data away in the middle of an incident: the
// condition keeps its state, and is over five good minutes after they are back.
func TestPromtoolFreeze(t *testing.T) {
	program := promtool(t)
	v := burn.Own()[0].Within(6 * slo.Hour)
	o := objective(v)
	const clean = 400
	good, bad := fmt.Sprintf("0+1000x%d", clean), fmt.Sprintf("0+0x%d", clean)
	top := clean * 1000
	var script strings.Builder
	script.WriteString(head(
		[2]string{"all_total", fmt.Sprintf("%s %d+1000x9 stale _x29 %d+1000x90", good, top+1000, top+20_000)},
		[2]string{"bad_total", fmt.Sprintf("%s 1000+1000x9 stale _x29 %d+0x90", bad, 10_000)},
	))
	for _, at := range []struct {
		minute     int
		fast, page bool
	}{
		{clean - 1, false, false},
		{clean, true, true},
		{clean + 9, true, true},
		{clean + 20, true, true},
		{clean + 39, true, true},
		// The first sample after the gap has nothing before it; then five minutes
		// must be known, and 27 of the half hour that keeps the slower page.
		{clean + 44, true, true},
		{clean + 45, false, true},
		{clean + 60, false, true},
		{clean + 80, false, false},
	} {
		script.WriteString(expect(`sum(nines:condition{condition="page-fast"})`, at.minute, at.fast) + expect(fmt.Sprintf(alerting, "page"), at.minute, at.page))
	}
	tried(t, program, o, script.String())
}
