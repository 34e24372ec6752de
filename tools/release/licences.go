package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// module is a module that is built in.
type module struct{ Path, Version, Dir string }

// modules lists what the program is built of, without the program itself.
func modules(ctx context.Context) ([]module, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Module", "./cmd/nines")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var out []module
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var pkg struct {
			Module *struct {
				module
				Main bool
			}
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if m := pkg.Module; m != nil && !m.Main && !slices.Contains(out, m.module) {
			out = append(out, m.module)
		}
	}
	slices.SortFunc(out, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)([-._].*)?$`)

// licences are the texts of everything that is built in, Go's own among them. A
// module without any is an error: it could not be passed on.
func licences(ctx context.Context) ([]byte, error) {
	all, err := modules(ctx)
	if err != nil {
		return nil, err
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	all = append(all, module{Path: "Go standard library", Dir: strings.TrimSpace(string(root))})
	var b bytes.Buffer
	b.WriteString("Nines is built of the modules below, each under its own licence.\n")
	for _, m := range all {
		texts, err := textsOf(m.Dir)
		if err != nil {
			return nil, err
		}
		if len(texts) == 0 {
			return nil, fmt.Errorf("%s %s has no licence file", m.Path, m.Version)
		}
		fmt.Fprintf(&b, "\n%s\n%s %s\n", strings.Repeat("=", 80), m.Path, m.Version)
		for _, t := range texts {
			b.WriteString("\n" + strings.ReplaceAll(strings.TrimSpace(t), "\r\n", "\n") + "\n")
		}
	}
	return b.Bytes(), nil
}

// textsOf finds the licence files of a module: in its folder, else in the
// folders above it, for modules that are part of a repository's tree.
func textsOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		text, err := fs.ReadFile(os.DirFS(dir), e.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, string(text))
	}
	return out, nil
}
