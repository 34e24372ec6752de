package archtest

import (
	"fmt"
	"go/ast"
	"strings"
)

// The tails of the house. What is usual lies far below; the rule is for what
// ages badly.
const (
	maxFile     = 600 // lines, tests too
	maxFunction = 60  // lines of code, comments and the braces included
)

// sizes finds files and functions above the limits.
func sizes(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		for _, f := range t.dirs[dir].files {
			if f.lines > maxFile {
				breaches = append(breaches, fmt.Sprintf("%s has %d lines; at most %d", f.name, f.lines, maxFile))
			}
			if f.test {
				continue // a long table in a test is a table
			}
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1; n > maxFunction {
					breaches = append(breaches, fmt.Sprintf("%s: %s has %d lines; at most %d", f.at(fn), fn.Name.Name, n, maxFunction))
				}
			}
		}
	}
	return breaches
}

// inits finds init functions: what happens on import cannot be left out.
func inits(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		for _, f := range t.dirs[dir].code() {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					breaches = append(breaches, f.at(fn)+": init; call it where it is needed")
				}
			}
		}
	}
	return breaches
}

// comments finds packages that do not say what they are.
func comments(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		code := t.dirs[dir].code()
		if len(code) == 0 {
			continue
		}
		want := "Package " + code[0].ast.Name.Name + " "
		if code[0].ast.Name.Name == "main" {
			want = "Command "
		}
		found := false
		for _, f := range code {
			found = found || strings.HasPrefix(f.ast.Doc.Text(), want)
		}
		if !found {
			breaches = append(breaches, fmt.Sprintf("%s has no package comment that begins with %q", dir, want))
		}
	}
	return breaches
}
