package config

import (
	"bytes"
	"encoding/json"

	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Schema returns the JSON Schema (draft 2020-12) of every kind of document, for
// editors. It is written from the same tables as the checks; what only shows
// across documents (references, duplicates, impossible thresholds) is lint's.
func Schema() []byte {
	shapes := openslo.NewShapes()
	ours := newNinesShapes(shapes)
	defs := map[string]any{}
	var rules []any
	rule := func(v, kind string, s *openslo.Shape) {
		rules = append(rules, map[string]any{
			"if": map[string]any{"properties": map[string]any{
				"apiVersion": map[string]any{"const": v}, "kind": map[string]any{"const": kind},
			}, "required": []string{"apiVersion", "kind"}},
			"then": s.JSONSchema(defs),
		})
	}
	kinds := func(v string, names []string) {
		rules = append(rules, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"apiVersion": map[string]any{"const": v}}},
			"then": map[string]any{"properties": map[string]any{"kind": map[string]any{"enum": names}}},
		})
	}
	kinds(openslo.Version, openslo.Kinds())
	kinds(version, ninesKinds())
	for _, kind := range openslo.Kinds() {
		rule(openslo.Version, kind, shapes.Kind(kind))
	}
	for _, kind := range ninesKinds() {
		rule(version, kind, ours.kinds[kind])
	}
	root := map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "Nines documents",
		"description": "Service level objectives after OpenSLO v1, and the kinds of nines/v1.",
		"type":        "object",
		"properties": map[string]any{
			"apiVersion": map[string]any{"enum": []string{openslo.Version, version}},
			"kind":       map[string]any{"type": "string"},
		},
		"required": []string{"apiVersion", "kind", "metadata"},
		"allOf":    rules,
		"$defs":    defs,
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil // plain data always encodes
	}
	return b.Bytes()
}
