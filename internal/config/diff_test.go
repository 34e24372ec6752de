package config_test

import (
	"fmt"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
)

func TestDiff(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"a comment", "kind: SLO", "kind: SLO # of ours", ""},
		{"target", "objectives: [{target: 0.99}]", "objectives: [{displayName: x, target: 0.99}]", "objective s/a/0.99 is gone: target 0.99, window 30d rolling, budgeting Occurrences\nobjective s/a/x is new: target 0.99, window 30d rolling, budgeting Occurrences"},
		{"window", "duration: 30d", "duration: 28d", "objective s/a/0.99: window 30d rolling -> 28d rolling\nobjective s/a/0.99: conditions page above 14.4 in 1h and 5m; page above 6 in 6h and 30m; ticket above 3 in 1d and 2h; ticket above 1 in 3d and 6h -> page above 13.44 in 1h and 5m; page above 5.6 in 6h and 30m; ticket above 2.8 in 1d and 2h; ticket above 1 in 3d and 6h"},
		{"query", ":300", ":400", "indicator s.a: query"},
		{"region", "eu-west-1", "eu-central-1", "indicator s.a: query|source prod: details"},
		{"credentials", "accessKeyID: old", "accessKeyID: new", ""},
		{"annotation", "metadata: {name: a}", "metadata: {name: a, annotations: {nines/coverage: '0.5'}}", "objective s/a/0.99: coverage 0.9 -> 0.5"},
		{"service", "service: s", "service: t", "service s is gone: no details\nservice t is new: no details\nobjective s/a/0.99 is gone|objective t/a/0.99 is new|indicator s.a is gone|indicator t.a is new"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before, _ := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(measured)}}, config.Options{Types: types()})
			after, _ := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(strings.Replace(measured, tc.old, tc.new, 1))}}, config.Options{Types: types()})
			var got []string
			for _, c := range config.Diff(before, after) {
				got = append(got, c.String())
			}
			text := strings.Join(got, "\n")
			if tc.want == "" && text != "" {
				t.Errorf("changes:\n%s", text)
			}
			for want := range strings.SplitSeq(tc.want, "|") {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

// TestDiffPolicies: every field of a gate policy shows.
func TestDiffPolicies(t *testing.T) {
	text := func(spec string) *config.Catalog {
		return parse(t, "{apiVersion: nines/v1, kind: Service, metadata: {name: a}, spec: {from: {csv: a.csv}, objectives: [99% available]}}\n---\n"+
			"{apiVersion: nines/v1, kind: Service, metadata: {name: b}, spec: {from: {csv: a.csv}, objectives: [99% available]}}\n---\n"+
			"{apiVersion: nines/v1, kind: GatePolicy, metadata: {name: g}, spec: {services: [a]"+spec+"}}\n")
	}
	base := text("")
	for spec, want := range map[string]string{
		", mode: advise":                            "policy g: mode enforce -> advise",
		", onError: warn":                           "policy g: on error block -> warn",
		", verdicts: {caution: pass}":               "policy g: verdicts none -> caution: pass",
		", objectives: [availability]":              "policy g: objectives none -> availability",
		", dependsOn: [b]":                          "policy g: depends on none -> b",
		", dependsOn: [b], dependencyVerdict: fail": "policy g: dependency verdict none -> fail",
		", override: {perWeek: 0}":                  "policy g: override 2 a week for 24h0m0s by anybody -> never",
		", override: {maxFor: 1h, actors: [x]}":     "policy g: override 2 a week for 24h0m0s by anybody -> 2 a week for 1h0m0s by x",
		`, freezes: [{name: f, cron: "0 0 * * *", duration: 1h, exempt: [fix]}]`: "policy g: freezes none -> f at 0 0 * * * for 1h0m0s except [fix]",
		`, freezes: [{name: f, zone: UTC, holidays: ["12-24"]}]`:                 "policy g: freezes none -> f on 12-24 UTC",
		`, freezes: [{name: f, from: 2026-01-01, to: 2026-01-02}]`:               "policy g: freezes none -> f from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z",
	} {
		if got := fmt.Sprint(config.Diff(base, text(spec))); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in %s", spec, want, got)
		}
	}
	if got := config.Diff(text(", mode: advise"), base); len(got) != 1 {
		t.Errorf("backwards: %v", got)
	}
}
