package expr

import (
	"fmt"
	"strconv"
	"strings"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokNumber
	tokString
	tokName // identifiers, functions and the words AND, OR
	tokOp   // operators and punctuation
)

type token struct {
	kind tokenKind
	text string  // of names and operators; a string's contents
	num  float64 // of numbers
	at   int     // byte offset, for messages
}

// operators, longest first, so that "<=" is not read as "<".
const operators = "== != <= >= && || < > + - * / ^ ( ) [ ] ,"

// lex cuts an expression into tokens.
func lex(src string) ([]token, error) {
	var out []token
	for i := 0; i < len(src); {
		c := src[i]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			i++
			continue
		}
		t, n, err := lexOne(src[i:])
		if err != nil {
			return nil, fmt.Errorf("at character %d: %w", i+1, err)
		}
		t.at = i
		out = append(out, t)
		i += n
	}
	return append(out, token{kind: tokEnd, at: len(src)}), nil
}

func lexOne(s string) (token, int, error) {
	c := s[0]
	switch {
	case c == '\'' || c == '"':
		return lexString(s)
	case isDigit(c) || c == '.':
		return lexNumber(s)
	case isLetter(c):
		n := 1
		for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || s[n] == '_') {
			n++
		}
		return token{kind: tokName, text: s[:n]}, n, nil
	}
	for op := range strings.FieldsSeq(operators) {
		if strings.HasPrefix(s, op) {
			return token{kind: tokOp, text: op}, len(op), nil
		}
	}
	return token{}, 0, fmt.Errorf("unexpected %q", s[:1])
}

// lexString reads a quoted string. A backslash keeps what follows it, itself
// included, except that an escaped quote of the same kind does not end it.
func lexString(s string) (token, int, error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return token{kind: tokString, text: s[1:i]}, i + 1, nil
		}
	}
	return token{}, 0, fmt.Errorf("the string beginning with %.20s is not closed", s)
}

func lexNumber(s string) (token, int, error) {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
		n++
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if m < len(s) && isDigit(s[m]) {
			for m < len(s) && isDigit(s[m]) {
				m++
			}
			n = m
		}
	}
	v, err := strconv.ParseFloat(s[:n], 64)
	if err != nil {
		return token{}, 0, fmt.Errorf("%q is not a number", s[:n])
	}
	return token{kind: tokNumber, num: v, text: s[:n]}, n, nil
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
