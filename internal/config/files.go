package config

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// localFiles lists the document files under a path, and whether the path names
// the one file itself.
func localFiles(ctx context.Context, path string) (names []string, named bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, unreadable(path, err)
	}
	if !info.IsDir() {
		return []string{path}, true, nil
	}
	err = walk(ctx, path, func(name string) { names = append(names, name) })
	return names, false, fault.Wrap(fault.Canceled, "read documents in "+path, err, "")
}

// walk calls visit with every document file under a folder.
func walk(ctx context.Context, root string, visit func(name string)) error {
	return filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return unreadable(name, err)
		}
		hidden := strings.HasPrefix(e.Name(), ".") && name != root
		switch {
		case hidden && e.IsDir():
			return filepath.SkipDir
		case !hidden && !e.IsDir() && documentName(name):
			visit(name)
		}
		return ctx.Err()
	})
}

// documentName says whether a file is called as documents are.
func documentName(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name)))
}

// readFile returns a file's bytes, or the problem that it is too large, which
// is found without reading it. A folder that is called like a document is nil.
func readFile(name string) ([]byte, *fault.Problem, error) {
	in, err := os.Open(name) //nolint:gosec // the caller's own documents
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	defer in.Close() //nolint:errcheck // nothing was written
	info, err := in.Stat()
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	if info.IsDir() {
		return nil, nil, nil
	}
	if info.Size() > openslo.MaxBytes {
		return nil, tooLarge(name), nil
	}
	// A device or a pipe has no size to go by.
	data, err := io.ReadAll(io.LimitReader(in, openslo.MaxBytes+1))
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	if len(data) > openslo.MaxBytes {
		return nil, tooLarge(name), nil
	}
	return data, nil, nil
}

func tooLarge(name string) *fault.Problem {
	return &fault.Problem{
		Place: fault.Place{File: name}, Rule: "too-large", Hint: "split the file; no document is that long",
		Message: fmt.Sprintf("larger than %d MiB", openslo.MaxBytes>>20),
	}
}

func unreadable(name string, err error) error {
	kind, hint := fault.Unavailable, ""
	switch {
	case os.IsNotExist(err):
		kind, hint = fault.NotFound, "name a file or a folder with documents"
	case os.IsPermission(err):
		kind, hint = fault.Denied, "give this user leave to read it"
	}
	return fault.Wrap(kind, "read "+name, err, hint)
}
