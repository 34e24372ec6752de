package archtest

import (
	"fmt"
	"go/ast"
	"slices"
)

// noIO is what words and deciders may not import: they compute, they do not
// reach out.
var noIO = []string{
	"os", "os/exec", "os/signal", "os/user", "net", "net/http", "net/rpc", "net/smtp",
	"database/sql", "io/ioutil", "log", "log/slog", "syscall", "plugin",
}

// noEffects is what deciders, being functions of their arguments, may not
// import on top of it.
var noEffects = []string{"context", "sync", "sync/atomic", "math/rand", "math/rand/v2", "crypto/rand"}

// forbidden returns the imports that a layer may not have.
func forbidden(dir string) []string {
	r, ok := rankOf(dir)
	if !ok {
		return nil
	}
	switch layers[r.line].name {
	case "words":
		return noIO
	case "deciders", "makers":
		return slices.Concat(noIO, noEffects)
	default:
		return nil
	}
}

// purity finds words and deciders that import the outside world.
func purity(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		deny := forbidden(dir)
		for _, imported := range t.dirs[dir].imports(false) {
			if slices.Contains(deny, imported) {
				breaches = append(breaches, fmt.Sprintf("%s imports %s; words and deciders only compute", dir, imported))
			}
		}
	}
	return breaches
}

// hosts may ask the clock, and the composition root hands it to sources that
// need one; examples and tools are programs of their own. Everything else takes the instant
// as an argument.
var hosts = []string{"cmd", "tools", "internal/wire", "internal/cli", "internal/daemon", "internal/lambdahost", "internal/web", "internal/loop", "examples"}

// clocks finds calls of the wall clock outside hosts.
func clocks(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		if slices.ContainsFunc(hosts, func(h string) bool { return within(dir, h) }) {
			continue
		}
		for _, f := range t.dirs[dir].code() {
			for _, sel := range selections(f, "time") {
				if slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
					breaches = append(breaches, fmt.Sprintf("%s: time.%s outside a host; take the instant as an argument", f.at(sel), sel.Sel.Name))
				}
			}
		}
	}
	return breaches
}

// programs hold main packages; they may end the process.
var programs = []string{"cmd", "tools", "examples"}

// exits finds os.Exit anywhere but in programs.
func exits(t *tree) (breaches []string) {
	for _, dir := range t.sorted() {
		if slices.ContainsFunc(programs, func(p string) bool { return within(dir, p) }) {
			continue
		}
		for _, f := range t.dirs[dir].code() {
			for _, sel := range selections(f, "os") {
				if sel.Sel.Name == "Exit" {
					breaches = append(breaches, f.at(sel)+": os.Exit; only main ends the process")
				}
			}
		}
	}
	return breaches
}

// selections are the uses of an imported package's names in a file.
func selections(f file, pkg string) (out []*ast.SelectorExpr) {
	name := f.importName(pkg)
	if name == "" {
		return nil
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == name {
				out = append(out, sel)
			}
		}
		return true
	})
	return out
}
