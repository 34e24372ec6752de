package meter

import (
	"maps"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// placeholder stands in a spec for the version.
const placeholder = "${version}"

// lambdaNamespace is where Lambda's own metrics are.
const lambdaNamespace = "AWS/Lambda"

// narrow is a spec that asks for one version, "" for all of them together. The
// error says that versions cannot be told apart in it.
func (s *Source) narrow(spec slo.Spec, version string) (slo.Spec, error) {
	said := false
	out, _ := replace(spec, version, &said).(slo.Spec)
	if said && version == "" {
		return nil, fault.New(fault.Invalid, "query", "it asks for one version only", "")
	}
	if said || version == "" {
		return out, nil
	}
	if !s.dimensions(out, version) {
		return nil, fault.New(fault.Invalid, "query", "it does not say which version is meant",
			"write ${version} into it, or name the dimension that carries the version: split: {dimension: version}")
	}
	return out, nil
}

// replace copies plain data, with the version in place of the word for it.
func replace(v any, version string, said *bool) any {
	switch v := v.(type) {
	case slo.Spec:
		out := make(slo.Spec, len(v))
		for k, x := range v {
			out[k] = replace(x, version, said)
		}
		return out
	case map[string]any:
		return replace(slo.Spec(v), version, said)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = replace(x, version, said)
		}
		return out
	case string:
		if strings.Contains(v, placeholder) {
			*said = true
			return strings.ReplaceAll(v, placeholder, version)
		}
	}
	return v
}

// dimensions narrows every metric of a spec by its dimensions. False: one of them
// cannot be.
func (s *Source) dimensions(spec slo.Spec, version string) bool {
	switch queries := spec["queries"].(type) {
	case slo.Spec:
		return s.all(each(queries), version)
	case []any:
		return s.all(queries, version)
	}
	dims, ok := spec["dimensions"].(slo.Spec)
	if _, metric := spec["metric"].(string); !ok && !metric {
		return false
	}
	split := s.opt.Split
	namespace, _ := spec["namespace"].(string)
	if split.Dimension == "" {
		switch kind := s.opt.Target.Kind; {
		case kind == "lambda" && namespace == lambdaNamespace:
			fn := s.opt.Target.Params["function"]
			split.Dimension = "ExecutedVersion"
			split.Add = map[string]string{"FunctionName": fn, "Resource": fn + ":" + s.opt.Target.Params["alias"]}
		case kind == "functions" && namespace == lambdaNamespace:
			split.Dimension, split.Drop = "FunctionName", []string{"Resource", "ExecutedVersion"}
		default:
			return false
		}
	}
	dims = maps.Clone(dims)
	if dims == nil {
		dims = slo.Spec{}
	}
	for _, d := range split.Drop {
		delete(dims, d)
	}
	for k, v := range split.Add {
		dims[k] = v
	}
	dims[split.Dimension] = version
	spec["dimensions"] = dims
	return true
}

func each(queries slo.Spec) []any {
	out := make([]any, 0, len(queries))
	for _, q := range queries {
		out = append(out, q)
	}
	return out
}

// all narrows the parts of an expression; expressions over them stay as they are.
func (s *Source) all(parts []any, version string) bool {
	narrowed := false
	for _, p := range parts {
		q, ok := p.(slo.Spec)
		if !ok {
			return false
		}
		if _, expr := q["expression"]; expr {
			continue
		}
		if !s.dimensions(q, version) {
			return false
		}
		narrowed = true
	}
	return narrowed
}
