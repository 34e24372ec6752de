package codedeploy

import (
	"encoding/json"
	"errors"

	"go.yaml.in/yaml/v4"
)

// function is the Lambda function of an AppSpec.
type function struct {
	Name           string `yaml:"Name"`
	Alias          string `yaml:"Alias"`
	CurrentVersion string `yaml:"CurrentVersion"`
	TargetVersion  string `yaml:"TargetVersion"`
}

// parse reads an AppSpec, which is YAML or JSON. (AppSpec file structure for
// Lambda deployments.)
func parse(content string) (function, error) {
	var spec struct {
		Version   any `yaml:"version"`
		Resources []map[string]struct {
			Type       string   `yaml:"Type"`
			Properties function `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal([]byte(content), &spec); err != nil {
		return function{}, err //nolint:wrapcheck // its text is all that is used
	}
	if len(spec.Resources) != 1 || len(spec.Resources[0]) != 1 {
		return function{}, errors.New("the AppSpec file must have one resource")
	}
	for _, r := range spec.Resources[0] {
		p := r.Properties
		if r.Type != "AWS::Lambda::Function" || p.Name == "" || p.Alias == "" || p.CurrentVersion == "" || p.TargetVersion == "" {
			return function{}, errors.New("a Lambda function needs Type, Name, Alias, CurrentVersion and TargetVersion")
		}
		return p, nil
	}
	return function{}, errors.New("no resource")
}

// spec writes an AppSpec.
func spec(name, alias, current, target string) string {
	data, err := json.Marshal(map[string]any{
		"version": 0.0,
		"Resources": []any{map[string]any{name: map[string]any{
			"Type":       "AWS::Lambda::Function",
			"Properties": map[string]any{"Name": name, "Alias": alias, "CurrentVersion": current, "TargetVersion": target},
		}}},
		"Hooks": []any{map[string]any{"BeforeAllowTraffic": "arn:aws:lambda:" + Region + ":" + Account + ":function:check"}},
	})
	if err != nil {
		return "" // plain strings always marshal
	}
	return string(data)
}
