package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tree is a module's source: its path, and its packages by folder.
type tree struct {
	module string
	dirs   map[string]*folder
}

// folder is what one folder holds.
type folder struct {
	files []file
}

// file is one parsed source file.
type file struct {
	name  string // path inside the module
	lines int
	test  bool
	ast   *ast.File
	fset  *token.FileSet
}

// moduleLine finds the module path in go.mod, the one place where it is decided.
var moduleLine = regexp.MustCompile(`(?m)^module\s+(\S+)`)

// read parses every Go file of the module at the root of repo. Nested modules,
// testdata and hidden folders are not part of it.
func read(repo fs.FS) (*tree, error) {
	mod, err := fs.ReadFile(repo, "go.mod")
	if err != nil {
		return nil, err
	}
	m := moduleLine.FindSubmatch(mod)
	if m == nil {
		return nil, errors.New("go.mod has no module line")
	}
	t := &tree{module: string(m[1]), dirs: map[string]*folder{}}
	err = fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return enter(repo, name)
		case path.Ext(name) != ".go":
			return nil
		}
		return t.add(repo, name)
	})
	return t, err
}

// enter says whether a folder belongs to the module.
func enter(repo fs.FS, dir string) error {
	base := path.Base(dir)
	if dir == "." {
		return nil
	}
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(repo, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (t *tree) add(repo fs.FS, name string) error {
	src, err := fs.ReadFile(repo, name)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if ast.IsGenerated(parsed) {
		return nil
	}
	dir := path.Dir(name)
	if t.dirs[dir] == nil {
		t.dirs[dir] = &folder{}
	}
	t.dirs[dir].files = append(t.dirs[dir].files, file{
		name: name, lines: bytes.Count(src, []byte("\n")), test: strings.HasSuffix(name, "_test.go"),
		ast: parsed, fset: fset,
	})
	return nil
}

// sorted yields the folders in the order of their names.
func (t *tree) sorted() []string { return slices.Sorted(maps.Keys(t.dirs)) }

// imports are the import paths of a folder's code, or of its tests.
func (f *folder) imports(test bool) []string {
	var out []string
	for _, file := range f.files {
		if file.test != test {
			continue
		}
		for _, spec := range file.ast.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// code are a folder's files that are not tests.
func (f *folder) code() []file {
	return slices.DeleteFunc(slices.Clone(f.files), func(f file) bool { return f.test })
}

// ours returns the folder an import path names inside the module.
func (t *tree) ours(imported string) (dir string, ok bool) {
	return strings.CutPrefix(imported, t.module+"/")
}

// at prints where a node stands.
func (f file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.name, f.fset.Position(n.Pos()).Line)
}

// importName is the name under which a file knows an import; "" if it does not.
func (f file) importName(pkg string) string {
	for _, spec := range f.ast.Imports {
		if name, _ := strconv.Unquote(spec.Path.Value); name != pkg {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}
