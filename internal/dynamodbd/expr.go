package dynamodbd

import (
	"slices"
	"strings"
)

// expression is a condition being read: comparisons, BETWEEN, attribute_exists,
// attribute_not_exists and begins_with, joined by AND, OR, NOT and parentheses.
type expression struct {
	tokens []string
	names  map[string]string
	values map[string]value
	used   map[string]bool
	err    *failure
}

// test is a condition that was understood.
type test func(item) bool

// condition reads an expression; an empty one always holds.
func condition(text string, names map[string]string, values map[string]value) (test, *failure) {
	e := &expression{tokens: tokens(text), names: names, values: values, used: map[string]bool{}}
	holds := func(item) bool { return true }
	if text != "" {
		holds = e.or()
		if len(e.tokens) > 0 {
			e.fail("Invalid ConditionExpression: Syntax error; token: \"" + e.tokens[0] + "\"")
		}
	}
	for name := range names {
		if !e.used[name] {
			e.fail("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + name + "}")
		}
	}
	for name := range values {
		if !e.used[name] {
			e.fail("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + name + "}")
		}
	}
	return holds, e.err
}

func tokens(text string) []string {
	for _, sign := range []string{"(", ")", ",", "<>", "<=", ">="} {
		text = strings.ReplaceAll(text, sign, " "+sign+" ")
	}
	var out []string
	for f := range strings.FieldsSeq(text) {
		if strings.ContainsAny(f, "=<>") && len(f) > 2 {
			f = strings.NewReplacer("=", " = ", "<", " < ", ">", " > ").Replace(f)
		}
		out = append(out, strings.Fields(f)...)
	}
	return out
}

func (e *expression) fail(text string) {
	if e.err == nil {
		e.err = invalid(text)
	}
	e.tokens = nil
}

// take removes the next token if it is one of the words.
func (e *expression) take(words ...string) bool {
	if len(e.tokens) == 0 || !slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, e.tokens[0]) }) {
		return false
	}
	e.tokens = e.tokens[1:]
	return true
}

func (e *expression) next() string {
	if len(e.tokens) == 0 {
		e.fail("Invalid ConditionExpression: Syntax error; token: <EOF>")
		return ""
	}
	t := e.tokens[0]
	e.tokens = e.tokens[1:]
	return t
}

func (e *expression) or() test {
	left := e.and()
	for e.take("OR") {
		l, r := left, e.and()
		left = func(it item) bool { return l(it) || r(it) }
	}
	return left
}

func (e *expression) and() test {
	left := e.not()
	for e.take("AND") {
		l, r := left, e.not()
		left = func(it item) bool { return l(it) && r(it) }
	}
	return left
}

func (e *expression) not() test {
	if e.take("NOT") {
		inner := e.not()
		return func(it item) bool { return !inner(it) }
	}
	if e.take("(") {
		inner := e.or()
		if !e.take(")") {
			e.fail("Invalid ConditionExpression: Syntax error; a parenthesis is missing")
		}
		return inner
	}
	return e.term()
}

// term reads a function or a comparison.
func (e *expression) term() test {
	word := e.next()
	switch word {
	case "attribute_exists", "attribute_not_exists":
		name := e.arguments(1)[0]
		return func(it item) bool {
			_, ok := it[e.name(name)]
			return ok == (word == "attribute_exists")
		}
	case "begins_with":
		args := e.arguments(2)
		name, prefix := e.name(args[0]), e.value(args[1])
		return func(it item) bool {
			v, ok := it[name]
			return ok && v.kind == prefix.kind && strings.HasPrefix(v.text+string(v.raw), prefix.text+string(prefix.raw))
		}
	}
	name, op := e.name(word), e.next()
	low := e.value(e.next())
	if strings.EqualFold(op, "BETWEEN") {
		if !e.take("AND") {
			e.fail("Invalid ConditionExpression: Syntax error; BETWEEN without AND")
		}
		high := e.value(e.next())
		return func(it item) bool { return compares(it[name], ">=", low) && compares(it[name], "<=", high) }
	}
	if !slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, op) {
		e.fail("Invalid ConditionExpression: Syntax error; token: \"" + op + "\"")
	}
	return func(it item) bool {
		v, ok := it[name]
		return ok && compares(v, op, low)
	}
}

func compares(v value, op string, with value) bool {
	order, ok := v.compare(with)
	switch op {
	case "=":
		return ok && order == 0
	case "<>":
		return !ok || order != 0
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	}
	return ok && order >= 0
}

// arguments reads "(a, b)".
func (e *expression) arguments(n int) []string {
	out := make([]string, n)
	ok := e.take("(")
	for i := range out {
		ok = ok && (i == 0 || e.take(","))
		out[i] = e.next()
	}
	if !ok || !e.take(")") {
		e.fail("Invalid ConditionExpression: Syntax error; a function has other operands")
	}
	for i, a := range out {
		if i == 0 {
			e.name(a)
		}
	}
	return out
}

// name resolves an attribute's name.
func (e *expression) name(token string) string {
	if strings.HasPrefix(token, "#") {
		e.used[token] = true
		if n, ok := e.names[token]; ok {
			return n
		}
		e.fail("Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: " + token)
	}
	if slices.Contains(reserved(), strings.ToUpper(token)) {
		e.fail("Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: " + token)
	}
	return token
}

// value resolves a value.
func (e *expression) value(token string) value {
	e.used[token] = true
	v, ok := e.values[token]
	if !ok {
		e.fail("Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: " + token)
	}
	return v
}

// reserved are those of the service's reserved words that a short attribute
// name is likely to meet.
func reserved() []string {
	return []string{
		"TTL", "KEY", "KEYS", "DATA", "AT", "ACTION", "BINARY", "COUNT", "DATE", "END", "HASH", "ITEMS", "NAME", "OWNER", "RANGE",
		"SCHEMA", "SEQUENCE", "SIZE", "STATE", "STATUS", "TIME", "TIMESTAMP", "TOKEN", "TYPE", "VALUE", "VALUES", "YEAR",
	}
}
