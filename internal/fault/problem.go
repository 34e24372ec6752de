package fault

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Place is a position in a document. Line and Column count from 1; zero means
// unknown.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String prints file:line:column, leaving out what is unknown.
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}

// Severity ranks a problem. The zero value is the strict one.
type Severity uint8

// The severities.
const (
	SeverityError   Severity = iota // the document is not used
	SeverityWarning                 // the document is used; --strict refuses it
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// Problem is one thing wrong with a document, where it is, and what to do.
type Problem struct {
	Place    Place
	Severity Severity
	Rule     string // stable, kebab-case: "unknown-field"
	Message  string
	Hint     string
}

// String prints "file:line:column: message", with the severity when it is a
// warning and the hint in brackets behind it.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Place.String())
	b.WriteString(": ")
	if p.Severity == SeverityWarning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problems is every problem found; as an error it is of kind Invalid.
type Problems []Problem //nolint:errname // a list that can be an error, not an error type

// Error prints one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors counts the problems that are not warnings.
func (ps Problems) Errors() int {
	n := 0
	for _, p := range ps {
		if p.Severity == SeverityError {
			n++
		}
	}
	return n
}

// Sorted returns the problems in the order of their places.
func (ps Problems) Sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Place.File, b.Place.File),
			cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return out
}

// Err returns the problems as an error if any of them is one; with strict,
// warnings count too.
func (ps Problems) Err(strict bool) error {
	if ps.Errors() > 0 || (strict && len(ps) > 0) {
		return ps
	}
	return nil
}
