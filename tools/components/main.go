// Command components writes the CI/CD components under templates from their
// sources in src: what several of them hold (inputs, functions of the shell)
// stands there once. A component is one file without a part elsewhere, so that
// whoever pins or copies it has all of it.
//
//	go run ./tools/components
package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed src
var sources embed.FS

func main() {
	if err := run("templates"); err != nil {
		fmt.Fprintln(os.Stderr, "components:", err)
		os.Exit(1)
	}
}

// run writes every component below a folder.
func run(into string) error {
	all, err := components()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		file := filepath.Join(into, name, "template.yml")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // a folder of the repository
			return err
		}
		if err := os.WriteFile(file, all[name], 0o644); err != nil { //nolint:gosec // a file of the repository
			return err
		}
	}
	return nil
}

// components returns the text of each, by name.
func components() (map[string][]byte, error) {
	files, err := fs.Glob(sources, "src/*.yml")
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%d sources", len(files)))
	}
	out := map[string][]byte{}
	for _, file := range files {
		text, err := expand(file, nil)
		if err != nil {
			return nil, err
		}
		head, rest, _ := strings.Cut(text, "spec:\n")
		name := strings.TrimSuffix(path.Base(file), ".yml")
		out[name] = []byte(head + "#\n# Written from tools/components/src/" + name + ".yml by `go run ./tools/components`.\nspec:\n" + rest)
	}
	return out, nil
}

// alone is a directive that has a line of its own, and leaves none behind.
var alone = regexp.MustCompile(`(?m)^(<%.*%>)\n`)

// expand fills a source in. Directives stand between <% and %>: YAML, shells and
// GitLab's inputs have no use for these.
func expand(file string, with any) (string, error) {
	text, err := sources.ReadFile(file)
	if err != nil {
		return "", err
	}
	t, err := template.New(file).Delims("<%", "%>").Option("missingkey=error").Funcs(functions()).Parse(alone.ReplaceAllString(string(text), "$1"))
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, with); err != nil {
		return "", err
	}
	return b.String(), nil
}

// functions are what directives call: part puts a part in, indented by so many
// spaces; the others are what parts are filled in with.
func functions() template.FuncMap {
	return template.FuncMap{
		"part": func(name string, indent int, with ...any) (string, error) {
			var data any
			if len(with) > 0 {
				data = with[0]
			}
			text, err := expand("src/parts/"+name, data)
			return indented(text, indent), err
		},
		"file":    func(name string) any { return struct{ File string }{name} },
		"timeout": func(most string) any { return struct{ Timeout string }{most} },
		"watch":   func(limit string) any { return struct{ Limit string }{limit} },
		"job":     func(rules string) any { return struct{ Rules string }{rules} },
		"canary": func(then, wait, threshold string) any {
			return struct{ Then, Wait, Threshold string }{then, wait, threshold}
		},
	}
}

// indented moves lines that are not empty to the right.
func indented(text string, by int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.Repeat(" ", by))
		}
		b.WriteString(line)
	}
	return b.String()
}
