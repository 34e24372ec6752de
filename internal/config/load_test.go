package config_test

import (
	"path/filepath"
	"testing"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// types are the sources a program carries, without the means to open them.
func types() map[string]metric.Type {
	return map[string]metric.Type{
		"csv":        {Name: "csv", Check: checkCSV},
		"CloudWatch": {Name: "CloudWatch", Check: config.CheckCloudWatch},
	}
}

// checkCSV stands for the adapter's own check.
func checkCSV(spec slo.Spec) []metric.SpecProblem {
	if spec["path"] == nil {
		return []metric.SpecProblem{{Path: "path", Message: "no path names the file"}}
	}
	return nil
}

func TestLoadPlain(t *testing.T) {
	cat, problems, err := config.Load(t.Context(), []string{filepath.Join("testdata", "valid", "plain-slo.yaml")}, config.Options{Types: types()})
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Fatalf("problems:\n%v", problems)
	}
	if len(cat.Objectives) != 1 || len(cat.Indicators) != 1 || len(cat.Services) != 1 || len(cat.Sources) != 1 {
		t.Fatalf("catalog: %+v", cat)
	}
	o := cat.Objectives[0]
	if got, want := o.Key(), "payment-api/availability/availability"; got != want {
		t.Errorf("key %q, want %q", got, want)
	}
	if o.Target.String() != "0.9995" || o.Window.String() != "30d" || len(o.Conditions) != 4 {
		t.Errorf("objective: %+v", o)
	}
	if ind := cat.Indicators[0]; ind.ID != "payment-api.availability" || ind.Source != "csv" || ind.Lineage == "" || o.Indicator != ind.ID {
		t.Errorf("indicator: %+v", ind)
	}
}
