package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxLength is the greatest length of an expression, in characters.
const MaxLength = 2048

// maxDepth bounds nesting, so that no input can exhaust the stack.
const maxDepth = 100

// node is a part of an expression.
type node struct {
	kind   nodeKind
	number float64
	// name is a text's content, the id of a query, a function, a bare word or an
	// operator.
	name string
	// args are operands, arguments or elements.
	args []node
}

type nodeKind uint8

const (
	nodeNumber nodeKind = iota
	nodeText            // in quotes
	nodeIdent           // the id of a query
	nodeArray
	nodeCall
	nodeWord // a bare word that some functions take: REPEAT, ASC, AVG
	nodeNegate
	nodeBinary
)

// Expr is a parsed expression.
type Expr struct {
	root node
	ids  []string
	all  bool
}

// IDs lists the queries the expression names, each once.
func (e *Expr) IDs() []string { return e.ids }

// UsesMetrics says whether METRICS() occurs: then every metric of the request
// takes part.
func (e *Expr) UsesMetrics() bool { return e.all }

// Parse reads an expression. The error says what was wrong and where.
func Parse(src string) (*Expr, error) {
	if strings.TrimSpace(src) == "" {
		return nil, errors.New("the expression is empty")
	}
	if len(src) > MaxLength {
		return nil, fmt.Errorf("the expression has %d characters, more than %d", len(src), MaxLength)
	}
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, out: &Expr{}}
	if p.out.root, err = p.level(0); err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokEnd {
		return nil, unexpected(t)
	}
	return p.out, nil
}

type parser struct {
	tokens []token
	pos    int
	depth  int
	out    *Expr
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) take() token {
	t := p.tokens[p.pos]
	if t.kind != tokEnd {
		p.pos++
	}
	return t
}

func (p *parser) accept(op string) bool {
	if t := p.peek(); t.kind == tokOp && t.text == op {
		p.pos++
		return true
	}
	return false
}

func unexpected(t token) error {
	if t.kind == tokEnd {
		return errors.New("the expression ends too early")
	}
	return fmt.Errorf("unexpected %q at character %d", t.text, t.at+1)
}

// tightest is the number of levels of binary operators.
const tightest = 5

// operatorsOf lists the binary operators of a level, the loosest first.
func operatorsOf(level int) string {
	return [tightest]string{"|| OR", "&& AND", "== != <= >= < >", "+ -", "* /"}[level]
}

// operator returns the operator at the present token if it belongs to a level.
func (p *parser) operator(level int) (string, bool) {
	t := p.peek()
	if t.kind != tokOp && t.kind != tokName {
		return "", false
	}
	for op := range strings.FieldsSeq(operatorsOf(level)) {
		if op == t.text {
			switch op {
			case "AND":
				op = "&&"
			case "OR":
				op = "||"
			}
			return op, true
		}
	}
	return "", false
}

func (p *parser) level(i int) (node, error) {
	if i == tightest {
		return p.unary()
	}
	l, err := p.level(i + 1)
	if err != nil {
		return node{}, err
	}
	for {
		op, ok := p.operator(i)
		if !ok {
			return l, nil
		}
		p.take()
		r, err := p.level(i + 1)
		if err != nil {
			return node{}, err
		}
		l = node{kind: nodeBinary, name: op, args: []node{l, r}}
	}
}

func (p *parser) unary() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return node{}, fmt.Errorf("the expression is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.accept("-") {
		x, err := p.unary()
		return node{kind: nodeNegate, args: []node{x}}, err
	}
	l, err := p.primary()
	if err != nil || !p.accept("^") {
		return l, err
	}
	r, err := p.unary()
	return node{kind: nodeBinary, name: "^", args: []node{l, r}}, err
}

func (p *parser) primary() (node, error) {
	t := p.take()
	switch {
	case t.kind == tokNumber:
		return node{kind: nodeNumber, number: t.num}, nil
	case t.kind == tokString:
		return node{kind: nodeText, name: t.text}, nil
	case t.kind == tokName && t.text[0] >= 'a':
		if p.peek().text == "(" {
			return node{}, fmt.Errorf("%q at character %d: functions are written in capitals", t.text, t.at+1)
		}
		p.refer(t.text)
		return node{kind: nodeIdent, name: t.text}, nil
	case t.kind == tokName:
		return p.call(t)
	case t.kind == tokOp && t.text == "(":
		x, err := p.level(0)
		if err == nil && !p.accept(")") {
			err = unexpected(p.peek())
		}
		return x, err
	case t.kind == tokOp && t.text == "[":
		items, err := p.list("]")
		return node{kind: nodeArray, args: items}, err
	}
	return node{}, unexpected(t)
}

func (p *parser) refer(id string) {
	if slices.Contains(p.out.ids, id) {
		return
	}
	p.out.ids = append(p.out.ids, id)
}

// call reads a function with its arguments, or one of the bare words that some
// functions take as arguments (REPEAT, ASC, AVG).
func (p *parser) call(t token) (node, error) {
	if !p.accept("(") {
		if isWord(t.text) {
			return node{kind: nodeWord, name: t.text}, nil
		}
		return node{}, fmt.Errorf("%q at character %d: names of queries begin with a small letter", t.text, t.at+1)
	}
	if t.text == "METRICS" {
		p.out.all = true
	}
	if err := known(t.text); err != nil {
		return node{}, err
	}
	args, err := p.list(")")
	return node{kind: nodeCall, name: t.text, args: args}, err
}

// list reads comma separated expressions up to the closing token.
func (p *parser) list(closing string) ([]node, error) {
	items := []node{}
	if p.accept(closing) {
		return items, nil
	}
	for {
		x, err := p.level(0)
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if p.accept(closing) {
			return items, nil
		}
		if !p.accept(",") {
			return nil, unexpected(p.peek())
		}
	}
}
