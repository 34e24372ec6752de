package insights

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxLimit is the greatest LIMIT, and the number of series without one.
const MaxLimit = 500

// Query is a parsed SELECT.
type Query struct {
	Function  string // AVG, COUNT, MAX, MIN or SUM
	Metric    string
	Namespace string
	Schema    bool     // only metrics with exactly the dimensions Keys
	Keys      []string // of SCHEMA
	Where     []Condition
	GroupBy   []string
	OrderBy   string // a function; "" for none
	Desc      bool
	Limit     int
}

// Condition compares a dimension with a text.
type Condition struct {
	Key, Value string
	Not        bool
}

// Is says whether an expression is a Metrics Insights query and not metric math.
func Is(src string) bool {
	f := strings.Fields(src)
	return len(f) > 1 && strings.EqualFold(f[0], "SELECT")
}

// Parse reads a query.
func Parse(src string) (*Query, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	q := &Query{Limit: MaxLimit}
	for _, clause := range []func(*Query) error{p.selects, p.from, p.where, p.groupBy, p.orderBy, p.limit} {
		if err := clause(q); err != nil {
			return nil, err
		}
	}
	if t := p.peek(); t.kind != end {
		return nil, fmt.Errorf("unexpected %q", t.text)
	}
	return q, nil
}

type kind uint8

const (
	end    kind = iota
	bare        // a word: keyword or identifier
	quoted      // an identifier in double quotes
	value       // a text in single quotes
	mark        // punctuation
)

type token struct {
	kind kind
	text string
}

func lex(src string) ([]token, error) {
	var out []token
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
		case c == '\'' || c == '"':
			s, n, err := lexQuoted(src[i:])
			if err != nil {
				return nil, err
			}
			k := value
			if c == '"' {
				k = quoted
			}
			out = append(out, token{k, s})
			i += n
		case word(c):
			n := i
			for n < len(src) && word(src[n]) {
				n++
			}
			out = append(out, token{bare, src[i:n]})
			i = n
		case strings.HasPrefix(src[i:], "!="):
			out = append(out, token{mark, "!="})
			i += 2
		case strings.IndexByte("(),=", c) >= 0:
			out = append(out, token{mark, src[i : i+1]})
			i++
		default:
			return nil, fmt.Errorf("unexpected %q; names with other characters than letters, digits and _ stand in double quotes", src[i:i+1])
		}
	}
	return append(out, token{}), nil
}

func lexQuoted(s string) (text string, n int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == s[0]:
			return b.String(), i + 1, nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, errors.New("a quotation mark is not closed")
}

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

type parser struct {
	tokens []token
	pos    int
}

func (p *parser) peek() token { return p.tokens[p.pos] }

// keyword takes the words of a clause if they come next; case does not matter.
func (p *parser) keyword(words ...string) bool {
	for i, w := range words {
		if p.pos+i >= len(p.tokens) {
			return false
		}
		if t := p.tokens[p.pos+i]; t.kind != bare || !strings.EqualFold(t.text, w) {
			return false
		}
	}
	p.pos += len(words)
	return true
}

func (p *parser) mark(s string) bool {
	if t := p.peek(); t.kind == mark && t.text == s {
		p.pos++
		return true
	}
	return false
}

func (p *parser) want(s string) error {
	if p.mark(s) {
		return nil
	}
	return p.fail(strconv.Quote(s))
}

func (p *parser) fail(wanted string) error {
	if p.peek().kind == end {
		return fmt.Errorf("%s is missing at the end", wanted)
	}
	return fmt.Errorf("%s should stand where %q does", wanted, p.peek().text)
}

func (p *parser) name(what string) (string, error) {
	t := p.peek()
	if t.kind == bare && reserved(t.text) {
		return "", fmt.Errorf("%s is a reserved word; as %s it stands in double quotes", t.text, what)
	}
	if t.kind != bare && t.kind != quoted || t.text == "" {
		return "", p.fail(what)
	}
	p.pos++
	return t.text, nil
}

// reserved words of the grammar itself; AWS reserves many more.
func reserved(s string) bool {
	for w := range strings.FieldsSeq("SELECT FROM WHERE AND GROUP BY ORDER LIMIT ASC DESC SCHEMA") {
		if strings.EqualFold(w, s) {
			return true
		}
	}
	return false
}

func (p *parser) function() (string, error) {
	t := p.peek()
	for f := range strings.FieldsSeq("AVG COUNT MAX MIN SUM") {
		if t.kind == bare && strings.EqualFold(f, t.text) {
			p.pos++
			return f, p.want("(")
		}
	}
	return "", p.fail("AVG, COUNT, MAX, MIN or SUM")
}

func (p *parser) selects(q *Query) (err error) {
	if !p.keyword("SELECT") {
		return p.fail("SELECT")
	}
	if q.Function, err = p.function(); err != nil {
		return err
	}
	if q.Metric, err = p.name("a metric's name"); err != nil {
		return err
	}
	return p.want(")")
}

func (p *parser) from(q *Query) (err error) {
	if !p.keyword("FROM") {
		return p.fail("FROM")
	}
	if !p.keyword("SCHEMA") {
		q.Namespace, err = p.name("a namespace")
		return err
	}
	q.Schema = true
	if err := p.want("("); err != nil {
		return err
	}
	if q.Namespace, err = p.name("a namespace"); err != nil {
		return err
	}
	for p.mark(",") {
		key, err := p.name("a dimension's name")
		if err != nil {
			return err
		}
		q.Keys = append(q.Keys, key)
	}
	return p.want(")")
}

func (p *parser) where(q *Query) (err error) {
	if !p.keyword("WHERE") {
		return nil
	}
	for {
		var c Condition
		if c.Key, err = p.name("a dimension's name"); err != nil {
			return err
		}
		if c.Not = p.mark("!="); !c.Not {
			if err := p.want("="); err != nil {
				return err
			}
		}
		if t := p.peek(); t.kind != value {
			return p.fail("a text in single quotation marks")
		}
		c.Value = p.peek().text
		p.pos++
		q.Where = append(q.Where, c)
		if !p.keyword("AND") {
			return nil
		}
	}
}

func (p *parser) groupBy(q *Query) error {
	if !p.keyword("GROUP", "BY") {
		return nil
	}
	for {
		key, err := p.name("a dimension's name")
		if err != nil {
			return err
		}
		q.GroupBy = append(q.GroupBy, key)
		if !p.mark(",") {
			return nil
		}
	}
}

func (p *parser) orderBy(q *Query) (err error) {
	if !p.keyword("ORDER", "BY") {
		return nil
	}
	if q.OrderBy, err = p.function(); err != nil {
		return err
	}
	if err := p.want(")"); err != nil {
		return err
	}
	if q.Desc = p.keyword("DESC"); !q.Desc {
		p.keyword("ASC")
	}
	return nil
}

func (p *parser) limit(q *Query) error {
	if !p.keyword("LIMIT") {
		return nil
	}
	n, err := strconv.Atoi(p.peek().text)
	if err != nil || p.peek().kind != bare || n < 1 || n > MaxLimit {
		return fmt.Errorf("LIMIT takes a number from 1 to %d", MaxLimit)
	}
	p.pos++
	q.Limit = n
	return nil
}
