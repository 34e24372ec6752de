package config_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/notify"
	"gitlab.com/nines-sre/nines/internal/slo"
)

func itoa(n int) string { return fmt.Sprint(n) }

// parse wants documents without an error.
func parse(t *testing.T, text string) *config.Catalog {
	t.Helper()
	cat, problems := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(text)}}, config.Options{Types: types()})
	if problems.Errors() > 0 {
		t.Fatalf("%s\n%v", text, problems)
	}
	return cat
}

func valid(t *testing.T, name string) *config.Catalog {
	t.Helper()
	cat, problems := load(t, "testdata/valid/"+name)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return cat
}

func TestResolveAllKinds(t *testing.T) {
	cat := valid(t, "all-kinds.yaml")
	if got := serviceNames(cat); got != "shop ledger" || cat.Services[0].Owner != "web" || cat.Services[0].DependsOn[0] != "ledger" {
		t.Errorf("services: %+v", cat.Services)
	}
	if len(cat.Objectives) != 2 || len(cat.Indicators) != 1 || len(cat.Sources) != 1 {
		t.Fatalf("%d objectives, %d indicators, %d sources", len(cat.Objectives), len(cat.Indicators), len(cat.Sources))
	}
	fast, second := cat.Objectives[0], cat.Objectives[1]
	if fast.Key() != "shop/speed/fast" || second.Key() != "shop/speed/0.995" || fast.Owner != "web" {
		t.Errorf("keys: %s, %s", fast.Key(), second.Key())
	}
	if fast.MinBad != slo.Events(20) || fast.Coverage.String() != "0.95" || fast.MaxAge != 20 || fast.DependsOn[0] != "ledger" {
		t.Errorf("annotations: %+v", fast.Objective)
	}
	want := []slo.Condition{
		{Name: "page-1h", Severity: slo.Page, Long: 60, Short: 5, Threshold: slo.MustDecimal("14.4"), Weighted: true},
		{Name: "ticket-3d", Severity: slo.Ticket, Long: 3 * slo.Day, Short: 360, Threshold: slo.MustDecimal("1"), Weighted: true},
	}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(fast.Conditions)); diff != "" {
		t.Errorf("conditions:\n%s", diff)
	}
	ind := cat.Indicators[0]
	if ind.ID != "shop-fast" || ind.Source != "prod" || ind.Period != 1 || ind.Missing != slo.MissingZero || ind.Since.Time() != time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("indicator: %+v", ind)
	}
	if len(cat.AlertPolicies) != 2 || cat.AlertPolicies[1].After != 2 || cat.AlertPolicies[1].Targets[0].Address.Kind != notify.SNS || cat.AlertPolicies[1].Targets[0].Hours == "" {
		t.Errorf("alert policies: %+v", cat.AlertPolicies)
	}
}

func TestResolveComposite(t *testing.T) {
	cat := valid(t, "composite.yaml")
	if len(cat.Objectives) != 1 || len(cat.Indicators) != 2 {
		t.Fatalf("%d objectives, %d indicators", len(cat.Objectives), len(cat.Indicators))
	}
	o := cat.Objectives[0]
	if o.Name != "Buying something" || len(o.Members) != 2 || o.Indicator != "" || o.Target.String() != "0.995" {
		t.Errorf("composite: %+v", o.Objective)
	}
	a, b := o.Members[0], o.Members[1]
	if a.Objective.Indicator != "search-ok" || a.Weight.String() != "1" || b.Objective.Indicator != "checkout.buy-journey.2" || b.Weight.String() != "3" || b.Objective.Target.String() != "0.999" {
		t.Errorf("members: %+v %+v", a.Objective, b.Objective)
	}
	if r, ok := cat.Indicators[1].Definition.(slo.Ratio); !ok || !r.Counter || r.Good == nil || r.Bad != nil {
		t.Errorf("counter: %+v", cat.Indicators[1].Definition)
	}
}

func TestResolveSlices(t *testing.T) {
	cat := valid(t, "slices.yaml")
	o := cat.Objectives[0]
	cal, ok := o.Window.(slo.Calendar)
	if !ok || cal.Unit != slo.CalendarMonth || cal.Location.String() != "Europe/Paris" {
		t.Errorf("window: %+v", o.Window)
	}
	if o.Budgeting != slo.Timeslices || o.Slice != 5 || o.Missing != slo.MissingGood || o.MaxAge != 10 {
		t.Errorf("objective: %+v", o.Objective)
	}
	th, ok := cat.Indicators[0].Definition.(slo.Threshold)
	if !ok || th.Op != slo.LessOrEqual || th.Bound.String() != "60" || cat.Indicators[0].ID != "jobs.waiting" {
		t.Errorf("threshold: %+v", cat.Indicators[0])
	}
	raw, ok := cat.Indicators[1].Definition.(slo.RawRatio)
	if !ok || !raw.Failure || cat.Indicators[1].Missing != slo.MissingUnmeasured || cat.Objectives[1].MaxAge != 0 {
		t.Errorf("raw: %+v", cat.Indicators[1])
	}
	for _, c := range cat.Objectives[1].Conditions {
		if c.Short < 60 || c.Long < 60 {
			t.Errorf("condition %s looks back over less than a slice: %+v", c.Name, c)
		}
	}
}

func TestResolveGate(t *testing.T) {
	cat := valid(t, "gate.yaml")
	p := cat.Policies[1]
	if p.Name != "payments" || p.OnError != gate.OnErrorWarn || p.Verdicts["fix:exhausted"] != decision.Fail || p.DependencyVerdict != decision.Fail {
		t.Errorf("policy: %+v", p.Policy)
	}
	if p.Override.PerWeek != -1 || p.Override.MaxFor != 4*time.Hour || p.Override.Actors[0] != "lead" {
		t.Errorf("override: %+v", p.Override)
	}
	f := p.Freezes
	if f[0].Duration != 64*time.Hour || f[0].Zone != "Europe/Berlin" || len(f[0].Exempt) != 2 || len(f[1].Holidays) != 3 || f[2].To.Format(time.DateOnly) != "2026-02-03" {
		t.Errorf("freezes: %+v", f)
	}
	if p := cat.Policies[0]; p.Mode != gate.ModeAdvise || p.Services[0] != "*" || p.Override.PerWeek != 0 {
		t.Errorf("default: %+v", p)
	}
	if e := cat.Exclusions; len(e) != 2 || e[0].Cron == "" || e[0].Duration != 2*time.Hour || e[1].To.Sub(e[1].From) != 90*time.Minute {
		t.Errorf("exclusions: %+v", e)
	}
	if s := cat.Settings; s.Store != "sqlite:.nines/nines.db" || s.Width != 120 || !s.Explain {
		t.Errorf("settings: %+v", s)
	}
}

// measured is an SLO whose parts can be changed one at a time.
const measured = `
{apiVersion: openslo/v1, kind: DataSource, metadata: {name: prod}, spec: {type: CloudWatch, connectionDetails: {region: eu-west-1, roleArn: "arn:aws:iam::123456789012:role/read", accessKeyID: old}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: s
  indicator:
    metadata: {name: i, annotations: {nines/period: 1m}}
    spec:
      ratioMetric:
        counter: false
        good: {metricSource: {metricSourceRef: prod, spec: {namespace: N, metric: Latency, dimensions: {A: b}, stat: "TC(:300)"}}}
        total: {metricSource: {metricSourceRef: prod, spec: {namespace: N, metric: Latency, dimensions: {A: b}, stat: SampleCount}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
`

// TestLineage: what is measured makes the lineage; target, window and
// credentials do not.
func TestLineage(t *testing.T) {
	lineage := func(text string) string {
		cat, _ := config.Parse([]config.File{{Name: "a.yaml", Data: []byte(text)}}, config.Options{Types: types()})
		if len(cat.Indicators) != 1 {
			t.Fatalf("%d indicators", len(cat.Indicators))
		}
		return cat.Indicators[0].Lineage
	}
	base := lineage(measured)
	for _, tc := range []struct {
		old, new string
		moves    bool
	}{
		{"0.99", "0.999", false},
		{"30d", "7d", false},
		{"accessKeyID: old", "accessKeyID: new", false},
		{"role/read", "role/other", false},
		{"name: prod", "name: production", false},
		{"dimensions: {A: b}, stat: SampleCount", "stat: SampleCount, dimensions: {A: b}", false},
		{":300", ":400", true},
		{"123456789012", "210987654321", true},
		{"eu-west-1", "eu-central-1", true},
		{"metric: Latency, dimensions: {A: b}, stat: SampleCount", "metric: Count, stat: Sum", true},
		{"nines/period: 1m", "nines/period: 5m", true},
		{"counter: false", "counter: true", true},
	} {
		text := strings.ReplaceAll(measured, tc.old, tc.new)
		if tc.old == "name: prod" {
			text = strings.ReplaceAll(text, "Ref: prod", "Ref: production")
		}
		if text == measured {
			t.Fatalf("%q changes nothing", tc.old)
		}
		if got := lineage(text); (got != base) != tc.moves {
			t.Errorf("%s -> %s: lineage moved %t, want %t", tc.old, tc.new, got != base, tc.moves)
		}
	}
}

// TestDigest: the digest does not depend on where and in which order documents
// stand, on comments, or on how a number is spelled.
func TestDigest(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs := append(strings.Split(string(data), "\n---\n"), strings.Split(strings.Replace(measured, "service: s", "service: pay", 1), "\n---\n")...)
	want := parse(t, strings.Join(docs, "\n---\n")).Digest
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 1))
		shuffled := append([]string{}, docs...)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		var files []config.File
		for i, d := range shuffled {
			if len(files) == 0 || r.IntN(2) == 0 {
				files = append(files, config.File{Name: itoa(i) + ".yaml"})
			}
			f := &files[len(files)-1]
			f.Data = append(f.Data, "# a comment\n"+strings.ReplaceAll(d, "target: 0.99}", "target: 0.990}")+"\n---\n"...)
		}
		cat, problems := config.Parse(files, config.Options{Types: types()})
		if problems.Errors() > 0 || cat.Digest != want {
			rt.Fatalf("digest %s, want %s; %v", cat.Digest, want, problems)
		}
	})
	changed := strings.Replace(strings.Join(docs, "\n---\n"), "target: 0.99}", "target: 0.991}", 1)
	if parse(t, changed).Digest == want {
		t.Error("another target has the same digest")
	}
}

func TestAnonymousSources(t *testing.T) {
	text := func(name string) []byte {
		return []byte("apiVersion: nines/v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {from: {csv: a.csv}, objectives: [99% available]}\n")
	}
	cat, problems := config.Parse([]config.File{
		{Name: "one/a.yaml", Data: text("a")},
		{Name: "two/b.yaml", Data: text("b")},
		{Name: "one/c.yaml", Data: text("c")},
	}, config.Options{Types: types()})
	if len(problems) > 0 || len(cat.Sources) != 2 {
		t.Fatalf("%+v %v", cat.Sources, problems)
	}
	if a, b := cat.Sources[0], cat.Sources[1]; a.Name != "csv" || a.Dir != "one" || b.Name != "csv@two" || b.Dir != "two" {
		t.Errorf("sources: %+v", cat.Sources)
	}
	if i := cat.Indicators; i[0].Source != "csv" || i[1].Source != "csv@two" || i[2].Source != "csv" || i[0].Lineage == i[1].Lineage || i[0].Lineage != i[2].Lineage {
		t.Errorf("indicators: %+v", i)
	}
}
