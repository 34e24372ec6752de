package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// MaxLength is the greatest length of a search, in characters.
const MaxLength = 1024

const maxDepth = 50

// Search is a parsed search expression.
type Search struct {
	schema    bool
	namespace string
	keys      []string
	match     func(store.Metric) bool // nil: no terms
}

// Matches says whether a metric is found.
func (s *Search) Matches(m store.Metric) bool {
	if s.schema {
		if m.Namespace != s.namespace {
			return false
		}
		if len(s.keys) > 0 && !sameKeys(m, s.keys) {
			return false
		}
	}
	return s.match == nil || s.match(m)
}

func sameKeys(m store.Metric, keys []string) bool {
	if len(m.Dimensions) != len(keys) {
		return false
	}
	for _, d := range m.Dimensions {
		if !slices.Contains(keys, d.Name) {
			return false
		}
	}
	return true
}

// Parse reads a search expression.
func Parse(src string) (*Search, error) {
	if len(src) > MaxLength {
		return nil, fmt.Errorf("the search has %d characters, more than %d", len(src), MaxLength)
	}
	s := &Search{}
	rest := strings.TrimSpace(src)
	if inner, found := strings.CutPrefix(rest, "{"); found {
		var err error
		if rest, err = s.readSchema(inner); err != nil {
			return nil, err
		}
	}
	rest = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), ","))
	if rest == "" {
		if !s.schema {
			return nil, errors.New("the search is empty")
		}
		return s, nil
	}
	words, err := lex(rest)
	if err != nil {
		return nil, err
	}
	p := &parser{words: words}
	if s.match, err = p.any(); err != nil {
		return nil, err
	}
	if p.pos < len(p.words) {
		return nil, fmt.Errorf("unexpected %q", p.words[p.pos].text)
	}
	return s, nil
}

// readSchema reads up to the closing brace and returns what follows.
func (s *Search) readSchema(src string) (rest string, err error) {
	s.schema = true
	var names []string
	for {
		src = strings.TrimSpace(src)
		var name string
		if strings.HasPrefix(src, `"`) {
			if name, src, err = quoted(src); err != nil {
				return "", err
			}
		} else {
			n := strings.IndexAny(src, ",}")
			if n < 0 {
				return "", errors.New("the schema is not closed with }")
			}
			name, src = strings.TrimSpace(src[:n]), src[n:]
		}
		if name == "" {
			return "", errors.New("the schema has an empty name")
		}
		names = append(names, name)
		src = strings.TrimSpace(src)
		switch {
		case strings.HasPrefix(src, ","):
			src = src[1:]
		case strings.HasPrefix(src, "}"):
			s.namespace, s.keys = names[0], names[1:]
			return src[1:], nil
		default:
			return "", errors.New("the schema is not closed with }")
		}
	}
}

// quoted reads a text in double quotes; a backslash takes the next character
// as it is.
func quoted(src string) (text, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(src); i++ {
		switch {
		case src[i] == '\\' && i+1 < len(src):
			i++
			b.WriteByte(src[i])
		case src[i] == '"':
			return b.String(), src[i+1:], nil
		default:
			b.WriteByte(src[i])
		}
	}
	return "", "", errors.New("a quotation mark is not closed")
}

type wordKind uint8

const (
	plain wordKind = iota
	exact
	open
	closed
	equals
)

type word struct {
	kind wordKind
	text string
}

func lex(src string) ([]word, error) {
	var out []word
	for src = strings.TrimSpace(src); src != ""; src = strings.TrimSpace(src) {
		switch src[0] {
		case '"':
			text, rest, err := quoted(src)
			if err != nil {
				return nil, err
			}
			out, src = append(out, word{exact, text}), rest
		case '(':
			out, src = append(out, word{open, "("}), src[1:]
		case ')':
			out, src = append(out, word{closed, ")"}), src[1:]
		case '=':
			out, src = append(out, word{equals, "="}), src[1:]
		default:
			n := strings.IndexAny(src, " \t\r\n\"()=")
			if n < 0 {
				n = len(src)
			}
			out, src = append(out, word{plain, src[:n]}), src[n:]
		}
	}
	return out, nil
}

type test = func(store.Metric) bool

type parser struct {
	words []word
	pos   int
	depth int
}

func (p *parser) keyword(k string) bool {
	if p.pos < len(p.words) && p.words[p.pos] == (word{plain, k}) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) any() (test, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("the search is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	l, err := p.all()
	for err == nil && p.keyword("OR") {
		var r test
		if r, err = p.all(); err == nil {
			left := l
			l = func(m store.Metric) bool { return left(m) || r(m) }
		}
	}
	return l, err
}

func (p *parser) all() (test, error) {
	l, err := p.not()
	for err == nil && p.pos < len(p.words) {
		next := p.words[p.pos]
		if next.kind == closed || next == (word{plain, "OR"}) {
			break
		}
		p.keyword("AND")
		var r test
		if r, err = p.not(); err == nil {
			left := l
			l = func(m store.Metric) bool { return left(m) && r(m) }
		}
	}
	return l, err
}

func (p *parser) not() (test, error) {
	turn := false
	for p.keyword("NOT") {
		turn = !turn
	}
	t, err := p.term()
	if err != nil || !turn {
		return t, err
	}
	return func(m store.Metric) bool { return !t(m) }, nil
}

func (p *parser) term() (test, error) {
	if p.pos == len(p.words) {
		return nil, errors.New("the search ends too early")
	}
	w := p.words[p.pos]
	if w == (word{plain, "AND"}) || w == (word{plain, "OR"}) {
		return nil, fmt.Errorf("%s stands where a term should", w.text)
	}
	p.pos++
	switch w.kind {
	case open:
		t, err := p.any()
		if err == nil && (p.pos == len(p.words) || p.words[p.pos].kind != closed) {
			return nil, errors.New("a parenthesis is not closed")
		}
		p.pos++
		return t, err
	case plain, exact:
		if p.pos < len(p.words) && p.words[p.pos].kind == equals {
			p.pos++
			return p.designated(w.text)
		}
		one := matcher(w)
		return func(m store.Metric) bool { return slices.ContainsFunc(texts(m), one) }, nil
	case closed, equals:
	}
	return nil, fmt.Errorf("unexpected %q", w.text)
}

// designated reads the value of MetricName=, Namespace= or a dimension's name.
func (p *parser) designated(property string) (test, error) {
	if p.pos == len(p.words) || p.words[p.pos].kind != plain && p.words[p.pos].kind != exact {
		return nil, fmt.Errorf("%s= needs a value", property)
	}
	one := matcher(p.words[p.pos])
	p.pos++
	return func(m store.Metric) bool {
		switch property {
		case "MetricName":
			return one(m.Name)
		case "Namespace":
			return one(m.Namespace)
		}
		v, ok := m.Dimension(property)
		return ok && one(v)
	}, nil
}

func matcher(w word) func(text string) bool {
	if w.kind == exact {
		return func(text string) bool { return text == w.text }
	}
	return func(text string) bool { return partial(w.text, text) }
}

// texts lists what a term without a property is compared with.
func texts(m store.Metric) []string {
	out := []string{m.Namespace, m.Name}
	for _, d := range m.Dimensions {
		out = append(out, d.Name, d.Value)
	}
	return out
}
