package openslo

import (
	"bytes"
	"fmt"

	yaml "go.yaml.in/yaml/v4"
)

// Write prints documents as YAML, "---" between them.
func Write(docs []*Node) ([]byte, error) { return WriteNoted(docs, nil) }

// WriteNoted is Write with comments: those of values, each above the key its
// value stands under.
func WriteNoted(docs []*Node, notes map[*Node]string) ([]byte, error) {
	var b bytes.Buffer
	for i, d := range docs {
		if i > 0 {
			b.WriteString("---\n")
		}
		text, err := yaml.Dump(toYAML(d, notes), yaml.WithIndent(2), yaml.WithLineWidth(-1))
		if err != nil {
			return nil, fmt.Errorf("write documents: %w", err)
		}
		b.Write(text)
	}
	return b.Bytes(), nil
}

func toYAML(n *Node, notes map[*Node]string) *yaml.Node {
	switch {
	case n == nil || n.Kind == Null:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	case n.Kind == Map:
		out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for i := range n.Pairs {
			key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: n.Pairs[i].Key}
			key.HeadComment = notes[n.Pairs[i].Value]
			out.Content = append(out.Content, key, toYAML(n.Pairs[i].Value, notes))
		}
		return out
	case n.Kind == List:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, it := range n.Items {
			out.Content = append(out.Content, toYAML(it, notes))
		}
		return out
	}
	out := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: n.Text}
	switch n.Kind {
	case Bool:
		out.Tag = "!!bool"
	case Number:
		// The library quotes a number whose tag is not the one it would resolve.
		out.Tag = ""
	case String, Null, List, Map:
	}
	return out
}
