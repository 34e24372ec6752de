package render_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run/render"
)

var update = flag.Bool("update", false, "write the golden files anew")

func types() map[string]metric.Type {
	return map[string]metric.Type{
		"CloudWatch": {Name: "CloudWatch", Check: config.CheckCloudWatch, CheckDetails: config.CheckCloudWatchDetails},
		"Prometheus": config.Prometheus(),
		"csv":        {Name: "csv"},
	}
}

func load(t *testing.T, paths ...string) *config.Catalog {
	t.Helper()
	catalog, problems, err := config.Load(t.Context(), paths, config.Options{Types: types()})
	if err != nil || problems.Err(false) != nil {
		t.Fatalf("%v; %v", err, problems)
	}
	return catalog
}

// TestGolden writes every backend's files for the documents in testdata, and what
// is said about them, and compares them with those that are kept. Twice the same
// documents give the same bytes.
func TestGolden(t *testing.T) {
	for _, tt := range []struct{ documents, backend string }{
		{"cloudwatch", render.CloudFormation},
		{"cloudwatch", render.Terraform},
		{"cloudwatch", render.Grafana},
		{"prometheus", render.Prometheus},
		{"prometheus", render.Grafana},
	} {
		t.Run(tt.documents+" "+tt.backend, func(t *testing.T) {
			folder := filepath.Join("testdata", tt.documents)
			out, err := render.Run(load(t, filepath.Join(folder, "slo.yaml")), tt.backend, nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := render.Run(load(t, filepath.Join(folder, "slo.yaml")), tt.backend, nil)
			if err != nil || !reflect.DeepEqual(out, again) {
				t.Fatalf("a second time is different: %v", err)
			}
			var said strings.Builder
			for _, n := range out.Notes {
				said.WriteString(n.String() + "\n")
			}
			said.WriteString(strings.Join(out.Said, "\n"))
			for _, f := range append(out.Files, render.File{Name: "notes.txt", Data: []byte(said.String())}) {
				golden(t, filepath.Join(folder, tt.backend, filepath.FromSlash(f.Name)), string(f.Data))
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")))
	}
}

// TestNothing: an answer without a file is an error that says why.
func TestNothing(t *testing.T) {
	catalog := load(t, filepath.Join("testdata", "prometheus"))
	out, err := render.Run(catalog, render.CloudFormation, nil)
	if fault.KindOf(err) != fault.Invalid || len(out.Notes) != len(catalog.Objectives) {
		t.Errorf("%d notes, %v", len(out.Notes), err)
	}
	if _, err := render.Run(catalog, "nagios", nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("another backend: %v", err)
	}
	if _, err := render.Run(catalog, render.Prometheus, []string{"nobody"}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("nobody's service: %v", err)
	}
}

// TestSelect writes one service alone.
func TestSelect(t *testing.T) {
	out, err := render.Run(load(t, filepath.Join("testdata", "cloudwatch", "slo.yaml")), render.CloudFormation, []string{"pages"})
	if err != nil || len(out.Files) != 1 || out.Files[0].Name != "nines-us-east-1.template.json" {
		t.Errorf("%v, %v", out.Files, err)
	}
}

// TestTerraform checks the shape of a configuration: blocks of known types, alarms
// with one returned query, rules that refer to alarms which are there. Terraform
// cannot validate it here: the provider is not to be had without its registry.
func TestTerraform(t *testing.T) {
	out, err := render.Run(load(t, filepath.Join("testdata", "cloudwatch", "slo.yaml")), render.Terraform, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range out.Files {
		var c struct {
			Resource map[string]map[string]map[string]any `json:"resource"`
			Variable map[string]any                       `json:"variable"`
			Locals   map[string]string                    `json:"locals"`
		}
		if err := json.Unmarshal(f.Data, &c); err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{"aws_cloudwatch_metric_alarm": true, "aws_cloudwatch_composite_alarm": true, "aws_cloudwatch_dashboard": true, "aws_sns_topic": true}
		for kind := range c.Resource {
			if !known[kind] {
				t.Errorf("%s: resource %s", f.Name, kind)
			}
		}
		for id, a := range c.Resource["aws_cloudwatch_metric_alarm"] {
			returned := 0
			queries, _ := a["metric_query"].([]any)
			for _, q := range queries {
				if m, _ := q.(map[string]any); m["return_data"] == true {
					returned++
				}
			}
			if returned != 1 || a["treat_missing_data"] != "ignore" {
				t.Errorf("%s: %s returns %d queries; missing data: %v", f.Name, id, returned, a["treat_missing_data"])
			}
		}
		for id, a := range c.Resource["aws_cloudwatch_composite_alarm"] {
			rule, _ := a["alarm_rule"].(string)
			refs := 0
			for _, part := range strings.Split(rule, "${")[1:] {
				name, _, _ := strings.Cut(part, "}")
				words := strings.Split(name, ".")
				if len(words) != 3 || c.Resource[words[0]][words[1]] == nil {
					t.Errorf("%s: the rule of %s names %s, which is not there", f.Name, id, name)
				}
				refs++
			}
			if refs == 0 {
				t.Errorf("%s: the rule of %s names nothing: %s", f.Name, id, rule)
			}
		}
	}
}

// TestPromtool lets Prometheus check the rules.
func TestPromtool(t *testing.T) {
	program := os.Getenv("NINES_PROMTOOL")
	if program == "" {
		t.Skip("NINES_PROMTOOL names no promtool; `make test-full` builds one and sets it")
	}
	rules := filepath.Join("testdata", "prometheus", "prometheus", "nines.rules.yaml")
	out, err := exec.CommandContext(t.Context(), program, "check", "rules", "--lint-fatal", rules).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "SUCCESS") {
		t.Errorf("%v: %s", err, out)
	}
}
