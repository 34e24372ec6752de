package openslo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	yaml "go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// The guards. A document of a person is far below each of them.
const (
	// MaxBytes is how large a file may be.
	MaxBytes = 8 << 20
	maxDepth = 64      // nesting
	maxParts = 400_000 // separators in the bytes, before anything is built
	maxNodes = 500_000 // nodes after aliases are expanded
)

// Read turns the bytes of a file into its documents: YAML with any number of
// documents, or JSON where the name ends in .json. A list at the top is a list
// of documents. What cannot be read is reported and left out; Read never
// panics.
func Read(file string, data []byte) ([]*Node, fault.Problems) {
	r := &reader{file: file}
	if len(data) > MaxBytes {
		r.fail(fault.Place{File: file}, "too-large", fmt.Sprintf("larger than %d MiB", MaxBytes>>20), "split the file; no document is that long")
		return nil, r.problems
	}
	if parts := countParts(data); parts > maxParts {
		r.fail(fault.Place{File: file}, "too-large", fmt.Sprintf("has %d separators, more than %d", parts, maxParts), "split the file; no document has that many parts")
		return nil, r.problems
	}
	var docs []*Node
	if strings.HasSuffix(strings.ToLower(file), ".json") {
		docs = r.json(data)
	} else {
		docs = r.yaml(data)
	}
	return flatten(docs), r.problems
}

// countParts counts what could become nodes, cheaply, so that a few megabytes
// of commas are refused before they become gigabytes of tree.
func countParts(data []byte) int {
	n := 0
	for _, sep := range []byte{'\n', ',', '[', '{'} {
		n += bytes.Count(data, []byte{sep})
	}
	return n
}

func flatten(docs []*Node) []*Node {
	out := make([]*Node, 0, len(docs))
	for _, d := range docs {
		switch {
		case d == nil || d.Kind == Null:
		case d.Kind == List:
			out = append(out, d.Items...)
		default:
			out = append(out, d)
		}
	}
	return out
}

type reader struct {
	file     string
	nodes    int
	full     bool // the node budget is spent; said once
	open     map[*yaml.Node]bool
	problems fault.Problems
}

func (r *reader) fail(at fault.Place, rule, msg, hint string) {
	at.File = r.file
	r.problems = append(r.problems, fault.Problem{Place: at, Rule: rule, Message: msg, Hint: hint})
}

func (r *reader) yaml(data []byte) (docs []*Node) {
	// The library is not ours and its input is foreign: a panic in it is one
	// more way to be malformed.
	defer func() {
		if p := recover(); p != nil {
			r.fail(fault.Place{}, "malformed", fmt.Sprintf("not YAML that can be read: %v", p), "")
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth))))
	if err != nil {
		r.malformed(err)
		return nil
	}
	for {
		var y yaml.Node
		err := loader.Load(&y)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			r.malformed(err)
			return docs
		}
		r.open = map[*yaml.Node]bool{}
		for _, c := range y.Content {
			docs = append(docs, r.node(c, 0))
		}
	}
}

// malformed reports what the YAML library could not read, where it says so.
func (r *reader) malformed(err error) {
	at, msg := fault.Place{}, err.Error()
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		at.Line, at.Column, msg = e.Mark.Line, e.Mark.Column, e.Message
	}
	hint := ""
	switch {
	case strings.Contains(msg, "cannot start any token"):
		hint = "YAML is indented with spaces, not tabs; quote values that begin with %, @ or `"
	case strings.Contains(msg, "mapping values are not allowed"):
		hint = "quote a value that contains \": \""
	case strings.Contains(msg, "max depth"):
		hint = fmt.Sprintf("documents nest at most %d levels", maxDepth)
	}
	r.fail(at, "malformed", "not valid YAML: "+msg, hint)
}

// node copies a YAML tree, following aliases within the node budget.
func (r *reader) node(y *yaml.Node, depth int) *Node {
	n := &Node{Place: fault.Place{File: r.file, Line: y.Line, Column: y.Column}}
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		if !r.full {
			r.full = true
			r.fail(n.Place, "too-large", "expands to too many values", "anchors and aliases multiply; write the parts out")
		}
		return n
	}
	switch y.Kind {
	case yaml.AliasNode:
		return r.alias(y, depth)
	case yaml.SequenceNode:
		n.Kind = List
		n.Items = make([]*Node, 0, len(y.Content))
		for _, c := range y.Content {
			n.Items = append(n.Items, r.node(c, depth+1))
		}
	case yaml.MappingNode:
		n.Kind = Map
		r.mapping(n, y, depth)
	case yaml.ScalarNode:
		r.scalar(n, y)
	case yaml.DocumentNode, yaml.StreamNode: // never inside a document
	}
	return n
}

func (r *reader) alias(y *yaml.Node, depth int) *Node {
	at := fault.Place{File: r.file, Line: y.Line, Column: y.Column}
	if y.Alias == nil || r.open[y.Alias] {
		r.fail(at, "malformed", "the alias *"+y.Value+" contains itself", "")
		return &Node{Place: at}
	}
	r.open[y.Alias] = true
	n := r.node(y.Alias, depth+1)
	delete(r.open, y.Alias)
	return n
}

func (r *reader) mapping(n *Node, y *yaml.Node, depth int) {
	n.Pairs = make([]Pair, 0, len(y.Content)/2)
	var merges []*Node
	seen := make(keys, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		at := fault.Place{File: r.file, Line: k.Line, Column: k.Column}
		if k.Kind != yaml.ScalarNode {
			r.fail(at, "malformed", "a key must be a string", "")
			continue
		}
		if k.Value == "<<" && k.Tag == "!!merge" {
			merges = append(merges, r.node(v, depth+1))
			continue
		}
		r.add(n, seen, Pair{k.Value, at, r.node(v, depth+1)})
	}
	for _, m := range merges {
		r.merge(n, seen, m)
	}
}

// keys are the keys of one mapping and the lines they stand in.
type keys map[string]int

// add appends a pair unless its key is there already.
func (r *reader) add(n *Node, seen keys, p Pair) {
	if line, had := seen[p.Key]; had {
		r.fail(p.Place, "duplicate-key", fmt.Sprintf("%q is given twice", p.Key), fmt.Sprintf("the first is in line %d", line))
		return
	}
	seen[p.Key] = p.Place.Line
	n.Pairs = append(n.Pairs, p)
}

// merge takes over the keys of "<<: *anchor" that n does not have itself.
func (r *reader) merge(n *Node, seen keys, m *Node) {
	switch m.Kind {
	case Map:
		for _, p := range m.Pairs {
			if _, had := seen[p.Key]; !had {
				seen[p.Key] = p.Place.Line
				n.Pairs = append(n.Pairs, p)
			}
		}
	case List:
		for _, it := range m.Items {
			r.merge(n, seen, it)
		}
	case Null, Bool, Number, String:
		r.fail(m.Place, "malformed", "<< takes a mapping", "")
	}
}

func (r *reader) scalar(n *Node, y *yaml.Node) {
	n.Text = y.Value
	switch y.Tag {
	case "!!null":
		n.Kind, n.Text = Null, ""
	case "!!bool":
		n.Kind, n.Text = Bool, strings.ToLower(y.Value)
	case "!!int", "!!float":
		n.Kind = Number
	case "!!str", "!!timestamp", "":
		n.Kind = String
	default:
		n.Kind = String
		r.fail(n.Place, "malformed", "the tag "+y.Tag+" has no meaning here", "leave it away")
	}
}
