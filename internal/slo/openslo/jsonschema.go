package openslo

import "maps"

// JSONSchema writes a shape as JSON Schema (draft 2020-12), as plain data.
// Named shapes go into defs, once each, and are referred to.
func (s *Shape) JSONSchema(defs map[string]any) map[string]any {
	if s.Name == "" {
		return s.schema(defs)
	}
	if _, done := defs[s.Name]; !done {
		defs[s.Name] = nil // taken, before its parts are written
		defs[s.Name] = s.schema(defs)
	}
	return map[string]any{"$ref": "#/$defs/" + s.Name}
}

func (s *Shape) schema(defs map[string]any) map[string]any {
	out := s.plain(defs)
	if len(s.Or) > 0 {
		ways := []any{out}
		for _, alt := range s.Or {
			ways = append(ways, alt.JSONSchema(defs))
		}
		out = map[string]any{"anyOf": ways}
	}
	if s.Doc != "" {
		out["description"] = s.Doc
	}
	return out
}

// plain is the schema of the shape's own type.
func (s *Shape) plain(defs map[string]any) map[string]any {
	out := map[string]any{}
	switch s.Type {
	case Map:
		out["type"] = "object"
		s.object(out, defs)
	case List:
		out["type"] = "array"
		if s.Item != nil {
			out["items"] = s.Item.JSONSchema(defs)
		}
		if s.Min > 0 {
			out["minItems"] = s.Min
		}
		if s.Max > 0 {
			out["maxItems"] = s.Max
		}
	case String:
		out["type"] = "string"
		if s.Loose {
			out["type"] = []any{"string", "number", "boolean"}
		}
	case Number:
		out["type"] = "number"
	case Bool:
		out["type"] = "boolean"
	case Null:
	}
	if len(s.Enum) > 0 {
		out["enum"] = s.Enum
	}
	if s.Format != nil {
		if s.Format.Pattern != "" {
			out["pattern"] = s.Format.Pattern
		}
		maps.Copy(out, s.Format.Limits)
	}
	return out
}

func (s *Shape) object(out, defs map[string]any) {
	if s.Values != nil {
		out["additionalProperties"] = s.Values.JSONSchema(defs)
		if s.Key != nil && s.Key.Pattern != "" {
			out["propertyNames"] = map[string]any{"pattern": s.Key.Pattern}
		}
		return
	}
	if s.Fields == nil {
		return
	}
	props, required := map[string]any{}, []string{}
	for _, f := range s.Fields {
		props[f.Name] = f.Shape.JSONSchema(defs)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	out["properties"], out["additionalProperties"] = props, false
	if len(required) > 0 {
		out["required"] = required
	}
	var all []any
	for _, g := range s.Groups {
		all = append(all, g.schema())
	}
	if len(all) > 0 {
		out["allOf"] = all
	}
}

// schema says that one field of the group may stand, or must.
func (g Group) schema() map[string]any {
	var one []any
	for _, f := range g.Fields {
		one = append(one, map[string]any{"required": []string{f}})
	}
	if !g.Required {
		one = append(one, map[string]any{"not": map[string]any{"anyOf": append([]any{}, one...)}})
	}
	return map[string]any{"oneOf": one}
}
