package config_test

import (
	"os"
	"strings"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// TestExpand holds what every preset expands to, and that it says the same as
// the short form, strictly read.
func TestExpand(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/short.yaml")
	if err != nil {
		t.Fatal(err)
	}
	opt := config.Options{Types: types(), Strict: true}
	out, problems, err := config.Expand([]config.File{{Name: "testdata/valid/short.yaml", Data: data}}, nil, opt)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	golden(t, "testdata/expanded.golden", string(out))
	short := valid(t, "short.yaml")
	long, problems := config.Parse([]config.File{{Name: "testdata/valid/short.yaml", Data: out}}, opt)
	if len(problems) > 0 || long.Digest != short.Digest {
		t.Errorf("expanded: %v", problems)
	}
	if strings.Contains(string(out), "nines/v1") {
		t.Error("a short form is left")
	}
}

// TestExpandKeeps: what is no short form is printed as it is; what is wrong is
// left out and reported.
func TestExpandKeeps(t *testing.T) {
	text := named("a") + "---\n{apiVersion: nines/v1, kind: Settings, metadata: {name: s}, spec: {width: 100}}\n---\napiVersion: openslo/v1\nkind: Nothing\n"
	out, problems, err := config.Expand([]config.File{{Name: "a.yaml", Data: []byte(text)}}, nil, config.Options{})
	if err != nil || len(problems) != 1 {
		t.Fatal(err, problems)
	}
	if s := string(out); !strings.Contains(s, "kind: Settings") || !strings.Contains(s, "name: a") || strings.Contains(s, "Nothing") {
		t.Errorf("expanded:\n%s", s)
	}
}

// TestPresets: each row of the table is whole: an availability and a latency
// that can be measured or are refused with a reason, and blind spots in words.
func TestPresets(t *testing.T) {
	for _, p := range config.Presets() {
		t.Run(p.Key, func(t *testing.T) {
			if p.Key == "csv" {
				return
			}
			if p.Doc == "" || p.Dimension == "" || p.Namespace == "" || len(p.BlindSpots) < 20 {
				t.Errorf("incomplete: %+v", p)
			}
			for name, m := range map[string]config.Measure{"available": p.Available, "latency": p.Latency} {
				ratio := m.Total != nil && (m.Good == nil) != (m.Bad == nil)
				if n := trues(ratio, m.Value != nil, m.Refused != ""); n != 1 {
					t.Errorf("%s is %d things at once", name, n)
				}
			}
			if p.Latency.Unit != "s" && p.Latency.Unit != "ms" {
				t.Errorf("unit %q", p.Latency.Unit)
			}
		})
	}
}

func trues(bs ...bool) (n int) {
	for _, b := range bs {
		if b {
			n++
		}
	}
	return n
}

// TestPresetUnits: the bound is converted to the unit that the service
// publishes; load balancers publish seconds, Lambda and API Gateway
// milliseconds.
func TestPresetUnits(t *testing.T) {
	for from, want := range map[string]string{
		"alb: app/a/1": "TC(:0.3)", "lambda: f": "TC(:300)", "apigateway: a": "TC(:300)", "httpapi: a": "TC(:300)",
		"ecs: a": "TC(:300)", "cloudfront: a": "TC(:300)", "synthetics: a": "TC(:300)",
	} {
		cat := parse(t, "{apiVersion: nines/v1, kind: Service, metadata: {name: a}, spec: {from: {"+from+"}, objectives: [99% < 300ms, 98% < 0.3s]}}")
		for _, ind := range cat.Indicators {
			r, ok := ind.Definition.(slo.Ratio)
			if !ok || r.Good.Spec["stat"] != want || r.Total.Spec["stat"] != "SampleCount" || r.Good.Spec["metric"] != r.Total.Spec["metric"] {
				t.Errorf("%s: %+v", from, ind.Definition)
			}
		}
	}
	cat := parse(t, "{apiVersion: nines/v1, kind: Service, metadata: {name: a}, spec: {from: {sqs: a}, objectives: [99% < 1500ms]}}")
	if th, ok := cat.Indicators[0].Definition.(slo.Threshold); !ok || th.Bound.String() != "1.5" {
		t.Errorf("sqs: %+v", cat.Indicators[0].Definition)
	}
}

// TestShortNames: the names of the short form's SLOs do not depend on what
// stands behind them.
func TestShortNames(t *testing.T) {
	cat := parse(t, `{apiVersion: nines/v1, kind: Service, metadata: {name: a}, spec: {from: {lambda: f}, objectives: [99% < 300ms, 99.9% < 2.5s, 99% available, {objective: 98% available, name: loose}]}}`)
	var got []string
	for i := range cat.Objectives {
		got = append(got, cat.Objectives[i].Key())
	}
	if want := "a/latency/latency a/latency-2-5s/latency-2-5s a/availability/availability a/loose/loose"; strings.Join(got, " ") != want {
		t.Errorf("keys %q", got)
	}
}
