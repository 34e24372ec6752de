package openslo_test

import (
	"regexp"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

func mustCompile(p string) *regexp.Regexp { return regexp.MustCompile(p) }

func decode(t *testing.T, text string) (*openslo.Document, *openslo.Report) {
	t.Helper()
	docs, problems := openslo.Read("a.yaml", []byte(text))
	if len(problems) > 0 || len(docs) != 1 {
		t.Fatalf("%d documents, %v", len(docs), problems)
	}
	r := &openslo.Report{}
	return openslo.NewShapes().Decode(docs[0], r), r
}

func TestDecodeSLO(t *testing.T) {
	doc, r := decode(t, `
apiVersion: openslo/v1
kind: SLO
metadata: {name: a, displayName: A, labels: {team: [x, y], tier: one}, annotations: {k: v}}
spec:
  description: d
  service: s
  indicatorRef: i
  timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: "2026-01-01 00:00:00", timeZone: UTC}}]
  budgetingMethod: Timeslices
  objectives:
    - {displayName: one, targetPercent: 99.95, op: lte, value: 0.3, timeSliceTarget: 0.95, timeSliceWindow: 5m}
  alertPolicies: [{alertPolicyRef: p}]
`)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	s := doc.SLO
	o := s.Objectives[0]
	if s.Meta.Name != "a" || len(s.Meta.Labels["team"]) != 2 || s.Meta.Labels["tier"][0] != "one" {
		t.Errorf("meta: %+v", s.Meta)
	}
	if a, ok := s.Meta.Annotation("k"); !ok || a.Value != "v" {
		t.Errorf("annotations: %+v", s.Meta.Annotations)
	}
	if s.Budgeting != slo.Timeslices || s.Window.Duration != "1M" || s.Window.Rolling || s.Window.Zone != "UTC" {
		t.Errorf("window: %+v", s.Window)
	}
	if o.Target.String() != "0.9995" || o.Op != slo.LessOrEqual || o.Value.String() != "0.3" || o.Slice != 5 || o.SliceTarget.String() != "0.95" || o.Weight.String() != "1" {
		t.Errorf("objective: %+v", o)
	}
	if s.Policies[0].Ref.Name != "p" || s.Composite() {
		t.Errorf("policies: %+v", s.Policies)
	}
}

// TestOps: the four comparisons keep their order in both packages.
func TestOps(t *testing.T) {
	for word, want := range map[string]slo.Op{"lt": slo.LessThan, "lte": slo.LessOrEqual, "gt": slo.GreaterThan, "gte": slo.GreaterOrEqual} {
		doc, _ := decode(t, "{apiVersion: openslo/v1, kind: SLO, metadata: {name: a}, spec: {objectives: [{target: 0.5, op: "+word+", value: 1}]}}")
		if got := doc.SLO.Objectives[0]; got.Op != want || !got.HasOp {
			t.Errorf("%s is %v", word, got.Op)
		}
	}
	for word, want := range map[string]slo.Budgeting{"Occurrences": slo.Occurrences, "Timeslices": slo.Timeslices, "RatioTimeslices": slo.RatioTimeslices} {
		doc, _ := decode(t, "{apiVersion: openslo/v1, kind: SLO, metadata: {name: a}, spec: {budgetingMethod: "+word+"}}")
		if doc.SLO.Budgeting != want {
			t.Errorf("%s is %v", word, doc.SLO.Budgeting)
		}
	}
}

// TestDecodeNothing: a kind without a spec decodes to something with a name,
// so that references to it are not called dangling as well.
func TestDecodeNothing(t *testing.T) {
	for _, kind := range openslo.Kinds() {
		doc, r := decode(t, "{apiVersion: openslo/v1, kind: "+kind+", metadata: {name: a}}")
		if doc == nil || doc.Meta.Name != "a" {
			t.Errorf("%s: %+v", kind, doc)
		}
		if (len(r.Problems) == 0) != (kind == "Service") {
			t.Errorf("%s: %v", kind, r.Problems)
		}
	}
}

// TestDecodeAlerts: references and objects in place decode alike.
func TestDecodeAlerts(t *testing.T) {
	doc, r := decode(t, `
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: p}
spec:
  description: d
  alertWhenNoData: true
  alertWhenBreaching: true
  alertWhenResolved: false
  conditions:
    - kind: AlertCondition
      metadata: {name: c}
      spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 0m}}
  notificationTargets:
    - targetRef: oncall
    - kind: AlertNotificationTarget
      metadata: {name: board}
      spec: {target: gitlab}
`)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	p := doc.Policy
	if !p.NoData || !p.Breaching || p.Resolved || p.Description != "d" {
		t.Errorf("policy: %+v", p)
	}
	c := p.Conditions[0].Inline
	if c.Meta.Name != "c" || c.Severity.Name != "page" || c.Threshold.String() != "14.4" || c.Lookback != 60 || c.After != 0 {
		t.Errorf("condition: %+v", c)
	}
	if p.Targets[0].Ref.Name != "oncall" || p.Targets[1].Inline.Target != "gitlab" {
		t.Errorf("targets: %+v", p.Targets)
	}
}

// TestDecodeIndicators: each form of an indicator keeps its parts apart.
func TestDecodeIndicators(t *testing.T) {
	const metric = "{metricSource: {metricSourceRef: %, spec: {query: %}}}"
	m := func(name string) string { return strings.ReplaceAll(metric, "%", name) }
	for _, tc := range []struct {
		name, spec string
		check      func(*openslo.SLI) bool
	}{
		{"good and total", "{ratioMetric: {counter: true, good: " + m("g") + ", total: " + m("t") + "}}", func(s *openslo.SLI) bool {
			return s.Ratio.Counter && s.Ratio.Good.Source.Name == "g" && s.Ratio.Total.Spec.Get("query").Str() == "t" && s.Ratio.Bad == nil && s.Ratio.Raw == nil
		}},
		{"bad and total", "{ratioMetric: {counter: false, bad: " + m("b") + ", total: " + m("t") + "}}", func(s *openslo.SLI) bool {
			return !s.Ratio.Counter && s.Ratio.Bad.Source.Name == "b" && s.Ratio.Good == nil
		}},
		{"raw", "{ratioMetric: {counter: false, rawType: failure, raw: " + m("r") + "}}", func(s *openslo.SLI) bool {
			return s.Ratio.Failure && s.Ratio.Raw.Source.Name == "r" && s.Ratio.Total == nil
		}},
		{"threshold", "{thresholdMetric: " + m("v") + "}", func(s *openslo.SLI) bool {
			return s.Ratio == nil && s.Threshold.Source.Name == "v"
		}},
	} {
		doc, r := decode(t, "{apiVersion: openslo/v1, kind: SLI, metadata: {name: a}, spec: "+tc.spec+"}")
		if len(r.Problems) > 0 || !tc.check(doc.SLI) {
			t.Errorf("%s: %+v %v", tc.name, doc.SLI, r.Problems)
		}
	}
}
