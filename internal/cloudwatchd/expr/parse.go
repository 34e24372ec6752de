package expr

import (
	"fmt"
	"strings"
)

// MaxLength is the greatest length of an expression, in characters.
const MaxLength = 2048

// maxDepth bounds nesting, so that no input can exhaust the stack.
const maxDepth = 100

// node is one of number, text, ident, array, call, unary, binary.
type node interface{ sealed() }

type (
	number struct{ v float64 }
	text   struct{ s string }
	ident  struct{ name string }
	array  struct{ items []node }
	call   struct {
		name string
		args []node
	}
	unary  struct{ x node }
	binary struct {
		op   string
		l, r node
	}
)

func (number) sealed() {}
func (text) sealed()   {}
func (ident) sealed()  {}
func (array) sealed()  {}
func (call) sealed()   {}
func (unary) sealed()  {}
func (binary) sealed() {}

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
		return nil, fmt.Errorf("the expression is empty")
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
		return nil, p.unexpected(t)
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

func (p *parser) unexpected(t token) error {
	if t.kind == tokEnd {
		return fmt.Errorf("the expression ends too early")
	}
	return fmt.Errorf("unexpected %q at character %d", t.text, t.at+1)
}

// levels are the binary operators from the loosest to the tightest.
var levels = [...]string{"|| OR", "&& AND", "== != <= >= < >", "+ -", "* /"}

// operator returns the operator at the present token if it belongs to a level.
func (p *parser) operator(level string) (string, bool) {
	t := p.peek()
	if t.kind != tokOp && t.kind != tokName {
		return "", false
	}
	for op := range strings.FieldsSeq(level) {
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
	if i == len(levels) {
		return p.unary()
	}
	l, err := p.level(i + 1)
	if err != nil {
		return nil, err
	}
	for {
		op, ok := p.operator(levels[i])
		if !ok {
			return l, nil
		}
		p.take()
		r, err := p.level(i + 1)
		if err != nil {
			return nil, err
		}
		l = binary{op, l, r}
	}
}

func (p *parser) unary() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("the expression is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.accept("-") {
		x, err := p.unary()
		return unary{x}, err
	}
	l, err := p.primary()
	if err != nil || !p.accept("^") {
		return l, err
	}
	r, err := p.unary()
	return binary{"^", l, r}, err
}

func (p *parser) primary() (node, error) {
	t := p.take()
	switch {
	case t.kind == tokNumber:
		return number{t.num}, nil
	case t.kind == tokString:
		return text{t.text}, nil
	case t.kind == tokName && t.text[0] >= 'a':
		if p.peek().text == "(" {
			return nil, fmt.Errorf("%q at character %d: functions are written in capitals", t.text, t.at+1)
		}
		p.refer(t.text)
		return ident{t.text}, nil
	case t.kind == tokName:
		return p.call(t)
	case t.kind == tokOp && t.text == "(":
		x, err := p.level(0)
		if err == nil && !p.accept(")") {
			err = p.unexpected(p.peek())
		}
		return x, err
	case t.kind == tokOp && t.text == "[":
		items, err := p.list("]")
		return array{items}, err
	}
	return nil, p.unexpected(t)
}

func (p *parser) refer(id string) {
	for _, known := range p.out.ids {
		if known == id {
			return
		}
	}
	p.out.ids = append(p.out.ids, id)
}

// call reads a function with its arguments, or one of the bare words that some
// functions take as arguments (REPEAT, ASC, AVG).
func (p *parser) call(t token) (node, error) {
	if !p.accept("(") {
		if isWord(t.text) {
			return call{name: t.text, args: nil}, nil
		}
		return nil, fmt.Errorf("%q at character %d: names of queries begin with a small letter", t.text, t.at+1)
	}
	if t.text == "METRICS" {
		p.out.all = true
	}
	if err := known(t.text); err != nil {
		return nil, err
	}
	args, err := p.list(")")
	return call{name: t.text, args: args}, err
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
			return nil, p.unexpected(p.peek())
		}
	}
}
