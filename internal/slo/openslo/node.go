package openslo

import (
	"iter"

	"gitlab.com/nines-sre/nines/internal/fault"
)

// NodeKind is the sort of value a node holds.
type NodeKind uint8

// The sorts of values.
const (
	Null NodeKind = iota
	Bool
	Number
	String
	List
	Map
)

// String names the kind as messages do.
func (k NodeKind) String() string {
	switch k {
	case Bool:
		return "true or false"
	case Number:
		return "a number"
	case String:
		return "a string"
	case List:
		return "a list"
	case Map:
		return "a mapping"
	case Null:
	}
	return "empty"
}

// Node is one value of a document and where it was written. Every method is
// safe on a nil node, so that missing parts read as empty ones.
type Node struct {
	Kind  NodeKind
	Text  string // of a scalar, as written
	Items []*Node
	Pairs []Pair
	Place fault.Place
}

// Pair is one key of a mapping with its value.
type Pair struct {
	Key   string
	Place fault.Place // of the key
	Value *Node
}

// Get returns the value of a key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key == key {
			return n.Pairs[i].Value
		}
	}
	return nil
}

// At follows keys down.
func (n *Node) At(keys ...string) *Node {
	for _, k := range keys {
		n = n.Get(k)
	}
	return n
}

// KeyPlace is where a key stands; the mapping's own place where it is missing.
func (n *Node) KeyPlace(key string) fault.Place {
	if n == nil {
		return fault.Place{}
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key == key {
			return n.Pairs[i].Place
		}
	}
	return n.Place
}

// Str is the text of a scalar, or "".
func (n *Node) Str() string {
	if n == nil || n.Kind == Null {
		return ""
	}
	return n.Text
}

// True says whether n is the boolean true.
func (n *Node) True() bool { return n != nil && n.Kind == Bool && n.Text == "true" }

// IsSet says whether n is there and not null.
func (n *Node) IsSet() bool { return n != nil && n.Kind != Null }

// Where is the node's place, the zero place for a missing one.
func (n *Node) Where() fault.Place {
	if n == nil {
		return fault.Place{}
	}
	return n.Place
}

// List yields the items of a list; nothing for anything else.
func (n *Node) List() iter.Seq2[int, *Node] {
	return func(yield func(int, *Node) bool) {
		if n == nil {
			return
		}
		for i, it := range n.Items {
			if !yield(i, it) {
				return
			}
		}
	}
}

// Entries yields the keys and values of a mapping in their written order.
func (n *Node) Entries() iter.Seq2[string, *Node] {
	return func(yield func(string, *Node) bool) {
		if n == nil {
			return
		}
		for i := range n.Pairs {
			if !yield(n.Pairs[i].Key, n.Pairs[i].Value) {
				return
			}
		}
	}
}

// Strings is the texts of a list of scalars, or of one scalar.
func (n *Node) Strings() []string {
	switch {
	case !n.IsSet() || n.Kind == Map:
		return nil
	case n.Kind != List:
		return []string{n.Text}
	}
	out := make([]string, 0, len(n.Items))
	for _, it := range n.Items {
		out = append(out, it.Str())
	}
	return out
}

// NewMap, NewList and NewText build trees by hand; At gives them a place.

// NewMap makes a mapping of alternating keys (strings) and values (nodes or
// strings); pairs with a nil node are left out.
func NewMap(at fault.Place, pairs ...any) *Node {
	n := &Node{Kind: Map, Place: at}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		var v *Node
		switch val := pairs[i+1].(type) {
		case *Node:
			v = val
		case string:
			v = NewText(at, val)
		}
		if v != nil {
			n.Pairs = append(n.Pairs, Pair{Key: key, Place: at, Value: v})
		}
	}
	return n
}

// NewList makes a list.
func NewList(at fault.Place, items ...*Node) *Node {
	return &Node{Kind: List, Items: items, Place: at}
}

// NewText makes a string.
func NewText(at fault.Place, s string) *Node { return &Node{Kind: String, Text: s, Place: at} }

// NewNumber makes a number from its decimal text.
func NewNumber(at fault.Place, s string) *Node { return &Node{Kind: Number, Text: s, Place: at} }

// NewBool makes a boolean.
func NewBool(at fault.Place, b bool) *Node {
	if b {
		return &Node{Kind: Bool, Text: "true", Place: at}
	}
	return &Node{Kind: Bool, Text: "false", Place: at}
}
