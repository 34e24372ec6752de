package alarms_test

import (
	"fmt"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// objective is one over CloudWatch with the default conditions.
func objective(service string, measured slo.Indicator) alarms.Objective {
	o := slo.Objective{Service: service, SLO: "s", Name: "o", Target: slo.MustDecimal("0.999"), Window: slo.Rolling{Length: 30 * slo.Day}}
	o.Conditions, _ = slo.DefaultConditions(o.Window, o.Target)
	return alarms.Objective{Objective: o, Type: alarms.CloudWatch, Measured: measured}
}

func spec(expression string) *slo.Query {
	part := func(metric string) slo.Spec {
		return slo.Spec{"namespace": "App", "metric": metric, "stat": "Sum"}
	}
	return &slo.Query{Spec: slo.Spec{"expression": expression, "queries": slo.Spec{"a": part("a"), "b": part("b")}}}
}

// TestExpressions: what adds and scales is exact over a window; what does more is
// said; what no alarm knows is left out.
func TestExpressions(t *testing.T) {
	for expression, want := range map[string]string{
		"a + b": "", "SUM([a, b])": "", "a / 100": "", "a - 2 * b": "", "FILL(a, 0) + b": "",
		"a * b / 100": "multiplies or compares", "a + 1": "multiplies or compares", "IF(a > 1, b)": "multiplies or compares",
		"a / b": "multiplies or compares", "MAX([a, b])": "multiplies or compares",
		"SUM(SEARCH('{App} MetricName=\"x\"', 'Sum', 60))": "SEARCH", "SUM(METRICS())": "METRICS()",
	} {
		_, notes := alarms.Plan([]alarms.Objective{objective("v", slo.Ratio{Bad: spec(expression), Total: spec("a + b")})})
		var said strings.Builder
		for _, n := range notes {
			if n.Condition == "" {
				said.WriteString(n.Text)
			}
		}
		if want == "" && said.String() != "" || want != "" && !strings.Contains(said.String(), want) {
			t.Errorf("%s: %q, want %q", expression, said.String(), want)
		}
	}
}

// TestStacks: stacks are cut before they are too large, and each alarm is in one of
// them.
func TestStacks(t *testing.T) {
	var all []alarms.Objective
	for i := range 60 {
		all = append(all, objective(fmt.Sprintf("s%02d", i), ratio()))
	}
	stacks, _ := alarms.Plan(all)
	names := map[string]bool{}
	for _, s := range stacks {
		if n := len(s.Alarms) + len(s.Composites); n > 480 {
			t.Errorf("%s has %d alarms", s.Name, n)
		}
		if names[s.Name] {
			t.Errorf("two stacks are called %s", s.Name)
		}
		names[s.Name] = true
		for _, a := range s.Alarms {
			if names[a.Name] {
				t.Errorf("two alarms are called %s", a.Name)
			}
			names[a.Name] = true
			if a.Period < 1 || a.Period > slo.Day || int64(a.Period)*int64(a.Periods) > int64(7*slo.Day) || a.Datapoints > a.Periods {
				t.Errorf("%+v", a)
			}
		}
	}
	if len(stacks) != 2 {
		t.Errorf("%d stacks", len(stacks))
	}
}

// TestNames: names that differ still do.
func TestNames(t *testing.T) {
	if a, b := alarms.Clean(`a"b`), alarms.Clean("a%22b"); a == b || strings.Contains(a, `"`) {
		t.Errorf("%s and %s", a, b)
	}
	if a, b := alarms.Token("a-b/c", ""), alarms.Token("a/b-c", ""); a == b || !strings.HasPrefix(a, "ABC") {
		t.Errorf("%s and %s", a, b)
	}
	if got := alarms.Token(strings.Repeat("é", 300), "_"); len(got) > 190 {
		t.Errorf("%d letters", len(got))
	}
}
